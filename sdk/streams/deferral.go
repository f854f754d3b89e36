// SPDX-License-Identifier: Apache-2.0

package streams

import "sync/atomic"

// deferredMax is how many free routines may wait for the last stream to become quiet.
// Beyond it a goroutine of their own runs them.
const deferredMax = 64

// deferral keeps foreign code out of procedures. Free routines and callbacks that come
// due while some goroutine is inside a stream are run by the last one that leaves, after
// it left.
//
// Who makes work visible and then sees nobody inside runs it; who leaves and then sees
// work runs it. Both write before they read, so one of the two sees it.
type deferral struct {
	inside atomic.Int64 // goroutines inside a stream of the arena
	list   atomic.Pointer[data]
	count  atomic.Int64
	due    atomic.Bool // callbacks should be looked at
	run    func()      // reap as a value, so that starting it allocates nothing
}

func (f *deferral) init(a *Arena) { f.run = a.reap }

// defers makes the free routine of d, which has no references left, run soon.
func (a *Arena) defers(d *data) {
	f := &a.deferred
	for {
		d.behind = f.list.Load()
		if f.list.CompareAndSwap(d.behind, d) {
			break
		}
	}
	n := f.count.Add(1)
	switch {
	case f.inside.Load() == 0:
		a.reap()
	case n%deferredMax == 0:
		go f.run()
	}
}

// settle makes callbacks for which there may be memory now run soon.
func (a *Arena) settle() {
	a.deferred.due.Store(true)
	if a.deferred.inside.Load() == 0 {
		a.reap()
	}
}

// entered and left frame the time that a goroutine is inside a stream.
func (a *Arena) entered() { a.deferred.inside.Add(1) }

func (a *Arena) left() {
	f := &a.deferred
	if f.inside.Add(-1) == 0 && (f.list.Load() != nil || f.due.Load()) {
		a.reap()
	}
}

// reap runs what is due. The caller is in no procedure and holds no lock.
func (a *Arena) reap() {
	f := &a.deferred
	for {
		var first *data // the oldest: the list has the newest in front
		for d := f.list.Swap(nil); d != nil; {
			d.behind, first, d = first, d, d.behind
		}
		due := f.due.Swap(false)
		if first == nil && !due {
			return
		}
		for d := first; d != nil; {
			next, routine, buf := d.behind, d.free, d.buf
			d.behind = nil
			f.count.Add(-1)
			a.recycle(d)
			routine.FreeBuffer(buf)
			a.external.Add(-1)
			d = next
		}
		if due {
			a.waiters.call(a)
		}
	}
}
