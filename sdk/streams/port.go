// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"slices"
	"sync"
)

// Port is where messages enter a stream at one of its ends: at the driver, from hardware
// or from another stream, or at the lower side of a multiplexer. It has a queue of its
// own, for messages that the stream has no room for, and water marks like the queue
// behind it. Its methods are safe for concurrent use and don't block.
type Port struct {
	target *Queue
	held   Queue // in the perimeter of target: what it had no room for

	mu      sync.Mutex
	books   Queue // levels only: what was put and has not been delivered
	waiting []*Queue
	closed  bool
}

// Port returns the port at this queue, which is made at the first call. Messages that are
// put there arrive at the queue's put procedure. The error is EINVAL unless the queue is
// the read queue of a driver or the write queue of a multiplexer's lower side, and ENXIO
// if it is closed.
func (q *Queue) Port() (*Port, error) {
	if q.flags&qClosing != 0 {
		return nil, ENXIO
	}
	if q.behindPort() {
		return nil, EINVAL
	}
	if q.port == nil {
		q.port = newPort(q)
	}
	return q.port, nil
}

// behindPort reports whether messages come to the queue from a neighbour.
func (q *Queue) behindPort() bool {
	if q.IsRead() {
		return !q.IsDriver()
	}
	return q.pair.link == nil
}

func newPort(q *Queue) *Port {
	p := &Port{target: q}
	p.held = Queue{pair: q.pair, port: p, next: q, service: (*Queue).serveHeld, flags: QUse | QWantR}
	p.held.base.high, p.held.base.low = q.base.high, q.base.low
	p.books.base.high, p.books.base.low = q.base.high, q.base.low
	return p
}

// Put gives the port a message. from is the queue whose procedure calls; the message then
// arrives some time after that procedure. Outside any procedure from is nil; the message
// then arrives at once if the stream is quiet.
//
// The error is ENXIO if the stream or link is gone, and ErrMessage if the message is nil,
// freed, in a queue, or not of the domain's arena. The message stays the caller's then.
// Put does not look at flow control; see CanPut.
func (p *Port) Put(from *Queue, m *Block) error {
	s := p.target.pair.stream
	if !s.domain.owns(m) {
		return ErrMessage
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ENXIO
	}
	if from == nil && s.perim.tryEnter() {
		p.mu.Unlock()
		if s.perim.pending == nil && s.perim.inbox.Load() == nil {
			m.blocks = 0 // it is in no books
			p.arrive(m)
		} else {
			p.count(m)
			s.perim.send(&p.held, m)
		}
		s.perim.leave()
		return nil
	}
	p.enter(m)
	p.mu.Unlock()
	s.perim.send(&p.held, m)
	if from == nil {
		s.perim.visit()
	} else {
		from.pair.stream.perim.later(&s.perim)
	}
	return nil
}

// CanPut reports whether a message of the band may be put. If it says no and from is not
// nil, the service procedure of from runs when that may have changed. from is the queue
// whose procedure calls.
func (p *Port) CanPut(from *Queue, band uint8) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.books.level(band)
	if p.closed || l == nil || !l.full {
		return true
	}
	l.want = true
	if from != nil && !slices.Contains(p.waiting, from) {
		p.waiting = append(p.waiting, from)
	}
	return false
}

func (p *Port) count(m *Block) {
	p.mu.Lock()
	p.enter(m)
	p.mu.Unlock()
}

// enter writes a message into the books. The caller holds mu.
func (p *Port) enter(m *Block) {
	m.bytes, m.blocks = m.Total()
	l := p.books.makeLevel(m.level())
	l.bytes += m.bytes
	l.blocks += m.blocks
	l.update()
}

// level returns the band that a message counts to.
func (m *Block) level() uint8 {
	if m.data.typ.High() {
		return 0
	}
	return m.band
}

// release strikes a message out of the books and wakes who waits. The caller is inside
// the port's stream.
func (p *Port) release(m *Block) {
	if m.blocks == 0 {
		return
	}
	p.mu.Lock()
	l := p.books.level(m.level())
	l.bytes -= m.bytes
	l.blocks -= m.blocks
	l.update()
	if l.blocks == 0 {
		l.full = false // also where the high-water mark is 0
	}
	var waiting []*Queue
	if l.want && l.drained() {
		l.want = false
		waiting, p.waiting = p.waiting, nil
	}
	p.mu.Unlock()
	p.wake(waiting)
}

// wake enables queues of other streams. The caller is inside the port's stream.
func (p *Port) wake(waiting []*Queue) {
	for _, q := range waiting {
		from := &q.pair.stream.perim
		from.post(&newEvent(q.Enable).item)
		p.target.pair.stream.perim.later(from)
	}
}

// arrive takes a message that has come into the stream.
func (p *Port) arrive(m *Block) {
	q := p.target
	switch {
	case q.flags&qClosing != 0:
		m.Free()
	case m.data.typ.High(), p.held.first == nil && q.CanPut(m.band):
		p.release(m)
		q.put(q, m)
	default:
		if m.blocks == 0 {
			p.count(m)
		}
		p.held.Putq(m)
	}
}

// serveHeld is the service procedure of a port's queue.
func (q *Queue) serveHeld() {
	for m := q.Getq(); m != nil; m = q.Getq() {
		if !q.next.CanPut(m.band) {
			q.Putbq(m)
			return
		}
		q.port.release(m)
		q.next.put(q.next, m)
	}
}

// Flush frees the messages of data types that the stream had no room for. It may be called
// from procedures of the port's stream only, such as that of a driver for an MFlush.
func (p *Port) Flush() {
	var next *Block
	for m := p.held.first; m != nil; m = next {
		next = m.next
		if m.data.typ.IsData() {
			p.held.remove(m)
			p.release(m)
			m.Free()
		}
	}
}

// close ends the port. The caller is inside its stream.
func (p *Port) close() {
	p.mu.Lock()
	p.closed = true
	waiting := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	p.held.flags |= qClosing
	p.held.Flush(FlushAll)
	p.wake(waiting)
}
