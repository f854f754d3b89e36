// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"cmp"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// modules is what a lane has where its session's modules may see the payload. Its fields
// are guarded by the session's mu.
type modules struct {
	passages []passage      // by buffer
	outbox   fifo[*passage] // on their way into the modules
	carrying bool           // somebody is at the outbox
	entering int            // those of the outbox, and on their way out of it, that go down
	flushDue bool           // what modules have queued on its way up is nobody's any more
	downDue  bool           // and what is on its way down
	bypass   bool           // entries pass no modules
	up, down int            // passages under way
	live     int            // those on their way up whose number is not settled
	upward   fifo[*passage] // arrived, in that order
	downward fifo[*passage]
	next     uint64 // up: no smaller number may arrive any more
}

// carryBudget is how many entries one goroutine lets into the modules before it leaves the
// rest to another: it has its own work to do.
const carryBudget = 64

func (m *modules) order(down bool) *fifo[*passage] {
	if down {
		return &m.downward
	}
	return &m.upward
}

func (m *modules) count(down bool) *int {
	if down {
		return &m.down
	}
	return &m.up
}

// join lets payload pass the modules of p from now on. The session's mu is held.
func (ln *lane) join(p userclient.PayloadPath) {
	n := len(ln.buffers)
	m := &modules{
		passages: make([]passage, n), outbox: newFIFO[*passage](n), upward: newFIFO[*passage](n), downward: newFIFO[*passage](n),
	}
	for i := range m.passages {
		m.passages[i].ln, m.passages[i].b = ln, &ln.buffers[i]
	}
	ln.path, ln.mods = p, m
}

// through reports whether an entry has to pass modules: there are some, or entries that
// went before are still among those that were there.
func (ln *lane) through(down bool) bool {
	return ln.path != nil && !ln.mods.bypass && (*ln.mods.count(down) > 0 || ln.path.SeesPayload())
}

// postThrough is post where there are modules. Numbers and times are given here, before the
// modules and before the policy (C14).
func (ln *lane) postThrough(bs []*Buffer, ps []Posting, now int64) {
	for i, b := range bs {
		ln.gap = false // what follows a loss is known only when it has arrived
		var e entry
		if ln.settle(b, &ps[i], now, &e) {
			ln.mods.passages[b.id].begin(infoOf(&e, ln.lastSeq(), false), &e)
		}
	}
	ln.gap = ln.follows() != ln.nextSeq
}

// follows is the number behind the last entry that was posted or is in the backlog.
func (ln *lane) follows() uint64 {
	if n := ln.backlog.n; n > 0 {
		return ln.seqOf(ln.backlog.at(n-1)) + 1
	}
	return ln.sentSeq
}

// dueModules claims what is to be done for the modules when mu is let go of. mu is held.
func (ln *lane) dueModules() (d due) {
	m := ln.mods
	if m == nil {
		return d
	}
	if d.carry = m.outbox.n > 0 && !m.carrying; d.carry {
		m.carrying = true
	}
	d.up, d.down = m.flushDue, m.downDue
	m.flushDue, m.downDue = false, false
	return d
}

// due is what is to be done for the modules.
type due struct{ carry, up, down bool }

// afterUnlock does what dueModules has claimed. No lock is held.
func (ln *lane) afterUnlock(d due) {
	if d.carry {
		ln.s.mu.Lock()
		ln.carry(carryBudget)
	}
	if d.up || d.down {
		ln.path.FlushPayload(d.down)
	}
}

// carry lets what is in the outbox into the modules, in its order. mu is held, and is not
// when it returns. More than budget entries come only if others post all the time.
func (ln *lane) carry(budget int) {
	s, m := ln.s, ln.mods
	for ; m.outbox.n > 0; budget-- {
		if budget == 0 && !ln.finished {
			ln.joined.Go(func() {
				s.mu.Lock()
				ln.carry(carryBudget)
			})
			s.mu.Unlock()
			return
		}
		p, _ := m.outbox.pop()
		stale, down := p.counted, p.info.Down
		s.mu.Unlock()
		if stale {
			p.Drop()
		} else {
			ln.path.SendPayload(p)
		}
		s.mu.Lock()
		if down {
			m.entering--
			ln.nudge() // a Take may judge now
		}
	}
	m.carrying = false
	s.mu.Unlock()
}

// grabThrough lets into the modules what was received, and gives to the driver what came
// out at once, before the overrun policy judges. mu is held, but not all the time.
func (ln *lane) grabThrough(dst []*Buffer) (int, error) {
	_ = ln.unlock(nil, queue.WakeNone) // no publication, so nothing can fail
	ln.s.mu.Lock()
	if !ln.active() || ln.ending {
		return 0, errNotRunning
	}
	return ln.grabFree(dst), nil
}

// letGo is told that nothing refers to p any more.
func (ln *lane) letGo(p *passage) {
	ln.s.mu.Lock()
	p.free = true
	var o outcome
	if !p.arrived { // it is in no order
		o.add(ln.over(p))
	}
	for order := ln.mods.order(p.info.Down); order.n > 0 && (*order.at(0)).free; {
		first, _ := order.pop()
		o.add(ln.over(first))
	}
	o.post(ln.pump())
	m := ln.mods
	if m.up == 0 {
		ln.gap = ln.follows() != ln.nextSeq
	}
	ended := ln.ending && !ln.finished && ln.inModules() == 0
	if ended {
		o.post(ln.drain(ln.backlog.n))
		ln.halted(queue.StatusEnd)
	}
	_ = ln.unlock(o.last, o.wake) // a bell that fails is the session's end
	if o.err != nil {
		_ = ln.s.fail(o.err)
	}
	if ended {
		ln.tellHalted()
	}
}

// outcome collects what has to be done when mu is let go of.
type outcome struct {
	last *memory
	wake queue.Wake
	err  error
}

func (o *outcome) post(w queue.Wake, err error) {
	if w != queue.WakeNone {
		o.wake = w
	}
	if o.err == nil {
		o.err = err
	}
}

func (o *outcome) add(last *memory, w queue.Wake, err error) {
	if last != nil {
		o.last = last
	}
	o.post(w, err)
}

// over ends a passage that nothing refers to.
func (ln *lane) over(p *passage) (last *memory, wake queue.Wake, err error) {
	p.under = false
	*ln.mods.count(p.info.Down)--
	last = ln.unuse(1)
	switch {
	case ln.finished:
	case p.info.Down:
		wake, err = ln.overDown(p)
	default:
		ln.overUp(p)
	}
	return last, wake, err
}

// overUp puts the entry into the backlog, or frees its buffer.
func (ln *lane) overUp(p *passage) {
	seq := p.info.Seq
	if !p.counted {
		ln.mods.live--
	}
	switch st := ln.s.state; {
	case p.counted:
	case !p.arrived:
		ln.lose(userclient.LossModule, 1, seq)
	case st != userclient.StateRunning && st != userclient.StateSuspended:
		ln.lose(userclient.LossSessionEnded, 1, seq)
	default:
		var e entry
		p.result(&e)
		if ln.follows() != seq {
			e.Stamp |= queue.MakeStamp(0, FlagDiscontinuity)
			p.b.setMetadataFlags(e.Flags())
		}
		ln.backlog.push(e)
		return
	}
	ln.goHome(p.b.id)
}

// overDown lets the driver have what the client has sent. What a module dropped goes back
// to the client as an empty buffer; where buffers go both ways the driver gets it as one.
func (ln *lane) overDown(p *passage) (wake queue.Wake, err error) {
	b := p.b
	switch {
	case p.arrived && !p.counted:
		p.result(&b.entry)
	default:
		if !p.counted {
			ln.st.Discarded++
		}
		b.entry = entry{Buffer: b.id}
		if ln.has(userclient.FeatureSequence) {
			b.entry.Stamp = queue.MakeStamp(0, FlagFlushed)
		}
		if ln.mode != userclient.ModeInput {
			break
		}
		ln.done++
		ln.advanced()
		if !ln.active() {
			ln.goHome(b.id)
			return queue.WakeNone, nil
		}
		ln.batch[0] = b.entry
		err = ln.send(1, &wake)
		return wake, err
	}
	b.filled = true
	ln.free.push(b.id)
	ln.nudge()
	if ln.listening { // an InputHandler has not been told of it
		ln.waiter.interrupt()
	}
	return queue.WakeNone, nil
}

// inModules is how many entries on their way up are in modules and not lost.
func (ln *lane) inModules() int {
	if ln.mods == nil {
		return 0
	}
	return ln.mods.live
}

// dropPassages counts the entries on their way up as lost, and has the modules flushed.
// Their buffers come back when the modules let go of them.
func (ln *lane) dropPassages(c Cause) (n int) {
	m := ln.mods
	if m == nil {
		return 0
	}
	m.flushDue = m.flushDue || m.up > 0 || ln.path.SeesPayload()
	lost := make([]*passage, 0, m.up)
	for i := range m.passages {
		if p := &m.passages[i]; p.under && !p.info.Down && !p.counted {
			lost = append(lost, p)
		}
	}
	slices.SortFunc(lost, func(a, b *passage) int { return cmp.Compare(a.info.Seq, b.info.Seq) })
	m.upward.reset()
	for _, p := range lost {
		p.counted = true
		m.live--
		ln.lose(c, 1, p.info.Seq)
		if p.arrived && p.free {
			_, _, _ = ln.over(p) // the session has the memory still
		}
		p.arrived = false
	}
	return len(lost)
}

// countDown notes that what is in modules on its way down reaches the driver no more.
func (ln *lane) countDown() {
	m := ln.mods
	m.downward.reset()
	for i := range m.passages {
		p := &m.passages[i]
		if !p.under || !p.info.Down || p.counted {
			continue
		}
		p.counted = true
		ln.st.Discarded++
		if p.arrived && p.free {
			_, _, _ = ln.over(p) // the session has the memory still, and nothing is posted where none is active
		}
		p.arrived = false
	}
}

// dropDown takes back what is in modules on its way down, as far as they let go of it.
func (ln *lane) dropDown() {
	ln.s.mu.Lock()
	if ln.mods != nil && ln.mods.down > 0 {
		ln.countDown()
		ln.mods.downDue = true
	}
	ln.leave()
}
