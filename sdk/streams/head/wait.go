// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"slices"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// mustWait is what an attempt answers that can't succeed yet. It is no errno, so that it
// can't be mixed up with what a driver says.
const mustWait streams.Errno = 1 << 16

// waiters are those who are told when a side of the stream may have changed.
type waiters struct {
	mu   sync.Mutex
	list []chan<- struct{}
	idle []chan struct{} // to be used again
}

// join returns a channel that gets a token at each change, until leave.
func (w *waiters) join() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	var c chan struct{}
	if n := len(w.idle); n > 0 {
		c, w.idle = w.idle[n-1], w.idle[:n-1]
	} else {
		c = make(chan struct{}, 1)
	}
	w.list = append(w.list, c)
	return c
}

func (w *waiters) leave(c chan struct{}) {
	w.remove(c)
	w.mu.Lock()
	defer w.mu.Unlock()
	select { // nobody sends to it any more
	case <-c:
	default:
	}
	if len(w.idle) < 16 {
		w.idle = append(w.idle, c)
	}
}

func (w *waiters) add(c chan<- struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, c)
}

func (w *waiters) remove(c chan<- struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.list, c); i >= 0 {
		w.list = slices.Delete(w.list, i, i+1)
	}
}

// wake tells everybody. It doesn't block.
func (w *waiters) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.list {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// retry repeats an attempt, each time something has changed, until it answers something
// else than mustWait. On a stream that does not block it tries once.
func (h *Head) retry(ctx context.Context, w *waiters, try func() streams.Errno) streams.Errno {
	if errno := try(); errno != mustWait {
		return errno
	}
	if h.nonBlocking.Load() {
		return streams.EAGAIN
	}
	c := w.join()
	defer w.leave(c)
	for {
		// The first time it is what may have come before the token could.
		if errno := try(); errno != mustWait {
			return errno
		}
		select {
		case <-c:
		case <-ctx.Done():
			return ended(ctx)
		}
	}
}

// wakeAll makes every call look at the stream's state.
func (h *Head) wakeAll() {
	h.slot.wakeAll()
	if h.cfg.Line != nil && h.failing() {
		h.cfg.Line.Interrupt()
	}
	h.readers.wake()
	h.writers.wake()
}

// inside runs fn inside the stream.
func (h *Head) inside(fn func(q *streams.Queue) streams.Errno) (errno streams.Errno) {
	if h.stream.Do(func(q *streams.Queue) { errno = fn(q) }) != nil {
		return h.gone()
	}
	return errno
}

// gone returns the errno of a call during which the stream was closed.
func (h *Head) gone() streams.Errno {
	if h.cfg.Profile == streams.OpenSS7 {
		return streams.EIO
	}
	return streams.ENXIO
}
