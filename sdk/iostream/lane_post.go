// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// surrender checks that the driver may post bs as ps say, and takes them from it: all
// or none. plain says that none of them is a private buffer or one that the client has
// filled. It returns the memory if nobody uses it any more.
func (ln *lane) surrender(bs []*Buffer, ps []Posting) (plain bool, last *memory, err error) {
	plain = true
	for i, b := range bs {
		if !b.taken || !ps[i].fits(len(b.data), len(b.control)) {
			err := b.checkTaken()
			if err == nil {
				err = ps[i].misfit(b.id, len(b.data), len(b.control))
			}
			for _, b := range bs[:i] {
				b.taken = true
			}
			return false, nil, err
		}
		b.taken = false // so that the same buffer is not taken twice
		plain = plain && !b.scratch && !b.filled
	}
	if plain {
		return true, ln.unuse(len(bs)), nil
	}
	return false, ln.dismiss(bs), nil
}

// dismiss is what surrender does with buffers of every kind once they are checked.
func (ln *lane) dismiss(bs []*Buffer) (last *memory) {
	done := uint32(0)
	for _, b := range bs {
		if !b.scratch {
			last = ln.unuse(1)
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
	return last
}

// direct reports whether what is posted now goes to the queue, with a number that the
// client can tell from the last one.
func (ln *lane) direct() bool {
	return ln.active() && ln.mode != userclient.ModeInput && ln.s.d.cfg.Policy != DropOldest &&
		ln.has(userclient.FeatureSequence) && ln.nextSeq-ln.sentSeq < 1<<30 && !ln.through(false)
}

// postDirect is post for plain buffers where direct is true, in one pass. It returns how
// many it has posted. There may be some left, which are post's then: the queue takes none
// that way in the classic layout, or the client has broken a rule.
func (ln *lane) postDirect(bs []*Buffer, ps []Posting, now int64) (posted int, wake queue.Wake) {
	for posted < len(bs) {
		n, bytes := min(len(bs)-posted, pieceSize), uint64(0)
		if !ln.end.Room(n) {
			break
		}
		for i, b := range bs[posted : posted+n] {
			p := &ps[posted+i]
			b.number(p, ln.nextSeq+uint64(i), now, ln.gap, ln.end.Slot(i, b.id))
			ln.gap = false
			bytes += uint64(p.Length)
		}
		wake = max(wake, ln.end.Publish(n, bytes))
		ln.nextSeq, ln.numbered = ln.nextSeq+uint64(n), true
		ln.sent(n, bytes, ln.nextSeq)
		posted += n
	}
	return posted, wake
}

// sent counts n entries with bytes of data that were published. next is the number that the
// client expects after them.
func (ln *lane) sent(n int, bytes, next uint64) {
	ln.st.Posted += uint64(n)
	ln.st.Bytes += bytes
	ln.sentSeq = next
}

// shelve puts a posted buffer into the backlog, unless settle says otherwise.
func (ln *lane) shelve(b *Buffer, p *Posting, now int64) {
	if ln.settle(b, p, now, ln.backlog.at(ln.backlog.n)) {
		ln.backlog.n++
	}
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
	toQueue := ln.active() && (ln.s.d.cfg.Policy != DropOldest || ln.mode == userclient.ModeInput)
	for i, b := range bs {
		if !toQueue || err != nil {
			ln.shelve(b, &ps[i], now)
			continue
		}
		if ln.settle(b, &ps[i], now, &ln.batch[n]) {
			n++
		}
		if n == pieceSize {
			err, n = ln.send(n, &wake), 0
		}
	}
	if n > 0 {
		err = ln.send(n, &wake)
	}
	if toQueue || err != nil {
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
	es, bytes := ln.batch[:n], uint64(0)
	for i := range es {
		bytes += uint64(es[i].DataLength)
	}
	if ln.mode != userclient.ModeInput {
		return ln.sendFilled(es, bytes, wake)
	}
	w, err := ln.end.Send(es) // an empty buffer is no entry of the stream's
	*wake = max(*wake, w)
	return err
}

// sendFilled is send for entries of the stream's, which have numbers and bytes of data.
func (ln *lane) sendFilled(es []entry, bytes uint64, wake *queue.Wake) error {
	n := len(es)
	last := ln.seqOf(&es[n-1])
	err := ln.fitForClient(es, last)
	if err == nil {
		var w queue.Wake
		w, err = ln.end.SendChecked(es)
		*wake = max(*wake, w)
	}
	if err != nil {
		ln.lose(userclient.LossSessionEnded, n, last)
		return err
	}
	ln.sent(n, bytes, last+1)
	return nil
}

// fitForClient leaves out the numbers that the client does not want, or returns an error
// if it could not tell them apart.
func (ln *lane) fitForClient(es []entry, last uint64) error {
	if !ln.has(userclient.FeatureSequence) {
		for i := range es {
			es[i].Seq, es[i].Stamp = 0, 0
		}
		return nil
	}
	if last > ln.sentSeq && last-ln.sentSeq >= 1<<31 {
		return &ioreturn.StatusError{Code: ioreturn.Overrun,
			Detail: "more entries were lost in a row than the client can count"}
	}
	return nil
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
