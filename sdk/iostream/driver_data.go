// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Take returns a buffer for the driver to work on: on a from-device stream one to
// fill, on a to-device stream one that the client has filled, on a stream that goes
// both ways one that the client has given back.
//
// Take blocks while no client has started the stream, across clients (C27). While one
// has and no buffer is free, the overrun policy decides: Block waits; DropNewest gives
// a private buffer whose entry Post counts as lost; DropOldest takes back the oldest
// entry that the client was not shown, and counts it; Fail stops the stream and
// returns an error matching ErrOverrun. It returns the context's cause when ctx ends
// and an error matching ErrClosed after Close; neither loses anything.
//
// Several goroutines may call Take.
func (d *Driver) Take(ctx context.Context) (*Buffer, error) {
	for {
		s, changed, err := d.current()
		if err != nil {
			return nil, err
		}
		if s != nil {
			b, err := s.take(ctx)
			if err == nil {
				return b, nil
			}
			if errors.Is(err, ioreturn.ErrOverrun) {
				d.Halt(ioreturn.Overrun)
				return nil, ioreturn.Op("take", d.cfg.Name, err)
			}
			if cause := context.Cause(ctx); cause != nil {
				return nil, ioreturn.Op("take", d.cfg.Name, cause)
			}
			if !errors.Is(err, errNotRunning) && s.currentState() != userclient.StateGone {
				s.res.Hangup(err) // the session is over; wait for the next client
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ioreturn.Op("take", d.cfg.Name, context.Cause(ctx))
		}
	}
}

// take returns a buffer of this session; errNotRunning asks to wait for a change.
func (s *session) take(ctx context.Context) (*Buffer, error) {
	for {
		b, ln, err := s.tryTake(true)
		if !errors.Is(err, errNoBuffer) {
			return b, err
		}
		if err := ln.await(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *session) tryTake(spare bool) (*Buffer, *lane, error) {
	s.mu.Lock()
	ln := s.lane
	if ln == nil {
		s.mu.Unlock()
		return nil, nil, errNotRunning
	}
	b, err := ln.grab(spare)
	due := ln.eventDue
	s.mu.Unlock()
	if due {
		ln.ringEvents()
	}
	return b, ln, err
}

// await blocks until the client may have given something back.
func (ln *lane) await(ctx context.Context) error {
	if ln.listening {
		select {
		case <-ln.kicked:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ln.ctx.Done():
			return errNotRunning
		}
	}
	if err := ln.waiter.lock(ctx); err != nil {
		return err
	}
	defer ln.waiter.unlock()
	return ln.waiter.wait(ctx, 1)
}

// TryTake is Take without waiting and without the overrun policy: when no buffer is
// free it returns an error matching ErrOverrun, or ErrState while no client runs the
// stream, and counts nothing. It is for hardware that can't stop: keep some buffers
// queued in the hardware, and when TryTake has none, let the hardware overwrite the
// newest and tell Lost (C46).
func (d *Driver) TryTake() (*Buffer, error) {
	s, _, err := d.current()
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, ioreturn.NotReady
	}
	b, _, err := s.tryTake(false)
	switch {
	case errors.Is(err, errNotRunning):
		return nil, ioreturn.NotReady
	case errors.Is(err, errNoBuffer):
		return nil, ioreturn.Overrun
	}
	return b, err
}

// Lost tells that the device lost n entries before the driver had them: they take n
// sequence numbers and are counted under LossDevice. Without a running client it does
// nothing.
func (d *Driver) Lost(n int) {
	s, _, err := d.current()
	if err != nil || s == nil || n <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ln := s.lane
	if ln == nil || !ln.active() {
		return
	}
	ln.nextSeq += uint64(n)
	ln.numbered = true
	ln.lose(userclient.LossDevice, n, ln.lastSeq())
}

// Post gives a taken buffer to the client with its first n data bytes valid, stamped
// now. On a to-device stream n is ignored: the buffer goes back empty. Post never
// blocks. A buffer of a client that has gone, and one posted while the stream is
// stopped, is counted as lost, and Post returns nil: a driver's loop needs no case for
// it (C27). The error matches ErrInvalid for a buffer that is not taken or a range
// outside it, and ErrProtocol if the client broke a rule; its session is then over.
func (d *Driver) Post(b *Buffer, n int) error { return d.PostEntry(b, Posting{Length: n}) }

// PostEntry is Post with every field of the entry (Apple's enqueueOutputBuffer and
// enqueueOutputEntry). It notifies the client if that asked for it.
func (d *Driver) PostEntry(b *Buffer, p Posting) error {
	ln := b.ln
	s := ln.s
	s.mu.Lock()
	wake, err := ln.put(b, &p)
	last, due := ln.finished && ln.taken == 0, ln.eventDue
	s.mu.Unlock()
	if last {
		ln.unmap()
	}
	if due {
		ln.ringEvents()
	}
	if err == nil {
		err = ln.ring(wake)
		if err != nil && ln.over() {
			return nil // the entry was published; the client is gone, which is no fault of the driver's
		}
	}
	if err != nil && errors.Is(err, ioreturn.ErrProtocol) {
		err = s.fail(err)
	}
	return ioreturn.Op("post", d.cfg.Name, err)
}

// over reports whether the session is over.
func (ln *lane) over() bool {
	select {
	case <-ln.s.over:
		return true
	default:
		return ln.ctx.Err() != nil
	}
}

// Return gives a taken buffer back unused: it is free again, and no number is spent.
func (d *Driver) Return(b *Buffer) error {
	ln := b.ln
	if ln.mode == userclient.ModeInput {
		return d.Post(b, 0)
	}
	ln.s.mu.Lock()
	if !b.taken {
		ln.s.mu.Unlock()
		return ioreturn.Op("return buffer", d.cfg.Name, ioreturn.BadArgument)
	}
	b.taken = false
	last := false
	if b.scratch {
		ln.scratch = append(ln.scratch, b)
	} else {
		ln.taken--
		ln.free.push(b.id)
		last = ln.finished && ln.taken == 0
	}
	ln.s.mu.Unlock()
	if last {
		ln.unmap()
	}
	return nil
}

// Notify wakes the client whether it asked for it or not (Apple's
// sendOutputNotification). Post notifies by itself where that is needed.
func (d *Driver) Notify() error {
	s, _, err := d.current()
	if err != nil || s == nil {
		return err
	}
	s.mu.Lock()
	ln := s.lane
	s.mu.Unlock()
	if ln == nil {
		return nil
	}
	return ioreturn.Op("notify", d.cfg.Name, ln.ring(queue.WakeBell))
}
