// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"sync/atomic"
	"time"
)

// event is a call that takes its turn with the messages of a stream: of fn, or of a
// callback, which it is part of.
type event struct {
	item     Block
	fn       func()
	callback *Callback
}

func (e *event) run() {
	if e.callback != nil {
		e.callback.arrive()
		return
	}
	e.fn()
}

func newEvent(fn func()) *event {
	e := &event{fn: fn}
	e.item.event = e
	return e
}

// Callback is a call that a module waits for. It runs as a procedure of the stream, once,
// unless it is cancelled; closing the module cancels it.
type Callback struct {
	queue   *Queue
	fn      func()
	event   event
	bufcall *Bufcall
	timer   *time.Timer
	fired   atomic.Bool
	over    bool
}

func (q *Queue) callback(fn func()) *Callback {
	c := &Callback{queue: q, fn: fn}
	c.event.callback, c.event.item.event = c, &c.event
	if q.pair.callbacks == nil {
		q.pair.callbacks = make(map[*Callback]struct{})
	}
	q.pair.callbacks[c] = struct{}{}
	return c
}

// Fire makes the callback run: now if the stream is quiet, and otherwise when its turn
// comes. Only the first Fire counts, and none after Cancel or the closing of the module.
// It may be called from any goroutine, but not from a procedure of another stream. It
// doesn't wait for the callback; but procedures of the stream may run in it.
func (c *Callback) Fire() {
	if c.fired.Swap(true) {
		return
	}
	p := &c.queue.pair.stream.perim
	p.post(&c.event.item)
	p.visit()
}

func (c *Callback) arrive() {
	if c.Cancel() {
		c.fn()
	}
}

// Cancel takes the callback back and doesn't block. True means that it had not run and
// will not run. It may be called from procedures of the stream only.
func (c *Callback) Cancel() bool {
	if c.over {
		return false
	}
	c.over = true
	delete(c.queue.pair.callbacks, c)
	if c.bufcall != nil {
		c.bufcall.abandon()
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	return true
}

// Callback makes fn run when Fire is called. It is how what happens outside of the stream,
// a goroutine that has done its work or hardware that has data, comes back to a module.
// The error is EINVAL for a nil fn, or a queue that is closed.
func (q *Queue) Callback(fn func()) (*Callback, error) {
	if fn == nil || q.flags&qClosing != 0 {
		return nil, EINVAL
	}
	return q.callback(fn), nil
}

// Bufcall makes fn run when an allocation of size bytes may succeed, with no promise that
// it will. A service procedure that gets no memory puts its message back, asks for a
// Bufcall that enables the queue, and returns. The error is that of [Arena.Bufcall].
func (q *Queue) Bufcall(size int, fn func()) (*Callback, error) {
	if fn == nil || q.flags&qClosing != 0 {
		return nil, EINVAL
	}
	c := q.callback(fn)
	b, err := q.Arena().Bufcall(size, c.Fire)
	if err != nil {
		c.Cancel()
		return nil, err
	}
	c.bufcall = b
	return c, nil
}

// Timeout makes fn run after d. The error is EINVAL for a nil fn, or a queue that is
// closed.
func (q *Queue) Timeout(d time.Duration, fn func()) (*Callback, error) {
	if fn == nil || q.flags&qClosing != 0 {
		return nil, EINVAL
	}
	c := q.callback(fn)
	c.timer = time.AfterFunc(d, c.Fire)
	return c, nil
}
