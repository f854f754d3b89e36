// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"fmt"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// lane is the data path of one open session at the driver's end: memory, queues,
// buffers, backlog, counters. Its fields are guarded by the session's mu.
type lane struct {
	s        *session
	plan     plan
	mem      arenas
	releases []func() error
	end      *queue.End
	waiter   *waiter
	features uint64
	mode     userclient.Mode

	buffers  []Buffer
	free     fifo // buffers that Take may give: to be filled, or (to-device) filled
	idle     fifo // to-device: empty buffers that the next resume posts
	taken    int
	finished bool // no session any more; memory goes with the last taken buffer
	freed    bool

	backlog  []queue.Entry // from-device: posted by the driver, not yet by us
	numbered bool          // some entry was given a number
	nextSeq  uint64
	gap      bool   // the next entry follows a loss
	overrun  bool   // in a row of losses
	eventDue bool   // an event waits for its bell
	epoch    uint32 // of the format, for metadata headers
	st       Stats
	log      lossLog

	scratch  []*Buffer // not lent to anybody
	scratchN int       // made so far

	done     uint32        // to-device: entries given back by the driver
	received uint32        // entries received from the client
	progress chan struct{} // closed and made anew when done or received grows, if anyone waits
	syncing  int

	batch     []queue.Entry
	ctx       context.Context // the listener's; ended by finish
	cancel    context.CancelFunc
	listening bool
	kicked    chan struct{} // with a listener: something came
	joined    sync.WaitGroup
}

// batchSize is how many entries are received at once.
const batchSize = 64

func newLane(s *session, layout Layout, features uint64) (_ *lane, err error) {
	d := s.d
	d.mu.Lock()
	shapes, mode := append([]shape(nil), d.shapes...), d.mode
	d.mu.Unlock()
	ln := &lane{
		s: s, features: features, mode: mode,
		plan:     newPlan(layout, d.clientFills(), shapes, d.cfg.Alignment),
		progress: make(chan struct{}), kicked: make(chan struct{}, 1),
		batch: make([]queue.Entry, batchSize),
	}
	ln.ctx, ln.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			ln.finish()
		}
	}()
	for i, w := range []userclient.Writer{userclient.DriverWrites, userclient.ClientWrites} {
		size := int(ln.plan.size[i])
		if uint64(size) != ln.plan.size[i] || size < 0 {
			return nil, &ioreturn.StatusError{Code: ioreturn.NoMemory, Detail: "the buffers do not fit the address space"}
		}
		m, release, err := s.res.Alloc(size, w)
		if err != nil {
			return nil, fmt.Errorf("allocate %d bytes of shared memory: %w", size, err)
		}
		ln.mem[i] = m
		ln.releases = append(ln.releases, release)
	}
	v, err := ln.mem.sides(layout, ln.plan.regions, len(shapes))
	if err != nil {
		return nil, err
	}
	if err := ln.makeEnd(v); err != nil {
		return nil, err
	}
	ln.buffers = make([]Buffer, len(shapes))
	ln.free, ln.idle = newFIFO(len(shapes)), newFIFO(len(shapes))
	ln.backlog = make([]queue.Entry, 0, len(shapes))
	for id := range ln.buffers {
		ln.buffers[id] = Buffer{ln: ln, id: uint32(id), data: v.data[id], control: v.control[id], place: v.place[id]}
		ln.home().push(uint32(id))
	}
	shared := features&userclient.FeatureSharedWord != 0
	ln.waiter = newWaiter(ln.end, s.res.Doorbell(), d.cfg.Wait, shared, s.over, s.why)
	return ln, nil
}

func (ln *lane) makeEnd(v *sides) error {
	l, n := ln.plan.layout, len(v.shapes)
	var roles *queue.Roles
	if l == userclient.LayoutClassic {
		roles = queue.NewRoles(queue.HeadWrites)
	}
	for _, m := range []queue.Memory{v.out, v.in} {
		if err := queue.Format(m, l, ln.plan.count); err != nil {
			return err
		}
	}
	out, err := queue.NewProducer(v.out, queue.Config{Layout: l, Name: "output queue", Buffers: n, Roles: roles})
	if err != nil {
		return err
	}
	in, err := queue.NewConsumer(v.in, queue.Config{Layout: l, Name: "input queue", Buffers: n, Roles: roles})
	if err != nil {
		return err
	}
	ln.end = queue.NewEnd(in, out, v.shapes, true)
	ln.end.SetStatus(uint32(ioreturn.NotReady)) // until the first start
	return nil
}

// home is where a buffer goes that is with the driver and empty.
func (ln *lane) home() *fifo {
	if ln.mode == userclient.ModeInput {
		return &ln.idle
	}
	return &ln.free
}

func (s *session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != nil {
		return s.reason
	}
	return ioreturn.ErrGone
}

// active reports whether entries may travel.
func (ln *lane) active() bool { return ln.s.state == userclient.StateRunning && !ln.finished }

// lastSeq is the number given last; meaningless unless numbered.
func (ln *lane) lastSeq() uint64 { return ln.nextSeq - 1 }

// changeMode turns the direction of an open, stopped session.
func (ln *lane) changeMode(m userclient.Mode) error {
	ln.s.mu.Lock()
	defer ln.s.mu.Unlock()
	if _, err := ln.receive(); err != nil {
		return err
	}
	if n := len(ln.buffers) - ln.end.Owned() + ln.taken; n > 0 {
		return &ioreturn.StatusError{Code: ioreturn.Busy, Detail: fmt.Sprintf("%d buffers are still in use", n)}
	}
	ln.mode = m
	ln.free.reset()
	ln.idle.reset()
	for id := range ln.buffers {
		ln.home().push(uint32(id))
	}
	return nil
}

// finish ends the lane and joins its listener. The caller holds the turn, so the
// listener is in no handler's method. Buffers that the driver has taken stay valid until they are
// posted; the memory goes with the last of them (C5).
func (ln *lane) finish() {
	ln.s.mu.Lock()
	if !ln.finished {
		ln.dropBacklog(userclient.LossSessionEnded)
		ln.finished = true
		close(ln.progress)
	}
	last := ln.taken == 0
	ln.s.mu.Unlock()
	ln.cancel()
	if ln.waiter != nil {
		ln.waiter.close()
	}
	ln.joined.Wait()
	if last {
		ln.unmap()
	}
}

// unmap gives the memory back, once.
func (ln *lane) unmap() {
	ln.s.mu.Lock()
	first := !ln.freed
	ln.freed = true
	ln.s.mu.Unlock()
	if !first {
		return
	}
	for _, release := range ln.releases {
		if err := release(); err != nil {
			ln.s.d.cfg.Logger.Debug("release shared memory", "stream", ln.s.d.cfg.Name, "err", err)
		}
	}
}

// ring does what a publication asked for. mu must be free.
func (ln *lane) ring(w queue.Wake) error {
	if w == queue.WakeNone {
		return nil
	}
	ln.s.mu.Lock()
	b := ln.s.bell
	ln.st.Rings++
	ln.s.mu.Unlock()
	if b == nil {
		return nil // the client polls
	}
	if wb, ok := b.(userclient.WordBell); ok && w == queue.WakeWord {
		return wb.WakeWord(ln.end.OutTailWord())
	}
	return b.Ring()
}

// kick wakes the client whatever it waits for, so that it looks at the state.
func (ln *lane) kick() {
	_ = ln.ring(queue.WakeBell) // an error is the session's end, which the client will hear of
	if ln.features&userclient.FeatureSharedWord != 0 {
		_ = ln.ring(queue.WakeWord)
	}
}

// listen starts the goroutine that waits for the client where Take can't: for an
// InputHandler, and to move the backlog under DropOldest.
func (ln *lane) listen() {
	h, ok := ln.s.d.handler.(InputHandler)
	if !ok && ln.s.d.cfg.Policy != DropOldest {
		return
	}
	ln.s.mu.Lock()
	ln.listening = true
	ln.s.mu.Unlock()
	ln.joined.Go(func() {
		for ln.listenOnce() == nil {
			select {
			case ln.kicked <- struct{}{}:
			default:
			}
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

// listenOnce waits for the client to publish and takes in what it did.
func (ln *lane) listenOnce() error {
	if err := ln.waiter.lock(ln.ctx); err != nil {
		return err
	}
	err := ln.waiter.wait(ln.ctx, 1)
	ln.waiter.unlock()
	if err != nil {
		return err
	}
	ln.s.mu.Lock()
	if ln.finished {
		ln.s.mu.Unlock()
		return ioreturn.ErrClosed
	}
	wake, err := ln.takeIn()
	ln.s.mu.Unlock()
	if err != nil {
		return ln.s.fail(err)
	}
	return ln.ring(wake)
}

// takeIn receives, and posts what that made room for.
func (ln *lane) takeIn() (queue.Wake, error) {
	if _, err := ln.receive(); err != nil {
		return queue.WakeNone, err
	}
	return ln.pump()
}

// rung is an explicit notification by call: the same as a ring of the doorbell.
func (ln *lane) rung(token uint32) error {
	ln.s.mu.Lock()
	if ln.finished {
		ln.s.mu.Unlock()
		return ioreturn.NotOpen
	}
	wake, err := ln.takeIn()
	ln.s.mu.Unlock()
	if err != nil {
		return ln.s.fail(err)
	}
	if h, ok := ln.s.d.handler.(InputHandler); ok {
		ln.input(h, token)
	}
	return ln.ring(wake)
}
