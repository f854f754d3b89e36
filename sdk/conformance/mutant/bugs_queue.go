// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bugs of native queues, and some that both layouts know.
const (
	BugForeignEntry Bug = "foreign-entry" // every fifth entry names a buffer that does not exist
	BugLongEntry    Bug = "long-entry"    // entries are a byte longer than the buffer
	BugLateEntry    Bug = "late-entry"    // an entry is published, and completed with the next one
	BugModuloTail   Bug = "modulo-tail"   // the tail is reduced to the ring's size
	BugModuloHead   Bug = "modulo-head"   // the read index is reduced to the ring's size
	BugSilentHead   Bug = "silent-head"   // the read index is never published
	BugScribble     Bug = "scribble"      // entries that were read are wiped in the client's ring
	BugTightRing    Bug = "tight-ring"    // a ring counts as full when it holds as many entries as there are buffers
	BugOverfill     Bug = "overfill"      // the last entry is published once more when no buffer is left
	BugOnePerRing   Bug = "one-per-ring"  // one entry is taken for each ring
	BugWrapLost     Bug = "wrap-lost"     // of a batch that crosses the ring's end the rest is lost
	BugReadLate     Bug = "read-late"     // an entry is read again when its buffer is used
	BugTrustsHints  Bug = "trusts-hints"  // a CPU number that is too large is a breach
	BugPedantic     Bug = "pedantic"      // words without a meaning must be zero
)

func (ln *rawLane) native() bool { return ln.s.layout == userclient.LayoutNative }

// ringMask is the number of entries of a native ring less one.
func ringMask(m queue.Memory) uint32 { return shared(m.Ring, queue.RingCountOff).Load() - 1 }

// slotOff is where the entry with that index lies in its ring.
func (ln *rawLane) slotOff(m queue.Memory, index uint32) int {
	if ln.native() {
		return queue.RingEntries + int(index&ringMask(m))*queue.EntrySize
	}
	return queue.ClassicEntries + int(index%shared(m.Ring, queue.ClassicCountOff).Load())*queue.EntrySize
}

// refusesToPut says why a bug hangs up instead of posting.
func (ln *rawLane) refusesToPut(e *queue.Entry) error {
	if ln.d.has(BugTightRing) && ln.native() {
		if n, err := ln.out.Queued(); err != nil || n >= len(ln.bufs) {
			return broke("the client does not read")
		}
	}
	if ln.d.has(BugReadLate) && ln.native() && ln.bug.slots != nil && ln.bug.slots[e.Buffer] != 0 {
		at := ln.slotOff(ln.inMem, ln.bug.slots[e.Buffer]-1)
		ln.bug.slots[e.Buffer] = 0
		if id := shared(ln.inMem.Ring, at).Load(); id != e.Buffer {
			return broke("an entry names another buffer now")
		}
	}
	return nil
}

// mangle makes an entry wrong.
func (ln *rawLane) mangle(e *queue.Entry) {
	switch {
	case ln.d.has(BugForeignEntry) && ln.bug.puts%5 == 0:
		e.Buffer = uint32(len(ln.bufs))
	case ln.d.has(BugLongEntry):
		e.DataLength = uint32(len(ln.bufs[e.Buffer].data)) + 1
	case ln.d.has(BugLateEntry):
		if ln.bug.puts > 1 {
			at := ln.slotOff(ln.outMem, uint32(ln.bug.puts-2))
			shared(ln.outMem.Ring, at+8).Store(ln.bug.late)
		}
		ln.bug.late = e.DataLength
		e.DataLength = 0
	}
}

// spoilRing damages the output ring after e was published.
func (ln *rawLane) spoilRing(e *queue.Entry) {
	if !ln.native() {
		return
	}
	if ln.d.has(BugModuloTail) {
		shared(ln.outMem.Ring, queue.RingTailOff).Store(uint32(ln.bug.puts) & ringMask(ln.outMem))
	}
	if ln.d.has(BugOverfill) && len(ln.free) == 0 {
		_, _ = ln.out.Put([]queue.Entry{*e}) // that it may fail is part of the bug
	}
}

// refusesHeader says why a bug hangs up on the client's header.
func (ln *rawLane) refusesHeader() error {
	if !ln.native() {
		if ln.d.has(BugPedantic) && shared(ln.inMem.Ring, 12).Load() != 0 {
			return broke("the reserved word is not zero")
		}
		return nil
	}
	if ln.d.has(BugTrustsHints) && shared(ln.inMem.Ring, queue.RingCPUOff).Load() > 4096 {
		return broke("there is no such CPU")
	}
	if ln.d.has(BugPedantic) && shared(ln.inMem.Ring, 64).Load() != 0 {
		return broke("the header has words that this version does not know")
	}
	return nil
}

// misread is what bugs make of entries that were taken; it returns how many are left.
func (ln *rawLane) misread(es []queue.Entry) int {
	n := uint32(len(es))
	if n == 0 {
		return 0
	}
	first := ln.in.Index() - n
	count := ringMask(ln.inMem) + 1
	if !ln.native() {
		count = shared(ln.inMem.Ring, queue.ClassicCountOff).Load()
	}
	if ln.d.has(BugWrapLost) && first%count+n > count {
		n = count - first%count
	}
	if ln.native() {
		ln.spoilInput(es, first)
	}
	return ln.skipForeign(es[:n])
}

// spoilInput damages the native input queue after es were read from index first on.
func (ln *rawLane) spoilInput(es []queue.Entry, first uint32) {
	head := shared(ln.inMem.Reader, queue.ReaderHeadOff)
	if ln.d.has(BugModuloHead) {
		head.Store(ln.in.Index() & ringMask(ln.inMem))
	}
	if ln.d.has(BugSilentHead) {
		head.Store(0)
	}
	if ln.bug.slots == nil {
		ln.bug.slots = make([]uint32, len(ln.bufs))
	}
	for i := range es {
		at := first + uint32(i)
		if ln.d.has(BugScribble) {
			shared(ln.inMem.Ring, ln.slotOff(ln.inMem, at)).Store(0)
		}
		if uint(es[i].Buffer) < uint(len(ln.bufs)) {
			ln.bug.slots[es[i].Buffer] = at + 1
		}
	}
}

// refuses says why a bug takes a good entry for a breach.
func (ln *rawLane) refuses(e *queue.Entry) error {
	if ln.d.has(BugPedantic) && (e.Seq != 0 || e.Stamp != 0) {
		return broke("the reserved words of an entry are not zero")
	}
	return ln.refusesReturn(e)
}
