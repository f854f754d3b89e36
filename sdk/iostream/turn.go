// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"sync/atomic"
)

// turn is a lock that can be waited for until a context ends. Taking it when it is
// free, and letting it go, cost one atomic operation each.
type turn struct {
	held    atomic.Bool
	waiters atomic.Int32
	freed   chan struct{} // has one token after each unlock that somebody may have waited for
}

func newTurn() turn { return turn{freed: make(chan struct{}, 1)} }

// tryLock takes the lock if it is free.
func (t *turn) tryLock() bool { return t.held.CompareAndSwap(false, true) }

// lock waits for the lock; false means that ctx or over ended first.
func (t *turn) lock(ctx context.Context, over <-chan struct{}) bool {
	if t.tryLock() {
		return true
	}
	t.waiters.Add(1) // before the next try, as unlock looks after it has let go
	defer t.waiters.Add(-1)
	for !t.tryLock() {
		select {
		case <-t.freed: // or it was before, and then this is only one more try
		case <-ctx.Done():
			return false
		case <-over:
			return false
		}
	}
	return true
}

func (t *turn) unlock() {
	t.held.Store(false)
	if t.waiters.Load() == 0 {
		return
	}
	select {
	case t.freed <- struct{}{}:
	default: // there is a token: whoever waits will look
	}
}
