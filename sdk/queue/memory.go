// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Memory is the shared memory of one queue, as mapped into this process. In the
// native layout Ring is the region that the producer writes and Reader the one
// that the consumer writes; the side that does not write a region may have it
// mapped read-only. In the classic layout both sides write Ring, and Reader is nil.
// Both must start at a multiple of 8 bytes, and stay mapped as long as the queue
// is in use.
type Memory struct{ Ring, Reader []byte }

// Config says what is known about a queue before its memory is looked at.
type Config struct {
	Layout userclient.Layout
	Name   string // "output queue": for errors
	// Buffers is how many buffers the stream has; a ring that cannot hold them all
	// breaks RuleQueueGeometry (C11). Zero accepts a ring of any size.
	Buffers int
	// Count is the number of entries that the description announced. Zero accepts
	// any; another number that differs from the ring's own breaks RuleQueueGeometry
	// (C18).
	Count uint32
	// Roles are those of the session; needed for the classic layout, unused in the
	// native one.
	Roles *Roles
	// Endless is for consumers of a queue whose producer never says that no entry will
	// follow, as of the input queue: its status word is not looked at, so that a hostile
	// one can't keep this side from sleeping.
	Endless bool
	// RingAlways is for classic producers: every batch asks for the bell, because
	// the peer is a kernel of which it is not known whether it looks at the queue
	// again before it sleeps (C19).
	RingAlways bool
	// Eager is for native consumers: the read index is published after each Get, so
	// that the producer's Queued is exact. Otherwise it is published in quarters of
	// the ring, when the ring was found empty, and when the consumer arms.
	Eager bool
}

// minCount is the least number of entries that RingCount gives a native ring. A
// producer looks at the reader's index when it seems to have no room, which on a ring
// of two entries is at every other one, and takes as long as to wake a spinning reader.
const minCount = 16

// RingCount returns the number of entries that the ring of a stream with that many
// buffers has: in the native layout a power of two of at least twice the buffers,
// so that the read index may be published lazily, and of at least 16; in the classic
// layout one more than the buffers, because a full classic ring has one entry unused.
func RingCount(l userclient.Layout, buffers int) uint32 {
	n := uint32(min(max(buffers, 1), MaxCount/2))
	if l == userclient.LayoutClassic {
		return n + 1
	}
	return max(minCount, uint32(1)<<bits.Len32(2*n-1))
}

// RingSize returns the bytes of a ring region with count entries, or the largest
// int if they are more than that.
func RingSize(l userclient.Layout, count uint32) int {
	size := uint64(RingEntries)
	if l == userclient.LayoutClassic {
		size = ClassicEntries
	}
	return int(min(size+uint64(count)*EntrySize, math.MaxInt))
}

// Format writes the headers of an empty queue of count entries, of which no
// consumer is armed. It is called once by whoever allocated the memory, before it
// is shared; entries are left as they are. The error matches ErrInvalid when count
// or memory do not fit the layout.
func Format(m Memory, l userclient.Layout, count uint32) error {
	if err := checkFormat(m, l, count); err != nil {
		return ioreturn.Op("format", l.String()+" queue", err)
	}
	if l == userclient.LayoutClassic {
		wordAt(m.Ring, ClassicHeadOff).Store(0)
		wordAt(m.Ring, ClassicTailOff).Store(0)
		wordAt(m.Ring, 12).Store(0) // reserved
		wordAt(m.Ring, ClassicCountOff).Store(count)
		return nil
	}
	clear(m.Ring[:RingEntries])
	clear(m.Reader[:ReaderSize])
	wordAt(m.Ring, RingCountOff).Store(count)
	wordAt(m.Ring, RingEntryOff).Store(RingEntries)
	wordAt(m.Ring, RingSizeOff).Store(EntrySize)
	wordAt(m.Reader, ReaderWakeOff).Store(notArmed(0))
	wordAt(m.Reader, ReaderMagicOff).Store(ReaderMagic)
	wordAt(m.Ring, RingMagicOff).Store(RingMagic)
	return nil
}

// notArmed is the event index of a consumer at head that does not sleep: the tail
// has passed it already.
func notArmed(head uint32) uint32 { return head - 1 }

func checkFormat(m Memory, l userclient.Layout, count uint32) error {
	if l != userclient.LayoutNative && l != userclient.LayoutClassic {
		return invalid("layout %d does not exist", l)
	}
	if !validCount(l, count) {
		return invalid("%d entries are not a count of the %s layout", count, l)
	}
	if need := RingSize(l, count); len(m.Ring) < need {
		return invalid("%d bytes hold no ring of %d entries, which needs %d", len(m.Ring), count, need)
	}
	if l == userclient.LayoutNative && len(m.Reader) < ReaderSize {
		return invalid("%d bytes hold no reader's region, which needs %d", len(m.Reader), ReaderSize)
	}
	if !aligned(m.Ring) || !aligned(m.Reader) {
		return invalid("memory is not aligned to %d bytes", alignment)
	}
	return nil
}

func validCount(l userclient.Layout, count uint32) bool {
	if l == userclient.LayoutClassic {
		return count >= 2 && count <= MaxCount
	}
	return count >= 1 && count <= MaxCount && count&(count-1) == 0
}

// invalid is a mistake of the caller, not of the other side.
func invalid(format string, args ...any) error {
	return &ioreturn.StatusError{Code: ioreturn.BadArgument, Detail: fmt.Sprintf(format, args...)}
}

// ring is what both ends know of a ring after its header was checked.
type ring struct {
	slots []Entry // shared memory
	name  string
}

// openRing checks the memory of a queue against cfg. Each header word is read
// once (C18).
func openRing(m Memory, cfg *Config) (ring, error) {
	if !aligned(m.Ring) || !aligned(m.Reader) {
		return ring{}, ioreturn.Broken(ioreturn.RuleMemoryRange, "%s: memory is not aligned to %d bytes", cfg.Name, alignment)
	}
	switch cfg.Layout {
	case userclient.LayoutNative:
		return openNative(m, cfg)
	case userclient.LayoutClassic:
		return openClassic(m, cfg)
	}
	return ring{}, ioreturn.Op("open", cfg.Name, invalid("layout %d does not exist", cfg.Layout))
}

func openNative(m Memory, cfg *Config) (ring, error) {
	if len(m.Ring) < RingEntries || len(m.Reader) < ReaderSize {
		return ring{}, geometry(cfg, "%d and %d bytes hold no ring and reader's region", len(m.Ring), len(m.Reader))
	}
	if magic := wordAt(m.Ring, RingMagicOff).Load(); magic != RingMagic {
		return ring{}, badMagic(cfg, "ring", magic, RingMagic)
	}
	if magic := wordAt(m.Reader, ReaderMagicOff).Load(); magic != ReaderMagic {
		return ring{}, badMagic(cfg, "reader's region", magic, ReaderMagic)
	}
	count := wordAt(m.Ring, RingCountOff).Load()
	off := wordAt(m.Ring, RingEntryOff).Load()
	if size := wordAt(m.Ring, RingSizeOff).Load(); size != EntrySize {
		return ring{}, geometry(cfg, "entries of %d bytes, not %d", size, EntrySize)
	}
	if off < RingEntries || off%EntrySize != 0 {
		return ring{}, geometry(cfg, "entries at offset %d", off)
	}
	return makeRing(m.Ring, cfg, off, count, count)
}

func openClassic(m Memory, cfg *Config) (ring, error) {
	if cfg.Roles == nil {
		return ring{}, ioreturn.Op("open", cfg.Name, invalid("a classic queue needs Roles"))
	}
	if len(m.Ring) < ClassicEntries {
		return ring{}, geometry(cfg, "%d bytes hold no queue header", len(m.Ring))
	}
	count := wordAt(m.Ring, ClassicCountOff).Load()
	return makeRing(m.Ring, cfg, ClassicEntries, count, count-1)
}

// makeRing checks count and offset; capacity is how many entries can be queued at
// once.
func makeRing(b []byte, cfg *Config, off, count, capacity uint32) (ring, error) {
	switch {
	case !validCount(cfg.Layout, count):
		return ring{}, geometry(cfg, "%d entries are not a count of the %s layout", count, cfg.Layout)
	case cfg.Count != 0 && cfg.Count != count:
		return ring{}, geometry(cfg, "%d entries, %d were announced", count, cfg.Count)
	case uint64(off)+uint64(count)*EntrySize > uint64(len(b)):
		return ring{}, geometry(cfg, "%d entries at offset %d leave the %d bytes of memory", count, off, len(b))
	case cfg.Buffers > 0 && uint64(cfg.Buffers) > uint64(capacity):
		return ring{}, geometry(cfg, "%d entries do not hold %d buffers", count, cfg.Buffers)
	}
	return ring{slots: entriesAt(b, off, count), name: cfg.Name}, nil
}

func geometry(cfg *Config, format string, args ...any) error {
	return ioreturn.Broken(ioreturn.RuleQueueGeometry, "%s: %s", cfg.Name, fmt.Sprintf(format, args...))
}

func badMagic(cfg *Config, what string, got, want uint32) error {
	return ioreturn.Broken(ioreturn.RuleQueueMagic, "%s: %s starts with %#08x, not %#08x", cfg.Name, what, got, want)
}

// part returns the slots of the native layout that hold the n entries from index on, or
// those of them before the end of the ring.
func (r *ring) part(index, n uint32) []Entry {
	at, count := index&uint32(len(r.slots)-1), uint32(len(r.slots))
	return r.slots[at:min(at+n, count)]
}

// store copies es into the slots from at on, wrapping once. at is below the count
// and es no longer than it.
func (r *ring) store(at uint32, es []Entry) {
	if len(es) == 1 {
		r.slots[at] = es[0]
		return
	}
	if n := copy(r.slots[at:], es); n < len(es) {
		copy(r.slots, es[n:])
	}
}

// load copies the slots from at on into dst, wrapping once.
func (r *ring) load(at uint32, dst []Entry) {
	if len(dst) == 1 {
		dst[0] = r.slots[at]
		return
	}
	if n := copy(dst, r.slots[at:]); n < len(dst) {
		copy(dst[n:], r.slots)
	}
}

// badIndex is the error for an index of the other side that is impossible.
func (r *ring) badIndex(which string, got, own uint32) error {
	return ioreturn.Broken(ioreturn.RuleQueueIndex,
		"%s: %s %d does not follow from own index %d, ring holds %d", r.name, which, got, own, len(r.slots))
}
