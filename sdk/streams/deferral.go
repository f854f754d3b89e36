// SPDX-License-Identifier: Apache-2.0

package streams

import "sync/atomic"

// deferral keeps foreign code out of procedures. Free routines and callbacks that come
// due while some goroutine is inside a stream are run when one leaves: by itself if it is
// the last, else by a goroutine of their own, because it may have been called from inside
// another stream.
//
// Who makes work visible and then sees nobody inside runs it; who leaves and then sees
// work has it run. Both write before they read, so one of the two sees it.
type deferral struct {
	inside  atomic.Int64 // goroutines inside a stream of the arena
	list    atomic.Pointer[data]
	due     atomic.Bool // callbacks should be looked at
	started atomic.Bool // a goroutine is on its way and has not looked yet
	run     func()      // as a value, so that starting it allocates nothing
}

func (f *deferral) init(a *Arena) {
	f.run = func() {
		f.started.Store(false)
		a.reap()
	}
}

func (f *deferral) pending() bool { return f.list.Load() != nil || f.due.Load() }

// start has what is due run by a goroutine of its own, by one at a time.
func (f *deferral) start() {
	if f.pending() && f.started.CompareAndSwap(false, true) {
		go f.run()
	}
}

// defers makes the free routine of d, which has no references left, run soon.
func (a *Arena) defers(d *data) {
	f := &a.deferred
	for {
		d.behind = f.list.Load()
		if f.list.CompareAndSwap(d.behind, d) {
			break
		}
	}
	if f.inside.Load() == 0 {
		a.reap()
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

// alone keeps left from starting a goroutine; a Stepper has no use for one.
func (a *Arena) left(alone bool) {
	f := &a.deferred
	switch n := f.inside.Add(-1); {
	case !f.pending():
	case n == 0:
		a.reap()
	case !alone:
		f.start()
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
