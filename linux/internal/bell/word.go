// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import (
	"context"
	"errors"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// slice bounds one sleep where futex_waitv is missing: after it the sleeper looks
// whether it has been cancelled.
const slice = 10 * time.Millisecond

// WaitWord sleeps until w differs from seen. See userclient.WordPort. The word may
// be mapped read-only. The sleep is on the caller's OS thread; the end of ctx, Fail
// and Close change a word of this process that the same system call waits on.
//
// A wait for w alone would be 0.15 us shorter, but the only way to end it would be to
// wake those who wait for w, and whoever has w mapped, be it for reading, can move them
// to another word (FUTEX_REQUEUE), where that does not reach them (C1). A time-out
// costs as much as the second word.
func (p *Port) WaitWord(ctx context.Context, w userclient.Word, seen uint32) error {
	if !p.busy.CompareAndSwap(false, true) {
		return ioreturn.Op("wait", "port", errors.Join(errTwoWaiters, ioreturn.ErrState))
	}
	p.onWord.Store(true)
	defer func() {
		p.onWord.Store(false)
		p.busy.Store(false)
	}()
	p.register(ctx)
	for {
		mark := p.cancel.Load() // before the conditions that its changes announce
		if err := p.ended(ctx); err != nil {
			return err
		}
		if w.Load() != seen {
			p.hear(1)
			return nil
		}
		done, err := p.sleep(w, seen, mark)
		if done && err == nil && w.Load() != seen {
			p.hear(1)
		}
		if err != nil || done {
			return err
		}
	}
}

// sleep does one futex call; done says that w may have changed.
func (p *Port) sleep(w userclient.Word, seen, mark uint32) (done bool, err error) {
	errno := unix.ENOSYS
	if !p.noWaitv {
		p.list = [2]waiter{
			{val: uint64(seen), addr: uint64(w.Addr()), flags: futex2Size32},
			{val: uint64(mark), addr: privateAddr(&p.cancel), flags: futex2Size32 | futexPrivate},
		}
		errno = waitEither(&p.list)
	}
	if errno == unix.ENOSYS || errno == unix.EPERM {
		p.noWaitv = true
		errno = waitSlice(w.Addr(), seen, slice)
	}
	switch errno {
	case 0:
		return p.cancel.Load() == mark, nil
	case unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		return false, nil
	}
	return true, ioreturn.Op("wait", "word of a queue", errno)
}

// WakeWord wakes whoever sleeps on w, in any process. See userclient.WordBell.
func (b *Bell) WakeWord(w userclient.Word) error {
	if over := b.over.Load(); over != nil {
		return *over
	}
	if errno := wakeShared(w.Addr()); errno != 0 {
		return ioreturn.Op("wake", "word of a queue", errno)
	}
	return nil
}
