// SPDX-License-Identifier: Apache-2.0

package bell_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"github.com/iostreamkit/iostreamkit/linux/internal/memfd"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

// word is a word of shared memory.
type word struct{ p *atomic.Uint32 }

func (w word) Load() uint32  { return w.p.Load() }
func (w word) Addr() uintptr { return uintptr(unsafe.Pointer(w.p)) }

// twoMappings returns one word of a memfd, mapped writable and mapped read-only.
func twoMappings(t testing.TB) (writable, readOnly word) {
	t.Helper()
	m, err := memfd.Create("word", 1, true)
	if err != nil {
		t.Fatal(err)
	}
	ro, err := memfd.Map(m.FD, len(m.Bytes), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(memfd.Unmap(ro), m.Close()); err != nil {
			t.Error(err)
		}
	})
	at := func(b []byte) word { return word{(*atomic.Uint32)(unsafe.Pointer(&b[64]))} }
	return at(m.Bytes), at(ro)
}

func TestWordWakesThroughAReadOnlyMapping(t *testing.T) {
	for _, sliced := range []bool{false, true} {
		leak.Check(t)
		p, b := pair(t, eventFD, nil)
		bell.WithoutWaitv(p, sliced)
		mine, theirs := twoMappings(t)
		done := make(chan error, 1)
		go func() {
			for seen := range uint32(1000) {
				for theirs.Load() == seen {
					if err := p.WaitWord(t.Context(), theirs, seen); err != nil {
						done <- err
						return
					}
				}
			}
			done <- nil
		}()
		for v := range uint32(1000) {
			mine.p.Swap(v + 1)
			if err := b.WakeWord(mine); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := p.RingsHeard(); n > 1000 {
			t.Errorf("%d rings heard of 1000", n)
		}
	}
}

func TestWaitWordEnds(t *testing.T) {
	why := errors.New("enough")
	for name, tc := range map[string]struct {
		end  func(p *bell.Port, cancel context.CancelCauseFunc)
		want error
	}{
		"context": {func(_ *bell.Port, cancel context.CancelCauseFunc) { cancel(why) }, why},
		"close":   {func(p *bell.Port, _ context.CancelCauseFunc) { p.Close() }, ioreturn.ErrClosed},
		"fail":    {func(p *bell.Port, _ context.CancelCauseFunc) { p.Fail(ioreturn.ErrGone) }, ioreturn.ErrGone},
	} {
		for _, sliced := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				leak.Check(t)
				p, _ := pair(t, eventFD, nil)
				bell.WithoutWaitv(p, sliced)
				_, w := twoMappings(t)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				done := make(chan error, 1)
				go func() { done <- p.WaitWord(ctx, w, 0) }()
				time.AfterFunc(3*time.Millisecond, func() { tc.end(p, cancel) })
				soon(t, "WaitWord", func() {
					if err := <-done; !errors.Is(err, tc.want) {
						t.Errorf("WaitWord: %v, want %v", err, tc.want)
					}
				})
			})
		}
	}
}

// moveSleepers moves those who sleep on w to a word that nobody wakes, as anybody can
// who has w mapped, and returns how many there were.
func moveSleepers(w word) int {
	const cmpRequeue, all = 4, 1 << 30
	elsewhere := new(atomic.Uint32)
	n, _, errno := unix.Syscall6(unix.SYS_FUTEX, w.Addr(), cmpRequeue, 0, all, uintptr(unsafe.Pointer(elsewhere)), uintptr(w.Load()))
	if errno != 0 {
		return 0
	}
	return int(n)
}

// C1: a sleeper that the other side has moved away hears no ring, but of the end.
func TestC1SleeperThatIsMovedAway(t *testing.T) {
	for _, sliced := range []bool{false, true} {
		leak.Check(t)
		p, _ := pair(t, eventFD, nil)
		bell.WithoutWaitv(p, sliced)
		_, w := twoMappings(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		wait := func(ctx context.Context) {
			go func() { done <- p.WaitWord(ctx, w, 0) }()
			for moveSleepers(w) == 0 {
				<-time.After(time.Millisecond)
			}
		}
		wait(ctx)
		soon(t, "a cancelled wait", func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("WaitWord: %v", err)
			}
		})
		wait(context.Background())
		soon(t, "a wait on a closed port", func() {
			p.Close()
			if err := <-done; !errors.Is(err, ioreturn.ErrClosed) {
				t.Errorf("WaitWord: %v", err)
			}
		})
	}
}

func TestWaitWordWithAnotherValueReturns(t *testing.T) {
	p, _ := pair(t, socketPair, nil)
	_, w := twoMappings(t)
	if err := p.WaitWord(context.Background(), w, 7); err != nil || p.RingsHeard() != 1 {
		t.Errorf("%v; %d rings heard", err, p.RingsHeard())
	}
}

func TestC33WaitWordAllocatesNothing(t *testing.T) {
	p, b := pair(t, eventFD, nil)
	mine, w := twoMappings(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	round := func() {
		mine.p.Swap(mine.Load() + 1)
		if err := errors.Join(b.WakeWord(mine), p.WaitWord(ctx, w, mine.Load()-1)); err != nil {
			t.Fatal(err)
		}
	}
	round()
	// The interface value of the word is the caller's; here it is made in each round.
	if n := testing.AllocsPerRun(500, round); n != 0 {
		t.Errorf("%v allocations for a wake and a wait", n)
	}
}

func TestWakeWordAfterTheEnd(t *testing.T) {
	_, b := pair(t, eventFD, nil)
	mine, _ := twoMappings(t)
	b.Close()
	if err := b.WakeWord(mine); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("WakeWord after Close: %v", err)
	}
}
