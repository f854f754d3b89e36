// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// eventLogSize is how many events a session that does not fetch them keeps.
const eventLogSize = 64

// eventLog keeps the last events of a session. Event number n is at n % eventLogSize.
type eventLog struct {
	ring [eventLogSize]Event
	next uint64 // number of the next event
}

func (l *eventLog) add(e Event) {
	l.ring[l.next%eventLogSize] = e
	l.next++
}

// since returns the events from number cursor on, the number of the one after them,
// and how many were missed. A cursor of the future counts as "from now on".
func (l *eventLog) since(cursor uint64) (events []Event, next, missed uint64) {
	if cursor > l.next {
		return nil, l.next, 0
	}
	if first := l.next - min(l.next, eventLogSize); cursor < first {
		missed, cursor = first-cursor, first
	}
	for ; cursor < l.next; cursor++ {
		events = append(events, l.ring[cursor%eventLogSize])
	}
	return events, l.next, missed
}

// event tells the session's client that something happened.
func (s *session) event(e Event) {
	s.mu.Lock()
	b := s.eventLocked(e)
	s.mu.Unlock()
	if b != nil {
		_ = b.Ring() // an error is the session's end, which the client will hear of
	}
}

// eventLocked keeps e and returns the bell to ring once mu is free.
func (s *session) eventLocked(e Event) userclient.Bell {
	if s.state == userclient.StateGone {
		return nil
	}
	s.events.add(e)
	return s.evBell
}

func (s *session) getEvents(_ context.Context, a *Args) error {
	if err := scalars(a, 1); err != nil {
		return err
	}
	s.mu.Lock()
	events, next, missed := s.events.since(a.In[0])
	s.mu.Unlock()
	fit := userclient.FitEvents(events, len(a.OutBytes))
	if fit == 0 && len(events) > 0 {
		return ioreturn.NoSpace
	}
	next -= uint64(len(events) - fit)
	b, err := userclient.AppendEvents(nil, events[:fit])
	if err := answerBytes(a, b, err); err != nil {
		return err
	}
	return answer(a, next, missed)
}
