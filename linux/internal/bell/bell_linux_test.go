// SPDX-License-Identifier: Apache-2.0

package bell_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { leak.Main(m) }

var kinds = map[string]bell.Kind{"eventfd": bell.EventFD, "socketpair": bell.SocketPair}

// each runs f for both kinds of bell.
func each(t *testing.T, f func(t *testing.T, k bell.Kind)) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			f(t, k)
		})
	}
}

// pair returns a port and its bell, both closed at the end of the test.
func pair(t testing.TB, k bell.Kind, onLost func(error)) (*bell.Port, *bell.Bell) {
	t.Helper()
	p, num, err := bell.NewPort(k, onLost)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bell.NewBell(k, num, onLost)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return p, b
}

func polls(t testing.TB, num int) bool {
	t.Helper()
	p := []unix.PollFd{{Fd: int32(num), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0 && p[0].Revents&unix.POLLIN != 0
}

func ring(t testing.TB, b *bell.Bell) {
	t.Helper()
	if err := b.Ring(); err != nil {
		t.Fatal(err)
	}
}

func TestWaitConsumesAllRings(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		for range 5 {
			ring(t, b)
		}
		if !polls(t, p.FD()) {
			t.Error("a rung port does not poll readable")
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if polls(t, p.FD()) {
			t.Error("rings are left after Wait")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait without a ring: %v, want the context's error", err)
		}
	})
}

func TestRingsNeverBlockOrFail(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		for range 5000 { // many times what a socket buffer holds
			ring(t, b)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWaitIsWokenWhileItSleeps(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		q, c := pair(t, k, nil)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			for range 1000 {
				if err := errors.Join(q.Wait(context.Background()), b.Ring()); err != nil {
					t.Error(err)
				}
			}
		})
		for range 1000 {
			if err := errors.Join(c.Ring(), p.Wait(context.Background())); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWaitReturnsTheCause(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		time.AfterFunc(5*time.Millisecond, func() { cancel(why) })
		if err := p.Wait(ctx); !errors.Is(err, why) {
			t.Errorf("Wait: %v, want the cause", err)
		}
		ring(t, b)
		if err := p.Wait(ctx); !errors.Is(err, why) {
			t.Errorf("Wait with an ended context: %v, want the cause", err)
		}
		if err := p.Wait(context.Background()); err != nil {
			t.Errorf("the ring was lost: %v", err)
		}
	})
}

// A context that ends while a later Wait with another one sleeps must not end that Wait.
func TestC33LateEndOfAnOldContext(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		for i := range 200 {
			old, cancel := context.WithCancel(t.Context())
			ring(t, b)
			if err := p.Wait(old); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			ctx := context.Background() // keeps the old registration
			if i%2 == 1 {
				other, stop := context.WithCancel(t.Context())
				defer stop()
				ctx = other
			}
			go func() { done <- p.Wait(ctx) }()
			cancel()
			select {
			case err := <-done:
				t.Fatalf("the end of an old context ended another Wait: %v", err)
			case <-time.After(time.Millisecond):
			}
			ring(t, b)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestC33WaitAllocatesNothing(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for name, ctx := range map[string]context.Context{"no Done channel": context.Background(), "same context": ctx} {
			round := func() {
				if err := errors.Join(b.Ring(), p.Wait(ctx)); err != nil {
					t.Fatal(err)
				}
			}
			round()
			if n := testing.AllocsPerRun(500, round); n != 0 {
				t.Errorf("%s: %v allocations for a ring and a wait", name, n)
			}
		}
	})
}

func TestC32ClearSilencesThePort(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		round := func() {
			ring(t, b)
			ring(t, b)
			p.Clear()
			p.Clear()
		}
		if n := testing.AllocsPerRun(100, round); n != 0 {
			t.Errorf("%v allocations for a ring and a clear", n)
		}
		if polls(t, p.FD()) {
			t.Error("a cleared port polls readable")
		}
		ring(t, b)
		if err := p.Wait(context.Background()); err != nil {
			t.Errorf("the ring after Clear: %v", err)
		}
		p.Fail(ioreturn.ErrGone)
		p.Clear()
		if !polls(t, p.FD()) {
			t.Error("the end of the session was cleared away")
		}
	})
}

func TestCloseEndsWait(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, _ := pair(t, k, nil)
		done := make(chan error, 1)
		go func() { done <- p.Wait(context.Background()) }()
		time.AfterFunc(2*time.Millisecond, func() { p.Close() })
		if err := <-done; !errors.Is(err, ioreturn.ErrClosed) {
			t.Errorf("Wait of a closed port: %v", err)
		}
		if err := p.Wait(context.Background()); !errors.Is(err, ioreturn.ErrClosed) {
			t.Errorf("Wait after Close: %v", err)
		}
	})
}

// C32: a poller learns of the session's end because the descriptor is readable then, for good.
func TestC32FailMakesThePortReadable(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		ring(t, b)
		why := fmt.Errorf("gone: %w", ioreturn.ErrGone)
		p.Fail(why)
		for range 3 {
			if !polls(t, p.FD()) {
				t.Error("the descriptor of an ended session does not poll readable")
			}
			if err := p.Wait(context.Background()); !errors.Is(err, why) {
				t.Errorf("Wait: %v, want the reason", err)
			}
		}
	})
}

func TestFailEndsWaitAndStaysReadable(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		for range 50 {
			p, b := pair(t, k, nil)
			done := make(chan error, 1)
			go func() { done <- p.Wait(context.Background()) }()
			go b.Ring()
			p.Fail(ioreturn.ErrGone)
			if err := <-done; err != nil && !errors.Is(err, ioreturn.ErrGone) {
				t.Fatalf("Wait: %v", err)
			}
			if !polls(t, p.FD()) {
				t.Fatal("the descriptor of an ended session does not poll readable")
			}
			b.Close()
		}
	})
}

func TestTwoWaitersAreRefused(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		p, b := pair(t, k, nil)
		errs := make(chan error, 2)
		for range 2 {
			go func() { errs <- p.Wait(context.Background()) }()
		}
		if err := <-errs; !errors.Is(err, ioreturn.ErrState) {
			t.Errorf("second Wait: %v, want ErrState", err)
		}
		ring(t, b)
		if err := <-errs; err != nil {
			t.Error(err)
		}
	})
}

func TestRingAfterTheEnd(t *testing.T) {
	each(t, func(t *testing.T, k bell.Kind) {
		_, b := pair(t, k, nil)
		why := fmt.Errorf("gone: %w", ioreturn.ErrGone)
		b.Fail(why)
		if err := b.Ring(); !errors.Is(err, why) {
			t.Errorf("Ring after Fail: %v", err)
		}
		_, c := pair(t, k, nil)
		c.Close()
		if err := c.Ring(); !errors.Is(err, ioreturn.ErrClosed) {
			t.Errorf("Ring after Close: %v", err)
		}
	})
}

func TestC1SocketPairWithoutItsOtherEnd(t *testing.T) {
	leak.Check(t)
	lost := make(chan error, 2)
	p, b := pair(t, bell.SocketPair, func(err error) { lost <- err })
	p.Close()
	if err := b.Ring(); !errors.Is(err, ioreturn.ErrGone) || !errors.Is(err, ioreturn.ErrProtocol) {
		t.Errorf("Ring: %v", err)
	}
	q, c := pair(t, bell.SocketPair, func(err error) { lost <- err })
	c.Close()
	if err := q.Wait(context.Background()); !errors.Is(err, ioreturn.ErrGone) || !errors.Is(err, ioreturn.ErrProtocol) {
		t.Errorf("Wait: %v", err)
	}
	for range 2 {
		var rule *ioreturn.RuleError
		if err := <-lost; !errors.As(err, &rule) || rule.Rule != ioreturn.RuleBellBlocked {
			t.Errorf("the session was told %v", err)
		}
	}
}

// fillAndBlock does what a hostile holder of an eventfd can do to a ringer.
func fillAndBlock(t *testing.T, num int) {
	t.Helper()
	var full [8]byte
	binary.NativeEndian.PutUint64(full[:], ^uint64(1))
	if _, err := unix.Write(num, full[:]); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(num, false); err != nil {
		t.Fatal(err)
	}
}

func TestC1BlockedEventFDIsNoticed(t *testing.T) {
	leak.Check(t)
	slow := 0
	for range 3 { // another program on this machine may spoil one
		if blockedEventFD(t) > 100*time.Millisecond {
			slow++
		}
	}
	if slow == 3 {
		t.Error("it was noticed after more than 100 ms each time")
	}
}

// blockedEventFD returns after which time a blocked bell was noticed.
func blockedEventFD(t *testing.T) time.Duration {
	lost := make(chan error, 1)
	p, b := pair(t, bell.EventFD, func(err error) { lost <- err })
	fillAndBlock(t, p.FD())
	start := time.Now()
	errs := make(chan error, 3)
	for range 3 {
		go func() { errs <- b.Ring() }()
	}
	var rule *ioreturn.RuleError
	if err := <-lost; !errors.As(err, &rule) || rule.Rule != ioreturn.RuleBellBlocked {
		t.Errorf("the session was told %v", err)
	}
	took := time.Since(start)
	for range 3 {
		if err := <-errs; !errors.Is(err, ioreturn.ErrGone) || !errors.Is(err, ioreturn.ErrProtocol) {
			t.Errorf("Ring: %v", err)
		}
	}
	return took
}

func TestC1CloseEndsABlockedRing(t *testing.T) {
	leak.Check(t)
	p, b := pair(t, bell.EventFD, nil)
	fillAndBlock(t, p.FD())
	done := make(chan error, 1)
	go func() { done <- b.Ring() }()
	time.AfterFunc(2*time.Millisecond, func() { b.Close() })
	if err := <-done; !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("Ring: %v", err)
	}
}

// A counter that is merely full is a port that is rung.
func TestC1FullCounterIsARing(t *testing.T) {
	leak.Check(t)
	p, b := pair(t, bell.EventFD, func(err error) { t.Error(err) })
	fillAndBlock(t, p.FD())
	if err := unix.SetNonblock(p.FD(), true); err != nil {
		t.Fatal(err)
	}
	ring(t, b)
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A holder that makes the description blocking does not block the waiter.
func TestC1WaitNeverBlocksInRead(t *testing.T) {
	leak.Check(t)
	p, _ := pair(t, bell.EventFD, nil)
	if err := unix.SetNonblock(p.FD(), false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait: %v", err)
	}
}

func TestBellsOfTheWrongKindAreRefused(t *testing.T) {
	leak.Check(t)
	open := map[string]func() (int, error){
		"file":     func() (int, error) { return unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0) },
		"epoll":    func() (int, error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) },
		"datagram": func() (int, error) { return unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0) },
		"tcp":      func() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0) },
	}
	for name, f := range open {
		for kind, k := range kinds {
			num, err := f()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bell.NewBell(k, num, nil); !errors.Is(err, ioreturn.ErrProtocol) {
				t.Errorf("a %s as %s: %v, want a broken rule", name, kind, err)
			}
		}
	}
	if _, _, err := bell.NewPort(0, nil); !errors.Is(err, ioreturn.ErrInvalid) {
		t.Errorf("port of no kind: %v", err)
	}
}

func BenchmarkRing(b *testing.B) {
	for name, k := range kinds {
		b.Run(name, func(b *testing.B) {
			_, c := pair(b, k, nil)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Ring(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRingAndWait(b *testing.B) {
	for name, k := range kinds {
		b.Run(name, func(b *testing.B) {
			p, c := pair(b, k, nil)
			b.ReportAllocs()
			for b.Loop() {
				if err := errors.Join(c.Ring(), p.Wait(context.Background())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
