// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"context"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// instance is the module in one stream. It is used inside the stream only.
type instance struct {
	server  *server
	queue   *streams.Queue // the write queue
	run     *work          // whose function runs, nil if none does
	jobs    chan *work     // to the goroutine that runs functions, nil while there is none
	waiting []*work
}

// work is a call whose function is due, with its message.
type work struct {
	call *conversation
	m    *streams.Block // nil: refused already
	ctx  context.Context
	end  context.CancelCauseFunc
	done *streams.Callback

	// settled is set by the goroutine when the function has returned, and by the closing
	// of the module. The second of them ends the call.
	settled  atomic.Bool
	returned bool // and not left by a panic or runtime.Goexit
}

// start lets the function of a call run, now or behind one that runs.
func (in *instance) start(c *conversation, m *streams.Block) {
	w := &c.work
	w.call, w.m = c, m
	switch {
	case in.run == nil:
		in.launch(w)
	case len(in.waiting) < maxWaiting:
		in.waiting = append(in.waiting, w)
	default:
		c.fail(m, streams.EBUSY)
	}
}

// launch gives a function to the goroutine of the stream, which is there from the first
// function until the module is closed: the calls of a new one would have to make its stack
// larger each time.
func (in *instance) launch(w *work) {
	s := in.server
	if s.running.Add(1) > int64(s.cfg.Running) {
		s.running.Add(-1)
		w.call.fail(w.m, streams.EBUSY)
		return
	}
	done, err := in.queue.Callback(func() { in.worked(w) })
	if err != nil {
		s.running.Add(-1)
		w.call.fail(w.m, streams.ENXIO)
		return
	}
	w.done, in.run = done, w
	w.ctx, w.end = context.WithCancelCause(context.Background())
	if in.jobs == nil {
		in.jobs = make(chan *work, 1)
		go s.serve(in.jobs)
	}
	in.jobs <- w // there is room: no function runs
}

// serve is the goroutine. It ends when jobs is closed, and with a function that ends it.
func (s *server) serve(jobs <-chan *work) {
	for w := range jobs {
		w.work(s)
	}
}

// work runs the function and tells the stream.
func (w *work) work(s *server) {
	defer func() {
		w.end(nil)
		s.running.Add(-1)
		if w.settled.Swap(true) {
			w.call.Release()
			return
		}
		w.done.Fire()
	}()
	w.call.call.Work(w.ctx)
	w.returned = true
}

// worked answers a call whose function has returned, and starts what waits.
func (in *instance) worked(w *work) {
	in.run = nil
	if !w.returned {
		in.jobs = nil // its goroutine has ended
	}
	switch {
	case w.m == nil:
		w.call.Release()
	case !w.returned:
		w.call.fail(w.m, streams.EIO)
	default:
		w.call.step(w.m, ioctl.Event{Kind: ioctl.Worked})
	}
	for in.run == nil && len(in.waiting) > 0 {
		next := in.waiting[0]
		in.waiting = in.waiting[1:]
		in.launch(next)
	}
}

// supersede gives up the calls that nobody waits for any more.
func (in *instance) supersede() {
	if w := in.run; w != nil && w.m != nil {
		w.end(ioreturn.ErrAborted)
		m := w.m
		w.m = nil
		in.refuse(m, streams.EINTR)
	}
	in.drop(streams.EINTR)
}

// drop refuses the calls whose functions wait.
func (in *instance) drop(why streams.Errno) {
	waiting := in.waiting
	in.waiting = nil
	for _, w := range waiting {
		w.call.fail(w.m, why)
	}
}

// close ends all calls. A function that runs is left to itself.
func (in *instance) close() {
	in.drop(streams.ENXIO)
	if in.jobs != nil {
		close(in.jobs)
	}
	w := in.run
	if w == nil {
		return
	}
	w.end(ioreturn.ErrGone)
	m := w.m
	w.m = nil
	if w.settled.Swap(true) { // it has returned, and its callback does not run any more
		w.call.Release()
	}
	if m != nil {
		in.refuse(m, streams.ENXIO)
	}
}
