// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
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

// find returns the arena and the place of one memory type.
func find(regions []userclient.Region, typ uint32) (arena uint32, off, length uint64, err error) {
	for _, r := range regions {
		if typ >= r.Type && uint64(typ) < uint64(r.Type)+uint64(r.Count) {
			return r.Arena, r.Offset + uint64(typ-r.Type)*r.Stride, r.Length, nil
		}
	}
	return 0, 0, 0, fmt.Errorf("memory type %#08x: %w", typ, ioreturn.BadArgument)
}

// arenas are the two mappings of a session, by arenaIndex.
type arenas [2]userclient.Mem

// slice returns the bytes of one memory type, which the regions were checked to hold.
func (a *arenas) slice(regions []userclient.Region, typ uint32) (userclient.Mem, error) {
	arena, off, length, err := find(regions, typ)
	if err != nil {
		return userclient.Mem{}, err
	}
	m := a[arenaIndex(arena)]
	if off > uint64(len(m.Bytes)) || length > uint64(len(m.Bytes))-off {
		return userclient.Mem{}, ioreturn.Broken(ioreturn.RuleMemoryRange,
			"memory type %#08x at %d, %d bytes long, leaves its arena of %d bytes", typ, off, length, len(m.Bytes))
	}
	m.Bytes = m.Bytes[off : off+length : off+length]
	m.Offset += int64(off)
	return m, nil
}

// queues builds one side's end of the two queues. driver says which side.
type sides struct {
	out, in       queue.Memory // output and input queue
	shapes        []shape
	data, control [][]byte
	place         []userclient.Mem // where the data regions lie
}

func newSides(buffers int) *sides {
	return &sides{
		shapes: make([]shape, buffers), place: make([]userclient.Mem, buffers),
		data: make([][]byte, buffers), control: make([][]byte, buffers),
	}
}

func (a *arenas) sides(l Layout, regions []userclient.Region, buffers int) (*sides, error) {
	s := newSides(buffers)
	parts := []struct {
		typ uint32
		dst *[]byte
	}{
		{userclient.MemOutputQueue, &s.out.Ring},
		{userclient.MemInputQueue, &s.in.Ring},
		{userclient.MemOutputReader, &s.out.Reader},
		{userclient.MemInputReader, &s.in.Reader},
	}
	if l == userclient.LayoutClassic {
		parts = parts[:2]
	}
	for _, p := range parts {
		m, err := a.slice(regions, p.typ)
		if err != nil {
			return nil, err
		}
		*p.dst = m.Bytes
	}
	for _, r := range regions {
		if err := s.addBuffers(a, r); err != nil {
			return nil, err
		}
	}
	for id, d := range s.data {
		if d == nil {
			return nil, ioreturn.Broken(ioreturn.RuleMemoryRange, "buffer %d has no data region", id)
		}
	}
	return s, nil
}

// addBuffers takes the data or control regions of one row of the memory map.
func (s *sides) addBuffers(a *arenas, r userclient.Region) error {
	var dst [][]byte
	switch r.Type & userclient.MemTypeMask {
	case userclient.MemBufferData:
		dst = s.data
	case userclient.MemBufferControl:
		dst = s.control
	default:
		return nil
	}
	first := uint64(r.Type & userclient.MemBufferIDMask)
	if first+uint64(r.Count) > uint64(len(dst)) {
		return ioreturn.Broken(ioreturn.RuleMemoryRange,
			"the memory map has regions for buffers %d to %d of %d", first, first+uint64(r.Count), len(dst))
	}
	one := []userclient.Region{r}
	for i := uint32(0); i < r.Count; i++ {
		m, err := a.slice(one, r.Type+i)
		if err != nil {
			return err
		}
		id := first + uint64(i)
		dst[id] = m.Bytes
		if r.Type&userclient.MemTypeMask == userclient.MemBufferData {
			s.shapes[id].Data = uint32(len(m.Bytes))
			s.place[id] = m
		} else {
			s.shapes[id].Control = uint32(len(m.Bytes))
		}
	}
	return nil
}
