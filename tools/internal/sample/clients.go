// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"context"
	"errors"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// clients is the handler of the samples. It numbers the clients, so that a loop can
// begin anew for each of them.
type clients struct {
	d      *iostream.Driver
	method func(context.Context, *iostream.Args) error // nil: none

	mu sync.Mutex
	n  uint64
}

var (
	_ iostream.OpenHandler   = (*clients)(nil)
	_ iostream.MethodHandler = (*clients)(nil)
)

func (c *clients) Start(context.Context) error   { return nil }
func (c *clients) Stop(context.Context) error    { return nil }
func (c *clients) Suspend(context.Context) error { return nil }

// HandleOpen is called before the client can start the stream, so no buffer of its
// session is taken under the number before.
func (c *clients) HandleOpen(context.Context, iostream.Peer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return nil
}

func (c *clients) HandleClose(iostream.Peer) {}

// Call answers the vendor's selectors.
func (c *clients) Call(ctx context.Context, a *iostream.Args) error {
	if c.method == nil {
		return ioreturn.Unsupported
	}
	return c.method(ctx, a)
}

func (c *clients) current() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// take is Driver.Take and tells which client the buffer is for.
func (c *clients) take(ctx context.Context) (b *iostream.Buffer, client uint64, err error) {
	for {
		client = c.current()
		if b, err = c.d.Take(ctx); err != nil {
			return nil, 0, err
		}
		if c.current() == client {
			return b, client, nil
		}
		// Another client has come in between: it is not known whose buffer this is.
		if err := c.d.Return(b); err != nil {
			return nil, 0, err
		}
	}
}

// end ends the stream for a client, unless that has been followed by another. No
// client opens in the meantime, because HandleOpen waits.
func (c *clients) end(client uint64, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == client {
		c.d.Halt(cause)
	}
}

// goOn reports whether a loop goes on after an error: the client's session is over
// or the stream stopped, and the driver is none the worse for it.
func goOn(err error) bool {
	return errors.Is(err, ioreturn.ErrProtocol) || errors.Is(err, ioreturn.ErrOverrun)
}
