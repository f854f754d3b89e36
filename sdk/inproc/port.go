// SPDX-License-Identifier: Apache-2.0

package inproc

import (
	"context"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// port is where one side sleeps: a channel that holds one ring, so that ringing
// never blocks and rings merge.
type port struct {
	rings     chan struct{}
	over      <-chan struct{} // the session is over
	why       func() error    // the reason, once over is closed
	closed    chan struct{}   // Close was called
	closeOnce sync.Once
}

func newPort(over <-chan struct{}, why func() error) *port {
	return &port{rings: make(chan struct{}, 1), over: over, why: why, closed: make(chan struct{})}
}

// Wait implements userclient.Port.
func (p *port) Wait(ctx context.Context) error {
	if err := p.ended(); err != nil {
		return err
	}
	select {
	case <-p.rings:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx) // a ring that came as well stays for the next Wait
	case <-p.closed:
		return ioreturn.ErrClosed
	case <-p.over:
		return p.why()
	}
}

// ended returns why there is nothing to wait for any more, or nil.
func (p *port) ended() error {
	select {
	case <-p.over:
		return p.why()
	default:
	}
	select {
	case <-p.closed:
		return ioreturn.ErrClosed
	default:
	}
	return nil
}

// FD implements userclient.Port: a channel has no descriptor.
func (p *port) FD() int { return -1 }

// Close implements userclient.Port.
func (p *port) Close() error {
	p.closeOnce.Do(func() { close(p.closed) })
	return nil
}

// bell rings a port. err is the reason as the ringing side sees it.
type bell struct {
	p   *port
	err func() error
}

// Ring implements userclient.Bell. A port that its owner has closed takes rings
// without effect.
func (b *bell) Ring() error {
	select {
	case <-b.p.over:
		return b.err()
	default:
	}
	select {
	case b.p.rings <- struct{}{}:
	default: // a ring is there already
	}
	return nil
}

// Port implements userclient.Conn.
func (c *conn) Port(typ uint32) (userclient.Port, error) {
	if typ != userclient.PortOutput && typ != userclient.PortEvents {
		return nil, refuse(ioreturn.BadArgument, "a client waits on port %#x or %#x, not %#x",
			userclient.PortOutput, userclient.PortEvents, typ)
	}
	c.portMu.Lock()
	defer c.portMu.Unlock()
	if err := c.Err(); err != nil {
		return nil, err
	}
	if p := c.ports[typ]; p != nil {
		return p, nil
	}
	if c.opened {
		return nil, refuse(ioreturn.StillOpen, "a port must be made before the stream is opened")
	}
	p := newPort(c.over, c.Err)
	err := c.use("Notify", func() error {
		c.session.Notify(typ, &bell{p, c.driverError})
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.ports[typ] = p
	return p, nil
}

// use runs f, a short call of the driver, in the caller's goroutine.
func (c *conn) use(what string, f func() error) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	return travelled(protect(what, f))
}

// Bell implements userclient.Conn.
func (c *conn) Bell(typ uint32) (userclient.Bell, error) {
	if typ != userclient.PortInput {
		return nil, refuse(ioreturn.BadArgument, "a client rings port %#x, not %#x", userclient.PortInput, typ)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return &bell{c.doorbell, c.Err}, nil
}

// Doorbell implements userclient.Resources.
func (c *conn) Doorbell() userclient.Port { return c.doorbell }
