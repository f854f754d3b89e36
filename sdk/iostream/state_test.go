// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// counting is a Conn that counts calls and may answer them in the driver's place.
type counting struct {
	userclient.Conn
	calls  int
	refuse map[uint32]error
}

func (c *counting) Call(ctx context.Context, a *iostream.Args) error {
	c.calls++
	if err := c.refuse[a.Selector]; err != nil {
		return err
	}
	return c.Conn.Call(ctx, a)
}

// TestC23ClientRefusesByTheTable compares each operation in each state with the table,
// and checks that a refused one does not reach the driver.
func TestC23ClientRefusesByTheTable(t *testing.T) {
	ctx := bounded(t)
	operations := []struct {
		op  userclient.Operation
		run func(s *iostream.Stream) error
	}{
		{userclient.OpStart, func(s *iostream.Stream) error { return s.Start(ctx) }},
		{userclient.OpStop, func(s *iostream.Stream) error { return s.Stop(ctx) }},
		{userclient.OpSuspend, func(s *iostream.Stream) error { return s.Suspend(ctx) }},
		{userclient.OpSetMode, func(s *iostream.Stream) error { return s.SetDirection(ctx, iostream.FromDevice) }},
		{userclient.OpSetFormat, func(s *iostream.Stream) error { _, err := s.SetFormat(ctx, iostream.Format{}); return err }},
		{userclient.OpGetFormat, func(s *iostream.Stream) error { _, err := s.Format(ctx); return err }},
		{userclient.OpFlush, func(s *iostream.Stream) error { _, err := s.Flush(ctx); return err }},
		{userclient.OpInputSync, func(s *iostream.Stream) error { return s.Sync(ctx, 1) }},
		{userclient.OpCorrelate, func(s *iostream.Stream) error { _, err := s.Correlate(ctx); return err }},
		{userclient.OpDescribe, func(s *iostream.Stream) error { _, err := s.DriverStats(ctx); return err }},
	}
	prepare := map[iostream.State]func(s *iostream.Stream) error{
		userclient.StateOpen:    func(*iostream.Stream) error { return nil },
		userclient.StateRunning: func(s *iostream.Stream) error { return s.Start(ctx) },
		userclient.StateSuspended: func(s *iostream.Stream) error {
			return errors.Join(s.Start(ctx), s.Suspend(ctx))
		},
	}
	for state, prep := range prepare {
		for _, o := range operations {
			t.Run(fmt.Sprintf("%v, %v", state, o.op), func(t *testing.T) {
				d := newDriver(t, iostream.DriverConfig{}, &formats{})
				conn := &counting{Conn: dial(t, d)}
				s, err := iostream.Open(ctx, conn, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := prep(s); err != nil {
					t.Fatal(err)
				}
				want := userclient.Next(state, o.op)
				before := conn.calls
				err = o.run(s)
				if want.Code == ioreturn.Success {
					if err != nil || conn.calls != before+1 || s.State() != want.Next || d.State() != want.Next {
						t.Errorf("%v after %d calls, then %v and %v, want %v", err, conn.calls-before, s.State(), d.State(), want.Next)
					}
					return
				}
				if !errors.Is(err, want.Code) || conn.calls != before || s.State() != state {
					t.Errorf("%v after %d calls, then %v, want %v by the table alone", err, conn.calls-before, s.State(), want.Code)
				}
			})
		}
	}
}

func TestC23DivergenceIsCounted(t *testing.T) {
	ctx := bounded(t)
	d := newDriver(t, iostream.DriverConfig{}, &formats{})
	conn := &counting{Conn: dial(t, d), refuse: map[uint32]error{}}
	s, err := iostream.Open(ctx, conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start(t, s)
	conn.refuse[userclient.SelStop] = ioreturn.DeviceError
	wantIs(t, s.Stop(ctx), ioreturn.ErrIO)
	if st := s.Stats(); st.Divergences != 0 || s.State() != userclient.StateRunning {
		t.Errorf("a device error is no divergence: %d, state %v", st.Divergences, s.State())
	}
	// The driver has stopped by itself, which this end has not seen.
	d.Halt(nil)
	wantIs(t, s.Suspend(ctx), ioreturn.ErrState)
	if st := s.Stats(); st.Divergences != 1 || s.State() != userclient.StateOpen {
		t.Errorf("%d divergences, state %v, want the driver's", st.Divergences, s.State())
	}
	if _, err := s.SetFormat(ctx, iostream.Format{}); err != nil {
		t.Errorf("with the driver's state taken over: %v", err)
	}
}

func TestCallDoesNotChangeTheState(t *testing.T) {
	_, s := pair(t, iostream.DriverConfig{}, nil, nil)
	for _, sel := range []uint32{
		userclient.SelOpen, userclient.SelClose, userclient.SelStart, userclient.SelStop, userclient.SelSuspend,
		userclient.SelSetMode, userclient.SelSelect,
	} {
		wantIs(t, s.Call(t.Context(), &iostream.Args{Selector: sel}), ioreturn.ErrInvalid)
		wantIs(t, (<-s.CallAsync(t.Context(), iostream.Args{Selector: sel})).Err, ioreturn.ErrInvalid)
	}
	out := make([]uint64, 1)
	a := iostream.Args{Selector: userclient.SelGetMode, Out: out}
	if err := s.Call(t.Context(), &a); err != nil || a.NOut != 1 || out[0] != uint64(userclient.ModeOutput) {
		t.Errorf("get mode: %v, %d", err, out)
	}
}

func TestC24StopSuspendStart(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		ctx := bounded(t)
		cfg.Buffers = 4
		d, s := running(t, cfg, nil, ccfg)
		native := ccfg.Layout == userclient.LayoutNative
		post(t, d, "0")
		post(t, d, "1")
		held := next(t, s) // a lease over all that follows
		taken := take(t, d)
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		// When Stop's answer is out, nothing more is posted.
		if err := d.Post(taken, copy(taken.Data(), "2")); err != nil {
			t.Fatal(err)
		}
		// Posted entries stay readable and returnable, and leases survive.
		wantText(t, read(t, s), "1")
		wantText(t, string(held.Data()), "0")
		_, err := s.Next(ctx)
		wantIs(t, err, ioreturn.ErrState)
		wantLost(t, d, map[iostream.Cause]uint64{userclient.LossStopped: 1})

		// Suspend keeps what is posted meanwhile; what was posted stays readable.
		start(t, s)
		post(t, d, "3")
		taken = take(t, d)
		if err := s.Suspend(ctx); err != nil {
			t.Fatal(err)
		}
		if err := d.Post(taken, copy(taken.Data(), "4")); err != nil {
			t.Fatal(err)
		}
		f := next(t, s)
		if string(f.Data()) != "3" || native && (f.Seq() != 3 || f.Missed() != 1 || f.Flags()&iostream.FlagDiscontinuity == 0) {
			t.Errorf("%q, number %d, %d missed: numbers go on inside a session", f.Data(), f.Seq(), f.Missed())
		}
		release(t, f)
		nothing(t, s)
		if st := d.Stats(); st.Backlogged != 1 {
			t.Errorf("%d entries are in the backlog", st.Backlogged)
		}
		start(t, s)
		wantText(t, read(t, s), "4")

		// Stop discards the backlog, and counts it.
		taken = take(t, d)
		if err := s.Suspend(ctx); err != nil {
			t.Fatal(err)
		}
		if err := d.Post(taken, 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		start(t, s)
		nothing(t, s)
		wantLost(t, d, map[iostream.Cause]uint64{userclient.LossStopped: 2})

		// Ownership is not reset: all four buffers still go round.
		release(t, held)
		for i := range 8 {
			post(t, d, fmt.Sprint("again ", i))
			wantText(t, read(t, s), fmt.Sprint("again ", i))
		}
	})
}

func TestC24StopIsAskedTwice(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	post(t, d, "x")
	for range 2 {
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if st := s.Stats(); !st.Given || st.LastGiven != 0 {
			t.Errorf("Stop told %d, %v", st.LastGiven, st.Given)
		}
	}
}

// TestC24FlushIsTheClients shows that only entries that were not shown are flushed.
func TestC24FlushIsTheClients(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.Block, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			ctx := bounded(t)
			d, s := running(t, iostream.DriverConfig{Policy: policy, Buffers: 5, Backlog: 1}, nil, nil)
			post(t, d, "shown")
			taken := []*iostream.Buffer{take(t, d), take(t, d)}
			if err := s.Suspend(ctx); err != nil {
				t.Fatal(err)
			}
			if err := d.PostBatch(taken, make([]iostream.Posting, 2)); err != nil {
				t.Fatal(err)
			}
			if n, err := s.Flush(ctx); n != 2 || err != nil {
				t.Fatalf("Flush: %d, %v", n, err)
			}
			start(t, s)
			wantText(t, read(t, s), "shown")
			post(t, d, "after")
			if f := next(t, s); string(f.Data()) != "after" || f.Missed() != 2 {
				t.Errorf("%q after %d missed", f.Data(), f.Missed())
			}
			wantLost(t, d, map[iostream.Cause]uint64{userclient.LossFlushed: 2})
		})
	}
}

func TestC24EndOfStreamComesAfterTheBacklog(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Policy: iostream.DropOldest, Buffers: 6}, nil, nil)
	for i := range 6 {
		post(t, d, fmt.Sprint(i))
	}
	d.Halt(nil)
	for i := range 6 {
		wantText(t, read(t, s), fmt.Sprint(i))
	}
	_, err := s.Next(ctx)
	wantIs(t, err, io.EOF)
	wantLost(t, d, nil)
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = s.Next(ctx)
	wantIs(t, err, io.EOF) // still: nothing else has happened
}

// TestC24FailedStartLeavesTheStreamStopped also has a reader who waits for nothing.
func TestC24FailedStartLeavesTheStreamStopped(t *testing.T) {
	ctx := bounded(t)
	h := &script{start: func(context.Context) error {
		return &ioreturn.StatusError{Code: ioreturn.NoPower, Detail: "the lamp is off"}
	}}
	d, s := pair(t, iostream.DriverConfig{Direction: iostream.ToDevice}, h, nil)
	err := s.Start(ctx)
	if !errors.Is(err, ioreturn.NoPower) || d.State() != userclient.StateOpen || s.State() != userclient.StateOpen {
		t.Fatalf("%v, then %v and %v", err, d.State(), s.State())
	}
	for err == nil || errors.Is(err, ioreturn.NoPower) { // what was posted before the refusal
		_, err = s.Next(ctx)
	}
	wantIs(t, err, ioreturn.ErrState)
	h.start = nil
	start(t, s)
}

func TestRefusalsOfHandlersArrive(t *testing.T) {
	ctx := bounded(t)
	h := &script{}
	d, s := running(t, iostream.DriverConfig{}, h, nil)
	refusal := &ioreturn.StatusError{Code: ioreturn.DeviceError, Detail: "the tape is stuck"}
	h.stop = func(context.Context) error { return refusal }
	h.suspend = h.stop
	for _, f := range []func(context.Context) error{s.Stop, s.Suspend} {
		err := f(ctx)
		var se *ioreturn.StatusError
		if !errors.As(err, &se) || *se != *refusal {
			t.Errorf("the client sees %v", err)
		}
		if d.State() != userclient.StateRunning {
			t.Errorf("the state is %v", d.State())
		}
	}
}

// lateCalls runs a selector of a driver's sessions as calls that were given up before
// their turn came.
type lateCalls struct {
	userclient.Provider
	selector uint32
}

type lateSession struct {
	userclient.Session
	selector uint32
}

func (l lateCalls) NewSession(p iostream.Peer, r userclient.Resources) (userclient.Session, error) {
	s, err := l.Provider.NewSession(p, r)
	return lateSession{s, l.selector}, err
}

func (s lateSession) Call(ctx context.Context, a *iostream.Args) error {
	if a.Selector == s.selector {
		over, cancel := context.WithCancel(ctx)
		cancel()
		ctx = over
	}
	return s.Session.Call(ctx, a)
}

// TestGivenUpStopDoesNothing lets stops come too late. Whether the turn is free or not,
// they leave the stream running.
func TestGivenUpStopDoesNothing(t *testing.T) {
	ctx := bounded(t)
	d := newDriver(t, iostream.DriverConfig{}, nil)
	c := dial(t, lateCalls{d, userclient.SelStop})
	s, err := iostream.Open(ctx, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start(t, s)
	for range 100 {
		wantIs(t, s.Stop(ctx), ioreturn.Aborted)
		if d.State() != userclient.StateRunning {
			t.Fatalf("a stop that was given up has left the stream %v", d.State())
		}
	}
}
