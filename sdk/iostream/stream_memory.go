// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// leases is the client's memory and who still uses it (C5).
type leases struct {
	maps   []*userclient.Mapping
	n      int      // frames lent
	gen    []uint32 // of each buffer: its loans and their ends, so odd while it is lent
	closed bool
}

// lend begins a lease and returns its generation.
func (l *leases) lend(id uint32) uint32 {
	l.gen[id]++
	l.n++
	return l.gen[id]
}

// end ends a lease; false if it is over already.
func (l *leases) end(id, gen uint32) bool {
	if l.gen[id] != gen {
		return false
	}
	l.gen[id]++
	l.n--
	return true
}

// undo takes an end back.
func (l *leases) undo(id uint32) {
	l.gen[id]--
	l.n++
}

// close notes that the session is over, and reports whether the memory can go.
func (l *leases) close() (last bool) {
	l.closed = true
	return l.n == 0
}

func (l *leases) unmap() {
	for _, m := range l.maps {
		_ = m.Unmap() // nobody is left who could do anything about it
	}
	l.maps = nil
}

// mapType maps one memory type.
func (s *Stream) mapType(ctx context.Context, typ uint32) (userclient.Mem, error) {
	m, err := s.conn.Map(ctx, typ)
	if err != nil {
		return userclient.Mem{}, fmt.Errorf("memory type %#08x: %w", typ, err)
	}
	s.lease.maps = append(s.lease.maps, m)
	return m.Mem, nil
}

// mapArenas maps both arenas and finds everything in them by the driver's memory map.
func (s *Stream) mapArenas(ctx context.Context, buffers int, memoryMap []byte) (*sides, error) {
	regions, err := userclient.ParseRegions(memoryMap)
	if err != nil {
		return nil, err
	}
	if err := checkRegions(regions, s.layout, buffers); err != nil {
		return nil, err
	}
	var a arenas
	for i, typ := range []uint32{userclient.MemDriverArena, userclient.MemClientArena} {
		if a[i], err = s.mapType(ctx, typ); err != nil {
			return nil, err
		}
	}
	if a[1].ReadOnly {
		return nil, ioreturn.Broken(ioreturn.RuleMemoryRange, "the client's arena can't be written by the client")
	}
	return a.sides(s.layout, regions, buffers)
}

// mapSingly maps queues and buffers one by one, as Apple's clients do. A buffer's
// control region may be absent.
func (s *Stream) mapSingly(ctx context.Context, buffers int) (*sides, error) {
	v := newSides(buffers)
	for _, q := range []struct {
		typ uint32
		dst *queue.Memory
	}{{userclient.MemOutputQueue, &v.out}, {userclient.MemInputQueue, &v.in}} {
		m, err := s.mapType(ctx, q.typ)
		if err != nil {
			return nil, err
		}
		if m.ReadOnly { // both sides write both classic queues
			return nil, ioreturn.Broken(ioreturn.RuleMemoryRange, "memory type %#08x can't be written by the client", q.typ)
		}
		q.dst.Ring = m.Bytes
	}
	for id := range uint32(buffers) {
		m, err := s.mapType(ctx, userclient.MemBufferData|id)
		if err != nil {
			return nil, err
		}
		if err := v.addData(id, m); err != nil {
			return nil, err
		}
		c, err := s.mapType(ctx, userclient.MemBufferControl|id)
		switch {
		case absent(err) || errors.Is(err, ioreturn.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			if err := v.addControl(id, c); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// absent reports whether err says that a driver lacks a selector or a region (C17).
func absent(err error) bool {
	var c ioreturn.Code
	return errors.As(err, &c) && (c == ioreturn.Unsupported || c == ioreturn.BadArgument)
}

// call runs a selector that takes scalars and returns nothing.
func call(ctx context.Context, conn userclient.Conn, selector uint32, in ...uint64) error {
	return conn.Call(ctx, &Args{Selector: selector, In: in})
}

// callBytes runs a selector that returns a record.
func callBytes(ctx context.Context, conn userclient.Conn, selector uint32) ([]byte, error) {
	a := Args{Selector: selector, OutBytes: make([]byte, userclient.MaxInline)}
	if err := conn.Call(ctx, &a); err != nil {
		return nil, err
	}
	if a.NOutBytes < 0 || a.NOutBytes > len(a.OutBytes) {
		return nil, ioreturn.Broken(ioreturn.RuleAnswer, "selector %#x answered %d bytes", selector, a.NOutBytes)
	}
	return a.OutBytes[:a.NOutBytes], nil
}
