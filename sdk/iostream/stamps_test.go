// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestC15Stamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := running(t, iostream.DriverConfig{}, nil, nil)
		var first time.Duration
		for i := range 3 {
			post(t, d, "x")
			f := next(t, s)
			if i == 0 {
				first = f.Time()
			}
			if got := f.Time() - first; got != time.Duration(i)*time.Hour {
				t.Errorf("frame %d came %v after the first one", i, got)
			}
			release(t, f)
			<-time.After(time.Hour)
		}
		b := take(t, d)
		own := iostream.Posting{Length: 1, Time: 12345, Flags: iostream.FlagKey | iostream.FlagPartial}
		if err := d.PostEntry(b, own); err != nil {
			t.Fatal(err)
		}
		f := next(t, s)
		if want := iostream.FlagTime | iostream.FlagKey | iostream.FlagPartial; f.Time() != 12345 || f.Flags() != want {
			t.Errorf("time %d, flags %#x, want %#x", f.Time(), f.Flags(), want)
		}
	})
}

func TestC15ClientsStamps(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 4}, nil, nil)
	f := next(t, s)
	if f.Time() != 0 || f.Seq() != 0 || f.Missed() != 0 {
		t.Errorf("an empty frame has time %v, number %d", f.Time(), f.Seq())
	}
	if err := f.Send(1); err != nil {
		t.Fatal(err)
	}
	c, err := s.Correlate(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	b := take(t, d)
	if at, ok := b.Time(); !ok || at > c.Stream || at < c.Stream-time.Minute {
		t.Errorf("the driver sees time %v (%v), now is %v", at, ok, c.Stream)
	}
	g := next(t, s)
	if err := g.SendEntry(iostream.Posting{Length: 1, Time: 99, Flags: iostream.FlagEnd}); err != nil {
		t.Fatal(err)
	}
	b = take(t, d)
	if at, ok := b.Time(); !ok || at != 99 || b.Flags() != iostream.FlagEnd|iostream.FlagTime {
		t.Errorf("the driver sees time %v (%v), flags %#x", at, ok, b.Flags())
	}
	h := next(t, s)
	release(t, h)
	b = take(t, d)
	if _, ok := b.Time(); ok || b.Flags() != iostream.FlagFlushed || len(b.Data()) != 0 {
		t.Errorf("a released buffer arrives with flags %#x, %d bytes", b.Flags(), len(b.Data()))
	}
}

// TestC15WithoutTheFeature has a client that does not want numbers: it counts by itself,
// and the reserved words mean nothing.
func TestC15WithoutTheFeature(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Policy: iostream.DropNewest, Buffers: 1}, nil,
		&iostream.Config{Without: userclient.FeatureSequence})
	for range 3 {
		post(t, d, "x")
	}
	release(t, next(t, s))
	post(t, d, "y")
	f := next(t, s)
	if f.Seq() != 1 || f.Missed() != 0 || f.Time() != 0 || f.Flags() != 0 {
		t.Errorf("number %d, %d missed, time %v, flags %#x", f.Seq(), f.Missed(), f.Time(), f.Flags())
	}
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossDropNewest: 2})
}

// ticks is a device's clock that a test sets.
type ticks struct{ now atomic.Int64 }

func (c *ticks) Describe() userclient.Clock {
	return userclient.Clock{ID: userclient.ClockDevice, Resolution: time.Microsecond, TickRate: 1_000_000}
}

func (c *ticks) Now() int64 { return c.now.Load() }

func TestC44ClockAndCorrelation(t *testing.T) {
	ctx := bounded(t)
	clock := new(ticks)
	clock.now.Store(5000)
	d, s := running(t, iostream.DriverConfig{Clock: clock, Direction: iostream.BothWays}, nil, nil)
	if c := s.Description().Clock; c.ID != userclient.ClockDevice || c.TickRate != 1_000_000 || c.Resolution != time.Microsecond || c.Epoch == 0 {
		t.Errorf("the clock is %+v", c)
	}
	before := monotime.Now()
	c, err := s.Correlate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	slack := int64(c.Uncertainty)
	if c.Stream != 5000 || c.Host < before-slack || c.Host > monotime.Now()+slack || c.Uncertainty <= 0 || c.Uncertainty > time.Minute {
		t.Errorf("correlation %+v, host time was %d before", c, before)
	}
	post(t, d, "x")
	f := next(t, s)
	if f.Time() != 5000 {
		t.Errorf("stamped %d, the device says 5000", f.Time())
	}
	if err := f.Send(0); err != nil { // this side does not know the device's time
		t.Fatal(err)
	}
	for {
		b := take(t, d)
		if b.Flags() == 0 && b.ClientReferences() == 0 && b.ID() == f.BufferID() {
			if _, ok := b.Time(); ok {
				t.Error("the client has made a time up")
			}
			return
		}
	}
}

func TestC44HostClockCorrelates(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	c, err := s.Correlate(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	clock := d.Describe().Clock
	if diff := c.Host - clock.Epoch - int64(c.Stream); diff > int64(c.Uncertainty) || -diff > int64(c.Uncertainty) {
		t.Errorf("host time %d is not epoch %d + %d within %v", c.Host, clock.Epoch, c.Stream, c.Uncertainty)
	}
}

func TestC44MetadataHeader(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Metadata = true
		d, s := pair(t, cfg, nil, ccfg)
		if s.Features()&userclient.FeatureMetadata == 0 {
			t.Fatal("the header was not selected")
		}
		if shape, ok := s.BufferShape(0); !ok || shape.ControlSize != userclient.MetadataSize {
			t.Fatalf("control regions of %d bytes", shape.ControlSize)
		}
		for epoch := range uint32(2) {
			start(t, s)
			b := take(t, d)
			p := iostream.Posting{Length: 1, Time: 777, DeviceTime: 4242, TriggerID: 9, Flags: iostream.FlagKey}
			if err := d.PostEntry(b, p); err != nil {
				t.Fatal(err)
			}
			f := next(t, s)
			h, err := f.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			want := userclient.MetadataHeader{
				Flags: uint32(iostream.FlagKey | iostream.FlagTime), FormatEpoch: epoch, DeviceTime: 4242, TriggerID: 9,
				Sequence: uint64(epoch),
			}
			if h != want {
				t.Errorf("the header is %+v, want %+v", h, want)
			}
			release(t, f)
			d.Halt(nil)
			if err := d.ChangeFormat(iostream.Format{Kind: userclient.FormatAudio}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestC44HeaderAndOwnControlData(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Metadata: true, ControlSize: 100}, nil, nil)
	b := take(t, d)
	copy(b.Control()[64:], "own")
	if err := d.PostEntry(b, iostream.Posting{Length: 1, ControlOffset: 64, ControlLength: 3}); err != nil {
		t.Fatal(err)
	}
	f := next(t, s)
	wantText(t, string(f.Control()[64:]), "own")
	if h, err := f.Metadata(); err != nil || h.DeviceTime != uint64(f.Time()) {
		t.Errorf("header %+v, %v, frame time %d", h, err, f.Time())
	}
}

// TestC14SnapshotsAddUp looks at the counters while both sides are busy.
func TestC14SnapshotsAddUp(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.DropNewest, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			ctx, cancel := context.WithCancel(bounded(t))
			d, s := running(t, iostream.DriverConfig{Buffers: 4, Policy: policy}, nil, nil)
			done := make(chan error, 1)
			go func() {
				for i := 0; ctx.Err() == nil; i++ {
					b, err := d.Take(ctx)
					if err != nil {
						done <- nil
						return
					}
					if err := d.Post(b, copy(b.Data(), fmt.Sprint(i))); err != nil {
						done <- err
						return
					}
					if i%16 == 15 { // else a reader on the same processor waits for the end of a time slice
						runtime.Gosched()
					}
				}
				done <- nil
			}()
			var missed uint64
			for i := range 2000 {
				f := next(t, s)
				wantText(t, string(f.Data()), fmt.Sprint(f.Seq()))
				missed += f.Missed()
				release(t, f)
				if i%50 == 0 {
					st := d.Stats()
					wantArithmetic(t, &st)
				}
			}
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if st := s.Stats(); st.Missed != missed {
				t.Errorf("%d missed, the client counts %d", missed, st.Missed)
			}
		})
	}
}
