// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/row"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
)

// drawn is what is in an image.
type drawn struct {
	texts []string
	lines map[string][][2]float64 // the points of each curve, by its class
}

// parse reads an image and fails if it is not well-formed.
func parse(t *testing.T, svg []byte) drawn {
	t.Helper()
	d := drawn{lines: make(map[string][][2]float64)}
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	inText := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch x := token.(type) {
		case xml.StartElement:
			inText = x.Name.Local == "text"
			if x.Name.Local == "polyline" {
				d.lines[attribute(x, "class")] = points(t, attribute(x, "points"))
			}
		case xml.CharData:
			if inText {
				d.texts = append(d.texts, string(x))
			}
		case xml.EndElement:
			inText = false
		}
	}
}

func attribute(x xml.StartElement, name string) string {
	for _, a := range x.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func points(t *testing.T, text string) (all [][2]float64) {
	t.Helper()
	for pair := range strings.FieldsSeq(text) {
		x, y, _ := strings.Cut(pair, ",")
		var p [2]float64
		for i, s := range []string{x, y} {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil || math.IsNaN(v) || v < 0 || v > 2000 {
				t.Fatalf("the point %q is not in the image: %v", pair, err)
			}
			p[i] = v
		}
		all = append(all, p)
	}
	return all
}

func figure(curves ...Curve) *Figure {
	return &Figure{Title: "title", Shares: []float64{0.5, 0.9, 0.99}, Panels: []Panel{{Title: "panel", Curves: curves}}}
}

func TestCurvesAreWhereTheirTimesAre(t *testing.T) {
	d := parse(t, figure(Curve{"fast", 0, []float64{100, 200, 400, 1000}}, Curve{"slow", Warm, []float64{1e4, 1e4, 1e5, 1e8}}).SVG())
	fast, slow := d.lines["l s0"], d.lines["l s"+strconv.Itoa(Warm)]
	if len(fast) != 4 || len(slow) != 4 {
		t.Fatalf("%v", d.lines)
	}
	for i := range fast {
		if fast[i][0] != slow[i][0] || fast[i][1] <= slow[i][1] {
			t.Errorf("point %d: fast at %v, slow at %v", i, fast[i], slow[i])
		}
		if i > 0 && (fast[i][0] <= fast[i-1][0] || fast[i][1] >= fast[i-1][1]) {
			t.Errorf("point %d: %v after %v", i, fast[i], fast[i-1])
		}
	}
	// Nines are equally wide: from 90 % to 99 % as a decade of the share is.
	if one, part := fast[2][0]-fast[1][0], fast[1][0]-fast[0][0]; math.Abs(part/one-(1-math.Log10(2))) > 0.01 {
		t.Errorf("50 to 90 %% is %v wide, 90 to 99 %% is %v", part, one)
	}
	// Decades are equally high, and the axis has the whole ones around all times.
	if a, b := slow[0][1]-slow[2][1], (slow[2][1]-slow[3][1])/3; math.Abs(a-b) > 0.2 {
		t.Errorf("a decade is %v high, and %v", a, b)
	}
	for _, want := range []string{"title", "panel", "fast", "slow", "100 ns", "1 us", "100 ms", "50 %", "99 %", "max", "10 us"} {
		if !slices.Contains(d.texts, want) {
			t.Errorf("no %q in %q", want, d.texts)
		}
	}
}

// TestTextIsEscaped has what XML has a meaning for, and what it can't have.
func TestTextIsEscaped(t *testing.T) {
	const name = `a<b> & "c" 'd' ]]>`
	f := figure(Curve{name, 1, []float64{1, 2, 3, 4}})
	f.Title, f.Panels[0].Missing, f.Notes = name, []string{name + "\x00"}, []string{name, "\xff"}
	d := parse(t, f.SVG())
	for _, want := range []string{name, name + "\ufffd: not run", "\ufffd"} {
		if !slices.Contains(d.texts, want) {
			t.Errorf("no %q in %q", want, d.texts)
		}
	}
}

// TestFiguresWithLittle have no curves, no points, or the same time everywhere.
func TestFiguresWithLittle(t *testing.T) {
	for name, f := range map[string]*Figure{
		"nothing":   {},
		"no curves": figure(),
		"no points": figure(Curve{Name: "empty"}),
		"flat":      figure(Curve{Name: "flat", Times: []float64{1000, 1000, 1000, 1000}}),
		"zero":      figure(Curve{Name: "zero", Times: []float64{0, 0, 0, 0}}),
	} {
		if svg := f.SVG(); bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s: %s", name, svg)
		} else {
			parse(t, svg)
		}
	}
}

func TestDurations(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0 ns", 1: "1 ns", 99.6: "100 ns", 999.4: "999 ns", 999.9: "1 us", 1040: "1 us", 2680: "2.7 us", 9960: "10 us", 74_000: "74 us", 1e6: "1 ms", 2.5e9: "2.5 s",
	} {
		if got := duration(ns); got != want {
			t.Errorf("%v is %q", ns, got)
		}
	}
}

// measured is a set in which all jobs of the figure but one were run.
func measured(missing job.Job) sample.Set {
	set := make(sample.Set)
	for i, j := range Jobs() {
		s := new(sample.Series)
		for round := range 3 {
			r := job.Result{job.Max: 1e9}
			for n, p := range job.Percentiles() {
				r[p.Metric] = float64((i + 1) * (round + 1) * (n + 1) * 100)
			}
			s.Samples = append(s.Samples, sample.Sample{Result: r})
		}
		set[j] = s
	}
	set[missing] = &sample.Series{NotRun: "it is not there"}
	return set
}

// TestLatencyHasEveryTrip also holds the image to what a repository may have: small, and
// the same each time.
func TestLatencyHasEveryTrip(t *testing.T) {
	trips := row.Trips(job.Cross)
	gone := trips[len(trips)-1]
	f := Latency(measured(gone.Job), "a note")
	for i, p := range places() {
		for _, trip := range row.Trips(p) {
			k := slices.IndexFunc(f.Panels[i].Curves, func(c Curve) bool { return c.Name == trip.Name })
			if trip == gone {
				if k >= 0 || !slices.Contains(f.Panels[i].Missing, trip.Name) {
					t.Errorf("%q was not run: %+v", trip.Name, f.Panels[i])
				}
				continue
			}
			if k < 0 {
				t.Errorf("%s has no curve of %q", p, trip.Name)
				continue
			}
			c := f.Panels[i].Curves[k]
			at := slices.Index(Jobs(), trip.Job)
			if want := float64((at + 1) * 2 * 100); len(c.Times) != 6 || c.Times[0] != want || c.Times[4] != 5*want || c.Times[5] != 1e9 {
				t.Errorf("%s, %q: %v, want the medians from %v", p, trip.Name, c.Times, want)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "new", "latency.svg")
	if err := Write(path, f); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(path)
	if err != nil || len(svg) > 40_000 {
		t.Fatal(len(svg), err)
	}
	if again := Latency(measured(gone.Job), "a note").SVG(); !bytes.Equal(svg, again) {
		t.Error("the same samples give two images")
	}
	d := parse(t, svg)
	if len(d.lines) != len(trips)-1 { // each in one style wherever it is; the other panel has no more
		t.Errorf("%d styles for %d trips", len(d.lines), len(trips))
	}
	for _, want := range []string{"a note", gone.Name + ": not run", "Both processes on one CPU"} {
		if !slices.Contains(d.texts, want) {
			t.Errorf("no %q", want)
		}
	}
}

// TestTripsAreThoseOfTheRows keeps the figure from measuring anew what a row has.
func TestTripsAreThoseOfTheRows(t *testing.T) {
	jobs := row.Jobs(row.All())
	shared := 0
	for _, j := range Jobs() {
		if slices.Contains(jobs, j) {
			shared++
		}
	}
	if all := len(Jobs()); shared < all-3 { // a row has no thread or poller on two CPUs
		t.Errorf("%d of %d jobs are in a row", shared, all)
	}
	styles := colours()
	for i, c := range styles {
		if slices.Index(styles[:], c) != i {
			t.Errorf("two styles are %v", c)
		}
	}
}
