// SPDX-License-Identifier: Apache-2.0

package streams

// class is a message's place among the messages of a queue: its band, or above every
// band. Higher classes go first.
type class uint16

const (
	classHigh    class = 256
	classTransit class = 257 // in no queue, but on its way to one
)

func (c class) band() uint8 {
	if c == classHigh {
		return 0
	}
	return uint8(c)
}

// level is how full a queue is with the messages of one band. Messages with high priority
// count to band 0.
type level struct {
	last          *Block // the last message of the band; not kept for band 0
	bytes, blocks int
	high, low     int
	full          bool
	want          bool // somebody was told that the band is full and waits
}

func (l *level) update() {
	l.full = l.bytes >= l.high || l.blocks >= l.high
}

// drained reports whether those who wait may go on.
func (l *level) drained() bool {
	return l.low == 0 || l.bytes < l.low && l.blocks < l.low
}

// bandSet is a set of bands.
type bandSet [4]uint64

func (s *bandSet) add(b uint8) { s[b/64] |= 1 << (b % 64) }

func (s *bandSet) take(b uint8) bool {
	had := s[b/64]>>(b%64)&1 != 0
	s[b/64] &^= 1 << (b % 64)
	return had
}

// Queue is one direction of a module in a stream: messages come in at its put procedure,
// may wait in it, and go on to the next queue. Its methods don't block. They may be
// called from procedures of the queue's stream only, where everything runs one at a time,
// except for those whose comments say more.
//
// Inside the queue messages with high priority go before bands, from 255 to 1, and these
// before ordinary messages; in each class the first come is the first served.
type Queue struct {
	put     func(q *Queue, m *Block)
	service func(q *Queue)
	out     *Queue // where PutNext puts: next, or the stream's sink
	next    *Queue // nil at the end of the stream
	partner *Queue
	pair    *pair
	port    *Port // where messages from other streams enter, if they can

	first, last *Block
	lastHigh    *Block
	base        level
	bands       []level // of band n at n-1; made as far as they were needed
	minPacket   int
	maxPacket   int
	flags       QueueFlags
	back        bandSet // bands that were back-enabled and not asked for yet
	nextRun     *Queue  // in the list of queues to be served
}

// QueueFlags are the flags of a queue, with the numbers of System V.
type QueueFlags uint32

// Queue flags.
const (
	QEnab  QueueFlags = 0x1  // the service procedure will run
	QWantR QueueFlags = 0x2  // somebody found the queue empty and wants to be enabled
	QWantW QueueFlags = 0x4  // somebody found the queue full
	QFull  QueueFlags = 0x8  // the queue is full for band 0
	QReadR QueueFlags = 0x10 // it is a read queue
	QUse   QueueFlags = 0x20 // it is in use
	QNoEnb QueueFlags = 0x40 // Putq does not enable it
	QBack  QueueFlags = 0x100
	QEnd   QueueFlags = 0x40000  // nothing comes behind it
	QIsDrv QueueFlags = 0x200000 // it is a driver's
)

const qClosing QueueFlags = 1 << 31 // the procedures don't run any more

// level returns the level of a band that exists, or nil.
func (q *Queue) level(band uint8) *level {
	switch {
	case band == 0:
		return &q.base
	case int(band) <= len(q.bands):
		return &q.bands[band-1]
	}
	return nil
}

// makeLevel returns the level of a band, which it makes if need be, with all bands below
// and the marks of band 0.
func (q *Queue) makeLevel(band uint8) *level {
	for len(q.bands) < int(band) {
		q.bands = append(q.bands, level{high: q.base.high, low: q.base.low})
	}
	return q.level(band)
}

// Putq puts the message into the queue, behind those of its class, and enables the queue
// if the message has high priority, or if the queue allows it and somebody waits for
// messages or the message has a band. A message with high priority gets band 0. A message
// that is freed or in a queue is left alone and counted in [Usage.Misuses].
func (q *Queue) Putq(m *Block) {
	if q.admit(m) {
		q.insert(m, q.lastOf(m.class))
		q.enableFor(m, m.class != 0)
	}
}

// Putbq puts the message back into the queue, before those of its class. It enables as
// Putq does, but not for a band. A service procedure that puts a message with high
// priority back would run for ever.
func (q *Queue) Putbq(m *Block) {
	if q.admit(m) {
		var after *Block
		if m.class < classHigh {
			after = q.lastOf(m.class + 1)
		}
		q.insert(m, after)
		q.enableFor(m, false)
	}
}

// Insq puts the message into the queue before at, which is in the queue, or at its end
// where at is nil. The error is ErrMessage if at is not in the queue, or m is freed or in
// one, and EINVAL if the order of classes would be broken. m stays the caller's then.
func (q *Queue) Insq(at, m *Block) error {
	if at != nil && !q.holds(at) || !q.admit(m) {
		return ErrMessage
	}
	before := q.last
	if at != nil {
		before = at.prev
	}
	if before != nil && before.class < m.class || at != nil && at.class > m.class {
		return EINVAL
	}
	q.insert(m, before)
	q.enableFor(m, false)
	return nil
}

// admit prepares a message for the queue.
func (q *Queue) admit(m *Block) bool {
	switch {
	case m == nil:
		return false
	case m.queue != nil, m.data == &m.arena.dead:
		m.arena.misuses.Add(1)
		return false
	}
	if m.data.typ.High() {
		m.band, m.class = 0, classHigh
	} else {
		m.class = class(m.band)
	}
	m.bytes, m.blocks = m.Total()
	return true
}

// lastOf returns the last message of class c or higher, nil if there is none.
func (q *Queue) lastOf(c class) *Block {
	if c == 0 {
		return q.last
	}
	for i := int(c); i <= len(q.bands); i++ {
		if q.bands[i-1].last != nil {
			return q.bands[i-1].last
		}
	}
	return q.lastHigh
}

// insert links the message in behind a message of the queue, or in front for nil.
func (q *Queue) insert(m, after *Block) {
	m.queue, m.prev = q, after
	if after == nil {
		m.next, q.first = q.first, m
	} else {
		m.next, after.next = after.next, m
	}
	if m.next == nil {
		q.last = m
	} else {
		m.next.prev = m
	}
	l := q.makeLevel(m.class.band())
	if m.next == nil || m.next.class != m.class {
		q.setLast(m.class, l, m)
	}
	l.bytes += m.bytes
	l.blocks += m.blocks
	l.update()
}

func (q *Queue) setLast(c class, l *level, m *Block) {
	if c == classHigh {
		q.lastHigh = m
	} else if c > 0 {
		l.last = m
	}
}

// enableFor enables the queue for a message that came.
func (q *Queue) enableFor(m *Block, urgent bool) {
	if m.class == classHigh || q.flags&QNoEnb == 0 && (urgent || q.flags&QWantR != 0) {
		q.Enable()
	}
}

// Getq takes the first message out of the queue. Nil means that there is none; then the
// next Putq enables the queue. Those who wait for room are enabled when the queue has
// drained to its low-water mark.
func (q *Queue) Getq() *Block {
	m := q.first
	if m == nil {
		q.flags |= QWantR
		return nil
	}
	q.flags &^= QWantR
	q.remove(m)
	return m
}

// Rmvq takes the message out of the queue. The error is ErrMessage if it is not in it.
func (q *Queue) Rmvq(m *Block) error {
	if !q.holds(m) {
		return ErrMessage
	}
	q.remove(m)
	return nil
}

// holds reports whether m is a message of the queue.
func (q *Queue) holds(m *Block) bool {
	return m != nil && m.queue == q && m.class != classTransit
}

// remove unlinks a message and lets others know of the room.
func (q *Queue) remove(m *Block) {
	if m.prev == nil {
		q.first = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		q.last = m.prev
	} else {
		m.next.prev = m.prev
	}
	l := q.level(m.class.band())
	if m.next == nil || m.next.class != m.class {
		prev := m.prev
		if prev != nil && prev.class != m.class {
			prev = nil
		}
		q.setLast(m.class, l, prev)
	}
	l.bytes -= m.bytes
	l.blocks -= m.blocks
	m.queue, m.next, m.prev = nil, nil, nil
	q.relax(l, m.class.band())
}

// relax clears full where there is room again, and enables who waits for it.
func (q *Queue) relax(l *level, band uint8) {
	if q.first == nil || l.bytes < l.high && l.blocks < l.high {
		l.full = false
	}
	if l.want && l.drained() {
		l.want = false
		q.backEnable(band)
	}
	if q.first == nil && q.pair != nil {
		q.pair.emptied(q)
	}
}

// First returns the first message of the queue, which stays there; nil if there is none.
func (q *Queue) First() *Block { return q.first }

// After returns the message behind m in the queue, nil at its end or if m is not in it.
func (q *Queue) After(m *Block) *Block {
	if !q.holds(m) {
		return nil
	}
	return m.next
}
