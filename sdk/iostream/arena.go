// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

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

// sides is what both ends need to know of a session's memory.
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

// sides finds queues and buffers in the arenas.
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
		if errors.Is(err, ioreturn.ErrInvalid) {
			err = ioreturn.Broken(ioreturn.RuleMemoryRange, "memory type %#08x is not in the memory map", p.typ)
		}
		if err != nil {
			return nil, err
		}
		*p.dst = m.Bytes
	}
	for i := range regions {
		if err := s.addBuffers(a, regions[i:i+1]); err != nil {
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

// addBuffers takes the data or control regions of one row of the memory map, whose
// number checkRegions has checked.
func (s *sides) addBuffers(a *arenas, row []userclient.Region) error {
	r := &row[0]
	add := s.addData
	switch r.Type & userclient.MemTypeMask {
	case userclient.MemBufferData:
	case userclient.MemBufferControl:
		add = s.addControl
	default:
		return nil
	}
	for i := range r.Count {
		m, err := a.slice(row, r.Type+i)
		if err == nil {
			err = add(r.Type&userclient.MemBufferIDMask+i, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sides) addData(id uint32, m userclient.Mem) error {
	if len(m.Bytes) == 0 || uint64(len(m.Bytes)) > math.MaxUint32 {
		return ioreturn.Broken(ioreturn.RuleMemoryRange, "buffer %d has a data region of %d bytes", id, len(m.Bytes))
	}
	s.data[id], s.shapes[id].Data, s.place[id] = m.Bytes, uint32(len(m.Bytes)), m
	return nil
}

func (s *sides) addControl(id uint32, m userclient.Mem) error {
	if uint64(len(m.Bytes)) > math.MaxUint32 {
		return ioreturn.Broken(ioreturn.RuleMemoryRange, "buffer %d has a control region of %d bytes", id, len(m.Bytes))
	}
	s.control[id], s.shapes[id].Control = m.Bytes, uint32(len(m.Bytes))
	return nil
}

// checkRegions checks a memory map from the other side: each region has a known type,
// lies in the memory of the side that writes it, and overlaps no other. Whether it lies
// within the arena is checked when it is cut out of it.
func checkRegions(regions []userclient.Region, l Layout, buffers int) error {
	for i := range regions {
		if !known(regions[i].Type) {
			continue
		}
		if err := checkRegion(&regions[i], l, buffers); err != nil {
			return err
		}
	}
	type span struct {
		arena, typ uint32
		off, end   uint64
	}
	var spans []span
	seen := make(map[uint32]bool)
	for _, r := range regions {
		if !known(r.Type) {
			continue
		}
		for i := range r.Count {
			off := r.Offset + uint64(i)*r.Stride
			if seen[r.Type+i] {
				return ioreturn.Broken(ioreturn.RuleMemoryRange, "memory type %#08x is there twice", r.Type+i)
			}
			seen[r.Type+i] = true
			spans = append(spans, span{r.Arena, r.Type + i, off, off + r.Length})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.arena, b.arena), cmp.Compare(a.off, b.off)) })
	for i := 1; i < len(spans); i++ {
		if a, b := &spans[i-1], &spans[i]; a.arena == b.arena && b.off < a.end {
			return ioreturn.Broken(ioreturn.RuleMemoryRange, "memory types %#08x and %#08x overlap", a.typ, b.typ)
		}
	}
	return nil
}

// known reports whether this version has memory of that type. Other rows of a memory
// map are not looked at.
func known(typ uint32) bool {
	switch typ & userclient.MemTypeMask {
	case userclient.MemOutputQueue, userclient.MemInputQueue, userclient.MemOutputReader, userclient.MemInputReader,
		userclient.MemBufferData, userclient.MemBufferControl:
		return true
	}
	return false
}

// checkRegion checks one row of a known type by itself.
func checkRegion(r *userclient.Region, l Layout, buffers int) error {
	broken := func(what string) error {
		return ioreturn.Broken(ioreturn.RuleMemoryRange, "memory type %#08x, %d of them: %s", r.Type, r.Count, what)
	}
	if r.Arena != userclient.MemDriverArena && r.Arena != userclient.MemClientArena {
		return broken(fmt.Sprintf("unknown arena %#08x", r.Arena))
	}
	most := uint64(1)
	switch r.Type & userclient.MemTypeMask {
	case userclient.MemBufferData, userclient.MemBufferControl:
		most = uint64(buffers) // in either arena, for either side may fill them
	case userclient.MemOutputQueue, userclient.MemInputReader:
		if want := driversArena(l); r.Arena != want {
			return broken("in the wrong side's memory")
		}
	case userclient.MemInputQueue, userclient.MemOutputReader:
		if r.Arena != userclient.MemClientArena {
			return broken("in the wrong side's memory")
		}
	}
	if r.Count == 0 || uint64(r.Type&userclient.MemBufferIDMask)+uint64(r.Count) > most {
		return broken(fmt.Sprintf("there are %d", most))
	}
	const limit = math.MaxInt64 / 2 // so that no sum below overflows
	if r.Offset > limit || r.Length > limit || r.Stride > limit/uint64(r.Count) {
		return broken(fmt.Sprintf("%d bytes at %d, %d apart, leave any memory", r.Length, r.Offset, r.Stride))
	}
	return nil
}

// driversArena is where the driver's queue lies. Both sides write the classic ones.
func driversArena(l Layout) uint32 {
	if l == userclient.LayoutClassic {
		return userclient.MemClientArena
	}
	return userclient.MemDriverArena
}
