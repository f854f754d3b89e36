// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Producer is the writing end of a queue. Put, Prepare and Queued must not run at the same
// time as each other or themselves; the other methods may be called at any time.
// No method blocks or allocates, except for the error of one that failed.
type Producer struct {
	ring
	classic *classicSide // nil in the native layout
	always  bool         // classic: ring for every batch

	tail, cpu, token *atomic.Uint32 // ours, in the ring
	status, wakes    *atomic.Uint32
	head, wake, how  *atomic.Uint32 // the consumer's, in the reader's region
	peerCPU          *atomic.Uint32

	next  uint32        // own tail, private (C3)
	done  uint32        // the consumer's head when it was last loaded
	woken atomic.Uint32 // what wakes holds, private (C3)

	_ [pad]byte
}

// NewProducer makes the writing end of the queue in m. The header is read once
// and checked against m and cfg; the index at which the ring stands and the count of
// wake-ups are taken over. The error matches ErrProtocol when the memory breaks a
// rule, and ErrInvalid when cfg does not make sense. The Producer keeps m.
func NewProducer(m Memory, cfg Config) (*Producer, error) {
	r, err := openRing(m, &cfg)
	if err != nil {
		return nil, err
	}
	p := &Producer{ring: r, always: cfg.RingAlways}
	if cfg.Layout == userclient.LayoutClassic {
		if p.classic, err = newClassicSide(m.Ring, &cfg, uint32(len(r.slots)), true); err != nil {
			return nil, err
		}
		return p, nil
	}
	p.tail = wordAt(m.Ring, RingTailOff)
	p.cpu = wordAt(m.Ring, RingCPUOff)
	p.token = wordAt(m.Ring, RingTokenOff)
	p.status = wordAt(m.Ring, RingStatusOff)
	p.wakes = wordAt(m.Ring, RingWakesOff)
	p.head = wordAt(m.Reader, ReaderHeadOff)
	p.wake = wordAt(m.Reader, ReaderWakeOff)
	p.how = wordAt(m.Reader, ReaderHowOff)
	p.peerCPU = wordAt(m.Reader, ReaderCPUOff)
	p.next = p.tail.Load()
	p.done = p.head.Load()
	p.woken.Store(p.wakes.Load()) // or the first alert might leave it as it is
	if p.next-p.done > uint32(len(r.slots)) {
		return nil, p.badIndex("head", p.done, p.next)
	}
	return p, nil
}

// Put appends all of es, or none of them, publishes them at once, and says what
// the caller must do so that the consumer sees them. es is not kept.
//
// The error matches ErrProtocol when the other side broke RuleQueueFull (the ring
// holds every buffer, so it can't be full) or RuleQueueIndex, ErrInvalid when es
// is longer than the ring, and ErrState on a classic queue whose roles are not
// known yet.
func (p *Producer) Put(es []Entry) (Wake, error) {
	if len(es) == 0 {
		return WakeNone, nil
	}
	if len(es) > len(p.slots) {
		return WakeNone, ioreturn.Op("put", p.name, invalid("%d entries in one batch, the ring has %d", len(es), len(p.slots)))
	}
	if p.classic != nil {
		return p.putClassic(es)
	}
	n := uint32(len(es))
	if err := p.room(n); err != nil {
		return WakeNone, err
	}
	p.store(p.next&uint32(len(p.slots)-1), es)
	return p.publish(n), nil
}

const (
	// fetchMost is how many slots are asked for at once: more lines are not under way.
	fetchMost = 32
	// fetchAhead is the batch from which on all slots of a batch are asked for, and those of
	// the next one before a publication. Then no line is waited for by itself.
	fetchAhead = 16
)

// Prepare says that a Put of n entries follows at once. The processor then gets what Put
// writes, and the other side has looked at since, while the caller makes the entries: that
// saves some 50 ns where both sides spin. Long before Put it is of no use, because the
// other side looks again. It is a hint, and does nothing in the classic layout.
func (p *Producer) Prepare(n int) {
	if p.classic != nil {
		return
	}
	if p.fetch(); n >= fetchAhead {
		p.fetchAll(n)
	}
}

// publish publishes the next n slots, which are filled.
func (p *Producer) publish(n uint32) Wake {
	p.next += n
	if n >= fetchAhead {
		p.fetchAll(int(n))
	}
	p.tail.Swap(p.next) // C4: a full fence before wake is loaded
	if p.next-p.wake.Load()-1 >= n {
		return WakeNone
	}
	if Sleep(p.how.Load()) == SleepWord {
		p.alert()
		return WakeWord
	}
	return WakeBell
}

// room returns an error unless n entries fit.
func (p *Producer) room(n uint32) error {
	if n <= uint32(len(p.slots))-(p.next-p.done) {
		return nil
	}
	return p.makeRoom(n)
}

// makeRoom reloads the consumer's head and reports an error unless n entries fit.
func (p *Producer) makeRoom(n uint32) error {
	if err := p.reload(); err != nil {
		return err
	}
	if used, count := p.next-p.done, uint32(len(p.slots)); n > count-used {
		return p.full(n, used, count)
	}
	return nil
}

func (p *Producer) full(n, used, capacity uint32) error {
	return ioreturn.Broken(ioreturn.RuleQueueFull,
		"%s: no room for %d entries, %d of %d are unread", p.name, n, used, capacity)
}

// reload takes over the consumer's head if it lies between the last one and our
// tail.
func (p *Producer) reload() error {
	h := p.head.Load()
	if h-p.done > p.next-p.done {
		return p.badIndex("head", h, p.next)
	}
	p.done = h
	return nil
}

// Queued returns how many entries the consumer has not read yet, as far as it has
// said so: unless it is Eager, up to a quarter of the ring may have been read in
// addition. The error matches ErrProtocol.
func (p *Producer) Queued() (int, error) {
	if p.classic != nil {
		return p.queuedClassic()
	}
	if err := p.reload(); err != nil {
		return 0, err
	}
	return int(p.next - p.done), nil
}

// SetToken stores the token of the next doorbell where the consumer finds it. It
// does nothing in the classic layout, whose tokens travel with the trap.
func (p *Producer) SetToken(token uint32) {
	if p.classic == nil {
		p.token.Store(token)
	}
}

// SetCPU tells the consumer where this side last ran: 1 + the number of the CPU,
// or 0 for unknown. It is a hint, and does nothing in the classic layout.
func (p *Producer) SetCPU(hint uint32) {
	if p.classic == nil {
		p.cpu.Store(hint)
	}
}

// PeerCPU returns the hint that the consumer gave with SetCPU, 0 if none.
func (p *Producer) PeerCPU() uint32 {
	if p.classic != nil {
		return 0
	}
	return p.peerCPU.Load()
}

// alert changes the word that a consumer may be about to sleep on, so that it does
// not. It comes before the wake-up, after what the consumer is to see.
func (p *Producer) alert() { p.wakes.Swap(p.woken.Add(1)) } // C4

// Word returns the word that a consumer may sleep on (SleepWord), or nil in the classic
// layout, which has no such sleep.
func (p *Producer) Word() userclient.Word {
	if p.classic != nil {
		return nil
	}
	return sharedWord{p.wakes}
}
