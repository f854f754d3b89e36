// SPDX-License-Identifier: Apache-2.0

package iostreamkit

import (
	"context"
	"errors"
	"iter"
	"sync"
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
// beneath. It needs no exclusivity: the stream may be open, by this program or another. Its
// head hears at once of errors and hang-ups of the driver's stack, and of the driver's end.
// All methods may be called from any goroutine, but for one at a time in Changes.
type Control struct {
	// Settings lists, gets, sets and calls the driver's controls.
	Settings *control.Client
	// Session sends commands, and pushes and pops the modules of this connection.
	*remote.Session

	observer *iostream.Observer
	news     sync.WaitGroup

	mu      sync.Mutex
	changed []string      // names of controls, the oldest first
	over    error         // why there will be no more
	more    chan struct{} // has a token when there may be something new
}

// maxChanged is how many changes are kept for one who does not ask for them.
const maxChanged = 64

// controlClose is how long Close waits for calls that are on their way.
const controlClose = 2 * time.Second

// OpenControl connects to the control plane of the stream of that name. cfg may be nil. Its
// errors are those of Observe, and one that matches ioreturn.ErrUnsupported if the driver
// has no control plane. With cfg.Modules that is no error: the modules for such a driver are
// then pushed on this side, see [remote.OpenHere].
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
	open := remote.Open
	if d.Offered&userclient.FeatureControl == 0 {
		open = remote.OpenHere
	}
	if err == nil && d.Offered&userclient.FeatureControl == 0 && (cfg == nil || cfg.Modules == nil) {
		err = ioreturn.Op("control", d.Name, &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: "this driver has no controls"})
	}
	c := &Control{observer: o, more: make(chan struct{}, 1)}
	if err == nil {
		own := head.Config{}
		if cfg != nil {
			own = *cfg
		}
		own.Name = d.Name
		c.Session, err = open(conn, &own)
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	c.Settings = plane.Client(c.Session)
	c.news.Go(c.listen)
	return c, nil
}

// listen passes events on, to the stream's head and to who waits for changes.
func (c *Control) listen() {
	for {
		events, _, err := c.observer.NextEvents(context.Background())
		for _, e := range events {
			c.Deliver(e)
			if e.Kind == userclient.EventControlChanged {
				c.tell(e.Text, nil)
			}
		}
		if err != nil {
			select {
			case <-c.observer.Done():
				c.Deliver(userclient.Event{Kind: userclient.EventGone})
			default: // this driver has no events
			}
			c.tell("", err)
			return
		}
	}
}

// tell keeps the name of a control that has changed, or the end.
func (c *Control) tell(name string, over error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over = over; over == nil {
		if len(c.changed) == maxChanged {
			c.changed = c.changed[1:]
		}
		c.changed = append(c.changed, name)
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// change returns the next change, or the end; ok is false if there is nothing new.
func (c *Control) change() (name string, ok bool, over error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.changed) == 0 {
		return "", c.over != nil, c.over
	}
	name, c.changed = c.changed[0], c.changed[1:]
	return name, true, nil
}

// Changes yields the names of controls that have changed, by whoever it was, until ctx ends
// or the driver is gone; the last pair carries the error. It begins with what has changed
// since the connection was made, at most the last 64. Volatile controls change without
// notice.
func (c *Control) Changes(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for ctx.Err() == nil {
			if name, ok, over := c.change(); ok {
				if !yield(name, over) || over != nil {
					return
				}
				continue
			}
			select {
			case <-c.more:
			case <-ctx.Done():
			}
		}
		yield("", ioreturn.Op("wait for changes", c.Name(), context.Cause(ctx)))
	}
}

// Close ends the connection. Calls that wait end with an error.
func (c *Control) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), controlClose)
	defer cancel()
	err := errors.Join(c.Session.Close(ctx), c.observer.Close())
	c.news.Wait()
	return err
}
