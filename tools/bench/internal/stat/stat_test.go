// SPDX-License-Identifier: Apache-2.0

package stat

import (
	"math"
	"testing"
	"time"
)

func TestMedianAndSpread(t *testing.T) {
	for _, tc := range []struct {
		name           string
		vs             []float64
		median, spread float64
	}{
		{"none", nil, 0, 0},
		{"one", []float64{3}, 3, 0},
		{"odd", []float64{9, 1, 2}, 2, 4},
		{"even", []float64{4, 1, 3, 2}, 2.5, 1.2},
		{"zeroes", []float64{0, 0}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if m, s := Median(tc.vs), Spread(tc.vs); m != tc.median || math.Abs(s-tc.spread) > 1e-9 {
				t.Errorf("median %v, spread %v", m, s)
			}
		})
	}
	vs := []float64{2, 1}
	if Median(vs); vs[0] != 2 {
		t.Error("the values were sorted in place")
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	if h.At(0.5) != 0 || h.Mean() != 0 || h.Max() != 0 {
		t.Error("an empty histogram has values")
	}
	for v := range int64(100_000) {
		h.Add(v)
	}
	for _, share := range []float64{0.001, 0.5, 0.99, 0.999} {
		if got, want := h.At(share), share*100_000; math.Abs(got-want) > 0.005*want+1 {
			t.Errorf("at %v: %v, want %v", share, got, want)
		}
	}
	if h.Count() != 100_000 || h.Mean() != 49_999.5 || h.Max() != 99_999 {
		t.Errorf("%d values of %v up to %v", h.Count(), h.Mean(), h.Max())
	}
	for _, v := range []int64{-1, math.MaxInt64} {
		h.Add(v) // the ends of the range have a bucket
	}
	if got := h.At(1 - 1e-9); math.Abs(got/math.MaxInt64-1) > 0.01 {
		t.Errorf("the longest time is %v", got)
	}
}

func TestRates(t *testing.T) {
	r := NewRates(0, 100*time.Millisecond)
	now := int64(0)
	for i := range 40 {
		now += int64(Window) / 2
		if i == 20 {
			now += int64(time.Second) // a lost time slice
		}
		r.Add(now, 500)
	}
	if got := r.PerSecond(); got != 200_000 {
		t.Errorf("%v per second", got)
	}
	if n := testing.AllocsPerRun(100, func() { now += int64(Window); r.Add(now, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if r := NewRates(0, 0); r.PerSecond() != 0 {
		t.Error("a rate without a window")
	}
}

func TestOften(t *testing.T) {
	for size, want := range map[int]int{0: 256, 64: 256, 4096: 256, 65536: 16, 1 << 20: 1, 8 << 20: 1} {
		if got := Often(size); got != want {
			t.Errorf("%d bytes: %d", size, got)
		}
	}
}
