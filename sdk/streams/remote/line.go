// SPDX-License-Identifier: Apache-2.0

package remote

import "context"

// Expect prepares a Serve. See head.Line.
func (l *Lower) Expect(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start() // of what came too late for its Serve
	l.expected, l.interrupted = id, false
}

// Interrupt ends a Serve. See head.Line.
func (l *Lower) Interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interrupted = true
	if l.serving {
		l.cancel()
	}
}

// Serve makes the call of the expected command in the caller's goroutine. See head.Line.
func (l *Lower) Serve(ctx context.Context) bool {
	l.mu.Lock()
	id := l.expected
	l.expected = 0
	if l.working || l.closed || len(l.queue) == 0 {
		l.mu.Unlock()
		return true
	}
	m := l.queue[0]
	if x, _ := m.Ioctl(); x.ID != id || l.interrupted {
		l.start()
		l.mu.Unlock()
		return true
	}
	ctx, done := l.bound(ctx)
	l.working, l.serving = true, true
	l.next()
	l.mu.Unlock()
	ok := l.send(ctx, m)
	done()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.working, l.serving, l.cancel = false, false, nil
	if l.closed {
		l.end()
	}
	l.start()
	return ok
}

// bound makes ctx one that cancel ends, until done. mu is held. For a context without an
// end it is the same one each time, until that was ended.
func (l *Lower) bound(ctx context.Context) (_ context.Context, done func()) {
	if ctx.Done() != nil {
		ctx, l.cancel = context.WithCancel(ctx)
		return ctx, l.cancel
	}
	if l.own == nil || l.own.Err() != nil {
		l.own = newRevocable()
		l.endOwn = l.own.cancel
	}
	l.cancel = l.endOwn
	return l.own, nothing
}

func nothing() {}
