// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// Port is where this side sleeps until the other side rings. It implements
// userclient.Port and userclient.WordPort.
type Port struct {
	kind Kind
	num  int // what to poll; never used for anything else without the file's lock
	file *os.File
	raw  syscall.RawConn
	// tryRead and clearNow, made once so that Wait and Clear allocate nothing.
	read  func(fd uintptr) bool
	clear func(fd uintptr)

	over    atomic.Pointer[error] // why every Wait fails from now on
	busy    atomic.Bool           // somebody waits
	onWord  atomic.Bool           // and does so on a word
	buf     [512]byte
	result  error         // of read
	heard   atomic.Uint64 // written by who waits or clears
	onLost  func(error)
	cancel  atomic.Uint32 // changes when a sleeper on a word must look around
	noWaitv bool          // this system has no futex_waitv
	list    [2]waiter

	ctxMu   sync.Mutex
	ctxDone <-chan struct{} // of the context that wake is registered with
	ctxStop func() bool
}

var (
	_ userclient.Port        = (*Port)(nil)
	_ userclient.WordPort    = (*Port)(nil)
	_ userclient.RingCounter = (*Port)(nil)
)

var (
	errTwoWaiters = errors.New("two goroutines wait on one port")
	errClosedEnd  = errors.New("its end is closed")
)

// NewPort makes a port of kind k and the descriptor for the side that rings it,
// which the caller hands over and then closes. onLost is called when the other side
// has made the port unusable; it must not block.
func NewPort(k Kind, onLost func(error)) (_ *Port, ring int, err error) {
	var wait int
	switch k {
	case EventFD:
		wait, ring, err = newEventFD()
	case SocketPair:
		wait, ring, err = newSocketPair()
	default:
		return nil, -1, fmt.Errorf("port of kind %d: %w", k, ioreturn.ErrInvalid)
	}
	if err != nil {
		return nil, -1, err
	}
	// The descriptor is non-blocking, so the file registers it with the runtime's poller.
	p := &Port{kind: k, num: wait, file: os.NewFile(uintptr(wait), "port"), onLost: onLost}
	p.read, p.clear = p.tryRead, p.clearNow
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		unix.Close(ring)
		return nil, -1, fmt.Errorf("make a port: %w", err)
	}
	return p, ring, nil
}

// Wait sleeps until the other side rings. See userclient.Port.
func (p *Port) Wait(ctx context.Context) error {
	if !p.busy.CompareAndSwap(false, true) {
		return ioreturn.Op("wait", "port", errors.Join(errTwoWaiters, ioreturn.ErrState))
	}
	defer p.busy.Store(false)
	p.register(ctx)
	for {
		if err := p.ended(ctx); err != nil {
			return err
		}
		switch err := p.raw.Read(p.read); {
		case err == nil && p.result == nil:
			return p.rung()
		case err == nil:
			return p.result
		case errors.Is(err, os.ErrDeadlineExceeded):
			// Somebody wants us to look around; it may have been for an earlier Wait.
			if err := p.file.SetReadDeadline(time.Time{}); err != nil {
				return p.closed()
			}
		default:
			return p.closed()
		}
	}
}

// rung ends a Wait that has consumed a ring. If the session ended meanwhile, the
// descriptor must go on polling readable.
func (p *Port) rung() error {
	if over := p.over.Load(); over != nil {
		p.raw.Control(p.stayReadable)
		return *over
	}
	return nil
}

// ended returns why a Wait with ctx must not sleep (again).
func (p *Port) ended(ctx context.Context) error {
	if over := p.over.Load(); over != nil {
		return *over
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (p *Port) closed() error {
	if over := p.over.Load(); over != nil {
		return *over
	}
	return ioreturn.ErrClosed
}

// tryRead consumes all rings so far and reports whether there was one, or whether
// there will never be another.
func (p *Port) tryRead(fd uintptr) bool {
	n, errno := p.consume(int(fd))
	for errno == unix.EINTR {
		n, errno = p.consume(int(fd))
	}
	switch {
	case errno == unix.EAGAIN:
		return false
	case errno != 0:
		p.result = p.lost(errno)
	case n == 0:
		p.result = p.lost(errClosedEnd)
	default:
		p.result = nil
	}
	return true
}

// lost tells the session that the other side has closed its end or worse. Most
// often that is because the session is ending, so the reason is left to onLost.
func (p *Port) lost(err error) error {
	if over := p.over.Load(); over != nil {
		return *over
	}
	broken := ioreturn.Broken(ioreturn.RuleBellBlocked, "nobody can ring our port any more: %v", err)
	if p.onLost != nil {
		p.onLost(broken)
	}
	return errors.Join(ioreturn.ErrGone, broken)
}

// FD returns the descriptor to poll. See userclient.Port. When the session is over
// it stays readable until Close.
func (p *Port) FD() int { return p.num }

// Fail ends the current and every later Wait with err and makes FD readable for
// good. The first Fail or Close counts. It does not block.
func (p *Port) Fail(err error) {
	if !p.over.CompareAndSwap(nil, &err) {
		return
	}
	p.raw.Control(p.stayReadable)
	p.wake()
}

// stayReadable makes the descriptor poll readable from now on. An eventfd that does
// so already is left alone: only then could a write to it block.
func (p *Port) stayReadable(fd uintptr) {
	if p.kind == SocketPair {
		unix.Shutdown(int(fd), unix.SHUT_RDWR)
		return
	}
	if ready(int(fd), unix.POLLIN) {
		return
	}
	if s, err := newSignaller(int(fd)); err == nil {
		done := s.signal()
		s.close()
		if done {
			return
		}
	}
	_ = unix.SetNonblock(int(fd), true) // in case the other side has cleared it
	_ = writeEventFD(int(fd))           // fails only on what is no eventfd
}

// Close ends every Wait and gives the descriptor back. Closing twice is harmless.
func (p *Port) Close() error {
	err := ioreturn.ErrClosed
	p.over.CompareAndSwap(nil, &err)
	p.ctxMu.Lock()
	if p.ctxStop != nil {
		p.ctxStop()
	}
	p.ctxDone, p.ctxStop = nil, nil
	p.ctxMu.Unlock()
	p.wake()
	if err := p.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// register makes the end of ctx wake this port. Contexts are told apart by their
// Done channel, and one is remembered, so that a loop of waits registers once (C33).
// A remembered context that ends later causes a spurious wake-up of another Wait,
// which that Wait sees and sleeps on.
func (p *Port) register(ctx context.Context) {
	done := ctx.Done()
	if done == nil {
		return
	}
	p.ctxMu.Lock()
	defer p.ctxMu.Unlock()
	if done == p.ctxDone {
		return
	}
	if p.ctxStop != nil {
		p.ctxStop()
	}
	p.ctxDone, p.ctxStop = done, context.AfterFunc(ctx, p.wake)
}

// wake makes the waiter, if there is one, look around.
func (p *Port) wake() {
	_ = p.file.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed, which wakes too
	p.cancel.Add(1)
	if p.onWord.Load() {
		wakePrivate(&p.cancel)
	}
}

// consume takes all rings away that there are, or some of a socket's.
func (p *Port) consume(fd int) (n int, errno unix.Errno) {
	if p.kind == SocketPair {
		if n, errno = recvNoWait(fd, p.buf[:]); n > 0 && errno == 0 {
			p.hear(uint64(n))
		}
		return n, errno
	}
	count := (*[8]byte)(p.buf[:])
	if n, errno = readNoWait(fd, count); n == len(count) && errno == 0 {
		p.hear(binary.NativeEndian.Uint64(count[:]))
	}
	return n, errno
}

// mostAtOnce is the most rings that are believed to have come between two looks. The
// other side can set the counter of an eventfd to anything.
const mostAtOnce = 1 << 32

// hear counts rings. After the end there is one of our own.
func (p *Port) hear(rings uint64) {
	if p.over.Load() != nil {
		return
	}
	before := p.heard.Load()
	p.heard.Store(max(before, before+min(rings, mostAtOnce))) // stays where it would wrap
}

// RingsHeard returns how many rings were heard. See userclient.RingCounter.
func (p *Port) RingsHeard() uint64 { return p.heard.Load() }

// ready reports whether descriptor num polls for one of events now.
func ready(num int, events int16) bool {
	p := []unix.PollFd{{Fd: int32(num), Events: events}}
	n, err := unix.Poll(p, 0)
	return err == nil && n > 0 && p[0].Revents&events != 0
}
