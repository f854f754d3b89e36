// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
)

// listen starts the goroutine that waits for the client where Take can't: for an
// InputHandler, and to move the backlog under DropOldest.
func (ln *lane) listen() {
	if !ln.listening {
		return
	}
	h, _ := ln.s.d.handler.(InputHandler)
	ln.joined.Go(func() {
		for ln.listenOnce() == nil {
			if h != nil && !ln.input(h, ln.end.Token()) {
				return
			}
		}
	})
}

// input runs the handler's callback in its turn, unless the lane is over.
func (ln *lane) input(h InputHandler, token uint32) bool {
	if err := ln.s.enter(ln.ctx); err != nil {
		return false
	}
	defer ln.s.leave()
	if ln.ctx.Err() != nil {
		return false
	}
	h.Input(token)
	return true
}

// listenOnce waits for the client to publish or ring, and takes in what it did.
func (ln *lane) listenOnce() error {
	if err := ln.waiter.lock(ln.ctx); err != nil {
		return err
	}
	err := ln.waiter.wait(ln.ctx, 1)
	ln.waiter.unlock()
	if err != nil {
		return ln.s.fail(err)
	}
	return ln.takeIn()
}

// takeIn receives what the client has published, and posts what that made room for.
func (ln *lane) takeIn() error {
	ln.s.mu.Lock()
	if ln.finished {
		ln.s.mu.Unlock()
		return ioreturn.ErrClosed
	}
	err := ln.receive()
	wake := queue.WakeNone
	if err == nil {
		wake, err = ln.pump()
	}
	ln.nudge()
	if err2 := ln.unlock(nil, wake); err == nil {
		return err2
	}
	return ln.s.fail(err)
}

// rung is an explicit notification by call: the same as a ring of the doorbell.
func (ln *lane) rung(token uint32) error {
	if err := ln.takeIn(); err != nil {
		return err
	}
	if h, ok := ln.s.d.handler.(InputHandler); ok {
		ln.input(h, token)
	}
	return nil
}

// nudge makes the Take that waits look again. mu is held.
func (ln *lane) nudge() {
	switch {
	case ln.listening:
		select {
		case ln.kicked <- struct{}{}:
		default:
		}
	case ln.waiting:
		ln.waiter.interrupt()
	}
}

// await blocks until there may be a buffer for Take. The caller holds takers.
func (ln *lane) await(ctx context.Context) error {
	if ln.listening {
		select {
		case <-ln.kicked:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ln.ctx.Done():
			return errNotRunning
		}
	}
	return ln.waiter.wait(ctx, 1)
}
