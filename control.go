// SPDX-License-Identifier: Apache-2.0

package iostreamkit

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/control/plane"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Control is the control plane of a stream: its settings, and the commands and modules
// beneath. It needs no exclusivity: the stream may be open, by this program or another.
// All methods may be called from any goroutine, but for one at a time in Changes.
type Control struct {
	// Settings lists, gets, sets and calls the driver's controls.
	Settings *control.Client
	// Session sends commands, and pushes and pops the modules of this connection.
	*remote.Session

	observer *iostream.Observer
}

// controlClose is how long Close waits for calls that are on their way.
const controlClose = 2 * time.Second

// OpenControl connects to the control plane of the stream of that name. cfg may be nil. Its
// errors are those of Observe, and one that matches ioreturn.ErrUnsupported if the driver
// has no control plane.
func OpenControl(ctx context.Context, name string, cfg *head.Config) (*Control, error) {
	return Client{}.OpenControl(ctx, name, cfg)
}

// OpenControl is the function OpenControl for this client.
func (c Client) OpenControl(ctx context.Context, name string, cfg *head.Config) (*Control, error) {
	conn, err := c.dial(ctx, name, false)
	if err != nil {
		return nil, ioreturn.Op("control", name, err)
	}
	return NewControl(ctx, conn, cfg)
}

// NewControl is OpenControl for a connection that is there, of any transport. It takes conn
// over: Close closes it, and so does a failure.
func NewControl(ctx context.Context, conn userclient.Conn, cfg *head.Config) (*Control, error) {
	o, err := iostream.NewObserver(ctx, conn)
	if err != nil {
		return nil, err
	}
	d, err := o.Describe(ctx)
	if err == nil && d.Offered&userclient.FeatureControl == 0 {
		err = ioreturn.Op("control", d.Name, &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: "this driver has no controls"})
	}
	c := &Control{observer: o}
	if err == nil {
		own := head.Config{}
		if cfg != nil {
			own = *cfg
		}
		own.Name = d.Name
		c.Session, err = remote.Open(conn, &own)
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	c.Settings = plane.Client(c.Session)
	return c, nil
}

// Changes yields the names of controls that have changed, by whoever it was, until ctx ends
// or the driver is gone; the last pair carries the error. Volatile controls change without
// notice.
func (c *Control) Changes(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			events, _, err := c.observer.NextEvents(ctx)
			if err != nil {
				yield("", err)
				return
			}
			for _, e := range events {
				if e.Kind == userclient.EventControlChanged && !yield(e.Text, nil) {
					return
				}
			}
		}
	}
}

// Close ends the connection. Calls that wait end with an error.
func (c *Control) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), controlClose)
	defer cancel()
	return errors.Join(c.Session.Close(ctx), c.observer.Close())
}
