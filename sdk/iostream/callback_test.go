// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// TestC39StartMayPost produces the first entries inside the callback.
func TestC39StartMayPost(t *testing.T) {
	h := &script{}
	d, s := pair(t, iostream.DriverConfig{Buffers: 2}, h, nil)
	h.start = func(context.Context) error {
		b, err := d.TryTake()
		if err != nil {
			return err
		}
		return d.Post(b, copy(b.Data(), "from Start"))
	}
	h.stop = func(context.Context) error { // the last entry is posted in Stop
		b, err := d.TryTake()
		if err != nil {
			return err
		}
		return d.Post(b, copy(b.Data(), "from Stop"))
	}
	start(t, s)
	if err := s.Stop(bounded(t)); err != nil {
		t.Fatal(err)
	}
	wantText(t, read(t, s), "from Start")
	wantText(t, read(t, s), "from Stop")
	_, err := s.Next(t.Context())
	wantIs(t, err, ioreturn.ErrState)
	wantLost(t, d, nil)
}

// TestC39HaltAndCloseInsideCallbacks ends the run, or everything, from each callback.
func TestC39HaltAndCloseInsideCallbacks(t *testing.T) {
	for _, where := range []string{"open", "start", "stop", "suspend", "input", "input sync"} {
		for _, what := range []string{"halt", "close"} {
			t.Run(what+" in "+where, func(t *testing.T) {
				ctx := bounded(t)
				h := &inputs{}
				d := newDriver(t, iostream.DriverConfig{Direction: iostream.ToDevice}, h)
				act := func() {
					if what == "halt" {
						d.Halt(nil)
					} else {
						d.Close()
					}
				}
				in := func(name string) func(context.Context) error {
					return func(context.Context) error {
						if name == where {
							act()
						}
						return nil
					}
				}
				h.start, h.stop, h.suspend = in("start"), in("stop"), in("suspend")
				h.open = func(iostream.Peer) error { return in("open")(ctx) }
				h.input = func(uint32) { _ = in("input")(ctx) }
				h.sync = func(context.Context, uint32) error { return in("input sync")(ctx) }

				s, err := iostream.Open(ctx, dial(t, d), nil)
				if err == nil {
					defer s.Close()
					_ = s.Start(ctx)
					if where == "input" {
						if f, err := s.Next(ctx); err == nil {
							_ = f.Send(1)
						}
						for d.State() == userclient.StateRunning {
							if _, _, err := s.NextEvents(ctx); err != nil {
								break
							}
						}
					}
					_ = s.Sync(ctx, 1)
					_ = s.Suspend(ctx)
					_ = s.Stop(ctx)
				}
				if what == "close" {
					<-d.Done() // all is over, and the cleanup finds nothing left
				} else if got := d.State(); got != userclient.StateOpen {
					t.Errorf("the state is %v", got)
				}
				if h.overlap.Load() {
					t.Error("two callbacks ran at once")
				}
			})
		}
	}
}

// TestC39CallbacksNeverOverlap calls everything at once.
func TestC39CallbacksNeverOverlap(t *testing.T) {
	ctx := bounded(t)
	h := &inputs{}
	d, s := pair(t, iostream.DriverConfig{Direction: iostream.BothWays, Policy: iostream.DropNewest}, h, nil)
	var heard atomic.Bool
	h.input = func(uint32) {
		heard.Store(true)
		for {
			b, err := d.TryTake()
			if err != nil {
				return
			}
			if err := d.Post(b, 1); err != nil {
				t.Error(err)
			}
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			// With one processor a notification may be heard only when the stream has stopped again.
			for i := 0; i < 50 || !heard.Load() && ctx.Err() == nil; i++ {
				_ = s.Start(ctx)
				_ = s.Sync(ctx, 1)
				if f, ok, err := s.TryNext(); ok && err == nil {
					_ = f.Send(1)
				}
				_ = s.Notify(2)
				_ = s.Suspend(ctx)
				_ = s.Stop(ctx)
			}
		})
	}
	wg.Wait()
	s.Close()
	if err := d.WaitIdle(ctx); err != nil {
		t.Fatal(err)
	}
	if h.overlap.Load() {
		t.Error("two callbacks ran at once")
	}
	calls := h.calls()
	if !slices.Contains(calls, "input") || !slices.Contains(calls, "input sync") || calls[len(calls)-1] != "close" {
		t.Errorf("the callbacks were %v", calls)
	}
	st := d.Stats()
	wantArithmetic(t, &st)
}

func TestInputHandler(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Direction, cfg.Buffers = iostream.ToDevice, 2
		h := &inputs{}
		got := make(chan string, 16)
		d, s := pair(t, cfg, h, ccfg)
		consume := func(token uint32) {
			for {
				b, err := d.TryTake()
				if err != nil {
					return
				}
				got <- fmt.Sprintf("%s, token %d", b.Data(), token)
				if err := d.Post(b, 0); err != nil {
					t.Error(err)
				}
			}
		}
		h.input = consume
		h.sync = func(_ context.Context, token uint32) error { consume(token + 1000); return nil }
		start(t, s)
		for i := range 6 {
			f := next(t, s)
			if err := f.Send(copy(f.Data(), fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			wantText(t, <-got, fmt.Sprintf("%d, token 0", i))
		}
		if err := s.Sync(bounded(t), 7); err != nil {
			t.Fatal(err)
		}
		calls := h.calls()
		// The ring of an entry that an earlier callback has taken may be heard at any later time.
		if others := slices.DeleteFunc(slices.Clone(calls), func(call string) bool { return call == "input" }); !slices.Equal(others, []string{"open", "start", "input sync"}) {
			t.Errorf("the callbacks were %v", calls)
		}
	})
}

// TestInputSyncSeesWhatWasSentBefore stops the listener in its callback meanwhile.
func TestInputSyncSeesWhatWasSentBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &inputs{}
		d, s := pair(t, iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 3}, h, nil)
		var got []string
		h.sync = func(_ context.Context, token uint32) error {
			for {
				b, err := d.TryTake()
				if err != nil {
					break
				}
				got = append(got, string(b.Data()))
				if err := d.Post(b, 0); err != nil {
					return err
				}
			}
			if token == 13 {
				return ioreturn.DeviceError
			}
			return nil
		}
		start(t, s)
		for i := range 3 {
			f := next(t, s)
			if err := f.Send(copy(f.Data(), fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Sync(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, []string{"0", "1", "2"}) {
			t.Errorf("the callback saw %q", got)
		}
		wantIs(t, s.Sync(t.Context(), 13), ioreturn.ErrIO)
	})
}

func TestNotifyCarriesATokenToTheHandler(t *testing.T) {
	for _, wait := range waitPolicies {
		t.Run(wait.String(), func(t *testing.T) {
			h := &inputs{}
			tokens := make(chan uint32, 64)
			h.input = func(token uint32) { tokens <- token }
			_, s := running(t, iostream.DriverConfig{Wait: wait}, h, nil)
			for _, token := range []uint32{0xaa, 0xffffffff, 3} {
				if err := s.Notify(token); err != nil {
					t.Fatal(err)
				}
				for <-tokens != token { // there may be more callbacks than notifications
				}
			}
		})
	}
}

// TestSyncWithoutAHandler waits until the driver's loop has consumed what was sent.
func TestSyncWithoutAHandler(t *testing.T) {
	for _, direction := range []iostream.Direction{iostream.ToDevice, iostream.BothWays, iostream.FromDevice} {
		t.Run(direction.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s := running(t, iostream.DriverConfig{Direction: direction, Buffers: 3}, nil, nil)
				if direction != iostream.ToDevice {
					for range 3 {
						post(t, d, "x")
					}
				}
				for range 2 {
					f := next(t, s)
					if direction == iostream.FromDevice {
						release(t, f)
					} else if err := f.Send(1); err != nil {
						t.Fatal(err)
					}
				}
				done := make(chan error, 1)
				go func() { done <- s.Sync(t.Context(), 1) }()
				for i := range 2 {
					if direction == iostream.FromDevice {
						break // the driver has them as soon as it looks
					}
					synctest.Wait()
					select {
					case err := <-done:
						t.Fatalf("Sync returned %v after %d of 2", err, i)
					default:
					}
					b := take(t, d)
					if len(b.Filled()) != 1 {
						t.Fatalf("took %d bytes", len(b.Filled()))
					}
					if err := d.Post(b, 0); err != nil {
						t.Fatal(err)
					}
				}
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if err := s.Sync(t.Context(), 2); err != nil { // nothing is left to wait for
					t.Fatal(err)
				}
			})
		})
	}
}

func TestSyncEnds(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(d *iostream.Driver, s *iostream.Stream, cancel func())
		want error
	}{
		"context":      {func(_ *iostream.Driver, _ *iostream.Stream, cancel func()) { cancel() }, ioreturn.ErrOutcomeUnknown},
		"halt":         {func(d *iostream.Driver, _ *iostream.Stream, _ func()) { d.Halt(nil) }, ioreturn.ErrState},
		"stop":         {func(_ *iostream.Driver, s *iostream.Stream, _ func()) { _ = s.Stop(context.Background()) }, ioreturn.ErrState},
		"close":        {func(_ *iostream.Driver, s *iostream.Stream, _ func()) { _ = s.Close() }, nil},
		"driver close": {func(d *iostream.Driver, _ *iostream.Stream, _ func()) { d.Close() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s := running(t, iostream.DriverConfig{Direction: iostream.ToDevice}, nil, nil)
				f := next(t, s)
				if err := f.Send(1); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- s.Sync(ctx, 1) }()
				synctest.Wait()
				end.do(d, s, cancel)
				err := <-done
				if end.want == nil && err == nil {
					t.Fatal("Sync said that all was consumed")
				} else if end.want != nil {
					wantIs(t, err, end.want)
				}
			})
		})
	}
}

// TestC40FilledDataIsTheClients shows what a driver of a to-device stream must reckon
// with: the bytes change after they were sent. Only a copy holds still.
func TestC40FilledDataIsTheClients(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Direction: iostream.ToDevice}, nil, nil)
	f := next(t, s)
	mine := f.Data() // kept against the rules
	if err := f.Send(copy(mine, "checked")); err != nil {
		t.Fatal(err)
	}
	b := take(t, d)
	own := append([]byte(nil), b.Data()...)
	copy(mine, "changed")
	wantText(t, string(b.Data()), "changed")
	wantText(t, string(own), "checked")
}
