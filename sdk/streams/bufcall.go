// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Bufcall is a callback that waits for memory.
type Bufcall struct {
	arena *Arena
	size  int
	fn    func()
	ended chan struct{} // closed when fn has returned
}

// bufcalls are the callbacks that wait, oldest first.
type bufcalls struct {
	mu      sync.Mutex
	count   atomic.Int32
	list    []*Bufcall
	running []*Bufcall
}

func (w *bufcalls) any() bool { return w.count.Load() != 0 }

func (w *bufcalls) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.list) + len(w.running)
}

// Bufcall makes fn be called once when an allocation of size bytes may succeed: within
// the limits of the arena at that moment, which others may have used up when fn tries.
// fn runs with no lock held and no procedure of a stream in its call chain, in any
// goroutine, never inside Bufcall itself. It must not block. Inside a stream use
// [Queue.Bufcall], whose callbacks run as procedures do.
//
// Bufcall doesn't block. It returns EINVAL for a negative size, for one above the arena's
// limits, which would wait for ever, and for a nil fn.
func (a *Arena) Bufcall(size int, fn func()) (*Bufcall, error) {
	if size < 0 || size > a.cfg.MaxBlock || a.cfg.MaxBytes > 0 && size > a.cfg.MaxBytes || fn == nil {
		return nil, EINVAL
	}
	c := &Bufcall{arena: a, size: size, fn: fn, ended: make(chan struct{})}
	w := &a.waiters
	w.mu.Lock()
	w.list = append(w.list, c)
	w.count.Store(int32(len(w.list)))
	w.mu.Unlock()
	// Memory that was freed before c was in the list did not find it there.
	if a.Fits(size) {
		f := &a.deferred
		f.due.Store(true)
		if f.inside.Load() == 0 {
			f.start()
		}
	}
	return c, nil
}

// Cancel takes the callback back. When it returns, the callback is not running and will
// not run; true means that it never did. It waits while the callback runs in another
// goroutine, so the callback must not cancel itself.
func (c *Bufcall) Cancel() bool {
	taken := c.abandon()
	<-c.ended
	return taken
}

// abandon is Cancel without the wait: the callback may run or be about to.
func (c *Bufcall) abandon() bool {
	w := &c.arena.waiters
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.list, c)
	if i < 0 {
		return false
	}
	w.list = slices.Delete(w.list, i, i+1)
	w.count.Store(int32(len(w.list)))
	close(c.ended)
	return true
}

// call runs each callback once for which there is memory.
func (w *bufcalls) call(a *Arena) {
	w.mu.Lock()
	var ready []*Bufcall
	w.list = slices.DeleteFunc(w.list, func(c *Bufcall) bool {
		fits := a.Fits(c.size)
		if fits {
			ready = append(ready, c)
		}
		return fits
	})
	w.count.Store(int32(len(w.list)))
	w.running = append(w.running, ready...)
	w.mu.Unlock()
	for _, c := range ready {
		c.fn()
		w.mu.Lock()
		w.running = slices.DeleteFunc(w.running, func(r *Bufcall) bool { return r == c })
		w.mu.Unlock()
		close(c.ended)
	}
}
