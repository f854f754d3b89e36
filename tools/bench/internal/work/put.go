// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// stretch is about how long a function is measured at a time.
const stretch = 50 * time.Microsecond

// turns measures functions by turns, for long in all, and returns how long a call of each
// takes in ns: the median of its stretches. A function makes n calls.
func turns(long time.Duration, calls ...func(n int) error) ([]float64, error) {
	clock := monotime.Start()
	once := func(i, n int) (took int64, err error) {
		before := clock.Now()
		err = calls[i](n)
		return clock.Now() - before, err
	}
	many := make([]int, len(calls)) // calls in a stretch
	times := make([][]float64, len(calls))
	for i := range calls {
		for n := 1; many[i] == 0; n *= 2 {
			took, err := once(i, n)
			if err != nil {
				return nil, err
			}
			if took >= int64(stretch) {
				many[i] = n
			}
		}
		times[i] = make([]float64, 0, int(long/stretch)+1)
	}
	for stop := clock.Now() + int64(long); len(times[0]) == 0 || clock.Now() < stop; {
		for i, n := range many {
			took, err := once(i, n)
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], float64(took)/float64(n))
		}
	}
	medians := make([]float64, len(calls))
	for i := range times {
		medians[i] = stat.Median(times[i])
	}
	return medians, nil
}

// hop is a module where there is nothing but an interface: each calls the next through it.
type hop interface{ Put(m *streams.Block) error }

type link struct{ next hop }

//go:noinline
func (l *link) Put(m *streams.Block) error { return l.next.Put(m) }

type last struct{ n int }

//go:noinline
func (l *last) Put(*streams.Block) error {
	l.n++
	return nil
}

// puts returns a function that puts the same message n times to whoever leaves it alone.
func puts(to hop, m *streams.Block) func(n int) error {
	return func(n int) error {
		for range n {
			if err := to.Put(m); err != nil {
				return err
			}
		}
		return nil
	}
}

// chain returns n calls with an end.
func chain(n int) hop {
	var h hop = &last{}
	for range n {
		h = &link{h}
	}
	return h
}

// stack opens a stream to a driver with n modules that pass everything on.
func stack(ctx context.Context, driver func(*streams.Queue, *streams.Block), n int) (*head.Head, error) {
	pass := streams.Procedures{Put: (*streams.Queue).PutNext}
	module := &streams.Module{Name: "pass", Read: pass, Write: pass}
	h, err := head.Open(streams.NewDomain(nil), &streams.Module{Name: "driver", Write: streams.Procedures{Put: driver}},
		&head.Config{Modules: func(string) *streams.Module { return module }})
	if err != nil {
		return nil, err
	}
	for range n {
		if err := h.Push(ctx, module.Name); err != nil {
			return nil, errors.Join(err, h.Close(ctx))
		}
	}
	return h, nil
}

// depths are how many modules messages pass.
func depths() []int { return []int{0, 1, 4, 8} }

// nearPut sends messages down stacks of modules.
func nearPut(ctx context.Context, t *job.Task) (r job.Result, err error) {
	if t.Job.Count {
		return countPuts(ctx, t)
	}
	var calls []func(n int) error
	var heads []*head.Head
	defer func() {
		for _, h := range heads {
			err = errors.Join(err, h.Close(ctx))
		}
	}()
	for _, depth := range depths() {
		h, failed := stack(ctx, func(*streams.Queue, *streams.Block) {}, depth)
		if failed != nil {
			return nil, failed
		}
		heads = append(heads, h)
		m, failed := h.Stream().Arena().From(streams.MData, []byte{1}) // nobody frees it: the arena ends with us
		if failed != nil {
			return nil, failed
		}
		calls = append(calls, puts(h.Stream(), m), puts(chain(depth), m))
	}
	times, err := turns(time.Duration(t.Millis)*time.Millisecond, calls...)
	if err != nil {
		return nil, err
	}
	r = make(job.Result)
	for i, n := range depths() {
		through, limit := times[2*i], times[2*i+1]
		r[job.Through(n)], r[job.Calls(n)] = through, limit
		if n > 0 {
			r[job.Hop(n)] = (through - times[0]) / float64(n)
			r[job.HopLimit(n)] = (limit - times[1]) / float64(n)
		}
	}
	return r, nil
}

// countPuts counts what is allocated for messages that are made, pass all modules and are
// freed by the driver.
func countPuts(ctx context.Context, t *job.Task) (_ job.Result, err error) {
	most := depths()[len(depths())-1]
	h, err := stack(ctx, func(_ *streams.Queue, m *streams.Block) { m.Free() }, most)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close(ctx)) }()
	s, counts := h.Stream(), newAllocs(true)
	put := func() error {
		m, err := s.Arena().Alloc(streams.MData, max(t.Job.Size, 64))
		if err == nil {
			err = s.Put(m)
		}
		return err
	}
	for range warmUp {
		if err := put(); err != nil {
			return nil, err
		}
	}
	b, err := begin(nil)
	if err != nil {
		return nil, err
	}
	entries := 0
	for stop := time.Now().Add(time.Duration(t.Millis) * time.Millisecond); entries < countAtLeast || time.Now().Before(stop); entries++ {
		if err := put(); err != nil {
			return nil, err
		}
		counts.add(1)
	}
	r := make(job.Result)
	return r, b.finish(nil, entries, r)
}
