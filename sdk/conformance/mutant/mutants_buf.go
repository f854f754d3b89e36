// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"bytes"
	"context"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// mapping makes hooks that change how memory of some kind is mapped.
func mapping(kind uint32, change func(typ uint32, next func() (userclient.Mem, error)) (userclient.Mem, error)) func() Hooks {
	return func() Hooks {
		return Hooks{Memory: func(_ *Session, typ uint32, next func() (userclient.Mem, error)) (userclient.Mem, error) {
			if typ&userclient.MemTypeMask == kind {
				return change(typ, next)
			}
			return next()
		}}
	}
}

// remapping makes hooks that change the rows of the memory map.
func remapping(change func(g *userclient.Region)) func() Hooks {
	return onCall(userclient.SelMemoryMap, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		if err := next(); err != nil {
			return err
		}
		regions, err := userclient.ParseRegions(a.OutBytes[:a.NOutBytes])
		if err != nil {
			return err
		}
		for i := range regions {
			change(&regions[i])
		}
		b, err := userclient.AppendRegions(nil, regions)
		return record(a, b, err)
	})
}

func bufMutants() []Mutant {
	return append(bufferMutants(), mapMutants()...)
}

func bufferMutants() []Mutant {
	return []Mutant{
		{
			Name: "count-grows", Rule: "BUF-01",
			Wrong: "It says that it has one buffer more once it is open.",
			New: hooked("count-grows", onCall(userclient.SelGetBufferCount,
				func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
					err := next()
					if err == nil && s.State() != userclient.StateClosed {
						a.Out[0]++
					}
					return err
				})),
		},
		{
			Name: "last-buffer-missing", Rule: "BUF-02",
			Wrong: "Its last buffer can't be mapped by its own memory type.",
			New: hooked("last-buffer-missing", mapping(userclient.MemBufferData,
				func(typ uint32, next func() (userclient.Mem, error)) (userclient.Mem, error) {
					if typ == userclient.MemBufferData|3 {
						return userclient.Mem{}, ioreturn.BadArgument
					}
					return next()
				})),
		},
		{
			Name: "data-size-described", Rule: "BUF-02",
			Wrong: "Its description says that buffers have twice the bytes that they have.",
			New:   hooked("data-size-described", describing(func(d *userclient.Description) { d.Buffers.DataSize *= 2 })),
		},
		{
			Name: "control-size-described", Rule: "BUF-03",
			Wrong: "Its description says that there are no control regions, but there are.",
			New:   hooked("control-size-described", describing(func(d *userclient.Description) { d.Buffers.ControlSize = 0 })),
		},
		{
			Name: "no-control-by-another-code", Rule: "BUF-03",
			Wrong: "It refuses to map a control region that does not exist as out of memory.",
			New: func() conformance.Target {
				cfg := LoopbackConfig()
				cfg.ControlSize = 0
				return changed("no-control-by-another-code", cfg, Echo, mapping(userclient.MemBufferControl,
					func(uint32, func() (userclient.Mem, error)) (userclient.Mem, error) {
						return userclient.Mem{}, ioreturn.NoMemory
					}))()
			},
		},
		{
			Name: "buffer-number-wraps", Rule: "BUF-08",
			Wrong: "It takes the number of a buffer modulo four, so that buffers can be mapped that do not exist.",
			New: hooked("buffer-number-wraps", func() Hooks {
				return Hooks{Memory: func(s *Session, typ uint32, next func() (userclient.Mem, error)) (userclient.Mem, error) {
					if kind := typ & userclient.MemTypeMask; kind == userclient.MemBufferData {
						return s.next.Memory(kind | typ&3)
					}
					return next()
				}}
			}),
		},
		{
			Name: "stale-memory", Rule: "BUF-09",
			Wrong: "It gives the memory of a session to the next one without clearing it.",
			New:   hooked("stale-memory", keepsMemory),
		},
		{
			Name: "copies", Rule: "BUF-10",
			Wrong: "It copies each payload into the buffer, and counts that.",
			New: hooked("copies", onCall(userclient.SelStats,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					if err := next(); err != nil {
						return err
					}
					var st userclient.Stats
					if err := st.UnmarshalBinary(a.OutBytes[:a.NOutBytes]); err != nil {
						return err
					}
					st.Copies = st.Posted
					b, err := st.AppendBinary(nil)
					return record(a, b, err)
				})),
		},
	}
}

func mapMutants() []Mutant {
	return []Mutant{
		{
			Name: "map-overlaps", Rule: "BUF-04",
			Wrong: "Its memory map has the control regions where the data regions are.",
			New: hooked("map-overlaps", remapping(func(g *userclient.Region) {
				if g.Type&userclient.MemTypeMask == userclient.MemBufferControl {
					g.Offset = 4096
				}
			})),
		},
		{
			Name: "map-leaves-arena", Rule: "BUF-04",
			Wrong: "Its memory map has one control region more than there is room for.",
			New: hooked("map-leaves-arena", remapping(func(g *userclient.Region) {
				if g.Type&userclient.MemTypeMask == userclient.MemBufferControl {
					g.Stride *= 64
				}
			})),
		},
		{
			Name: "one-arena", Rule: "BUF-05",
			Wrong: "The client can write what the driver writes.",
			New: hooked("one-arena", func() Hooks {
				return Hooks{Resources: func(_ *Session, r userclient.Resources) userclient.Resources { return writable{r} }}
			}),
		},
		{
			Name: "input-queue-in-driver-arena", Rule: "BUF-05",
			Wrong: "Its memory map has the input queue in the arena that the client can't write.",
			New: hooked("input-queue-in-driver-arena", remapping(func(g *userclient.Region) {
				if g.Type == userclient.MemInputQueue {
					g.Arena = userclient.MemDriverArena
				}
			})),
		},
		{
			Name: "alignment-described", Rule: "BUF-06",
			Wrong: "Its description promises an alignment of 64 KiB, and buffers are aligned to 4 KiB.",
			New:   hooked("alignment-described", describing(func(d *userclient.Description) { d.Buffers.Alignment = 1 << 16 })),
		},
		{
			Name: "maps-a-copy", Rule: "BUF-07",
			Wrong: "A buffer that is mapped alone is a copy.",
			New: hooked("maps-a-copy", mapping(userclient.MemBufferData,
				func(_ uint32, next func() (userclient.Mem, error)) (userclient.Mem, error) {
					m, err := next()
					m.Bytes = bytes.Clone(m.Bytes)
					return m, err
				})),
		},
	}
}

// writable lends all memory as if the client wrote it.
type writable struct{ userclient.Resources }

func (w writable) Alloc(size int, _ userclient.Writer) (userclient.Mem, func() error, error) {
	return w.Resources.Alloc(size, userclient.ClientWrites)
}

// keepsMemory lends the memory of the sessions before.
func keepsMemory() Hooks {
	k := &kept{mem: map[userclient.Writer]userclient.Mem{}}
	return Hooks{Resources: func(_ *Session, r userclient.Resources) userclient.Resources { return keeping{r, k} }}
}

type kept struct {
	mu  sync.Mutex
	mem map[userclient.Writer]userclient.Mem
}

type keeping struct {
	userclient.Resources
	k *kept
}

func (r keeping) Alloc(size int, w userclient.Writer) (userclient.Mem, func() error, error) {
	m, release, err := r.Resources.Alloc(size, w)
	if err != nil {
		return m, release, err
	}
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	if old := r.k.mem[w]; len(old.Bytes) == len(m.Bytes) {
		copy(m.Bytes, old.Bytes)
	}
	r.k.mem[w] = m
	return m, release, nil
}
