// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Observer looks at a stream without opening it (C34): it maps nothing, takes no
// exclusivity and does not slow the stream down. All methods may be called from any
// goroutine, except that one at a time waits in NextEvents.
type Observer struct {
	conn   userclient.Conn
	name   string
	events userclient.Port // nil: none
	cursor uint64
}

// NewObserver looks at the stream behind conn, which must have been connected as an
// observer. It takes conn over: Close closes it, and so does a failure.
func NewObserver(ctx context.Context, conn userclient.Conn) (*Observer, error) {
	o := &Observer{conn: conn, name: "stream"}
	d, err := Describe(ctx, conn)
	if err == nil {
		o.name = d.Name
		if d.Offered&userclient.FeatureEvents != 0 {
			o.events, err = conn.Port(userclient.PortEvents)
		}
	}
	if err != nil {
		_ = conn.Close() // the first error says more
		return nil, ioreturn.Op("observe", o.name, err)
	}
	return o, nil
}

// Describe returns the stream's description as it is now.
func (o *Observer) Describe(ctx context.Context) (Description, error) {
	d, err := Describe(ctx, o.conn)
	return d, ioreturn.Op("describe", o.name, err)
}

// Observe returns state, owner and counters.
func (o *Observer) Observe(ctx context.Context) (Observation, error) {
	var ob Observation
	b, err := callBytes(ctx, o.conn, userclient.SelObserve)
	if err == nil {
		err = ob.UnmarshalBinary(b)
	}
	return ob, ioreturn.Op("observe", o.name, err)
}

// NextEvents waits for events; see Stream.NextEvents.
func (o *Observer) NextEvents(ctx context.Context) (events []Event, missed int, err error) {
	if o.events == nil {
		return nil, 0, ioreturn.Op("wait for events", o.name, ioreturn.Unsupported)
	}
	for {
		events, missed, err = fetchEvents(ctx, o.conn, &o.cursor)
		if len(events) > 0 || err != nil {
			return events, missed, ioreturn.Op("wait for events", o.name, err)
		}
		if err := o.events.Wait(ctx); err != nil {
			return nil, 0, ioreturn.Op("wait for events", o.name, err)
		}
	}
}

// Peer tells who the driver is.
func (o *Observer) Peer() Peer { return o.conn.Peer() }

// Done is closed when the driver is gone or the observer closed.
func (o *Observer) Done() <-chan struct{} { return o.conn.Done() }

// Close hangs up.
func (o *Observer) Close() error { return ioreturn.Op("close", o.name, o.conn.Close()) }
