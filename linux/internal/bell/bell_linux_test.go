// SPDX-License-Identifier: Apache-2.0

package bell_test

import (
	"context"
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

func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		roles[role]()
		return
	}
	leak.Main(m)
}

// way is how bells are rung.
type way struct {
	kind  bell.Kind
	write bool // though it could be signalled
}

var (
	eventFD    = way{kind: bell.EventFD}
	written    = way{kind: bell.EventFD, write: true}
	socketPair = way{kind: bell.SocketPair}
	ways       = map[string]way{"eventfd": eventFD, "eventfd, written": written, "socketpair": socketPair}
)

// each runs f for every way.
func each(t *testing.T, f func(t *testing.T, w way)) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			f(t, w)
		})
	}
}

// pair returns a port and its bell, both closed at the end of the test.
func pair(t testing.TB, w way, onLost func(error)) (*bell.Port, *bell.Bell) {
	t.Helper()
	p, num, err := bell.NewPort(w.kind, onLost)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bell.NewBell(w.kind, num, onLost)
	if err != nil {
		t.Fatal(err)
	}
	if w.write {
		b.ByWrite()
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
		t.Error(err)
	}
}

func TestWaitConsumesAllRings(t *testing.T) {
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
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
		if n := p.RingsHeard(); n != 5 {
			t.Errorf("%d rings heard of 5", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait without a ring: %v, want the context's error", err)
		}
	})
}

func TestRingsNeverBlockOrFail(t *testing.T) {
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
		for range 5000 { // many times what a socket buffer holds
			ring(t, b)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWaitIsWokenWhileItSleeps(t *testing.T) {
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
		q, c := pair(t, w, nil)
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
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
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
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
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
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
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
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
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
		if n := p.RingsHeard(); n != 2*101 { // one round comes before those that are measured
			t.Errorf("%d rings heard", n)
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
	each(t, func(t *testing.T, w way) {
		p, _ := pair(t, w, nil)
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
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
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
	each(t, func(t *testing.T, w way) {
		for range 50 {
			p, b := pair(t, w, nil)
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
	each(t, func(t *testing.T, w way) {
		p, b := pair(t, w, nil)
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
	each(t, func(t *testing.T, w way) {
		_, b := pair(t, w, nil)
		why := fmt.Errorf("gone: %w", ioreturn.ErrGone)
		b.Fail(why)
		if err := b.Ring(); !errors.Is(err, why) {
			t.Errorf("Ring after Fail: %v", err)
		}
		_, c := pair(t, w, nil)
		c.Close()
		if err := c.Ring(); !errors.Is(err, ioreturn.ErrClosed) {
			t.Errorf("Ring after Close: %v", err)
		}
	})
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
		for kind, w := range ways {
			num, err := f()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bell.NewBell(w.kind, num, nil); !errors.Is(err, ioreturn.ErrProtocol) {
				t.Errorf("a %s as %s: %v, want a broken rule", name, kind, err)
			}
		}
	}
	if _, _, err := bell.NewPort(0, nil); !errors.Is(err, ioreturn.ErrInvalid) {
		t.Errorf("port of no kind: %v", err)
	}
}

func BenchmarkRing(b *testing.B) {
	for name, w := range ways {
		b.Run(name, func(b *testing.B) {
			_, c := pair(b, w, nil)
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
	for name, w := range ways {
		b.Run(name, func(b *testing.B) {
			p, c := pair(b, w, nil)
			b.ReportAllocs()
			for b.Loop() {
				if err := errors.Join(c.Ring(), p.Wait(context.Background())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
