// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"testing"
)

func chart(lines ...Line) *Chart {
	return &Chart{Title: "title", Notes: []string{"a <note>"}, Graphs: []Graph{{
		Title: "graph", X: Axis{"bytes", Count}, Y: Axis{"share", Percent},
		Ticks: []float64{10, 100, 10_000}, At: 100, Lines: lines, Missing: []string{"absent"},
	}}}
}

func TestPointsAreWhereTheirValuesAre(t *testing.T) {
	d := parse(t, chart(
		Line{"up", Cold, []Point{{10, 0.001}, {100, 0.01}, {10_000, 1}}},
		Line{"short", Warm, []Point{{100, 0.5}}},
	).SVG())
	up, short := d.lines["l s"+strconv.Itoa(Cold)], d.lines["l s"+strconv.Itoa(Warm)]
	if len(up) != 3 || len(short) != 1 {
		t.Fatalf("%v", d.lines)
	}
	// Both axes are logarithmic, so a line of proportion is straight.
	for axis := range 2 {
		if one, two := up[1][axis]-up[0][axis], (up[2][axis]-up[1][axis])/2; math.Abs(one-two) > 0.2 || one == 0 {
			t.Errorf("axis %d: a decade is %v long, and %v", axis, one, two)
		}
	}
	if short[0][0] != up[1][0] || short[0][1] >= up[1][1] || short[0][1] <= up[2][1] {
		t.Errorf("%v beside %v", short, up)
	}
	for _, want := range []string{
		"title", "graph", "bytes", "share", "up", "1 %", "50 %", "0.1 %", "100 %", "10 k", "at 100", "absent: not run", "a <note>",
	} {
		if !slices.Contains(d.texts, want) {
			t.Errorf("no %q in %q", want, d.texts)
		}
	}
}

// TestChartsWithLittle have no graphs, no lines, no points, or values that are nothing.
func TestChartsWithLittle(t *testing.T) {
	one := chart(Line{Name: "one", Points: []Point{{10, 1}}})
	one.Graphs[0].Ticks = []float64{10}
	none := chart(Line{Name: "no ticks", Points: []Point{{10, 1}}})
	none.Graphs[0].Ticks = nil
	for name, c := range map[string]*Chart{
		"nothing": {}, "no lines": chart(), "no points": chart(Line{Name: "empty"}), "one tick": one, "no ticks": none,
		"zero":    chart(Line{Name: "zero", Points: []Point{{0, 0}}}),
		"outside": chart(Line{Name: "outside", Points: []Point{{1e9, 1}, {1e-9, 1}}}),
	} {
		if svg := c.SVG(); bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s: %s", name, svg)
		} else {
			parse(t, svg)
		}
	}
}

func TestLabels(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.005: "0.005", 0.0123: "0.012", 0.99: "0.99", 1: "1", 8: "8", 64: "64", 999: "999", 1000: "1 k", 3_140_000: "3.1 M", 25e9: "25 G"} {
		if got := Count(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{1: "100 %", 0.0049: "0.49 %", 0.0001: "0.01 %", 0.056: "5.6 %"} {
		if got := Percent(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
	if got := Duration(74_000); got != "74 us" {
		t.Error(got)
	}
}
