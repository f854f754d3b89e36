// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// slot is the right to have an ioctl under way, of which a stream has one, and the place
// where its reply arrives. Calls get it in the order in which they came.
type slot struct {
	wake chan struct{} // the holder looks again

	mu      sync.Mutex
	busy    bool
	call    streams.Ioctl  // what the holder has sent
	reply   *streams.Block // that came and was not taken yet
	asleep  bool           // the holder has found no reply and waits for a token
	over    bool           // the call was answered: another answer is a duplicate
	last    uint64         // ID of the call before
	stays   bool           // the holder can't be told to give up
	give    bool           // the holder is to give up, for a call that can't fail
	waiters []*waiter
	idle    []*waiter // to be used again
}

// waiter is a call that waits for the slot.
type waiter struct {
	turn  chan struct{} // has a token when the slot is its own
	look  chan struct{} // has a token when the stream's state has changed
	timer *time.Timer   // stopped while nobody waits
	stays bool
}

func (s *slot) init() { s.wake = make(chan struct{}, 1) }

// signal puts a token into a channel of capacity one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// wakeAll makes everybody look at the stream's state.
func (s *slot) wakeAll() {
	signal(s.wake)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waiters {
		signal(w.look)
	}
}

// take is acquire's fast way: it succeeds if nobody has the slot or waits for it.
func (s *slot) take(stays bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy || len(s.waiters) > 0 {
		return false
	}
	s.own(stays)
	return true
}

// own makes the slot the caller's. mu is held.
func (s *slot) own(stays bool) {
	s.busy, s.stays, s.give, s.over, s.asleep = true, stays, false, false, false
	s.call = streams.Ioctl{}
}

// acquire waits for the slot: for as long as an ioctl waits by default, whatever the
// caller's own time is. A call that stays can't fail: when that time is over the holder is
// told to give up, and it goes on waiting.
func (h *Head) acquire(ctx context.Context, stays bool) streams.Errno {
	s := &h.slot
	if s.take(stays) {
		return 0
	}
	s.mu.Lock()
	if n := h.tun.Waiters; n > 0 && len(s.waiters) >= n && !stays {
		s.mu.Unlock()
		return streams.EBUSY
	}
	if !s.busy && len(s.waiters) == 0 { // it became free meanwhile
		s.own(stays)
		s.mu.Unlock()
		return 0
	}
	w := s.join(h.tun.IoctlWait, stays)
	s.mu.Unlock()
	defer s.leave(w)
	done := ctx.Done()
	if stays {
		done = nil
	}
	for {
		var errno streams.Errno
		select {
		case <-w.turn:
			return 0
		case <-w.timer.C:
			if errno = streams.ETIME; stays {
				s.evict()
				h.interrupt()
				w.timer.Reset(h.tun.IoctlWait)
			}
		case <-done:
			errno = ended(ctx)
		case <-w.look:
			errno = h.meanwhile()
		}
		if errno != 0 && (!stays || h.isClosed()) {
			h.withdraw(w)
			return errno
		}
	}
}

// join makes a waiter the last in the row. mu is held.
func (s *slot) join(wait time.Duration, stays bool) *waiter {
	var w *waiter
	if n := len(s.idle); n > 0 {
		w, s.idle = s.idle[n-1], s.idle[:n-1]
		w.timer.Reset(wait)
	} else {
		w = &waiter{turn: make(chan struct{}, 1), look: make(chan struct{}, 1), timer: time.NewTimer(wait)}
	}
	w.stays = stays
	s.waiters = append(s.waiters, w)
	return w
}

// leave keeps a waiter that is in the row no more, and whose turn was taken, for others.
func (s *slot) leave(w *waiter) {
	w.timer.Stop()
	select { // nobody sends to it any more
	case <-w.look:
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) < 16 {
		s.idle = append(s.idle, w)
	}
}

// evict tells the holder to give up, unless it is one that stays.
func (s *slot) evict() {
	s.mu.Lock()
	if s.busy && !s.stays {
		s.give = true
	}
	s.mu.Unlock()
	signal(s.wake)
}

// withdraw ends a wait for the slot. If the slot came at the last moment it goes on.
func (h *Head) withdraw(w *waiter) {
	s := &h.slot
	s.mu.Lock()
	if i := slices.Index(s.waiters, w); i >= 0 {
		s.waiters = slices.Delete(s.waiters, i, i+1)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	<-w.turn
	h.release()
}

// release gives the slot to the next in turn. A reply that nobody took is returned to who
// sent it.
func (h *Head) release() {
	s := &h.slot
	s.mu.Lock()
	left := s.reply
	s.reply, s.last, s.call = nil, s.call.ID, streams.Ioctl{}
	s.busy = false
	if len(s.waiters) > 0 {
		w := s.waiters[0]
		s.waiters = slices.Delete(s.waiters, 0, 1)
		s.own(w.stays)
		w.turn <- struct{}{}
	}
	s.mu.Unlock()
	if left != nil {
		h.dismiss(left, "the call has ended")
	}
}

// drop frees a reply that is left after the stream was closed.
func (s *slot) drop() {
	s.mu.Lock()
	left := s.reply
	s.reply = nil
	s.mu.Unlock()
	left.Free()
}

// expect notes what is sent now, and that no reply has come to it.
func (s *slot) expect(x streams.Ioctl) {
	s.mu.Lock()
	s.call = x
	s.mu.Unlock()
	select {
	case <-s.wake: // a token of what was before
	default:
	}
}

// match takes a reply in if it belongs to the call that is under way; else it says why it
// does not. wake means that the holder is to be told. It runs inside the stream.
func (s *slot) match(m *streams.Block, strict bool) (reason string, wake bool) {
	x, ok := m.Ioctl()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !ok:
		return "it has no body", false
	case x.ID == s.last && x.ID != 0:
		return "the call has ended", false
	case !s.busy || s.call.ID == 0 || x.ID != s.call.ID:
		return "no call has this ID", false
	case s.reply != nil || s.over:
		return "the call has an answer already", false
	case strict && x != s.call:
		return "command, credential or argument were changed on the way", false
	}
	s.reply = m
	return "", s.asleep
}

// answer takes the reply. If there is none, the holder gets a token when one comes. give
// means that the holder is to give up.
func (s *slot) answer() (m *streams.Block, give bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, s.reply = s.reply, nil
	s.asleep = m == nil
	if m != nil && (m.Type() == streams.MIocAck || m.Type() == streams.MIocNak) {
		s.over = true
	}
	return m, s.give
}
