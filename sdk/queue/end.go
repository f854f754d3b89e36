// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Bound is the size of one buffer's regions in bytes.
type Bound struct{ Data, Control uint32 }

// holds reports whether the ranges that e names lie in the buffer.
func (b *Bound) holds(e *Entry) bool {
	return uint64(e.DataOffset)+uint64(e.DataLength) <= uint64(b.Data) &&
		uint64(e.ControlOffset)+uint64(e.ControlLength) <= uint64(b.Control)
}

// Counters are what one End has done. Every counter only grows.
type Counters struct {
	Received, ReceivedBytes, ReceivedBatches uint64 // entries, their data bytes, calls of Receive that returned some
	Sent, SentBytes, SentBatches             uint64
	Rings                                    uint64 // calls of Send that asked for a wake-up of the other side
	Arms                                     uint64 // calls of Arm after which this side was free to sleep
}

// End is one side of a session: the consumer of one queue, the producer of the
// other, and the private record of which buffers this side owns (C12). Ownership
// passes at publication, whatever the other side's indices say.
//
// An End is safe for concurrent use, unless it was made by NewExclusiveEnd. A batch
// takes one lock; an entry takes no atomic operation and no allocation. No method
// blocks for longer than another one's batch.
type End struct {
	in        *Consumer
	out       *Producer
	cpu       atomic.Uint32 // the hint given last
	exclusive bool          // the caller does what mu is for

	mu       sync.Mutex
	buffers  []buffer
	owned    int
	broken   error // the rule that the other side broke; final
	counters Counters

	_ [pad]byte
}

// buffer is what an End knows of one.
type buffer struct {
	Bound
	mine bool // this side owns it
}

// pad keeps what one side writes often away from the next object in memory, which
// in one process may be the other side's.
const pad = 128

// NewEnd makes one side of a session whose buffers have the given bounds, by ID.
// The side that owns all buffers at first, the driver, says ownAll. The End is from
// now on the only user of in and out. bounds is copied.
func NewEnd(in *Consumer, out *Producer, bounds []Bound, ownAll bool) *End {
	e := &End{in: in, out: out, buffers: make([]buffer, len(bounds), len(bounds)+pad/8)}
	for id, b := range bounds {
		e.buffers[id] = buffer{Bound: b, mine: ownAll}
	}
	if ownAll {
		e.owned = len(bounds)
	}
	return e
}

// NewExclusiveEnd is NewEnd for a caller that has a lock of its own around everything
// it does here: the End takes none. Of its methods only Poll, Look, Ended, Status,
// SetStatus, Token, SetToken, Seen, Word, OutWord, SetCPU and PeerCPU may be called
// without that lock.
func NewExclusiveEnd(in *Consumer, out *Producer, bounds []Bound, ownAll bool) *End {
	e := NewEnd(in, out, bounds, ownAll)
	e.exclusive = true
	return e
}

func (e *End) lock() {
	if !e.exclusive {
		e.mu.Lock()
	}
}

func (e *End) unlock() {
	if !e.exclusive {
		e.mu.Unlock()
	}
}

// Receive takes entries that the other side has published, as many as there are
// and fit into dst, checks each, and takes over the ownership of its buffer. It
// returns 0 and no error when there is none, and never blocks.
//
// An entry that breaks a rule ends the session: the entries before it are
// returned, and the next call and every later one returns the error, which matches
// ErrProtocol.
func (e *End) Receive(dst []Entry) (int, error) {
	if e.exclusive {
		return e.receive(dst)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.receive(dst)
}

func (e *End) receive(dst []Entry) (int, error) {
	if e.broken != nil {
		return 0, e.broken
	}
	got, err := e.in.Get(dst)
	if err != nil {
		return 0, e.latch(err)
	}
	if got == 0 {
		return 0, nil
	}
	buffers, bytes, n := e.buffers, uint64(0), 0
	for ; n < got; n++ {
		ent := &dst[n]
		if uint64(ent.Buffer) >= uint64(len(buffers)) {
			break
		}
		b := &buffers[ent.Buffer]
		if b.mine || !b.holds(ent) {
			break
		}
		b.mine = true
		bytes += uint64(ent.DataLength)
	}
	if n < got {
		e.broken = e.judge(&dst[n])
		clear(dst[n:got])
		if n == 0 {
			return 0, e.broken
		}
	}
	e.received(n, bytes)
	return n, nil
}

// received counts n entries that were accepted.
func (e *End) received(n int, bytes uint64) {
	e.owned += n
	e.counters.Received += uint64(n)
	e.counters.ReceivedBytes += bytes
	e.counters.ReceivedBatches++
}

// judge says which rule a received entry breaks.
func (e *End) judge(ent *Entry) error {
	if uint64(ent.Buffer) >= uint64(len(e.buffers)) {
		return ioreturn.Broken(ioreturn.RuleEntryBuffer,
			"%s: entry names buffer %d of %d", e.in.name, ent.Buffer, len(e.buffers))
	}
	if b := &e.buffers[ent.Buffer]; !b.holds(ent) {
		return ioreturn.Broken(ioreturn.RuleEntryRange,
			"%s: entry of buffer %d has data %d+%d of %d, control %d+%d of %d", e.in.name, ent.Buffer,
			ent.DataOffset, ent.DataLength, b.Data, ent.ControlOffset, ent.ControlLength, b.Control)
	}
	return ioreturn.Broken(ioreturn.RuleEntryOwner,
		"%s: entry names buffer %d, which its sender does not own", e.in.name, ent.Buffer)
}

// Send publishes all of es or none, gives the ownership of their buffers to the
// other side, and says what the caller must do so that it sees them.
//
// An error that matches ErrInvalid is the caller's own mistake: a buffer that does
// not exist or that this side does not own, one that is named twice, a range that
// leaves it. ErrState means that a classic client does not know the roles yet.
// Either way nothing has changed. ErrProtocol is final.
func (e *End) Send(es []Entry) (Wake, error) {
	if e.exclusive {
		return e.send(es, false)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.send(es, false)
}

// SendChecked is Send for a caller that has checked that the ranges of es lie in their
// buffers. Who owns the buffers is checked all the same.
func (e *End) SendChecked(es []Entry) (Wake, error) {
	if e.exclusive {
		return e.send(es, true)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.send(es, true)
}

func (e *End) send(es []Entry, checked bool) (Wake, error) {
	if e.broken != nil {
		return WakeNone, e.broken
	}
	buffers, bytes, n := e.buffers, uint64(0), 0
	for ; n < len(es); n++ {
		ent := &es[n]
		if uint64(ent.Buffer) >= uint64(len(buffers)) {
			break
		}
		b := &buffers[ent.Buffer]
		if !b.mine || !checked && !b.holds(ent) {
			break
		}
		b.mine = false
		bytes += uint64(ent.DataLength)
	}
	if n < len(es) {
		e.takeBack(es[:n])
		return WakeNone, ioreturn.Op("send", e.out.name, e.mistake(es, n))
	}
	w, err := e.out.Put(es)
	if err != nil {
		e.takeBack(es)
		return WakeNone, e.latch(err)
	}
	if n > 0 {
		e.sent(n, bytes, w)
	}
	return w, nil
}

// sent counts n entries that were published.
func (e *End) sent(n int, bytes uint64, w Wake) {
	e.owned -= n
	e.counters.Sent += uint64(n)
	e.counters.SentBytes += bytes
	e.counters.SentBatches++
	if w != WakeNone {
		e.counters.Rings++
	}
}

// takeBack makes the buffers of es this side's again.
func (e *End) takeBack(es []Entry) {
	for i := range es {
		e.buffers[es[i].Buffer].mine = true
	}
}

// mistake says what is wrong with es[i], before which all is right. Ownership is
// as before the call.
func (e *End) mistake(es []Entry, i int) error {
	ent := &es[i]
	if uint64(ent.Buffer) >= uint64(len(e.buffers)) {
		return invalid("buffer %d does not exist, there are %d", ent.Buffer, len(e.buffers))
	}
	if b := &e.buffers[ent.Buffer]; !b.holds(ent) {
		return invalid("data %d+%d or control %d+%d leaves buffer %d, which has %d and %d bytes",
			ent.DataOffset, ent.DataLength, ent.ControlOffset, ent.ControlLength, ent.Buffer, b.Data, b.Control)
	}
	for j := range es[:i] {
		if es[j].Buffer == ent.Buffer {
			return invalid("buffer %d is named twice in one batch", ent.Buffer)
		}
	}
	return invalid("buffer %d is not owned by this side", ent.Buffer)
}

// latch makes err final if the other side broke a rule.
func (e *End) latch(err error) error {
	if errors.Is(err, ioreturn.ErrProtocol) {
		e.broken = err
	}
	return err
}

// Owns reports whether this side owns the buffer with that ID.
func (e *End) Owns(id uint32) bool {
	e.lock()
	defer e.unlock()
	return uint64(id) < uint64(len(e.buffers)) && e.buffers[id].mine
}

// Owned returns how many buffers this side owns.
func (e *End) Owned() int {
	e.lock()
	defer e.unlock()
	return e.owned
}

// Err returns the rule that the other side broke, nil if none. It matches
// ErrProtocol and is final.
func (e *End) Err() error {
	e.lock()
	defer e.unlock()
	return e.broken
}

// Counters returns the counters as one snapshot.
func (e *End) Counters() Counters {
	e.lock()
	defer e.unlock()
	return e.counters
}
