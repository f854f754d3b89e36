// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

type entry = queue.Entry

var (
	errNotRunning = errors.New("the stream is not running")
	errPolicyFail = errors.New("no buffer is free, and the policy is to fail")
)

// receive takes in what the client has published.
func (ln *lane) receive() error {
	before := ln.received
	for n := len(ln.batch); n == len(ln.batch); {
		var err error
		if n, err = ln.end.Receive(ln.batch); err != nil {
			return err
		}
		ln.gotBack(ln.batch[:n])
	}
	if ln.received != before {
		ln.advanced()
	}
	return nil
}

// gotBack notes entries of the client. What one says of a buffer means nothing on a
// stream that goes from the device only.
func (ln *lane) gotBack(es []entry) {
	fills := ln.mode.ToDevice()
	through := fills && ln.through(true)
	for i := range es {
		e := &es[i]
		if fills {
			if !ln.has(userclient.FeatureSequence) {
				e.Seq, e.Stamp = 0, 0 // words without a meaning (C15)
			}
			ln.st.Bytes += uint64(e.DataLength)
			if through && e.DataLength > 0 {
				ln.mods.passages[e.Buffer].begin(infoOf(e, uint64(e.Seq), true), e)
				continue
			}
			b := &ln.buffers[e.Buffer]
			b.entry, b.filled = *e, true
		}
		ln.free.push(e.Buffer)
	}
	ln.st.Returned += uint64(len(es))
	ln.received += uint32(len(es))
}

// grab gives buffers to the driver, as many as there are and dst holds, without
// waiting. If there is none, spare lets the overrun policy find one, or end the run
// with errPolicyFail. mu is held.
func (ln *lane) grab(dst []*Buffer, spare bool) (n int, err error) {
	if !ln.active() || ln.ending {
		return 0, errNotRunning
	}
	if n = ln.grabFree(dst); n < len(dst) {
		err = ln.receive()
		n += ln.grabFree(dst[n:])
	}
	if n > 0 {
		ln.overrunOver()
		return n, nil // an error is final, and comes again
	}
	if err != nil || !spare {
		return 0, err
	}
	if dst[0], err = ln.grabSpare(); dst[0] == nil {
		return 0, err
	}
	return 1, nil
}

// grabFree gives free buffers to the driver.
func (ln *lane) grabFree(dst []*Buffer) int {
	n := min(len(dst), ln.free.n)
	for i := range n {
		b := &ln.buffers[*ln.free.at(i)]
		b.taken = true
		dst[i] = b
	}
	ln.free.drop(n)
	ln.users += n
	return n
}

// grabSpare lets the overrun policy find a buffer; nil if it has none.
func (ln *lane) grabSpare() (*Buffer, error) {
	if ln.mode == userclient.ModeInput {
		return nil, nil // nothing is lost by waiting for a client that fills
	}
	switch ln.s.d.cfg.Policy {
	case DropOldest:
		id, ok := ln.dropOldest()
		if !ok {
			return ln.takeScratch(), nil
		}
		b := &ln.buffers[id]
		b.taken = true
		ln.users++
		return b, nil
	case DropNewest:
		return ln.takeScratch(), nil
	case Fail:
		ln.lose(userclient.LossFail, 1, ln.number())
		ln.halted(uint32(ioreturn.Overrun)) // this run, not one that a client starts in the meantime
		return nil, errPolicyFail
	}
	return nil, nil
}

// dropOldest takes the buffer of the oldest entry that the client was not shown.
func (ln *lane) dropOldest() (id uint32, ok bool) {
	e, ok := ln.backlog.pop()
	if !ok {
		return 0, false
	}
	after := ln.gap
	ln.lose(userclient.LossDropOldest, 1, ln.seqOf(&e))
	if ln.backlog.n > 0 { // the gap is before the next entry of the backlog, not before the next that is posted
		ln.gap = after
		front := ln.backlog.at(0)
		front.Stamp |= queue.MakeStamp(0, FlagDiscontinuity)
		ln.buffers[front.Buffer].setMetadataFlags(front.Flags())
	}
	return e.Buffer, true
}

// takeScratch returns a private buffer, or nil when the driver holds as many of them
// as the stream has buffers.
func (ln *lane) takeScratch() *Buffer {
	if n := len(ln.scratch); n > 0 {
		b := ln.scratch[n-1]
		ln.scratch = ln.scratch[:n-1]
		b.taken = true
		return b
	}
	if ln.scratchN == len(ln.buffers) {
		return nil
	}
	like := &ln.buffers[ln.scratchN]
	ln.scratchN++
	return &Buffer{
		ln: ln, id: userclient.NoBuffer, scratch: true, taken: true, place: userclient.Mem{FD: -1},
		data: make([]byte, len(like.data)), control: make([]byte, len(like.control)),
	}
}

// surrender checks that the driver may post bs as ps say, and takes them from it: all
// or none. It returns the memory if nobody uses it any more.
func (ln *lane) surrender(bs []*Buffer, ps []Posting) (*memory, error) {
	done := uint32(0)
	for i, b := range bs {
		if !b.taken || !ps[i].fits(len(b.data), len(b.control)) {
			err := b.checkTaken()
			if err == nil {
				err = ps[i].misfit(b.id, len(b.data), len(b.control))
			}
			for _, b := range bs[:i] {
				b.taken = true
			}
			return nil, err
		}
		b.taken = false // so that the same buffer is not taken twice
	}
	var last *memory
	for _, b := range bs {
		if !b.scratch {
			last = ln.unuse()
		}
		if b.filled { // what the client sent was dealt with, whatever becomes of the post
			b.filled, b.entry = false, entry{}
			done++
		}
	}
	if done > 0 {
		ln.done += done
		ln.advanced()
	}
	return last, nil
}

// post hands surrendered buffers to the client, the backlog, or nobody. now is the
// stream time for those that have none. An error means that the session is over; every
// entry is counted all the same.
func (ln *lane) post(bs []*Buffer, ps []Posting, now int64) (wake queue.Wake, err error) {
	if ln.mode != userclient.ModeInput && ln.through(false) {
		ln.postThrough(bs, ps, now)
		return queue.WakeNone, nil
	}
	n := 0
	direct := ln.active() && (ln.s.d.cfg.Policy != DropOldest || ln.mode == userclient.ModeInput)
	numbered := direct && ln.mode != userclient.ModeInput
	for i, b := range bs {
		switch {
		case !direct || err != nil:
			if ln.settle(b, &ps[i], now, ln.backlog.at(ln.backlog.n)) {
				ln.backlog.n++
			}
			continue
		case numbered && !b.scratch: // settle would come to the same
			b.number(&ps[i], ln.number(), now, ln.gap, &ln.batch[n])
			ln.gap = false
			n++
		case ln.settle(b, &ps[i], now, &ln.batch[n]):
			n++
		}
		if n == len(ln.batch) {
			err, n = ln.send(n, &wake), 0
		}
	}
	if n > 0 {
		err = ln.send(n, &wake)
	}
	if direct || err != nil {
		return wake, err
	}
	return ln.pump()
}

// settle numbers an entry and says what becomes of it. It returns false, and e has no
// meaning, if it was lost, or is an empty buffer that waits for the next start.
func (ln *lane) settle(b *Buffer, p *Posting, now int64, e *entry) bool {
	if ln.mode == userclient.ModeInput {
		if !ln.active() {
			ln.idle.push(b.id)
			return false
		}
		*e = entry{Buffer: b.id}
		return true
	}
	seq := ln.number()
	switch {
	case ln.finished || ln.s.state == userclient.StateClosed || ln.s.state == userclient.StateGone:
		ln.lose(userclient.LossSessionEnded, 1, seq)
	case b.scratch:
		ln.lose(userclient.LossDropNewest, 1, seq)
	case !ln.accepts():
		ln.lose(userclient.LossStopped, 1, seq)
		ln.goHome(b.id)
	default:
		b.number(p, seq, now, ln.gap, e)
		ln.gap = false
		return true
	}
	if b.scratch {
		ln.scratch = append(ln.scratch, b)
		ln.nudge()
	}
	return false
}

// send publishes the first n entries of batch, and sets wake if the client must be
// woken. If it fails they are lost: the session is over.
func (ln *lane) send(n int, wake *queue.Wake) error {
	es, last, bytes := ln.batch[:n], uint64(0), uint64(0)
	filled := ln.mode != userclient.ModeInput // an empty buffer is no entry of the stream's
	if filled {
		last = ln.seqOf(&es[n-1])
	}
	numbered := ln.has(userclient.FeatureSequence)
	for i := range es {
		bytes += uint64(es[i].DataLength)
		if !numbered {
			es[i].Seq, es[i].Stamp = 0, 0
		}
	}
	w, err := ln.publish(es, last)
	if w != queue.WakeNone {
		*wake = w
	}
	switch {
	case err != nil && filled:
		ln.lose(userclient.LossSessionEnded, n, last)
	case err == nil && filled:
		ln.st.Posted += uint64(n)
		ln.st.Bytes += bytes
		ln.sentSeq = last + 1
	}
	return err
}

// publish is the queue's Send, unless the client could not tell the numbers apart.
func (ln *lane) publish(es []entry, last uint64) (queue.Wake, error) {
	if ln.has(userclient.FeatureSequence) && last > ln.sentSeq && last-ln.sentSeq >= 1<<31 {
		return queue.WakeNone, &ioreturn.StatusError{Code: ioreturn.Overrun,
			Detail: "more entries were lost in a row than the client can count"}
	}
	return ln.end.Send(es)
}

// pump posts from the backlog: up to W entries ahead of the client under DropOldest,
// everything under the other policies (C13).
func (ln *lane) pump() (queue.Wake, error) {
	if ln.backlog.n == 0 || !ln.active() {
		return queue.WakeNone, nil
	}
	room := ln.backlog.n
	if ln.s.d.cfg.Policy == DropOldest {
		queued, err := ln.end.Queued()
		if err != nil {
			return queue.WakeNone, err
		}
		room = min(room, max(0, ln.s.d.cfg.Backlog-queued))
	}
	return ln.drain(room)
}

// drain posts the first n entries of the backlog.
func (ln *lane) drain(n int) (wake queue.Wake, err error) {
	for n > 0 && err == nil {
		m := min(n, len(ln.batch))
		for i := range m {
			ln.batch[i] = *ln.backlog.at(i)
		}
		ln.backlog.drop(m)
		err = ln.send(m, &wake)
		n -= m
	}
	return wake, err
}

// resume begins or continues a run: the client may see entries again.
func (ln *lane) resume() (wake queue.Wake, err error) {
	ln.end.SetStatus(queue.StatusRunning)
	ln.epoch = ln.s.d.epoch.Load()
	if ln.mode != userclient.ModeInput {
		return ln.pump()
	}
	for ln.idle.n > 0 && err == nil {
		m := min(ln.idle.n, len(ln.batch))
		for i := range m {
			ln.batch[i] = entry{Buffer: *ln.idle.at(i)}
		}
		ln.idle.drop(m)
		err = ln.send(m, &wake)
	}
	return wake, err
}

// stopped ends a run: the backlog is lost, and a client that has read what was posted
// learns why no more will come (C24).
func (ln *lane) stopped(status uint32) {
	ln.dropBacklog(userclient.LossStopped)
	ln.ending = false
	ln.end.SetStatus(status)
	ln.advanced() // who waits for the driver to consume waits in vain
}
