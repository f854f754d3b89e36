// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"errors"
	"io"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// slowCall is how long a handler may take so that, after one that was too slow for the
// watcher, the next call is served in the hope that it is quick. It is much more than it takes
// to wake a goroutine.
const slowCall = 100 * time.Microsecond

// hand is a goroutine of a session that receives frames and serves calls. While one serves,
// another one watches, and takes over the receiving as soon as the handler waits for its
// context, or when it turns out to take long: so quick calls need no goroutine but this, and
// stuck ones delay the others by some milliseconds at most. A hand that comes back
// and finds another one receiving watches in its turn, or ends.
type hand struct {
	s      *session
	frames *frames

	// Of the call that it serves.
	id       uint32
	args     userclient.Args
	fd       int // the memfd with its bytes, or -1
	size     uint32
	outBytes uint32
	out      [userclient.MaxScalars]uint64
	room     []byte // for the bytes of the answer
}

// work receives and serves. It returns when the session is over, or has hands enough.
func (h *hand) work() {
	s := h.s
	defer h.frames.in.discard()
	for {
		in, err := h.frames.next()
		lost := false
		switch {
		case err == nil && in.typ == FrameCall:
			lost, err = h.serve(in)
		case err == nil:
			err = s.handle(in)
		}
		if err != nil {
			s.end(recvReason(err))
			return
		}
		if lost && (!s.watched.CompareAndSwap(false, true) || !s.watch()) {
			return
		}
	}
}

// serve answers a call. lost means that another hand has the ear now. An error ends the
// session.
func (h *hand) serve(in *incoming) (lost bool, err error) {
	r, err := h.accept(in)
	if err != nil {
		return false, err
	}
	s := h.s
	if s.watched.CompareAndSwap(false, true) {
		s.wg.Go(s.relieve)
	}
	turn := s.ear.leave()
	if s.slow.Load() {
		s.ear.summon()
		start := time.Now()
		err = h.run(r)
		s.slow.Store(time.Since(start) > slowCall)
	} else {
		err = h.run(r)
	}
	return !s.ear.retake(turn), err
}

// relieve is a hand that begins as the watcher.
func (s *session) relieve() {
	if s.watch() {
		h := &hand{s: s, frames: newFrames(s.sock)}
		h.work()
	}
}

// watch waits until this hand is to receive; false means that the session is over. The
// caller has set watched.
func (s *session) watch() bool {
	ok := s.ear.watch(s.done)
	if ok {
		s.slow.Store(true) // or it had not been needed
	}
	s.watched.Store(false)
	return ok
}

// recvReason is why a session is over that can receive no more.
func recvReason(err error) error {
	switch {
	case errors.Is(err, errBye):
		return nil
	case errors.Is(err, io.EOF):
		return goneBecause("the client hung up")
	}
	return lost(err) // after an Interrupt of end, whose reason counts
}
