// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/row"
)

func some() []row.Outcome {
	f := func(v float64) *float64 { return &v }
	yes, no := true, false
	return []row.Outcome{
		{
			Row: 1, Name: "good", Value: f(2674), Limit: f(2500), Ratio: f(1.0696), Bound: f(1.1), OK: &yes,
			Spread: 0.12, Unit: row.NS, Sense: "at most", Samples: 4, Dropped: 1, Others: 0.25,
		},
		{
			Row: 6, Name: "slow", Value: f(5.1e6), Limit: f(1e7), Ratio: f(0.51), Bound: f(0.6), OK: &no,
			Unit: row.PerSecond, Sense: "at least", Samples: 5, MissedBy: 0.15, Why: "of this",
		},
		{Row: 9, Name: "absent", Bound: f(0.01), Unit: row.PerEntry, Sense: "at most", NotRun: "it needs\ntwo CPUs"},
		{Row: 12, Name: "told", Value: f(0.0123), Unit: row.CPU, Samples: 1, Failed: "it\ncrashed"},
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, some()); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimPrefix(`
row  what    value     spread  limit     ratio  bound    result          samples       others
1    good    2.67 us   12 %    2.50 us   1.07   <= 1.1   ok              4, 1 dropped  0.25 CPU
6    slow    5.10 M/s  0 %     10.0 M/s  0.51   >= 0.6   missed by 15 %  5             0.00 CPU
9    absent  -         -       -         -      <= 0.01  not run         0             0.00 CPU
12   told    1.23 %    -       -         -      -        -               1             0.00 CPU
row 6, slow: missed because of this
row 9, absent: not run: it needs two CPUs
row 12, told: a round failed: it crashed
`, "\n")
	if squeeze(b.String()) != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// squeeze makes runs of spaces one.
func squeeze(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

func TestValues(t *testing.T) {
	for _, tc := range []struct {
		v    float64
		unit row.Unit
		want string
	}{
		{0, row.NS, "0 ns"}, {293.4, row.NS, "293 ns"}, {71_500, row.NS, "71.5 us"}, {18_809_000, row.NS, "18.8 ms"},
		{75, row.PerSecond, "75.0 /s"}, {13_600, row.PerSecond, "13.6 k/s"}, {185e6, row.PerSecond, "185 M/s"},
		{0.0048, row.CPU, "0.48 %"}, {0.00006, row.PerEntry, "6e-05"},
	} {
		if got := Value(&tc.v, tc.unit); got != tc.want {
			t.Errorf("%v %s is %q, want %q", tc.v, tc.unit, got, tc.want)
		}
	}
}

// TestJSON holds the shape that other programs read.
func TestJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "build", "bench.json")
	if err := Write(path, some()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(text, &got); err != nil || len(got) != 4 {
		t.Fatal(err, len(got))
	}
	for _, o := range got {
		for _, field := range []string{"row", "name", "value", "limit", "ratio", "bound", "ok", "spread"} {
			if _, there := o[field]; !there {
				t.Errorf("%v has no %s", o["name"], field)
			}
		}
	}
	if o := got[0]; o["row"] != 1.0 || o["value"] != 2674.0 || o["ok"] != true || o["spread"] != 0.12 || o["unit"] != "ns" {
		t.Errorf("%v", o)
	}
	if o := got[2]; o["value"] != nil || o["ok"] != nil || o["bound"] != 0.01 || o["not_run"] == "" {
		t.Errorf("%v", o)
	}
}
