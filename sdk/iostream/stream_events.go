// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"iter"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// NextEvents waits for events and returns those that have come since the last call,
// and how many were missed because this side was slow. The first call returns what
// happened since the session began. The error matches ErrUnsupported if the driver has
// no events; otherwise it is that of Next.
func (s *Stream) NextEvents(ctx context.Context) (events []Event, missed int, err error) {
	fail := func(err error) ([]Event, int, error) { return nil, 0, ioreturn.Op("wait for events", s.Name(), err) }
	if s.evPort == nil || s.features&userclient.FeatureEvents == 0 {
		return fail(ioreturn.Unsupported)
	}
	select {
	case s.ev <- struct{}{}:
		defer func() { <-s.ev }()
	case <-ctx.Done():
		return fail(context.Cause(ctx))
	}
	for {
		events, missed, err = fetchEvents(ctx, s.conn, &s.cursor)
		if len(events) > 0 || err != nil {
			return events, missed, ioreturn.Op("wait for events", s.Name(), err)
		}
		if err := s.evPort.Wait(ctx); err != nil {
			return fail(err)
		}
	}
}

// fetchEvents asks the driver for the events from *cursor on, and moves it.
func fetchEvents(ctx context.Context, conn userclient.Conn, cursor *uint64) ([]Event, int, error) {
	var out [2]uint64
	a := Args{Selector: userclient.SelEvents, In: []uint64{*cursor}, Out: out[:], OutBytes: make([]byte, userclient.MaxInline)}
	if err := conn.Call(ctx, &a); err != nil {
		return nil, 0, err
	}
	events, err := userclient.ParseEvents(a.OutBytes[:a.NOutBytes])
	if err != nil {
		return nil, 0, err
	}
	if a.NOut != 2 || out[0] < *cursor {
		return nil, 0, ioreturn.Broken(ioreturn.RuleAnswer, "events answered %d words, cursor %d after %d", a.NOut, out[0], *cursor)
	}
	*cursor = out[0]
	return events, int(min(out[1], 1<<31-1)), nil
}

// Events yields events until ctx ends or an error; the last pair carries the error.
func (s *Stream) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			events, _, err := s.NextEvents(ctx)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}
