// SPDX-License-Identifier: Apache-2.0

package streams

// Water marks and packet sizes that a Procedures with zeros gets.
const (
	DefaultHighWater = 5120
	DefaultLowWater  = 1024
)

// Module describes a module, a driver or a stream head: what there is of it once, for all
// streams. It must not be changed after its first use. Modules are compared by address.
type Module struct {
	// ID is the module's number, for its users; the package doesn't look at it.
	ID uint16
	// Name is 1 to MaxName bytes long, without zero bytes.
	Name string
	// Open is called when the module comes into a stream, with its read queue. An error
	// takes it out again, with its messages freed and Close not called. Nil succeeds.
	Open func(q *Queue, o OpenInfo) error
	// Close is called with the read queue when the module leaves the stream, with its
	// neighbours still there. Messages left in its queues are freed after it, and callbacks
	// cancelled. Nil does nothing.
	Close func(q *Queue)
	// Read and Write are the procedures of the two directions.
	Read, Write Procedures
	// Mux makes a driver a multiplexer: other streams can be linked below it.
	Mux *Mux
}

// Procedures is one direction of a module. All procedures of a stream, including Open and
// Close, run one at a time and with no lock held. They must not block.
type Procedures struct {
	// Put gets each message that the neighbour sends. It owns the message. It may process
	// it, send it on, put it into the queue for Service, answer it or free it. Nil does
	// what [Queue.PassOn] does.
	Put func(q *Queue, m *Block)
	// Service runs some time after the queue was enabled. It takes messages until the queue
	// is empty or one can't go on, which it puts back. Without one flow control looks
	// through the queue, and Put must not leave messages in it.
	Service func(q *Queue)
	// MinPacket and MaxPacket are the sizes that the module likes. MaxPacket 0 is
	// Unlimited.
	MinPacket, MaxPacket int
	// HighWater is the number of bytes, or of blocks, from which the queue is full, and
	// LowWater the one below which it lets others go on; LowWater 0 does so whenever a
	// message leaves. HighWater 0 sets both to their defaults.
	HighWater, LowWater int
}

// Mux has the procedures of a multiplexer's lower side. They run at the top of each linked
// stream, in place of its head. Lower streams run beside the upper one and each other, so
// what they share needs a lock.
type Mux struct {
	Read, Write Procedures
}

// OpenInfo tells a module how it comes to be opened.
type OpenInfo struct {
	// Push tells a push from the opening of a driver or head. The stream sets it.
	Push bool
	// Credential is who opens. It must be comparable with ==.
	Credential any
}

// Validate returns EINVAL if the module has no usable name, or marks or sizes that are
// negative.
func (m *Module) Validate() error {
	if m == nil || m.Name == "" || len(m.Name) > MaxName {
		return EINVAL
	}
	for _, c := range []byte(m.Name) {
		if c == 0 {
			return EINVAL
		}
	}
	ok := m.Read.valid() && m.Write.valid()
	if m.Mux != nil {
		ok = ok && m.Mux.Read.valid() && m.Mux.Write.valid()
	}
	if !ok {
		return EINVAL
	}
	return nil
}

func (p *Procedures) valid() bool {
	return p.MinPacket >= 0 && p.MaxPacket >= Unlimited && p.HighWater >= 0 && p.LowWater >= 0
}

// pair is a module in a stream: its two queues.
type pair struct {
	read, write Queue
	module      *Module
	stream      *Stream
	private     any
	link        *Link
	callbacks   map[*Callback]struct{}
	onEmpty     chan struct{} // closed when the write queue is empty
}

// newPair returns the queues of a module that is not part of the stack yet.
func newPair(s *Stream, m *Module, read, write *Procedures) *pair {
	p := &pair{module: m, stream: s}
	p.read.init(p, &p.write, read)
	p.write.init(p, &p.read, write)
	p.read.flags |= QReadR
	return p
}

func (q *Queue) init(p *pair, partner *Queue, side *Procedures) {
	q.pair, q.partner = p, partner
	q.lead(nil)
	q.put, q.service = side.Put, side.Service
	if q.put == nil {
		q.put = (*Queue).PassOn
	}
	q.flags = QUse | QWantR
	q.base.high, q.base.low = side.HighWater, side.LowWater
	if side.HighWater == 0 {
		q.base.high, q.base.low = DefaultHighWater, DefaultLowWater
	}
	q.minPacket, q.maxPacket = side.MinPacket, side.MaxPacket
	if side.MaxPacket == 0 {
		q.maxPacket = Unlimited
	}
}

// emptied is told when a queue has no message left.
func (p *pair) emptied(q *Queue) {
	if q == &p.write && p.onEmpty != nil {
		close(p.onEmpty)
		p.onEmpty = nil
	}
}

// shut ends a pair that was taken out of the stack or never got into it.
func (p *pair) shut() {
	for c := range p.callbacks {
		c.Cancel()
	}
	for _, q := range [...]*Queue{&p.read, &p.write} {
		q.flags |= qClosing
		q.Flush(FlushAll)
		if q.port != nil {
			q.port.close()
		}
	}
	p.emptied(&p.write)
	p.read.lead(nil)
	p.write.lead(nil)
}

// Partner returns the queue of the other direction.
func (q *Queue) Partner() *Queue { return q.partner }

// Stream returns the stream that the queue is part of. It may be called from anywhere.
func (q *Queue) Stream() *Stream { return q.pair.stream }

// Arena returns the arena of the stream. It may be called from anywhere.
func (q *Queue) Arena() *Arena { return q.pair.stream.domain.arena }

// Module returns the module that the queue belongs to. It may be called from anywhere.
func (q *Queue) Module() *Module { return q.pair.module }

// Private returns what SetPrivate has stored.
func (q *Queue) Private() any { return q.pair.private }

// SetPrivate stores the module's state of this stream. Both queues share it.
func (q *Queue) SetPrivate(v any) { q.pair.private = v }

// Link returns the link whose lower side the queue belongs to, nil for other queues.
func (q *Queue) Link() *Link { return q.pair.link }

// IsRead reports whether messages in this queue are on their way up.
func (q *Queue) IsRead() bool { return q.flags&QReadR != 0 }

// IsDriver reports whether the queue is a driver's, at the bottom of the stream.
func (q *Queue) IsDriver() bool { return q.flags&QIsDrv != 0 }
