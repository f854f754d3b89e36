// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/linux/internal/fd"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// period is how often the watchdog looks at an eventfd that is being rung. A write
// that blocks is found within two periods.
const period = 25 * time.Millisecond

// Bell rings the other side's port. It implements userclient.Bell and
// userclient.WordBell.
type Bell struct {
	kind   Kind
	fd     *fd.FD
	over   atomic.Pointer[error]
	onLost func(error)

	// Of eventfds only. Without a signaller, or when it fails, the eventfd is written to,
	// and a watchdog runs while that happens.
	signaller *signaller
	writers   atomic.Int32  // writes under way
	writes    atomic.Uint64 // writes that have ended
	watched   atomic.Bool   // the timer runs
	timer     *time.Timer
	seen      uint64 // writes at the last look
	inside    bool   // whether one was under way then
}

var (
	_ userclient.Bell     = (*Bell)(nil)
	_ userclient.WordBell = (*Bell)(nil)
)

// NewBell takes over descriptor num, which came from the other side, as a bell of
// kind k, on every path. The error is a broken rule. onLost is called when the
// other side has made the bell unusable; it must not block.
func NewBell(k Kind, num int, onLost func(error)) (*Bell, error) {
	if err := check(k, num); err != nil {
		unix.Close(num)
		return nil, err
	}
	b := &Bell{kind: k, fd: fd.New(num), onLost: onLost}
	if k == EventFD {
		b.signaller, _ = newSignaller(num) // without one the eventfd is written to
	}
	b.timer = time.AfterFunc(time.Hour, b.watch)
	b.timer.Stop()
	return b, nil
}

// Signals reports whether b is rung in the way that nobody can block. It may differ
// from bell to bell, because it takes a descriptor and memory.
func (b *Bell) Signals() bool { return b.signaller != nil }

// ByWrite makes b ring as where Signals is false. It is for tests of both ways, and must
// come before the first Ring.
func (b *Bell) ByWrite() {
	if b.signaller != nil {
		b.signaller.close()
		b.signaller = nil
	}
}

// Ring wakes the other side. See userclient.Bell. It does not block, except that
// where the system has no io_uring for us the other side can hold one Ring of an
// eventfd until the watchdog ends it and the session (RuleBellBlocked). It allocates
// nothing.
func (b *Bell) Ring() error {
	if over := b.over.Load(); over != nil {
		return *over
	}
	if !b.fd.Acquire() {
		return ioreturn.ErrClosed
	}
	var err error
	switch {
	case b.kind == SocketPair:
		err = ringSocket(b.fd.Num())
	case b.signaller == nil || !b.signaller.signal():
		err = b.write()
	}
	b.release()
	if over := b.over.Load(); over != nil {
		return *over
	}
	if err != nil {
		return b.lost(err)
	}
	return nil
}

// release ends one use of the descriptor, and of the signaller.
func (b *Bell) release() {
	if b.fd.Release() && b.signaller != nil {
		b.signaller.close()
	}
}

// write rings an eventfd in the way that the other side can block.
func (b *Bell) write() error {
	b.writers.Add(1)
	defer b.writers.Add(-1)
	if b.over.Load() != nil {
		return nil // whoever ended the bell may have seen no writer, and Ring says why
	}
	if !b.watched.Load() && b.watched.CompareAndSwap(false, true) {
		b.timer.Reset(period)
	}
	err := writeEventFD(b.fd.Num())
	b.writes.Add(1)
	return err
}

// lost tells the session that the bell is unusable. Most often that is because the
// session is ending, so the reason is left to onLost.
func (b *Bell) lost(err error) error {
	broken := ioreturn.Broken(ioreturn.RuleBellBlocked, "a bell cannot be rung any more: %v", err)
	if b.onLost != nil {
		b.onLost(broken)
	}
	return errors.Join(ioreturn.ErrGone, broken)
}

// Fail makes every later Ring return err. The first Fail or Close counts.
func (b *Bell) Fail(err error) { b.over.CompareAndSwap(nil, &err) }

// Close gives the descriptor back, when a Ring that is under way has ended. It
// ends one that the other side blocks. Closing twice is harmless.
func (b *Bell) Close() error {
	b.Fail(ioreturn.ErrClosed)
	b.timer.Stop()
	if b.kind == EventFD && b.fd.Acquire() {
		b.fd.Close()
		b.unblock()
		b.release()
		return nil
	}
	if err := b.fd.Close(); err != nil && !errors.Is(err, ioreturn.ErrClosed) {
		return err
	}
	return nil
}

// watch looks whether a write to the eventfd is stuck. It runs once a period while
// there are writes, and stops when a period had none. A suspicion is believed only
// if the counter is really full: a slow machine looks the same otherwise.
func (b *Bell) watch() {
	if !b.fd.Acquire() {
		return
	}
	defer b.release()
	writes, inside := b.writes.Load(), b.writers.Load() > 0
	stuck := inside && b.inside && writes == b.seen
	idle := !inside && writes == b.seen
	b.seen, b.inside = writes, inside
	switch {
	case stuck && !ready(b.fd.Num(), unix.POLLOUT):
		broken := ioreturn.Broken(ioreturn.RuleBellBlocked, "the counter of an eventfd is full and a write to it blocks")
		b.Fail(errors.Join(ioreturn.ErrGone, broken))
		if b.onLost != nil {
			b.onLost(broken)
		}
		b.unblock()
	case idle:
		b.watched.Store(false)
		// A write that saw the old value counts on the timer.
		if b.writes.Load() != writes || b.writers.Load() > 0 {
			b.rewatch()
		}
	default:
		b.timer.Reset(period)
	}
}

func (b *Bell) rewatch() {
	if b.watched.CompareAndSwap(false, true) {
		b.timer.Reset(period)
	}
}

// unblockTries bounds the fight with a peer that fills the counter again and again.
const unblockTries = 100

// unblock ends writes that stand in the eventfd: it makes the description
// non-blocking again for those to come and takes the counter away from under those
// that are there. The caller is a user of the descriptor.
func (b *Bell) unblock() {
	for range unblockTries {
		if b.writers.Load() == 0 {
			return
		}
		_ = unix.SetNonblock(b.fd.Num(), true) // the loop sees whether it helped
		var v [8]byte
		readNoWait(b.fd.Num(), &v)
		<-time.After(time.Millisecond)
	}
}

// writeEventFD adds one to the counter. If it is full the port is readable anyway.
func writeEventFD(num int) error {
	for {
		switch errno := addOne(num); errno {
		case 0, unix.EAGAIN:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// ringSocket sends one byte. If the buffer is full there are rings that the other
// side has not consumed.
func ringSocket(num int) error {
	one := [1]byte{1}
	for {
		err := unix.Send(num, one[:], unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		switch err {
		case nil, unix.EAGAIN:
			return nil
		case unix.EINTR:
		default:
			return err
		}
	}
}
