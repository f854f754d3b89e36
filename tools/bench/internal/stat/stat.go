// SPDX-License-Identifier: Apache-2.0

// Package stat has the statistics of the bench: they are the same as those of its C
// programs.
package stat

import (
	"math/bits"
	"slices"
	"time"
)

// Median returns the middle of vs, 0 if there are none. vs stays as it is.
func Median(vs []float64) float64 {
	if len(vs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(vs))
	n := len(s)
	return (s[n/2] + s[(n-1)/2]) / 2
}

// Spread returns how far apart vs lie, as a share of their median.
func Spread(vs []float64) float64 {
	m := Median(vs)
	if m == 0 {
		return 0
	}
	return (slices.Max(vs) - slices.Min(vs)) / m
}

// perOctave is the number of buckets for each power of two.
const perOctave = 128

// Histogram counts times in ns. A value is off by 0.4 % at most. The zero value is
// empty. Adding allocates nothing.
type Histogram struct {
	n, sum, max uint64
	bucket      [58 * perOctave]uint32
}

// Add counts one time; a negative one counts as 0.
func (h *Histogram) Add(ns int64) {
	v := uint64(max(ns, 0))
	shift := uint(max(bits.Len64(v)-8, 0))
	h.bucket[uint64(shift*perOctave)+v>>shift]++
	h.n++
	h.sum += v
	h.max = max(h.max, v)
}

// Count returns how many times were added.
func (h *Histogram) Count() uint64 { return h.n }

// Mean returns their mean.
func (h *Histogram) Mean() float64 {
	if h.n == 0 {
		return 0
	}
	return float64(h.sum) / float64(h.n)
}

// Max returns the longest of them, exactly.
func (h *Histogram) Max() float64 { return float64(h.max) }

// At returns the time that the given share of all is not above.
func (h *Histogram) At(share float64) float64 {
	want, seen := uint64(share*float64(h.n)), uint64(0)
	for i, n := range h.bucket {
		if seen += uint64(n); seen > want {
			shift := max(i/perOctave-1, 0)
			return min(float64(uint64(i-shift*perOctave)<<shift)+float64(uint64(1)<<shift)/2, h.Max())
		}
	}
	return 0
}

// Window is how long a rate is measured for. The median of many such rates does not
// mind a time slice that was lost.
const Window = 5 * time.Millisecond

// Rates measures a rate by windows.
type Rates struct {
	mark  int64
	count uint64
	rates []float64
}

// NewRates begins to measure, with room for windows of that long a time, so that adding
// allocates nothing.
func NewRates(now int64, long time.Duration) *Rates {
	return &Rates{mark: now, rates: make([]float64, 0, long/Window+16)}
}

// Add counts n entries until now.
func (r *Rates) Add(now int64, n int) {
	r.count += uint64(n)
	if took := now - r.mark; took >= int64(Window) {
		if len(r.rates) < cap(r.rates) {
			r.rates = append(r.rates, float64(r.count)*1e9/float64(took))
		}
		r.mark, r.count = now, 0
	}
}

// PerSecond returns the median of the rates, 0 if not one window is over.
func (r *Rates) PerSecond() float64 { return Median(r.rates) }

// Often returns after how many entries to look at the clock, so that neither the clock
// nor a long window spoils the rate of entries of that many bytes that are worked on.
func Often(size int) int {
	const enough = 256
	if size <= 1<<20/enough {
		return enough
	}
	return max(1<<20/size, 1)
}
