// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// The events that stand for what comes up the driver's stack without having been asked for.

func erred(read, write byte) userclient.Event {
	return userclient.Event{Kind: userclient.EventStreamError, Value: uint64(read) | uint64(write)<<8}
}

func hungUp(yes bool) userclient.Event {
	e := userclient.Event{Kind: userclient.EventStreamHangup}
	if yes {
		e.Value = 1
	}
	return e
}

func signalled(number byte) userclient.Event {
	return userclient.Event{Kind: userclient.EventStreamSignal, Value: uint64(number)}
}

// TellBy says who passes on to the client what the stack says by itself. See
// userclient.ControlTeller.
func (e *End) TellBy(tell func(userclient.Event)) {
	e.mu.Lock()
	e.teller = tell
	read, write, hung := e.readErr, e.writeErr, e.hungUp
	e.mu.Unlock()
	if read != 0 || write != 0 {
		tell(erred(byte(read), byte(write)))
	}
	if hung {
		tell(hungUp(true))
	}
}

// event tells the client. It runs inside the stream.
func (e *End) event(ev userclient.Event) {
	e.mu.Lock()
	tell := e.teller
	e.mu.Unlock()
	if tell != nil {
		tell(ev)
	}
}

// Deliver tells the head of an event of its session: an M_ERROR, M_HANGUP or signal of the
// driver's stack, or that the driver is going. The head is in that state when Deliver
// returns, and calls that wait end. Other events change nothing. Who fetches the session's
// events calls it, in their order; see [iostreamkit.Control], which does so.
//
// [iostreamkit.Control]: https://pkg.go.dev/github.com/iostreamkit/iostreamkit#Control
func (s *Session) Deliver(e userclient.Event) {
	switch e.Kind {
	case userclient.EventStreamError:
		s.arrive(streams.MError, byte(e.Value), byte(e.Value>>8))
	case userclient.EventStreamHangup:
		if e.Value == 0 {
			s.arrive(streams.MUnhangup)
			return
		}
		s.arrive(streams.MHangup)
	case userclient.EventGone:
		s.arrive(streams.MHangup)
	case userclient.EventStreamSignal:
		if n := byte(e.Value); n != 0 {
			s.arrive(streams.MPCSig, n)
		}
	}
}

// arrive sends a message up the client's stream. Without memory for it nothing is known of
// what it says until the next answer.
func (s *Session) arrive(t streams.Type, bytes ...byte) {
	if m, err := s.Stream().Arena().From(t, bytes); err == nil {
		s.lower.up(m)
	}
}
