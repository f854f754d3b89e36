// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// watched starts a watcher and returns where it says that it has the ear.
func watched(e *ear, done <-chan struct{}) <-chan bool {
	e.init()
	out := make(chan bool, 1)
	go func() { out <- e.watch(done) }()
	return out
}

// came reports whether the watcher has returned.
func came(out <-chan bool) bool {
	synctest.Wait()
	return len(out) > 0
}

func TestEarIsTakenWhenNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{}
		out := watched(e, nil)
		<-time.After(patience / 2)
		if came(out) {
			t.Error("the watcher has no patience")
		}
		<-time.After(patience)
		if !came(out) || e.free() {
			t.Error("nobody listens")
		}
	})
}

func TestEarIsLeftToThoseWhoUseIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{}
		out := watched(e, nil)
		for range 1000 { // traffic, with nobody listening at the moment when the watcher looks
			<-time.After(patience / 2)
			if !e.take() {
				t.Fatal("the watcher has taken the ear in the midst of traffic")
			}
			e.leave()
		}
		start := time.Now()
		if !<-out || time.Since(start) > 2*mostPatience {
			t.Errorf("nobody has listened for %v", time.Since(start))
		}
	})
}

func TestWatcherSleepsWhileSomebodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{}
		e.take()
		out := watched(e, nil)
		<-time.After(3 * patience)
		synctest.Wait()
		if !e.asleep.Load() {
			t.Error("the watcher looks again and again")
		}
		<-time.After(time.Hour)
		e.leave()
		if <-time.After(3 * patience); !came(out) {
			t.Error("the watcher sleeps though nobody listens")
		}
	})
}

func TestSummonedWatcherComesAtOnce(t *testing.T) {
	for _, asleep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := &ear{}
			e.take()
			out := watched(e, nil)
			if asleep {
				<-time.After(3 * patience)
			}
			synctest.Wait()
			turn := e.leave()
			e.summon()
			if !came(out) {
				t.Error("the watcher does not come")
			}
			if e.retake(turn) {
				t.Error("two listen")
			}
		})
	}
}

func TestWatcherEndsWithTheSession(t *testing.T) {
	for _, held := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e, done := &ear{}, make(chan struct{})
			if held {
				e.take()
			}
			out := watched(e, done)
			if held {
				<-time.After(3 * patience)
			}
			close(done)
			if <-out {
				t.Error("the watcher listens to what is over")
			}
		})
	}
}

// burst makes both sides sure that calls are quick.
func burst(t *testing.T, c *Conn) {
	t.Helper()
	for start := time.Now(); time.Since(start) < 3*mostPatience; {
		if err := c.Call(t.Context(), &userclient.Args{Selector: selEcho}); err != nil {
			t.Fatal(err)
		}
	}
}

// C7: a stuck call is in nobody's way, also of its own session, whether its handler looks
// at its context or not.
func TestC7StuckCallsDelayNobody(t *testing.T) {
	for name, sel := range map[string]uint32{"waiting for its context": selBlock, "deaf": selStuck} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			p := newFake()
			path, _ := serve(t, p, nil)
			c := connect(t, path, nil)
			s := within(t, p.made)
			burst(t, c)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for stuck := range 10 {
				wg.Go(func() {
					if err := c.Call(ctx, &userclient.Args{Selector: sel}); err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				})
				for arrived := false; !arrived; {
					echo, stop := context.WithTimeout(t.Context(), 5*time.Second)
					if err := c.Call(echo, &userclient.Args{Selector: selEcho}); err != nil {
						t.Fatalf("a call beside %d stuck ones: %v", stuck, err)
					}
					stop()
					s.mu.Lock()
					arrived = s.running > stuck
					s.mu.Unlock()
				}
			}
			cancel()
			close(p.unstick)
			wg.Wait()
		})
	}
}

// A client that does not call hears at once that its driver has gone, also right after it
// has called.
func TestQuietClientHearsTheHangup(t *testing.T) {
	leak.Check(t)
	c, s := both(t, nil)
	burst(t, c)
	s.r.Hangup(errors.New("unplugged"))
	within(t, c.Done())
	if err := c.Err(); !errors.Is(err, ioreturn.ErrGone) {
		t.Error(err)
	}
}

// Callers listen for each other: some give up while they do, and no answer is lost.
func TestCallersComeAndGo(t *testing.T) {
	leak.Check(t)
	c, _ := both(t, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range uint64(100) {
				a := &userclient.Args{Selector: selEcho, In: []uint64{i}, Out: make([]uint64, 1)}
				if err := c.Call(t.Context(), a); err != nil || a.Out[0] != i {
					t.Errorf("call %d: %d, %v", i, a.Out[0], err)
					return
				}
			}
		})
		wg.Go(func() {
			for i := range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%5)*100*time.Microsecond)
				err := c.Call(ctx, &userclient.Args{Selector: selBlock})
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a call given up: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestContextOfAHandler(t *testing.T) {
	why := errors.New("the session is over")
	for name, c := range map[string]struct {
		early bool // somebody waits before the end
		end   func(h *handling, session context.CancelCauseFunc)
		cause error
	}{
		"cancelled":               {false, func(h *handling, _ context.CancelCauseFunc) { h.cancel() }, context.Canceled},
		"cancelled under waiters": {true, func(h *handling, _ context.CancelCauseFunc) { h.cancel() }, context.Canceled},
		"session":                 {false, func(_ *handling, end context.CancelCauseFunc) { end(why) }, why},
		"session under waiters":   {true, func(_ *handling, end context.CancelCauseFunc) { end(why) }, why},
	} {
		t.Run(name, func(t *testing.T) {
			session, end := context.WithCancelCause(t.Context())
			blocks := 0
			h := &handling{session: session, blocks: func() { blocks++ }}
			defer h.cancel()
			if h.Err() != nil {
				t.Error(h.Err())
			}
			var child context.Context
			if c.early {
				var stop context.CancelFunc
				child, stop = context.WithCancel(h)
				defer stop()
			} else if blocks != 0 {
				t.Error("somebody waits")
			}
			c.end(h, end)
			if h.Err() == nil {
				t.Error("the context has not ended")
			}
			within(t, h.Done())
			if got := context.Cause(h); !errors.Is(got, c.cause) {
				t.Errorf("the cause is %v, want %v", got, c.cause)
			}
			if c.early {
				within(t, child.Done())
			}
			if blocks != 1 {
				t.Errorf("told %d times that a handler blocks", blocks)
			}
		})
	}
}
