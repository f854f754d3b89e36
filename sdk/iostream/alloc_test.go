// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// endless is a driver's loop until its context ends, in batches of at most that many.
func endless(ctx context.Context, d *iostream.Driver, batch int) error {
	bs, ps := make([]*iostream.Buffer, batch), make([]iostream.Posting, batch)
	for round := 1; ; round++ {
		n, err := d.TakeBatch(ctx, bs)
		if err != nil {
			return err
		}
		for i, b := range bs[:n] {
			ps[i].Length = min(len(b.Region()), 8)
		}
		if err := d.PostBatch(bs[:n], ps[:n]); err != nil {
			return err
		}
		if round%16 == 0 { // a driver that drops never waits, and others may share its processor
			runtime.Gosched()
		}
	}
}

// TestC33NoAllocationInSteadyState counts what both sides allocate, for each wait
// policy, with a context that can't end and with one that can, entry by entry and in
// batches, in both directions.
func TestC33NoAllocationInSteadyState(t *testing.T) {
	for _, wait := range waitPolicies {
		for _, cancellable := range []bool{false, true} {
			for _, direction := range []iostream.Direction{iostream.FromDevice, iostream.ToDevice, iostream.BothWays} {
				for _, batch := range []int{1, 4} {
					t.Run(fmt.Sprintf("%v, cancellable: %v, %v, batch %d", wait, cancellable, direction, batch), func(t *testing.T) {
						steady(t, iostream.DriverConfig{Buffers: 8, Wait: wait, Direction: direction}, wait, cancellable, batch)
					})
				}
			}
		}
	}
}

// TestC33NoAllocationWhileEntriesAreLost has a driver that posts more than its client
// reads.
func TestC33NoAllocationWhileEntriesAreLost(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.DropNewest, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			ctx := t.Context()
			d, s := running(t, iostream.DriverConfig{Buffers: 4, Policy: policy, Metadata: true}, nil, nil)
			round := func() {
				for range 10 {
					b, err := d.Take(ctx)
					if err == nil {
						err = d.Post(b, 8)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				f, err := s.Next(ctx)
				if err == nil {
					err = f.Release()
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for range 20 {
				round()
			}
			if n := testing.AllocsPerRun(200, round); n != 0 {
				t.Errorf("%v allocations per round", n)
			}
			if st := d.Stats(); st.TotalLost() == 0 {
				t.Error("nothing was lost")
			}
		})
	}
}

func steady(t *testing.T, cfg iostream.DriverConfig, wait iostream.WaitPolicy, cancellable bool, batch int) {
	t.Helper()
	d, s := running(t, cfg, nil, &iostream.Config{Wait: wait})
	driverCtx, cancel := context.WithCancel(t.Context())
	ctx := context.Background()
	if cancellable {
		ctx = driverCtx
	}
	done := make(chan error, 1)
	go func() { done <- endless(driverCtx, d, batch) }()
	frames, ps := make([]iostream.Frame, batch), make([]iostream.Posting, batch)
	round := func() {
		n, err := s.NextBatch(ctx, frames, batch)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Direction == iostream.FromDevice {
			err = s.ReleaseBatch(frames[:n])
		} else {
			err = s.SendBatch(frames[:n], ps[:n])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	single := func() {
		f, err := s.Next(ctx)
		if err == nil && cfg.Direction == iostream.FromDevice {
			err = f.Release()
		} else if err == nil {
			err = f.Send(0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run := round
	if batch == 1 {
		run = single
	}
	for range 100 { // contexts are bound, private buffers are made
		run()
	}
	if n := testing.AllocsPerRun(300, run); n != 0 {
		t.Errorf("%v allocations per round", n)
	}
	cancel()
	wantIs(t, <-done, context.Canceled)
}

func TestC33FramesAllocateOncePerLoop(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- endless(ctx, d, 1) }()
	loop := func(n int) float64 {
		return testing.AllocsPerRun(20, func() {
			i := 0
			for f, err := range s.Frames(ctx) {
				if err != nil || len(f.Data()) != 8 {
					t.Fatal(err)
				}
				if i++; i == n {
					return
				}
			}
		})
	}
	loop(10)
	if short, long := loop(10), loop(200); long > short {
		t.Errorf("%v allocations for 10 frames, %v for 200", short, long)
	}
	cancel()
	wantIs(t, <-done, context.Canceled)
}

func TestC33ReadIntoAllocatesNothing(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- endless(ctx, d, 1) }()
	buf := make([]byte, 0, 64)
	read := func() {
		var err error
		if buf, err = s.ReadFrame(ctx, buf); err != nil || len(buf) != 8 {
			t.Fatal(err)
		}
	}
	read()
	if n := testing.AllocsPerRun(200, read); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
	cancel()
	wantIs(t, <-done, context.Canceled)
}
