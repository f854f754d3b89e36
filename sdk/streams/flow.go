// SPDX-License-Identifier: Apache-2.0

package streams

// PutNext gives the message to the next queue's put procedure. At the end of a stream,
// where nothing comes next, it frees the message. A nil message is ignored.
func (q *Queue) PutNext(m *Block) {
	if m != nil { // with one call in it the compiler makes this part of the caller
		q.out.put(q.out, m)
	}
}

// lead makes next the next queue; nil makes q the last one.
func (q *Queue) lead(next *Queue) {
	q.next, q.out = next, next
	if next == nil {
		q.out = &q.pair.stream.sink
	}
}

// Put gives the message to this queue's own put procedure. A nil message is ignored.
func (q *Queue) Put(m *Block) {
	if m != nil {
		q.put(q, m)
	}
}

// Reply sends the message back where it came from: to the queue behind the partner
// (System V's qreply).
func (q *Queue) Reply(m *Block) {
	if m != nil && !q.IsRead() {
		m.sentBy(q)
	}
	q.partner.PutNext(m)
}

// CanPut reports whether a message of the band may be put to the queue: it looks from
// this queue on for the first one with a service procedure, or the last one, and asks
// whether that is full for the band (System V's canput for band 0, else bcanput). If so, the
// caller's service procedure is enabled when it is no longer. A band that has no messages
// yet has room.
func (q *Queue) CanPut(band uint8) bool {
	for q.service == nil && q.next != nil {
		q = q.next
	}
	l := q.level(band)
	if l == nil || !l.full {
		return true
	}
	l.want = true
	return false
}

// CanPutNext is CanPut for the next queue. At the end of a stream there is always room.
func (q *Queue) CanPutNext(band uint8) bool { return q.next == nil || q.next.CanPut(band) }

// behind returns the queue that puts to this one, nil if there is none.
func (q *Queue) behind() *Queue {
	switch {
	case q.partner == nil: // it is a port's own queue
		return nil
	case q.port != nil:
		return &q.port.held
	case q.partner.next == nil:
		return nil
	}
	return q.partner.next.partner
}

// backEnable enables the nearest queue behind this one that has a service procedure.
func (q *Queue) backEnable(band uint8) {
	for n := q.behind(); n != nil; n = n.behind() {
		if n.service != nil {
			n.back.add(band)
			n.flags |= QBack
			n.Enable()
			return
		}
	}
}

// wakeBehind enables the nearest queue behind this one with a service procedure for all
// bands, after the stack has changed ahead of it: what it waited for may be gone, or no
// longer be the next to tell.
func (q *Queue) wakeBehind() {
	for n := q.behind(); n != nil; n = n.behind() {
		if n.service != nil {
			n.back = bandSet{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
			n.flags |= QBack
			n.Enable()
			return
		}
	}
}

// BackEnabled reports whether the queue was enabled since the last call because a queue
// ahead has room again for the band. The stream head asks it in its service procedure to
// know which writers to wake.
func (q *Queue) BackEnabled(band uint8) bool {
	had := q.back.take(band)
	if q.back == (bandSet{}) {
		q.flags &^= QBack
	}
	return had
}

// Enable makes the service procedure run soon (System V's qenable). It does nothing where
// there is none, where it will run anyway, or when the queue is being closed. A queue that
// is enabled while its service procedure runs is served again. NoEnable does not stop it.
func (q *Queue) Enable() {
	if q.service == nil || q.flags&(QEnab|qClosing) != 0 {
		return
	}
	q.flags |= QEnab
	q.pair.stream.perim.schedule(q)
}

// NoEnable keeps messages that come from enabling the queue, except those with high
// priority, until EnableOK.
func (q *Queue) NoEnable() { q.flags |= QNoEnb }

// EnableOK ends what NoEnable began. It enables nothing itself.
func (q *Queue) EnableOK() { q.flags &^= QNoEnb }

// FlushScope says what a flush takes.
type FlushScope uint8

// Scopes of a flush.
const (
	FlushData FlushScope = 0 // data types only
	FlushAll  FlushScope = 1
)

// Flush frees the messages of the queue (System V's flushq), and enables those who waited
// for room.
func (q *Queue) Flush(scope FlushScope) {
	q.flush(func(m *Block) bool { return scope == FlushAll || m.data.typ.IsData() })
}

// FlushBand frees the messages of one band (System V's flushband). Messages with high
// priority belong to no band here and stay, also for band 0, where one of the originals
// takes them too.
func (q *Queue) FlushBand(band uint8, scope FlushScope) {
	q.flush(func(m *Block) bool {
		return m.class == class(band) && (scope == FlushAll || m.data.typ.IsData())
	})
}

func (q *Queue) flush(takes func(*Block) bool) {
	var next *Block
	for m := q.first; m != nil; m = next {
		next = m.next
		if takes(m) {
			q.remove(m)
			m.Free()
		}
	}
}
