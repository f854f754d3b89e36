// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// plan is where everything of a session lies in its two arenas (C2, C37). The
// driver makes it; the client gets it as the memory map and checks it.
type plan struct {
	layout  Layout
	count   uint32 // entries of each ring
	regions []userclient.Region
	size    [2]uint64 // of the driver's and the client's arena
}

// regionAlign keeps regions of different writers and purposes on cache lines of their own.
const regionAlign = 128

// shape is the size of one buffer.
type shape = queue.Bound

func arenaIndex(arena uint32) int {
	if arena == userclient.MemDriverArena {
		return 0
	}
	return 1
}

// newPlan lays out the queues and the buffers. Data and control lie in the arena of
// the side that fills them; buffers that the client may ever fill lie in the client's.
func newPlan(l Layout, clientFills bool, shapes []shape, alignment int) plan {
	p := plan{layout: l, count: queue.RingCount(l, len(shapes))}
	ring := uint64(queue.RingSize(l, p.count))
	data := userclient.MemDriverArena
	if clientFills {
		data = userclient.MemClientArena
	}
	if l == userclient.LayoutClassic {
		p.add(userclient.MemOutputQueue, userclient.MemClientArena, 1, ring, regionAlign)
		p.add(userclient.MemInputQueue, userclient.MemClientArena, 1, ring, regionAlign)
	} else {
		p.add(userclient.MemOutputQueue, userclient.MemDriverArena, 1, ring, regionAlign)
		p.add(userclient.MemInputReader, userclient.MemDriverArena, 1, queue.ReaderSize, regionAlign)
		p.add(userclient.MemInputQueue, userclient.MemClientArena, 1, ring, regionAlign)
		p.add(userclient.MemOutputReader, userclient.MemClientArena, 1, queue.ReaderSize, regionAlign)
	}
	for first := 0; first < len(shapes); {
		n := 1
		for first+n < len(shapes) && shapes[first+n] == shapes[first] {
			n++
		}
		p.add(userclient.MemBufferData|uint32(first), data, n, uint64(shapes[first].Data), uint64(alignment))
		if c := uint64(shapes[first].Control); c > 0 {
			p.add(userclient.MemBufferControl|uint32(first), data, n, c, regionAlign)
		}
		first += n
	}
	return p
}

func (p *plan) add(typ, arena uint32, n int, length, align uint64) {
	end := &p.size[arenaIndex(arena)]
	r := userclient.Region{
		Type: typ, Count: uint32(n), Arena: arena,
		Offset: roundUp(*end, align), Length: length, Stride: roundUp(length, align),
	}
	*end = r.Offset + r.Stride*uint64(n-1) + length
	p.regions = append(p.regions, r)
}

func roundUp(n, align uint64) uint64 { return (n + align - 1) / align * align }
