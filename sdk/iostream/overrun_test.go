// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestC13DropOldest(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Buffers, cfg.Backlog, cfg.Policy = 5, 2, iostream.DropOldest
		cfg.Metadata = true
		d, s := running(t, cfg, nil, ccfg)
		for i := range 9 { // two are shown to the client, three wait, four are dropped
			post(t, d, fmt.Sprint(i))
		}
		if st := d.Stats(); st.Posted != 2 || st.Backlogged != 3 || st.Lost[userclient.LossDropOldest] != 4 {
			t.Fatalf("%d posted, %d in the backlog, lost %v", st.Posted, st.Backlogged, st.Lost)
		}
		var missed uint64
		for _, want := range []string{"0", "1", "6", "7", "8"} {
			f := next(t, s)
			wantText(t, string(f.Data()), want)
			missed += f.Missed()
			gap := want == "6"
			if ccfg.Layout == userclient.LayoutNative {
				if got := f.Flags()&iostream.FlagDiscontinuity != 0; got != gap {
					t.Errorf("frame %s: discontinuity %v, want %v", want, got, gap)
				}
				if f.Missed() != 0 != gap {
					t.Errorf("frame %s: %d missed", want, f.Missed())
				}
			}
			h, err := f.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			if got := iostream.Flags(h.Flags)&iostream.FlagDiscontinuity != 0; got != gap || fmt.Sprint(h.Sequence) != want {
				t.Errorf("frame %s: the header has number %d, discontinuity %v", want, h.Sequence, got)
			}
			release(t, f)
		}
		if want := uint64(4); ccfg.Layout == userclient.LayoutNative && missed != want {
			t.Errorf("%d missed, want %d", missed, want)
		}
		wantLost(t, d, map[iostream.Cause]uint64{userclient.LossDropOldest: 4})
	})
}

// TestC13OnlyWAreAheadOfTheClient takes what the client was shown without giving it
// back: more comes although nothing returns.
func TestC13OnlyWAreAheadOfTheClient(t *testing.T) {
	for _, wait := range waitPolicies {
		t.Run(wait.String(), func(t *testing.T) {
			d, s := running(t, iostream.DriverConfig{Buffers: 8, Policy: iostream.DropOldest, Wait: wait}, nil, nil)
			if w := d.Describe().Backlog; w != 2 {
				t.Fatalf("W is %d by default", w)
			}
			for i := range 8 {
				post(t, d, fmt.Sprint(i))
			}
			if st := d.Stats(); st.Posted != 2 || st.Backlogged != 6 {
				t.Fatalf("%d posted, %d wait", st.Posted, st.Backlogged)
			}
			frames := make([]iostream.Frame, 8)
			if n, err := s.NextBatch(bounded(t), frames, 8); n != 8 || err != nil {
				t.Fatalf("NextBatch: %d, %v", n, err)
			}
			if err := s.ReleaseBatch(frames); err != nil {
				t.Fatal(err)
			}
			wantLost(t, d, nil)
		})
	}
}

// TestC13ReturnsMoveTheBacklog has a driver that posts nothing more: its listener
// moves what waits.
func TestC13ReturnsMoveTheBacklog(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Policy, cfg.Buffers = iostream.DropOldest, 6
		d, s := running(t, cfg, nil, ccfg)
		for i := range 6 {
			post(t, d, fmt.Sprint(i))
		}
		for i := range 6 {
			wantText(t, read(t, s), fmt.Sprint(i))
		}
		wantLost(t, d, nil)
	})
}

// TestC13DropOldestWithoutABacklog is a client that holds everything it was shown.
func TestC13DropOldestWithoutABacklog(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 2, Policy: iostream.DropOldest}, nil, nil)
	post(t, d, "0")
	post(t, d, "1")
	f, g := next(t, s), next(t, s)
	b := take(t, d)
	if b.ID() != userclient.NoBuffer || len(b.Region()) != 4096 || b.Memory().FD != -1 {
		t.Fatalf("took buffer %d of %d bytes, want a private one", b.ID(), len(b.Region()))
	}
	if err := d.Post(b, 1); err != nil {
		t.Fatal(err)
	}
	release(t, f)
	release(t, g)
	post(t, d, "3")
	if h := next(t, s); h.Missed() != 1 || h.Flags()&iostream.FlagDiscontinuity == 0 {
		t.Errorf("%d missed, flags %#x", h.Missed(), h.Flags())
	}
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossDropNewest: 1})
}

func TestDropNewest(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Policy, cfg.Buffers = iostream.DropNewest, 2
		d, s := running(t, cfg, nil, ccfg)
		for i := range 10 {
			post(t, d, fmt.Sprint(i))
		}
		wantText(t, read(t, s), "0")
		wantText(t, read(t, s), "1")
		nothing(t, s)
		post(t, d, "10")
		f := next(t, s)
		wantText(t, string(f.Data()), "10")
		if ccfg.Layout == userclient.LayoutNative && (f.Missed() != 8 || f.Seq() != 10 || f.Flags()&iostream.FlagDiscontinuity == 0) {
			t.Errorf("number %d, %d missed, flags %#x", f.Seq(), f.Missed(), f.Flags())
		}
		wantLost(t, d, map[iostream.Cause]uint64{userclient.LossDropNewest: 8})
	})
}

// TestPrivateBuffersAreBounded takes more than the stream has buffers.
func TestPrivateBuffersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := running(t, iostream.DriverConfig{Buffers: 2, Policy: iostream.DropNewest}, nil, nil)
		var bs []*iostream.Buffer
		for range 4 { // two of the stream's and as many private ones
			bs = append(bs, take(t, d))
		}
		got := make(chan *iostream.Buffer)
		go func() { b, _ := d.Take(t.Context()); got <- b }()
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("a fifth buffer was there")
		default:
		}
		if err := d.Return(bs[3]); err != nil { // wakes the Take that waits
			t.Fatal(err)
		}
		if b := <-got; b != bs[3] {
			t.Error("the private buffer is not used again")
		}
		s.Close()
	})
}

func TestBlockWaits(t *testing.T) {
	for _, wait := range []iostream.WaitPolicy{iostream.WaitPoller, iostream.WaitThread} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s := running(t, iostream.DriverConfig{Buffers: 1, Wait: wait}, nil, nil)
				post(t, d, "0")
				got := make(chan *iostream.Buffer)
				go func() { b, _ := d.Take(t.Context()); got <- b }()
				synctest.Wait()
				select {
				case <-got:
					t.Fatal("Take has not waited")
				default:
				}
				wantText(t, read(t, s), "0")
				if b := <-got; b == nil || b.ID() != 0 {
					t.Errorf("took %v", b)
				}
				wantLost(t, d, nil)
			})
		})
	}
}

func TestFailStopsTheStream(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 2, Policy: iostream.Fail}, nil, nil)
	post(t, d, "0")
	post(t, d, "1")
	_, err := d.Take(ctx)
	wantIs(t, err, ioreturn.ErrOverrun)
	if d.State() != userclient.StateOpen {
		t.Errorf("the state is %v", d.State())
	}
	wantText(t, read(t, s), "0") // what was posted is still there
	wantText(t, read(t, s), "1")
	_, err = s.Next(ctx)
	wantIs(t, err, ioreturn.ErrOverrun)
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossFail: 1})
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); !st.Given || st.LastGiven != 2 || st.LastSeq != 1 {
		t.Errorf("the trailing loss does not show: %+v", st)
	}
	_, err = s.Next(ctx)
	wantIs(t, err, ioreturn.ErrOverrun) // Stop does not hide why it was stopped
	start(t, s)
	post(t, d, "3")
	if f := next(t, s); f.Missed() != 1 || string(f.Data()) != "3" {
		t.Errorf("after the next start: %q, %d missed", f.Data(), f.Missed())
	}
}

// TestFailEndsItsOwnRun makes clients see the loss before they see the stop: a client
// that starts again at once must not have its new run stopped for the old one.
func TestFailEndsItsOwnRun(t *testing.T) {
	for range 300 {
		d, s := running(t, iostream.DriverConfig{Buffers: 1, Policy: iostream.Fail}, nil, nil)
		post(t, d, "0")
		taken := make(chan error)
		go func() {
			_, err := d.Take(t.Context())
			taken <- err
		}()
		for d.Observe().Stats.Lost[userclient.LossFail] == 0 {
			runtime.Gosched()
		}
		if st := d.State(); st != userclient.StateOpen {
			t.Errorf("the loss is counted while the stream is %v", st)
		}
		start(t, s)
		wantIs(t, <-taken, ioreturn.ErrOverrun)
		if st := d.State(); st != userclient.StateRunning {
			t.Fatalf("the next run is %v", st)
		}
		s.Close()
		d.Close()
	}
}

// TestC46HardwareThatCannotStop is the written pattern: keep buffers in the hardware,
// and when there is none to replace a full one, let it overwrite the newest and count.
func TestC46HardwareThatCannotStop(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 3}, nil, nil)
	var queued []*iostream.Buffer // in the hardware
	for range 3 {
		b, err := d.TryTake()
		if err != nil {
			t.Fatal(err)
		}
		queued = append(queued, b)
	}
	frame := 0
	interrupt := func() { // the hardware has filled its first buffer
		b := queued[0]
		if fresh, err := d.TryTake(); err == nil {
			queued = append(queued[1:], fresh)
		} else {
			wantIs(t, err, ioreturn.ErrOverrun)
			if len(queued) == 1 { // the last one: it is overwritten
				d.Lost(1)
				frame++
				return
			}
			queued = queued[1:]
		}
		if err := d.Post(b, copy(b.Data(), fmt.Sprint(frame))); err != nil {
			t.Fatal(err)
		}
		frame++
	}
	for range 6 {
		interrupt()
	}
	wantText(t, read(t, s), "0")
	wantText(t, read(t, s), "1")
	nothing(t, s)
	interrupt()
	f := next(t, s)
	wantText(t, string(f.Data()), "6")
	if f.Missed() != 4 || f.Seq() != 6 || f.Flags()&iostream.FlagDiscontinuity == 0 {
		t.Errorf("number %d, %d missed, flags %#x", f.Seq(), f.Missed(), f.Flags())
	}
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossDevice: 4})
	log := d.Stats().Log
	if len(log) != 1 || log[0].Count != 4 || log[0].LastSeq != 5 || log[0].Cause != userclient.LossDevice || log[0].Posted != 2 || log[0].Free != 0 {
		t.Errorf("the log is %+v", log)
	}
}

// TestC46LossLogKeepsTheLast64 alternates two causes, so that each loss is a record.
func TestC46LossLogKeepsTheLast64(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 1, Policy: iostream.DropNewest}, nil, nil)
	post(t, d, "kept")
	f := next(t, s)
	for range 50 {
		post(t, d, "dropped")
		d.Lost(3)
	}
	log := d.Stats().Log
	if len(log) != 64 {
		t.Fatalf("%d records, want 64", len(log))
	}
	last := uint64(0)
	for i, r := range log {
		want := map[iostream.Cause]uint32{userclient.LossDropNewest: 1, userclient.LossDevice: 3}[r.Cause]
		if r.Count != want || r.LastSeq <= last || r.Free != 0 || r.Posted+r.Backlog > 1 {
			t.Fatalf("record %d is %+v after number %d", i, r, last)
		}
		if i > 0 && r.Time < log[i-1].Time {
			t.Fatalf("record %d goes back in time", i)
		}
		last = r.LastSeq
	}
	if last != 200 {
		t.Errorf("the last record ends with number %d, want 200", last)
	}
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossDropNewest: 50, userclient.LossDevice: 150})
	release(t, f)
}

func TestLostWithoutARunDoesNothing(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	d.Lost(5)
	s := connect(t, d, nil)
	d.Lost(5)
	start(t, s)
	d.Lost(0)
	d.Lost(-1)
	wantLost(t, d, nil)
	if err := s.Suspend(bounded(t)); err != nil {
		t.Fatal(err)
	}
	d.Lost(5) // the device goes on
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossDevice: 5})
}
