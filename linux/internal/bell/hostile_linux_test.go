// SPDX-License-Identifier: Apache-2.0

package bell_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

func TestC1SocketPairWithoutItsOtherEnd(t *testing.T) {
	leak.Check(t)
	lost := make(chan error, 2)
	p, b := pair(t, socketPair, func(err error) { lost <- err })
	p.Close()
	if err := b.Ring(); !errors.Is(err, ioreturn.ErrGone) || !errors.Is(err, ioreturn.ErrProtocol) {
		t.Errorf("Ring: %v", err)
	}
	q, c := pair(t, socketPair, func(err error) { lost <- err })
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

// full is the most that can be written to an eventfd.
func full() []byte { return binary.NativeEndian.AppendUint64(nil, ^uint64(1)) }

// fillAndBlock does what a hostile holder of an eventfd can do to a ringer.
func fillAndBlock(t *testing.T, num int) {
	t.Helper()
	if _, err := unix.Write(num, full()); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(num, false); err != nil {
		t.Fatal(err)
	}
}

func TestC1BlockedEventFDIsNoticed(t *testing.T) {
	leak.Check(t)
	for range 20 { // other programs on this machine may spoil some
		if blockedEventFD(t) <= 100*time.Millisecond {
			return
		}
	}
	t.Error("it was noticed after more than 100 ms each time")
}

// blockedEventFD returns after which time a blocked bell was noticed.
func blockedEventFD(t *testing.T) time.Duration {
	lost := make(chan error, 1)
	p, b := pair(t, written, func(err error) { lost <- err })
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
	p, b := pair(t, written, nil)
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
	for name, w := range map[string]way{"signalled": eventFD, "written": written} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			p, b := pair(t, w, func(err error) { t.Error(err) })
			fillAndBlock(t, p.FD())
			if err := unix.SetNonblock(p.FD(), true); err != nil {
				t.Fatal(err)
			}
			for range 3 { // a signal fills one more than a write can
				ring(t, b)
			}
			if !polls(t, p.FD()) {
				t.Error("a full counter does not poll readable")
			}
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if polls(t, p.FD()) {
				t.Error("rings are left after Wait")
			}
			if n := p.RingsHeard(); n != 1<<32 {
				t.Errorf("%d rings are believed", n)
			}
			ring(t, b)
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A holder that makes the description blocking does not block the waiter, nor does one
// that blocks itself in reading or writing. If one did, it would stop the collector.
func TestC1WaitNeverBlocksInRead(t *testing.T) {
	leak.Check(t)
	p, b := pair(t, eventFD, nil)
	if err := unix.SetNonblock(p.FD(), false); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	wait := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		runtime.GC()
	}
	wait()
	go func() {
		_, err := unix.Read(p.FD(), make([]byte, 8))
		done <- err
	}()
	wait()
	for blocked := true; blocked; { // whoever of the two is first has the ring
		ring(t, b)
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			blocked = false
		case <-time.After(time.Millisecond):
		}
	}
	p.Clear()
	fillAndBlock(t, p.FD())
	go func() {
		_, err := unix.Write(p.FD(), full())
		done <- err
	}()
	wait1 := func() {
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		runtime.GC()
	}
	wait1() // takes the first and lets the second in
	if err := <-done; err != nil {
		t.Error(err)
	}
	wait1()
}

// passes reports whether descriptors can be sent to the other end of a socket.
func passes(t *testing.T, num int) error {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	return unix.Sendmsg(num, []byte{1}, unix.UnixRights(int(null.Fd())), nil, unix.MSG_NOSIGNAL)
}

// Closing a descriptor of another process may block, so a port takes none with a ring,
// where the kernel can refuse them.
func TestC1SocketPairTakesNoDescriptors(t *testing.T) {
	leak.Check(t)
	p, num, err := bell.NewPort(bell.SocketPair, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	defer unix.Close(num)
	if _, err := unix.GetsockoptInt(num, unix.SOL_SOCKET, unix.SO_PASSRIGHTS); errors.Is(err, unix.ENOPROTOOPT) {
		return
	}
	if err := passes(t, num); !errors.Is(err, unix.EPERM) {
		t.Errorf("a ring with a descriptor: %v, want EPERM", err)
	}
}
