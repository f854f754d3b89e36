// SPDX-License-Identifier: Apache-2.0

package queue

// Room reports whether a batch of n entries can be made where it is published, with Slot
// and Publish, instead of being copied there by Send. It can't in the classic layout, nor
// where Send would fail, which then says why.
//
// The three are for an End that NewExclusiveEnd made, under one hold of its caller's
// lock:
//
//	if end.Room(len(ids)) {
//		for i, id := range ids {
//			fill(end.Slot(i, id))
//		}
//		wake := end.Publish(len(ids), bytes)
//		...
//	}
func (e *End) Room(n int) bool {
	p := e.out
	return e.broken == nil && p.classic == nil && uint64(n) <= uint64(len(p.slots)) && p.room(uint32(n)) == nil
}

// Slot takes buffer id, which this side owns, away from it, and returns where entry i of
// the next publication goes: shared memory, which holds an old entry. The caller writes
// every field and reads none. It has checked that the ranges lie in the buffer and that
// the buffer is its own; Slot panics if it is not, which is no doing of the other side's.
func (e *End) Slot(i int, id uint32) *Entry {
	b := &e.buffers[id]
	if !b.mine {
		panic("queue: entry for a buffer that this side does not own")
	}
	b.mine = false
	slots := e.out.slots
	return &slots[(e.out.next+uint32(i))&uint32(len(slots)-1)]
}

// Publish publishes the n entries, at least one, that Slot has returned since the last
// publication, 0 to n-1. bytes is how much data they have; it is counted. It says what the
// caller must do so that the other side sees them, as Send does.
func (e *End) Publish(n int, bytes uint64) Wake {
	w := e.out.publish(uint32(n))
	e.sent(n, bytes, w)
	return w
}
