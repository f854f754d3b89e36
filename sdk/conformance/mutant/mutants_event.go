// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func eventMutants() []Mutant {
	return []Mutant{
		{
			Name: "suspend-untold", Rule: "EVENT-01", Wrong: "It tells nobody that the stream was suspended.",
			New: hooked("suspend-untold", events(func(_ *Session, es []userclient.Event) []userclient.Event {
				return slices.DeleteFunc(es, func(e userclient.Event) bool {
					return e.Kind == userclient.EventStateChanged && e.Value == uint64(userclient.StateSuspended)
				})
			})),
		},
		{
			Name: "owner-only", Rule: "EVENT-02", Wrong: "It tells events only to clients that have opened the stream.",
			New: hooked("owner-only", ownerOnly),
		},
		{
			Name: "told-once", Rule: "EVENT-03", Wrong: "It forgets events once they were fetched.",
			New: hooked("told-once", toldOnce),
		},
		{
			Name: "events-silent", Rule: "EVENT-04", Wrong: "It rings nobody when an event has happened.",
			New: hooked("events-silent", func() Hooks {
				return Hooks{Notify: func(_ *Session, typ uint32, b userclient.Bell) userclient.Bell {
					if typ == userclient.PortEvents {
						return mute{}
					}
					return b
				}}
			}),
		},
		{
			Name: "missed-uncounted", Rule: "EVENT-05", Wrong: "It does not say how many events a slow client has missed.",
			New: hooked("missed-uncounted", scalars(userclient.SelEvents, func(_ *Session, out []uint64) { out[1] = 0 })),
		},
		{
			Name: "cursor-echoed", Rule: "EVENT-07", Wrong: "It answers a cursor of the future with that cursor.",
			New: hooked("cursor-echoed", onCall(userclient.SelEvents, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				err := next()
				if err == nil {
					a.Out[0] = max(a.Out[0], a.In[0])
				}
				return err
			})),
		},
		{
			Name: "event-times", Rule: "EVENT-08", Wrong: "It stamps events with an hour more than the stream's time.",
			New: hooked("event-times", events(func(_ *Session, es []userclient.Event) []userclient.Event {
				for i := range es {
					es[i].Time += int64(time.Hour)
				}
				return es
			})),
		},
		{
			Name: "cursor-skips", Rule: "EVENT-09", Wrong: "It moves the cursor to the end of the log when the events do not all fit.",
			New: hooked("cursor-skips", cursorSkips),
		},
	}
}

// mute is a bell that does not ring.
type mute struct{}

func (mute) Ring() error { return nil }

// ownerOnly hides events from sessions that have never opened the stream.
func ownerOnly() Hooks {
	var mu sync.Mutex
	opened := map[*Session]bool{}
	return Hooks{Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		err := next()
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
		case a.Selector == userclient.SelOpen:
			opened[s] = true
		case a.Selector == userclient.SelEvents && !opened[s]:
			var b []byte
			b, err = userclient.AppendEvents(nil, nil)
			a.NOutBytes = copy(a.OutBytes, b)
		}
		return err
	}}
}

// toldOnce takes an older cursor for the one that was answered last.
func toldOnce() Hooks {
	var mu sync.Mutex
	last := map[*Session]uint64{}
	return onCall(userclient.SelEvents, func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		mu.Lock()
		defer mu.Unlock()
		a.In[0] = max(a.In[0], last[s])
		err := next()
		if err == nil {
			last[s] = a.Out[0]
		}
		return err
	})()
}

// cursorSkips answers the cursor of an answer with more room.
func cursorSkips() Hooks {
	return onCall(userclient.SelEvents, func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
		if err := next(); err != nil {
			return err
		}
		all := userclient.Args{Selector: a.Selector, In: a.In, Out: make([]uint64, 2), OutBytes: make([]byte, userclient.MaxInline)}
		err := s.Driver(ctx, &all)
		if err == nil {
			a.Out[0] = all.Out[0]
		}
		return err
	})()
}
