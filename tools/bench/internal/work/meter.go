// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"math"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// Reading is what the kernel and the runtime know of a process at one moment.
type Reading struct {
	// Rings are how often the other side rang, counted where it is heard: what is read from
	// the counter of an eventfd is the kernel's own count. Calls that ring are not counted,
	// since not all ways to ring show in the kernel's account of them. A wait on a word of
	// memory counts as one ring. It is -1 if nothing here counts.
	Rings int64
	CPU   time.Duration
	// Allocs are those per entry of the process's loop, -1 if too few entries came for it
	// to be known; see allocs.
	Allocs float64
}

// take reads the numbers of this process.
func take() (r Reading, err error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return r, err
	}
	r.CPU = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	r.Allocs = measuredAllocs()
	r.Rings = rings()
	return r, nil
}

// ear is the port of this process that the other side rings.
var ear atomic.Pointer[userclient.RingCounter]

// listenTo makes p the port whose rings are counted.
func listenTo(p userclient.Port) {
	if c, ok := p.(userclient.RingCounter); ok {
		ear.Store(&c)
	}
}

func rings() int64 {
	if c := ear.Load(); c != nil {
		return int64((*c).RingsHeard())
	}
	return -1
}

// both is a Reading of each side.
type both struct {
	at        time.Time
	near, far Reading
}

// begin takes readings at the beginning.
func begin(f *far) (b both, err error) {
	if f != nil {
		if b.far, err = f.read(); err != nil {
			return b, err
		}
	}
	b.at = time.Now()
	b.near, err = take()
	return b, err
}

// finish adds to r what happened since b, in entries.
func (b *both) finish(f *far, entries int, r job.Result) (err error) {
	near, err := take()
	took := time.Since(b.at).Seconds()
	if err != nil {
		return err
	}
	var far Reading
	if f != nil {
		if far, err = f.read(); err != nil {
			return err
		}
		r[job.FarCPU] = (far.CPU - b.far.CPU).Seconds() / took
	}
	n := float64(max(entries, 1))
	r[job.Entries] = float64(entries)
	r[job.CPU] = (near.CPU - b.near.CPU).Seconds() / took
	if f != nil && b.near.Rings >= 0 && b.far.Rings >= 0 {
		r[job.Bells] = float64(near.Rings-b.near.Rings+far.Rings-b.far.Rings) / n
	}
	if f == nil {
		far.Allocs = near.Allocs // of the whole process
	}
	if near.Allocs >= 0 && far.Allocs >= 0 {
		r[job.Allocs] = max(near.Allocs, far.Allocs)
	}
	return nil
}

const (
	countEvery  = 128 // entries between two counts of allocations
	enoughCount = 5   // counts for a median
	// countAtLeast is how many entries the near side passes, for both sides to have counted.
	countAtLeast = (enoughCount + 3) * countEvery
)

// allocs counts the allocations of a loop. The result is the median of many short
// stretches: a loop that allocates once in 256 entries shows, and what the runtime does
// once in a while beside it does not. Counting allocates nothing.
type allocs struct {
	on     bool
	left   int
	before uint64
	counts []float64
	stats  runtime.MemStats
}

// measured is the result of this process's loops so far, which another goroutine asks
// for: the bits of a float64.
var measured atomic.Uint64

// notMeasured is the result of a loop that has not seen enough.
const notMeasured = -1.0

func newAllocs(on bool) *allocs {
	measured.Store(math.Float64bits(notMeasured))
	return &allocs{on: on, left: countEvery, counts: make([]float64, 0, 64)}
}

func measuredAllocs() float64 { return math.Float64frombits(measured.Load()) }

// add counts n entries.
func (a *allocs) add(n int) {
	if !a.on {
		return
	}
	if a.left -= n; a.left > 0 {
		return
	}
	runtime.ReadMemStats(&a.stats)
	if a.before != 0 && len(a.counts) < cap(a.counts) {
		a.counts = append(a.counts, float64(a.stats.Mallocs-a.before)/float64(countEvery-a.left))
		if len(a.counts) >= enoughCount {
			measured.Store(math.Float64bits(stat.Median(a.counts)))
			runtime.ReadMemStats(&a.stats) // the median allocates
		}
	}
	a.before, a.left = a.stats.Mallocs, countEvery
}
