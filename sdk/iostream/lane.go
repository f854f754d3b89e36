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
// buffers, backlog, counters. Its fields are guarded by the session's mu, unless they
// are never changed after newLane.
type lane struct {
	s        *session
	plan     plan
	mem      *memory
	end      *queue.End
	waiter   *waiter
	features uint64
	mode     userclient.Mode

	buffers  []Buffer
	free     fifo[uint32] // buffers that Take may give: to be filled, or (to-device) filled
	idle     fifo[uint32] // to-device: empty buffers that the next resume posts
	users    int          // who needs the memory: the session, and each buffer that the driver has taken
	finished bool         // no session any more

	takers  *turn // held by the Take that waits for the client; the others wait for it
	waiting bool  // that Take has found nothing

	backlog  fifo[entry] // from-device: posted by the driver, not yet by us
	numbered bool        // some entry was given a number
	nextSeq  uint64
	sentSeq  uint64 // the number that the client expects next
	gap      bool   // the next entry follows a loss
	overrun  uint64 // entries lost in the row of losses that is going on
	eventDue bool   // an event waits for its bell
	ending   bool   // the stream ends when the modules are done with what they have
	epoch    uint32 // of the format, for metadata headers
	st       Stats
	log      lossLog

	scratch  []*Buffer // not lent to anybody
	scratchN int       // made so far

	done     uint32        // to-device: entries of the client that the driver is done with
	received uint32        // entries received from the client
	progress chan struct{} // closed and made anew when done or received grows, if anyone waits
	syncing  int

	path userclient.PayloadPath // nil: no modules can see the payload
	mods *modules               // not nil exactly where path is not

	batch     []entry         // for Receive and Send
	ctx       context.Context // the listener's; ended by finish
	cancel    context.CancelFunc
	listening bool
	kicked    chan struct{} // with a listener: look again
	joined    sync.WaitGroup
}

const (
	// batchSize is how many entries are received at once.
	batchSize = 64
	// pieceSize is how many entries are published at once: of a larger batch the other side
	// works on the first ones while the others are made. Otherwise, where all buffers go
	// in one batch, the sides would take turns.
	pieceSize = 16
)

func newLane(s *session, layout Layout, features uint64) (_ *lane, err error) {
	d := s.d
	d.mu.Lock()
	shapes, mode := append([]shape(nil), d.shapes...), d.mode
	d.mu.Unlock()
	ln := &lane{
		s: s, features: features, mode: mode, users: 1,
		plan:     newPlan(layout, d.cfg.clientFills(), shapes, d.cfg.Alignment),
		progress: make(chan struct{}), kicked: make(chan struct{}, 1),
		batch: make([]entry, batchSize),
	}
	_, handled := d.handler.(InputHandler)
	ln.listening = handled || d.cfg.Policy == DropOldest
	ln.ctx, ln.cancel = context.WithCancel(context.Background())
	if ln.mem, err = s.takeMemory(ln.plan.size); err != nil {
		ln.cancel()
		return nil, err
	}
	defer func() {
		if err != nil {
			ln.finish()
		}
	}()
	v, err := ln.mem.arenas.sides(layout, ln.plan.regions, len(shapes))
	if err != nil {
		return nil, err
	}
	if err := ln.makeEnd(v); err != nil {
		return nil, err
	}
	ln.buffers = make([]Buffer, len(shapes))
	ln.free, ln.idle = newFIFO[uint32](len(shapes)), newFIFO[uint32](len(shapes))
	ln.backlog = newFIFO[entry](len(shapes))
	for id := range ln.buffers {
		ln.buffers[id] = Buffer{ln: ln, id: uint32(id), data: v.data[id], control: v.control[id], place: v.place[id]}
		ln.home().push(uint32(id))
	}
	ln.waiter = newWaiter(ln.end, &s.mu, s.res.Doorbell(), ln.waitPolicy(), ln.has(userclient.FeatureSharedWord) && !ln.listening, s.over, s.why)
	ln.takers = &ln.waiter.turn
	if ln.listening { // then the listener waits there
		t := newTurn()
		ln.takers = &t
	}
	return ln, nil
}

// waitPolicy is how this side waits. The listener must see the client's rings, which
// neither a spin nor a sleep on the queue's index word does, and has no thread.
func (ln *lane) waitPolicy() WaitPolicy {
	p := ln.s.d.cfg.Wait
	switch {
	case ln.listening && p == WaitSpin:
		return WaitAdaptive
	case p == WaitThread && (ln.listening || ln.features&userclient.FeatureSharedWord == 0):
		return WaitPoller
	}
	return p
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
	out, err := queue.NewProducer(v.out, queue.Config{Layout: l, Name: "output queue", Buffers: n, Count: ln.plan.count, Roles: roles})
	if err != nil {
		return err
	}
	in, err := queue.NewConsumer(v.in, queue.Config{
		Layout: l, Name: "input queue", Buffers: n, Count: ln.plan.count, Roles: roles, Endless: true,
	})
	if err != nil {
		return err
	}
	ln.end = queue.NewExclusiveEnd(in, out, v.shapes, true)
	ln.end.SetStatus(uint32(ioreturn.NotReady)) // until the first start
	return nil
}

// home is where a buffer goes that is with the driver and empty.
func (ln *lane) home() *fifo[uint32] {
	if ln.mode == userclient.ModeInput {
		return &ln.idle
	}
	return &ln.free
}

// goHome makes a buffer free that the client has not given back just now, and wakes
// the Take that waits.
func (ln *lane) goHome(id uint32) {
	ln.home().push(id)
	ln.nudge()
}

// active reports whether entries may travel.
func (ln *lane) active() bool { return ln.s.state == userclient.StateRunning && !ln.finished }

// accepts reports whether an entry that is posted now can reach the client.
func (ln *lane) accepts() bool {
	return !ln.ending && (ln.s.state == userclient.StateRunning || ln.s.state == userclient.StateSuspended) && !ln.finished
}

// has reports whether the client has selected a feature.
func (ln *lane) has(feature uint64) bool { return ln.features&feature != 0 }

// changeMode turns the direction of an open, stopped session.
func (ln *lane) changeMode(m userclient.Mode) error {
	ln.dropDown()
	ln.s.mu.Lock()
	defer ln.s.mu.Unlock()
	if ln.mods != nil {
		ln.mods.bypass = true // what has not been received by now passes no modules: nobody will get it
		defer func() { ln.mods.bypass = false }()
	}
	err := ln.receive()
	if err != nil {
		return err
	}
	if n := len(ln.buffers) - ln.end.Owned() + ln.users - 1; n > 0 {
		return &ioreturn.StatusError{Code: ioreturn.Busy, Detail: fmt.Sprintf("%d buffers are still in use", n)}
	}
	ln.mode = m
	ln.free.reset()
	ln.idle.reset()
	for id := range ln.buffers {
		ln.buffers[id].entry, ln.buffers[id].filled = entry{}, false
		ln.home().push(uint32(id))
	}
	ln.done = ln.received // nothing of the client's is left
	return nil
}

// finish ends the lane and joins its listener. The caller holds the turn, so the
// listener is in no handler's method. Buffers that the driver has taken stay valid
// until they are posted; the memory goes with the last of them (C5).
func (ln *lane) finish() {
	ln.s.mu.Lock()
	if !ln.finished {
		ln.dropBacklog(userclient.LossSessionEnded)
		if ln.mods != nil {
			ln.countDown()
			ln.mods.downDue = true
		}
		ln.finished = true
		close(ln.progress)
	}
	ln.s.mu.Unlock()
	ln.cancel()
	if ln.waiter != nil {
		ln.waiter.close()
	}
	ln.joined.Wait()
	ln.s.mu.Lock()
	_ = ln.unlock(ln.unuse(1), queue.WakeNone) // there is nothing to ring any more
}

// unuse ends n uses of the memory, and returns it if those were the last.
func (ln *lane) unuse(n int) *memory {
	if ln.users -= n; ln.users > 0 {
		return nil
	}
	return ln.mem
}

// leave is unlock where nothing was published.
func (ln *lane) leave() {
	if ln.eventDue || ln.mods != nil {
		_ = ln.unlock(nil, queue.WakeNone) // nothing can fail
		return
	}
	ln.s.mu.Unlock()
}

// unlock frees the session's mu and then does what must not be done under it: it gives
// m back, unless that is nil, and rings whom a publication and events call for. An
// error means that the session is over.
func (ln *lane) unlock(m *memory, wake queue.Wake) error {
	s := ln.s
	var bell, events userclient.Bell
	if wake != queue.WakeNone && s.bell != nil { // a client without a bell polls
		bell = s.bell
		ln.st.Rings++
	}
	if ln.eventDue {
		events, ln.eventDue = s.evBell, false
	}
	d := ln.dueModules()
	s.mu.Unlock()
	if d != (due{}) {
		ln.afterUnlock(d)
	}
	if m != nil {
		s.giveMemory(m)
	}
	if events != nil {
		_ = events.Ring() // an error is the session's end, which the client will hear of
	}
	if bell == nil {
		return nil
	}
	if wb, ok := bell.(userclient.WordBell); ok && wake == queue.WakeWord {
		return wb.WakeWord(ln.end.OutWord())
	}
	return bell.Ring()
}

// kick wakes the client whatever it waits for, so that it looks at the state.
func (ln *lane) kick() {
	ln.s.mu.Lock()
	_ = ln.unlock(nil, queue.WakeBell) // an error is the session's end, which the client will hear of
	if ln.has(userclient.FeatureSharedWord) {
		ln.s.mu.Lock()
		_ = ln.unlock(nil, queue.WakeWord)
	}
}
