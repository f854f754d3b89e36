// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"cmp"
	"context"
	"errors"
	"fmt"

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
// entry that the client was not shown, and counts it, or does as DropNewest where there
// is none; Fail stops the stream and returns an error matching ErrOverrun. A client
// that breaks a rule is hung up on, and Take waits for the next one. Take returns the
// context's cause when ctx ends and an error matching ErrClosed after Close; neither
// loses anything.
//
// Several goroutines may call Take. Do not call it from an InputHandler's methods,
// which the client's next notification has to wait for.
func (d *Driver) Take(ctx context.Context) (*Buffer, error) {
	var one [1]*Buffer
	_, err := d.TakeBatch(ctx, one[:])
	return one[0], err
}

// TakeBatch fills dst with buffers and returns how many: the first one as by Take,
// and then those that are free at that moment. The error only comes with 0 buffers.
func (d *Driver) TakeBatch(ctx context.Context, dst []*Buffer) (int, error) {
	if len(dst) == 0 {
		return 0, nil
	}
	for {
		s, changed, err := d.current()
		if err != nil {
			return 0, ioreturn.Op("take", d.cfg.Name, err)
		}
		if s != nil {
			n, err := s.take(ctx, dst)
			switch {
			case err == nil:
				return n, nil
			case errors.Is(err, errPolicyFail):
				return 0, ioreturn.Op("take", d.cfg.Name, ioreturn.Overrun)
			case ctx.Err() != nil:
				return 0, ioreturn.Op("take", d.cfg.Name, context.Cause(ctx))
			}
			_ = s.fail(err) // what matters here is the next client
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ioreturn.Op("take", d.cfg.Name, context.Cause(ctx))
		}
	}
}

// take takes at least one buffer of this session; errNotRunning asks to wait for a
// change.
func (s *session) take(ctx context.Context, dst []*Buffer) (int, error) {
	s.mu.Lock()
	ln := s.lane
	if ln == nil {
		s.mu.Unlock()
		return 0, errNotRunning
	}
	n, err := ln.grab(dst, true)
	if n > 0 {
		ln.leave()
		return n, nil
	}
	waits := err == nil && ln.takers.tryLock()
	ln.waiting = ln.waiting || waits
	ln.leave()
	if err == nil {
		n, err = ln.takeNext(ctx, dst, waits)
	}
	if errors.Is(err, errPolicyFail) {
		ln.tellHalted()
	}
	return n, err
}

// takeNext waits for a buffer, in turn with others who do. waits says that it is the
// caller's turn, and that the caller has found nothing.
func (ln *lane) takeNext(ctx context.Context, dst []*Buffer, waits bool) (int, error) {
	if !waits && !ln.takers.lock(ctx, ln.ctx.Done()) {
		return 0, cmp.Or(context.Cause(ctx), errNotRunning)
	}
	n, err := ln.takeInTurn(ctx, dst, waits)
	ln.takers.unlock()
	return n, err
}

// takeInTurn is takeNext in the caller's turn.
func (ln *lane) takeInTurn(ctx context.Context, dst []*Buffer, waits bool) (int, error) {
	for ; ; waits = false {
		if !waits {
			ln.s.mu.Lock()
			n, err := ln.grab(dst, true)
			ln.waiting = n == 0 && err == nil
			ln.leave()
			if n > 0 || err != nil {
				return n, err
			}
		}
		if err := ln.await(ctx); err != nil {
			ln.s.mu.Lock()
			ln.waiting = false
			ln.s.mu.Unlock()
			return 0, err
		}
	}
}

// TryTake is Take without waiting and without the overrun policy: when no buffer is
// free it returns an error matching ErrOverrun, or ErrState while no client runs the
// stream, and counts nothing. It is for hardware that can't stop: keep some buffers
// queued in the hardware, and when TryTake has none, let the hardware overwrite the
// newest and tell Lost (C46).
func (d *Driver) TryTake() (*Buffer, error) {
	s, _, err := d.current()
	if err != nil {
		return nil, ioreturn.Op("take", d.cfg.Name, err)
	}
	if s == nil {
		return nil, ioreturn.NotReady
	}
	s.mu.Lock()
	ln := s.lane
	if ln == nil {
		s.mu.Unlock()
		return nil, ioreturn.NotReady
	}
	var one [1]*Buffer
	n, err := ln.grab(one[:], false)
	ln.leave()
	switch {
	case n > 0:
		return one[0], nil
	case err == nil:
		return nil, ioreturn.Overrun
	}
	_ = s.fail(err)
	return nil, ioreturn.NotReady
}

// Lost tells that the device lost n entries before the driver had them: they take n
// sequence numbers and are counted under LossDevice. Without a client that runs or has
// suspended the stream it does nothing.
func (d *Driver) Lost(n int) {
	s, _, err := d.current()
	if err != nil || s == nil || n <= 0 {
		return
	}
	s.mu.Lock()
	ln := s.lane
	if ln == nil || !ln.accepts() || ln.mode == userclient.ModeInput {
		s.mu.Unlock()
		return
	}
	ln.nextSeq += uint64(n)
	ln.numbered = true
	ln.lose(userclient.LossDevice, n, ln.lastSeq())
	ln.leave()
}

// Post gives a taken buffer to the client with its first n data bytes valid, stamped
// now. On a to-device stream n is ignored: the buffer goes back empty. Post never
// blocks.
//
// A buffer of a client that has gone, and one posted while the stream is stopped, is
// counted as lost, and Post returns nil: a driver's loop needs no case for it (C27). So
// is one for a client that turns out to have broken a rule, which is then hung up on.
// The error matches ErrInvalid for a buffer that is not taken from this driver or a
// range outside it; the buffer is then still the caller's.
func (d *Driver) Post(b *Buffer, n int) error { return d.PostEntry(b, Posting{Length: n}) }

// PostEntry is Post with every field of the entry (Apple's enqueueOutputBuffer and
// enqueueOutputEntry). It notifies the client if that asked for it.
func (d *Driver) PostEntry(b *Buffer, p Posting) error {
	return d.PostBatch([]*Buffer{b}, []Posting{p})
}

// PostBatch posts several buffers in their order, with one notification at most and one
// time stamp for those that have no time of their own. ps[i] belongs to bs[i]. If one
// of them is not valid, which is an error as for Post, none is posted; only where bs
// mixes buffers that were taken from different clients are those before it.
func (d *Driver) PostBatch(bs []*Buffer, ps []Posting) error {
	if err := d.postBatch(bs, ps); err != nil {
		return ioreturn.Op("post", d.cfg.Name, err)
	}
	return nil
}

func (d *Driver) postBatch(bs []*Buffer, ps []Posting) error {
	if len(bs) != len(ps) {
		return fmt.Errorf("%d buffers and %d postings: %w", len(bs), len(ps), ioreturn.BadArgument)
	}
	if len(bs) == 0 {
		return nil
	}
	own, first := 0, bs[0] // buffers in a row from one client, as all are in most batches
	if first != nil && first.ln != nil && first.ln.s.d == d {
		for own < len(bs) && bs[own] != nil && bs[own].ln == first.ln {
			own++
		}
	}
	for _, b := range bs[own:] {
		if err := d.checkOwn(b); err != nil {
			return err
		}
	}
	now := d.stampOf(ps)
	if own == len(bs) {
		return first.ln.postAll(bs, ps, now)
	}
	for len(bs) > 0 {
		ln, n := bs[0].ln, 1
		for n < len(bs) && bs[n].ln == ln {
			n++
		}
		if err := ln.postAll(bs[:n], ps[:n], now); err != nil {
			return err
		}
		bs, ps = bs[n:], ps[n:]
	}
	return nil
}

// stampOf returns the stream time of this moment if a posting needs it, else 0.
func (d *Driver) stampOf(ps []Posting) int64 {
	for i := range ps {
		if ps[i].Time == 0 {
			return d.clock.now()
		}
	}
	return 0
}

// postAll posts buffers of this lane. An error is the caller's mistake.
func (ln *lane) postAll(bs []*Buffer, ps []Posting, now int64) error {
	ln.s.mu.Lock()
	ln.end.Prepare(len(bs))
	plain, last, err := ln.surrender(bs, ps)
	if err != nil {
		ln.s.mu.Unlock()
		return err
	}
	posted, wake := 0, queue.WakeNone
	if plain && ln.direct() {
		posted, wake = ln.postDirect(bs, ps, now)
	}
	if posted < len(bs) {
		var w queue.Wake
		w, err = ln.post(bs[posted:], ps[posted:], now)
		wake = max(wake, w)
	}
	if last == nil && wake == queue.WakeNone {
		ln.leave()
	} else {
		// A bell that fails says that the client is gone, which is no fault of the driver's.
		_ = ln.unlock(last, wake)
	}
	if err != nil {
		_ = ln.s.fail(err)
	}
	return nil
}

// checkOwn returns an error unless b was taken from this driver.
func (d *Driver) checkOwn(b *Buffer) error {
	switch {
	case b == nil || b.ln == nil:
		return fmt.Errorf("this is no buffer that Take has returned: %w", ioreturn.BadArgument)
	case b.ln.s.d != d:
		return fmt.Errorf("buffer %d is of the stream %s: %w", b.id, b.ln.s.d.cfg.Name, ioreturn.BadArgument)
	}
	return nil
}

// Return undoes Take: the buffer is the next to be taken, with what the client put into
// it, and no number is spent. The error matches ErrInvalid for a buffer that is not
// taken from this driver.
func (d *Driver) Return(b *Buffer) error {
	err := d.checkOwn(b)
	if err == nil {
		err = b.ln.takeBack(b)
	}
	return ioreturn.Op("return buffer", d.cfg.Name, err)
}

func (ln *lane) takeBack(b *Buffer) error {
	ln.s.mu.Lock()
	if err := b.checkTaken(); err != nil {
		ln.s.mu.Unlock()
		return err
	}
	b.taken = false
	var last *memory
	if b.scratch {
		ln.scratch = append(ln.scratch, b)
	} else {
		last = ln.unuse(1)
		ln.free.pushFront(b.id)
	}
	ln.nudge()
	_ = ln.unlock(last, queue.WakeNone) // no publication, so nothing can fail
	return nil
}

// Notify wakes the client whether it asked for it or not (Apple's
// sendOutputNotification). Post notifies by itself where that is needed. Without a
// client that has the stream open it does nothing. The error matches ErrClosed after
// Close.
func (d *Driver) Notify() error {
	s, _, err := d.current()
	if err != nil || s == nil {
		return ioreturn.Op("notify", d.cfg.Name, err)
	}
	s.mu.Lock()
	ln := s.lane
	s.mu.Unlock()
	if ln != nil {
		ln.kick()
	}
	return nil
}
