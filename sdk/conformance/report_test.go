// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sampleReport has a rule of every verdict, level and waiver.
func sampleReport() *Report {
	r := &Report{
		Schema: 1, Suite: "0.1.0", ABI: "0.1", Target: "acme/cam0/video",
		Driver: Identity{
			Name: "acme/cam0/video", Driver: "acmed", Version: "2.1", Instance: "0x2a", ABIMin: "0.1", ABIMax: "0.1",
			Direction: "from-device", Policy: "block", Properties: map[string]string{"vendor": "Acme"},
		},
		Host:     Host{Name: "bench", OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26"},
		Started:  time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Duration: Seconds(1500 * time.Millisecond),
		Settings: Settings{Profiles: Profiles(), Seed: 42, TimeScale: 1, Reproduce: "iostreamctl conform acme/cam0/video --seed 42"},
		Claimed:  []string{"native"},
		Warnings: []string{"the waiver of LIFE-09 expired on 2026-01-31 and does not count any more"},
	}
	add := func(id string, l Level, v Verdict, change func(*RuleResult)) {
		res := RuleResult{
			ID: id, Title: "Rule " + id + " holds", Profile: Core, Level: l, Origin: VendorCode, Verdict: v,
			Duration: 12 * time.Millisecond, Took: Seconds(12 * time.Millisecond),
		}
		if v == Fail {
			res.Messages = []string{"open was answered with \"busy\"; it must succeed <&> # always", "a second breach"}
			res.Why, res.Remedy = "Clients would wait for ever.", "Look at the handler of open."
		}
		if change != nil {
			change(&res)
		}
		r.count(&res)
		r.Rules = append(r.Rules, res)
	}
	add("AREA-01", Must, Pass, nil)
	add("AREA-02", Must, Fail, func(r *RuleResult) { r.Notes = []string{"a note"} })
	add("AREA-03", Must, Fail, func(r *RuleResult) {
		r.Waiver = &Waiver{Rule: r.ID, Reason: "firmware 2.2 mends it", Expires: "2026-12-31"}
	})
	add("AREA-04", Should, Fail, nil)
	add("AREA-05", Must, Skip, func(r *RuleResult) { r.Reason = "it needs something plugged in" })
	add("AREA-06", Must, NotClaimed, func(r *RuleResult) { r.Reason = `the driver does not claim "classic"` })
	add("AREA-07", Must, Error, func(r *RuleResult) {
		r.Reason, r.Messages = "the check could not be prepared", []string{"could not open the stream: busy"}
	})
	r.Result, r.Split = judge(r.Rules), split(r.Rules)
	return r
}

// golden compares what write writes with a file in testdata.
func golden(t *testing.T, name string, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs (go test -update writes it anew); got:\n%s", file, b.Bytes())
	}
	return b.Bytes()
}

func TestReportForms(t *testing.T) {
	r := sampleReport()
	golden(t, "report.txt", r.WriteText)
	golden(t, "report.json", r.WriteJSON)
	golden(t, "report.tap", r.WriteTAP)
	junit := golden(t, "report.xml", r.WriteJUnit)
	dec := xml.NewDecoder(bytes.NewReader(junit))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("JUnit is no XML: %v", err)
		}
	}
}

// JSON is the source of truth: every other form can be made from what was read back.
func TestReportIsReadBack(t *testing.T) {
	want := sampleReport()
	var b bytes.Buffer
	if err := want.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(b.Bytes(), &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"pass", "fail", "skip", "not_claimed", "error", "rules", "result"} {
		if _, ok := keys[k]; !ok {
			t.Errorf("the object has no %q", k)
		}
	}
	got, err := ReadReport(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read back\n%+v\nwant\n%+v", got, want)
	}
	for _, bad := range []string{"", "{}", `{"schema":2,"suite":"9"}`, "[]"} {
		if _, err := ReadReport(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as a report", bad)
		}
	}
}

func TestDiff(t *testing.T) {
	report := func(rules ...RuleResult) *Report { return &Report{Rules: rules} }
	rule := func(id string, v Verdict) RuleResult { return RuleResult{ID: id, Verdict: v, Level: Must} }
	waived := rule("A-01", Fail)
	waived.Waiver = &Waiver{}
	for _, tc := range []struct {
		name     string
		old, now *Report
		want     ChangeKind
		worse    bool
	}{
		{"same", report(rule("A-01", Pass)), report(rule("A-01", Pass)), "", false},
		{"same failure", report(rule("A-01", Fail)), report(rule("A-01", Fail)), "", false},
		{"fails now", report(rule("A-01", Pass)), report(rule("A-01", Fail)), NewFailure, true},
		{"skip, fails now", report(rule("A-01", Skip)), report(rule("A-01", Fail)), NewFailure, true},
		{"new rule fails", report(), report(rule("A-01", Fail)), NewFailure, true},
		{"error now", report(rule("A-01", Pass)), report(rule("A-01", Error)), NewError, true},
		{"skipped now", report(rule("A-01", Pass)), report(rule("A-01", Skip)), NewSkip, true},
		{"failure hidden by a skip", report(rule("A-01", Fail)), report(rule("A-01", Skip)), NewSkip, true},
		{"new rule skipped", report(), report(rule("A-01", Skip)), NewSkip, true},
		{"not claimed now", report(rule("A-01", Pass)), report(rule("A-01", NotClaimed)), LostClaim, true},
		{"waived now", report(rule("A-01", Fail)), report(waived), NewWaiver, true},
		{"gone", report(rule("A-01", Pass)), report(), Vanished, true},
		{"repaired", report(rule("A-01", Fail)), report(rule("A-01", Pass)), Repaired, false},
		{"new rule passes", report(), report(rule("A-01", Pass)), Added, false},
		{"failure that can't be checked any more", report(rule("A-01", Fail)), report(rule("A-01", Error)), NewError, true},
		{"was never checked, not claimed now", report(rule("A-01", Skip)), report(rule("A-01", NotClaimed)), Changed, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			changes := Diff(tc.old, tc.now)
			if tc.want == "" {
				if len(changes) > 0 {
					t.Errorf("got %v", changes)
				}
				return
			}
			if len(changes) != 1 || changes[0].Kind != tc.want {
				t.Fatalf("got %v, want %q", changes, tc.want)
			}
			worse, err := WriteDiff(io.Discard, changes)
			if err != nil || worse != tc.worse {
				t.Errorf("worse: %v (%v), want %v", worse, err, tc.worse)
			}
		})
	}
}

func TestDiffForPeople(t *testing.T) {
	old := sampleReport()
	now := sampleReport()
	now.Rules[0].Verdict, now.Rules[0].Messages = Fail, []string{"close was not answered"}
	now.Rules[1].Verdict = Pass
	now.Rules = slices.Delete(now.Rules, 4, 5)
	golden(t, "diff.txt", func(w io.Writer) error {
		_, err := WriteDiff(w, Diff(old, now))
		return err
	})
}
