// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// receive is the watcher of the client's end: it listens while no caller does, and for those
// that have given up.
func (c *Conn) receive() {
	for c.ear.watch(c.done) {
		for more := true; more; more = c.outstanding() && c.ear.take() {
			for c.hear() == nil && c.outstanding() {
			}
			c.ear.leave()
		}
	}
}

// outstanding reports whether a frame is due that somebody waits for.
func (c *Conn) outstanding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil && (len(c.calls) > 0 || c.mapping != nil || c.closing.Load())
}

// attend sees to it that somebody listens, for a caller who does not.
func (c *Conn) attend() {
	if c.ear.free() {
		c.ear.summon()
	}
}

// listen receives until p is answered, ctx ends or the session is over, unless somebody else
// listens. The caller then waits for what has happened, or what the other one hears.
func (c *Conn) listen(ctx context.Context, p *pending) {
	if !c.ear.take() {
		return
	}
	if ctx.Done() != nil {
		defer afterFunc(ctx, c.interrupt)()
	}
	for !p.answered.Load() && ctx.Err() == nil && c.hear() == nil {
	}
	c.ear.leave()
	if c.outstanding() { // others wait, who found the ear taken
		c.attend()
	}
}

// afterFunc is context.AfterFunc, which asks contexts that have such a method themselves to
// do it, but at some cost.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if own, ok := ctx.(interface {
		AfterFunc(f func()) (stop func() bool)
	}); ok {
		return own.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

// hear receives one frame and does what it says. An error is why the session is over. It
// returns also when the wait was interrupted, for somebody who perhaps does not wait any more.
// The caller has the ear.
func (c *Conn) hear() error {
	in, err := c.frames.next()
	if err == nil {
		err = c.handle(in)
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		// Whose context it was looks at it after this, so that no interrupt is lost.
		return c.sock.SetReadDeadline(time.Time{})
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = goneBecause("the driver hung up")
	}
	c.end(lost(err))
	return err
}
