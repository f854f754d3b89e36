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
	ctx = l.bound(ctx)
	l.working, l.serving = true, true
	l.next()
	l.mu.Unlock()
	ok := l.send(ctx, m)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.working, l.serving, l.cancel = false, false, nil
	if l.closed {
		l.end()
	}
	l.start()
	return ok
}

// bound returns a context that ends when ctx or cancel does: the same one for each call whose
// context ends when that of the last one does. mu is held.
func (l *Lower) bound(ctx context.Context) context.Context {
	if !l.own.serves(ctx) {
		l.disown()
		l.own = newRevocable(ctx)
		l.endOwn = l.own.cancel
	}
	l.cancel = l.endOwn
	return l.own
}

// disown forgets the context of the last call. mu is held.
func (l *Lower) disown() {
	if l.own != nil {
		l.own.leave()
		l.own = nil
	}
}
