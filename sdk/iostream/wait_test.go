// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

var errEnough = errors.New("enough")

// blocked are the calls that wait: each blocks on a running stream without entries
// whose buffers the driver has all taken.
var blocked = map[string]func(ctx context.Context, d *iostream.Driver, s *iostream.Stream) error{
	"Next": func(ctx context.Context, _ *iostream.Driver, s *iostream.Stream) error {
		_, err := s.Next(ctx)
		return err
	},
	"NextBatch": func(ctx context.Context, _ *iostream.Driver, s *iostream.Stream) error {
		_, err := s.NextBatch(ctx, make([]iostream.Frame, 4), 3)
		return err
	},
	"Frames": func(ctx context.Context, _ *iostream.Driver, s *iostream.Stream) error {
		for _, err := range s.Frames(ctx) {
			return err
		}
		return nil
	},
	"WithFrame": func(ctx context.Context, _ *iostream.Driver, s *iostream.Stream) error {
		return s.WithFrame(ctx, func(*iostream.Frame) error { return nil })
	},
	"ReadFrame": func(ctx context.Context, _ *iostream.Driver, s *iostream.Stream) error {
		_, err := s.ReadFrame(ctx, nil)
		return err
	},
	"Reader": func(ctx context.Context, _ *iostream.Driver, s *iostream.Stream) error {
		_, err := s.Reader(ctx).Read(make([]byte, 1))
		return err
	},
	"NextEvents": func(ctx context.Context, _ *iostream.Driver, s *iostream.Stream) error {
		for {
			if _, _, err := s.NextEvents(ctx); err != nil {
				return err
			}
		}
	},
	"Take": func(ctx context.Context, d *iostream.Driver, _ *iostream.Stream) error {
		_, err := d.Take(ctx)
		return err
	},
}

// setUp returns a pair in which everything in blocked blocks.
func setUp(t *testing.T, policy iostream.Policy) (*iostream.Driver, *iostream.Stream, []*iostream.Buffer) {
	d, s := running(t, iostream.DriverConfig{Buffers: 2, Policy: policy}, nil, nil)
	bs := []*iostream.Buffer{take(t, d), take(t, d)}
	if policy == iostream.DropOldest {
		bs = append(bs, take(t, d), take(t, d))
	}
	return d, s, bs
}

// policiesThatWait are those under which Take can block.
var policiesThatWait = []iostream.Policy{iostream.Block, iostream.DropOldest}

// TestContextEndsEveryWait is promise 3: a wait that is given up says why and loses
// nothing.
func TestContextEndsEveryWait(t *testing.T) {
	for name, call := range blocked {
		for _, policy := range policiesThatWait {
			t.Run(fmt.Sprintf("%s, %v", name, policy), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d, s, bs := setUp(t, policy)
					ctx, cancel := context.WithCancelCause(t.Context())
					got := make(chan error, 1)
					go func() { got <- call(ctx, d, s) }()
					synctest.Wait()
					select {
					case err := <-got:
						t.Fatalf("it has not waited: %v", err)
					default:
					}
					cancel(errEnough)
					wantIs(t, <-got, errEnough)
					wantIs(t, call(ctx, d, s), errEnough) // at once

					if err := d.Post(bs[0], copy(bs[0].Data(), "kept")); err != nil {
						t.Fatal(err)
					}
					wantText(t, read(t, s), "kept")
					take(t, d)
				})
			})
		}
	}
}

// TestDeadlineEndsAWait shows, too, that every policy that sleeps does so under a clock
// that stands still while a goroutine spins.
func TestDeadlineEndsAWait(t *testing.T) {
	for _, policy := range []iostream.WaitPolicy{iostream.WaitPoller, iostream.WaitThread, iostream.WaitAdaptive} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, s := running(t, iostream.DriverConfig{}, nil, &iostream.Config{Wait: policy})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				begin := time.Now()
				_, err := s.Next(ctx)
				wantIs(t, err, context.DeadlineExceeded)
				if waited := time.Since(begin); waited != time.Hour {
					t.Errorf("it waited %v", waited)
				}
			})
		})
	}
}

func TestCloseEndsEveryWaitOfAClient(t *testing.T) {
	for name, call := range blocked {
		if name == "Take" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s, _ := setUp(t, iostream.Block)
				got := make(chan error, 3)
				for range 3 { // one waits, the others wait for their turn
					go func() { got <- call(t.Context(), d, s) }()
				}
				synctest.Wait()
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					wantIs(t, <-got, ioreturn.ErrClosed)
				}
				wantIs(t, call(t.Context(), d, s), ioreturn.ErrClosed)
			})
		})
	}
}

// TestCloseDoesNotWaitForTheDriver has a handler that does not stop: blocked readers
// are ended at once all the same, and Close returns within its bound.
func TestCloseDoesNotWaitForTheDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		h := &script{stop: func(context.Context) error { <-stuck; return nil }}
		_, s := running(t, iostream.DriverConfig{}, h, nil)
		got, ended := make(chan error, 1), time.Time{}
		begin := time.Now()
		go func() {
			_, err := s.Next(t.Context())
			ended = time.Now()
			got <- err
		}()
		synctest.Wait()
		err := s.Close()
		wantIs(t, err, ioreturn.ErrTimeout)
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("Close took %v", took)
		}
		wantIs(t, <-got, ioreturn.ErrClosed)
		if waited := ended.Sub(begin); waited != 0 {
			t.Errorf("the reader waited %v for the driver", waited)
		}
		close(stuck)
	})
}

func TestDriverCloseEndsTake(t *testing.T) {
	for _, client := range []bool{false, true} {
		t.Run(fmt.Sprint("with a client: ", client), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDriver(t, iostream.DriverConfig{Buffers: 1}, nil)
				if client {
					start(t, connect(t, d, nil))
					take(t, d)
				}
				got := make(chan error, 2)
				for range 2 {
					go func() { _, err := d.Take(t.Context()); got <- err }()
				}
				synctest.Wait()
				d.Close()
				wantIs(t, <-got, ioreturn.ErrClosed)
				wantIs(t, <-got, ioreturn.ErrClosed)
				if err := d.Close(); err != nil {
					t.Errorf("closing again: %v", err)
				}
				<-d.Done()
				_, err := d.NewSession(iostream.Peer{}, nil)
				wantIs(t, err, ioreturn.ErrGone)
			})
		})
	}
}

// TestSeveralTakesAreAllWoken has more than one goroutine in Take while buffers come
// back in one batch, are returned by the driver itself, or are flushed.
func TestSeveralTakesAreAllWoken(t *testing.T) {
	for _, policy := range policiesThatWait {
		for name, free := range map[string]func(t *testing.T, d *iostream.Driver, s *iostream.Stream, bs []*iostream.Buffer){
			"client": func(t *testing.T, d *iostream.Driver, s *iostream.Stream, bs []*iostream.Buffer) {
				if err := d.PostBatch(bs, make([]iostream.Posting, len(bs))); err != nil {
					t.Fatal(err)
				}
				frames := make([]iostream.Frame, 3)
				if n, err := s.NextBatch(t.Context(), frames, 3); n != 3 || err != nil {
					t.Fatal(n, err)
				}
				if err := s.ReleaseBatch(frames); err != nil {
					t.Fatal(err)
				}
			},
			"return": func(t *testing.T, d *iostream.Driver, _ *iostream.Stream, bs []*iostream.Buffer) {
				for _, b := range bs {
					if err := d.Return(b); err != nil {
						t.Fatal(err)
					}
				}
			},
			"stop and start": func(t *testing.T, d *iostream.Driver, s *iostream.Stream, bs []*iostream.Buffer) {
				if err := s.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := d.PostBatch(bs, make([]iostream.Posting, len(bs))); err != nil { // lost
					t.Fatal(err)
				}
				start(t, s)
			},
		} {
			t.Run(fmt.Sprintf("%v, %s", policy, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d, s := running(t, iostream.DriverConfig{Buffers: 3, Policy: policy, Backlog: 3}, nil, nil)
					bs := []*iostream.Buffer{take(t, d), take(t, d), take(t, d)}
					if policy == iostream.DropOldest {
						for range 3 { // private ones: from here on Take waits
							take(t, d)
						}
					}
					var wg sync.WaitGroup
					for range 3 {
						wg.Go(func() {
							if b, err := d.Take(t.Context()); err != nil || b.ID() == userclient.NoBuffer {
								t.Errorf("Take: %v", err)
							}
						})
					}
					synctest.Wait()
					free(t, d, s, bs)
					wg.Wait() // a deadlock ends the test
				})
			})
		}
	}
}

func TestSeveralReadersShareAStream(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 4}, nil, nil)
	const n = 2000
	seen := make([]bool, n)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for f, err := range s.Frames(ctx) {
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[f.Seq()] {
					t.Errorf("frame %d came twice", f.Seq())
				}
				seen[f.Seq()] = true
				mu.Unlock()
			}
		})
	}
	if err := produce(ctx, d, n); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	for i, ok := range seen {
		if !ok {
			t.Fatalf("frame %d did not come", i)
		}
	}
}

func TestNotifyWakesAClient(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	before := d.Stats().Rings
	if err := d.Notify(); err != nil {
		t.Fatal(err)
	}
	if d.Stats().Rings == before {
		t.Error("nothing was rung")
	}
	s.Close()
	if err := d.Notify(); err != nil {
		t.Errorf("without a client: %v", err)
	}
}

// TestC32Arm shows what Arm answers; polling needs a transport with descriptors.
func TestC32Arm(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		d, s := running(t, cfg, nil, ccfg)
		if s.FD() != -1 {
			t.Errorf("a channel has descriptor %d", s.FD())
		}
		arm := func(want bool) {
			t.Helper()
			if ready, err := s.Arm(); ready != want || err != nil {
				t.Fatalf("Arm: %v, %v, want %v", ready, err, want)
			}
		}
		arm(false)
		before := d.Stats().Rings
		post(t, d, "0")
		if d.Stats().Rings != before+1 {
			t.Error("an armed client was not rung")
		}
		arm(true)
		post(t, d, "1")
		wantText(t, read(t, s), "0")
		arm(true)
		wantText(t, read(t, s), "1")
		arm(false)
		if ccfg.Layout == userclient.LayoutNative {
			d.Halt(nil) // the end is something to read, too
			arm(true)
		}
		d.Close()
		<-s.Conn().Done()
		if ccfg.Layout == userclient.LayoutNative {
			arm(true)
		}
		s.Close()
		_, err := s.Arm()
		wantIs(t, err, ioreturn.ErrClosed)
	})
}

func TestArmWhileAnotherWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := running(t, iostream.DriverConfig{}, nil, nil)
		ctx, cancel := context.WithCancel(t.Context())
		go s.Next(ctx)
		synctest.Wait()
		_, err := s.Arm()
		wantIs(t, err, ioreturn.ErrBusy)
		cancel()
		synctest.Wait()
	})
}
