// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"sync/atomic"
	"unsafe"

	"github.com/iostreamkit/iostreamkit/sdk/internal/cpu"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// An Entry in memory is the 32 bytes of the ABI.
const (
	_ = uint(unsafe.Sizeof(Entry{}) - EntrySize)
	_ = uint(EntrySize - unsafe.Sizeof(Entry{}))
	_ = uint(unsafe.Offsetof(Entry{}.Stamp) - 24)
	_ = uint(24 - unsafe.Offsetof(Entry{}.Stamp))
)

// alignment is what every region's address must be a multiple of: an entry has a
// 64-bit field.
const alignment = 8

func aligned(b []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%alignment == 0
}

// wordAt returns the 32-bit word at off. Preconditions: b is aligned, off is a
// multiple of 4 and off+4 <= len(b).
func wordAt(b []byte, off int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&b[off : off+4][0]))
}

// entriesAt returns the count entries at off as a slice of shared memory.
// Preconditions: b is aligned, off is a multiple of 8, count is at least 1, and
// the entries lie in b.
func entriesAt(b []byte, off, count uint32) []Entry {
	region := b[off:][: int(count)*EntrySize : int(count)*EntrySize]
	return unsafe.Slice((*Entry)(unsafe.Pointer(&region[0])), count)
}

// fetch asks the processor for the slot with that index, to be read.
func (c *Consumer) fetch(index uint32) {
	cpu.Prefetch(unsafe.Pointer(&c.slots[index&uint32(len(c.slots)-1)]))
}

// fetch asks the processor for the slot of the next Put and the word that publishes it, to
// be written.
func (p *Producer) fetch() {
	cpu.PrefetchWrite(unsafe.Pointer(p.tail))
	cpu.PrefetchWrite(unsafe.Pointer(&p.slots[p.next&uint32(len(p.slots)-1)]))
}

// fetchAll asks the processor for the slots of the next n entries, to be written: for
// fetchMost at most, and not for those behind the end of the ring.
func (p *Producer) fetchAll(n int) {
	part := p.part(p.next, uint32(min(n, fetchMost)))
	cpu.PrefetchAllWrite(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(part))), len(part)*EntrySize))
}

// sharedWord is a word of a queue as a userclient.Word. It is a single pointer, so
// that an interface of it costs no allocation.
type sharedWord struct{ w *atomic.Uint32 }

var _ userclient.Word = sharedWord{}

// Load returns the word's value now.
func (w sharedWord) Load() uint32 { return w.w.Load() }

// Addr returns the word's address, for the futex call only.
func (w sharedWord) Addr() uintptr { return uintptr(unsafe.Pointer(w.w)) }
