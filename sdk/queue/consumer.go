// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Consumer is the reading end of a queue. Get, Len, Arm, Disarm and Index must not
// run at the same time as each other or themselves; the other methods may be called
// at any time. No method blocks or allocates, except for the error of one that failed.
type Consumer struct {
	ring
	classic *classicSide // nil in the native layout
	lazy    uint32       // publish the head when so many entries are unpublished

	tail, token     *atomic.Uint32 // the producer's, in the ring
	status, wakes   *atomic.Uint32
	peerCPU         *atomic.Uint32
	head, wake, how *atomic.Uint32 // ours, in the reader's region
	cpu             *atomic.Uint32

	next      uint32 // own head, private (C3)
	known     uint32 // the producer's tail when it was last loaded
	published uint32 // what head holds
	sleep     Sleep  // what how holds

	seen atomic.Uint32
	// empty is where the queue was last found empty. Poll compares the tail with it
	// instead of with next, so that it may run beside Get without an atomic store in
	// each Get.
	empty atomic.Uint32

	_ [pad]byte
}

// NewConsumer makes the reading end of the queue in m. The header is read once
// and checked against m and cfg; the index at which the ring stands is taken over.
// The error matches ErrProtocol when the memory breaks a rule, and ErrInvalid when
// cfg does not make sense. The Consumer keeps m.
func NewConsumer(m Memory, cfg Config) (*Consumer, error) {
	r, err := openRing(m, &cfg)
	if err != nil {
		return nil, err
	}
	c := &Consumer{ring: r, lazy: 1}
	if cfg.Layout == userclient.LayoutClassic {
		if c.classic, err = newClassicSide(m.Ring, &cfg, uint32(len(r.slots)), false); err != nil {
			return nil, err
		}
		return c, nil
	}
	c.tail = wordAt(m.Ring, RingTailOff)
	c.token = wordAt(m.Ring, RingTokenOff)
	if !cfg.Endless {
		c.status = wordAt(m.Ring, RingStatusOff)
	}
	c.wakes = wordAt(m.Ring, RingWakesOff)
	c.peerCPU = wordAt(m.Ring, RingCPUOff)
	c.head = wordAt(m.Reader, ReaderHeadOff)
	c.wake = wordAt(m.Reader, ReaderWakeOff)
	c.how = wordAt(m.Reader, ReaderHowOff)
	c.cpu = wordAt(m.Reader, ReaderCPUOff)
	c.sleep = Sleep(c.how.Load())
	c.lazy = lazyLimit(&cfg, uint32(len(r.slots)))
	c.published = c.head.Load()
	c.known = c.tail.Load()
	c.next = c.published
	c.empty.Store(c.next)
	if c.known-c.published > uint32(len(r.slots)) {
		return nil, c.badIndex("tail", c.known, c.published)
	}
	return c, nil
}

// lazyLimit returns at how many unpublished entries the head is published. A ring
// of at least twice the buffers has room for every buffer beside a quarter of the
// ring that was read but not published (C11).
func lazyLimit(cfg *Config, count uint32) uint32 {
	if cfg.Eager || cfg.Buffers <= 0 || uint64(count) < 2*uint64(cfg.Buffers) {
		return 1
	}
	return max(1, count/4)
}

// Get copies entries that were published into dst, as many as there are and fit,
// and returns how many. It returns 0 when the queue is empty, and never blocks.
// The entries are as the producer wrote them: unchecked. The error matches
// ErrProtocol; nothing was taken then.
func (c *Consumer) Get(dst []Entry) (int, error) {
	if c.classic != nil {
		return c.getClassic(dst)
	}
	n, err := c.ready(len(dst))
	if n > 0 {
		c.load(c.next&uint32(len(c.slots)-1), dst[:n])
		c.took(n)
	}
	return int(n), err
}

// ready returns how many entries there are to take, at most. If there is none, it
// publishes what was taken.
func (c *Consumer) ready(most int) (uint32, error) {
	h, room := c.next, uint32(min(most, MaxCount))
	if c.known-h < room {
		if err := c.reload(h); err != nil {
			return 0, err
		}
		if c.known == h {
			c.publish(h)
		}
	}
	return min(c.known-h, room), nil
}

// took moves on by n entries that were ready.
func (c *Consumer) took(n uint32) {
	h := c.next + n
	c.next = h
	if h-c.published >= c.lazy {
		c.publish(h)
	}
}

// reload takes over the producer's tail if it is not before the last one and not
// past the ring.
func (c *Consumer) reload(h uint32) error {
	t := c.tail.Load()
	if n := t - h; n > uint32(len(c.slots)) || n < c.known-h {
		return c.badIndex("tail", t, h)
	}
	c.known = t
	if t == h && c.empty.Load() != h {
		c.empty.Store(h)
	}
	return nil
}

// publish tells the producer that everything before h was read.
func (c *Consumer) publish(h uint32) {
	if c.published != h {
		c.published = h
		c.head.Swap(h) // C4
	}
}

// Len returns how many entries Get could take now. The error matches ErrProtocol.
func (c *Consumer) Len() (int, error) {
	if c.classic != nil {
		return c.lenClassic()
	}
	h := c.next
	if err := c.reload(h); err != nil {
		return 0, err
	}
	return int(c.known - h), nil
}

// Arm asks to be woken when after entries (at least 1, at most the ring's) are
// there, and says whether they are there already. If ready is false, the caller
// may sleep as it said in how, and the producer's Put that completes them returns
// WakeBell or WakeWord, once. If ready is true, the caller must not sleep; it may
// be woken all the same. Arm is ready, too, when the producer has said that no entry
// will follow (SetStatus). The error matches ErrProtocol.
//
// A classic queue has no word for this. There Arm looks at the queue again, and
// ready means that it is not empty, whatever after is (C19).
func (c *Consumer) Arm(after uint32, how Sleep) (ready bool, err error) {
	if c.classic != nil {
		n, err := c.lenClassic()
		return n > 0, err
	}
	h := c.next
	c.publish(h)
	after = min(max(after, 1), uint32(len(c.slots)))
	if err := c.reload(h); err != nil {
		return false, err
	}
	if c.known-h < after {
		c.seen.Store(c.wakes.Load()) // before arming: a later wake-up changes it
		if c.sleep != how {
			c.sleep = how
			c.how.Swap(uint32(how))
		}
		c.wake.Swap(h + after - 1) // C4: a full fence before tail is loaded again
		if err := c.reload(h); err != nil {
			return false, err
		}
	}
	return c.known-h >= after || c.Status() != StatusRunning, nil
}

// Disarm takes an Arm back, so that the producer need not ring. It is for a caller
// that woke early, and optional: a ring that is not needed does no harm.
func (c *Consumer) Disarm() {
	if c.classic == nil {
		c.wake.Swap(notArmed(c.next))
	}
}

// Poll reports whether there may be something to get, at the price of two loads,
// for callers that spin. Call Get until it returns 0 before spinning: from then on
// Poll is false as long as the queue is empty, and the producer knows what was read.
// Poll is never false while there are entries. True may also mean that the producer
// broke a rule; Get then says which.
func (c *Consumer) Poll() bool {
	if c.classic != nil {
		return c.classic.moved()
	}
	return c.tail.Load() != c.empty.Load()
}

// Look is how to spin: it polls up to times times, with a Pause after each look that
// saw nothing, and reports whether there may be something to get. What came while it
// looked is on its way to this processor when it returns. It may be called whenever Poll
// may, and returns at once if there is something already.
func (c *Consumer) Look(times int) bool {
	for i := range times {
		if c.Poll() {
			if i > 0 && c.classic == nil {
				c.fetch(c.empty.Load())
			}
			return true
		}
		Pause()
	}
	return false
}

// Index returns the number of entries taken since the queue was formatted, modulo
// 2^32: the own read index of the native layout.
func (c *Consumer) Index() uint32 { return c.next }

// Token returns the token that the producer stored last, 0 in the classic layout.
func (c *Consumer) Token() uint32 {
	if c.classic != nil {
		return 0
	}
	return c.token.Load()
}

// Seen returns the value that Word had before the last Arm that was not ready: what a
// sleeper on it must compare it with.
func (c *Consumer) Seen() uint32 { return c.seen.Load() }

// Word returns the word to sleep on after Arm with SleepWord, or nil in the classic
// layout, which has no such sleep. It changes with every wake-up and every SetStatus.
func (c *Consumer) Word() userclient.Word {
	if c.classic != nil {
		return nil
	}
	return sharedWord{c.wakes}
}

// SetCPU tells the producer where this side last ran: 1 + the number of the CPU,
// or 0 for unknown. It is a hint, and does nothing in the classic layout.
func (c *Consumer) SetCPU(hint uint32) {
	if c.classic == nil {
		c.cpu.Store(hint)
	}
}

// PeerCPU returns the hint that the producer gave with SetCPU, 0 if none.
func (c *Consumer) PeerCPU() uint32 {
	if c.classic != nil {
		return 0
	}
	return c.peerCPU.Load()
}
