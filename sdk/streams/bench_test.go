// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"fmt"
	"testing"
)

// hop is what a module costs where there is nothing but an interface: each one calls the
// next through it.
type hop interface{ put(m *Block) }

type link struct{ next hop }

//go:noinline
func (l *link) put(m *Block) { l.next.put(m) }

type end struct{ n int }

//go:noinline
func (e *end) put(*Block) { e.n++ }

func through() *Module {
	p := Procedures{Put: func(q *Queue, m *Block) { q.PutNext(m) }}
	return &Module{Name: "through", Read: p, Write: p}
}

// A data message is allocated, put down through modules, and freed by the driver.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{0, 1, 4, 8} {
		b.Run(fmt.Sprintf("modules=%d", n), func(b *testing.B) {
			s := benchStream(b, n)
			a := s.Arena()
			b.ReportAllocs()
			for b.Loop() {
				m, err := a.Alloc(MData, 64)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Put(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The same message over and over, so that only the way through the stream counts.
func BenchmarkHop(b *testing.B) {
	for _, n := range []int{0, 1, 4, 8} {
		b.Run(fmt.Sprintf("modules=%d", n), func(b *testing.B) {
			sink := &Module{Name: "sink", Write: Procedures{Put: func(*Queue, *Block) {}}}
			s := stackOf(b, sink, n)
			m := build(b, s.Arena(), "D:x")
			b.ReportAllocs()
			for b.Loop() {
				s.Put(m)
			}
			m.Free()
		})
		b.Run(fmt.Sprintf("interface=%d", n), func(b *testing.B) {
			var chain hop = &end{}
			for range n {
				chain = &link{chain}
			}
			m := &Block{}
			for b.Loop() {
				chain.put(m)
			}
		})
	}
}

func benchStream(t testing.TB, n int) *Stream {
	sink := &Module{Name: "sink", Write: Procedures{Put: func(_ *Queue, m *Block) { m.Free() }}}
	return stackOf(t, sink, n)
}

func stackOf(t testing.TB, driver *Module, n int) *Stream {
	t.Helper()
	d := NewDomain(&Config{Arena: clean(t, NewArena(nil))})
	s := testStream(t, d, driver, head(new([]string)))
	for range n {
		push1(t, s, through())
	}
	return s
}

// release is a free routine without an allocation.
type release struct{ n int }

func (r *release) FreeBuffer([]byte) { r.n++ }

func TestNoAllocationPerMessage(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools drop what they were given, on purpose")
	}
	s := benchStream(t, 8)
	a := s.Arena()
	buf, freed := make([]byte, 4096), &release{}
	for name, put := range map[string]func(){
		"pooled": func() {
			m, _ := a.Alloc(MData, 1500)
			s.Put(m)
		},
		"external, duplicated": func() {
			m, _ := a.External(buf, freed)
			d, _ := m.Dup()
			s.Put(m)
			s.Put(d)
		},
		"canput": func() { s.CanPut(0) },
	} {
		if n := testing.AllocsPerRun(1000, put); n != 0 {
			t.Errorf("%s: %v allocations per message", name, n)
		}
	}
	if freed.n != 1001 {
		t.Errorf("the free routine ran %d times, want 1001", freed.n)
	}

	// Through service procedures and a pipe, from goroutine to goroutine's work list.
	d := s.Domain()
	arrived := 0
	end := &Module{Name: "end", Read: Procedures{Put: func(_ *Queue, m *Block) { m.Free(); arrived++ }}}
	x, _ := pipe(t, d, end)
	push1(t, x, shaper("m", 0, 0))
	if n := testing.AllocsPerRun(1000, func() {
		m, _ := a.Alloc(MData, 100)
		x.Put(m)
	}); n != 0 || arrived != 1001 {
		t.Errorf("pipe: %v allocations per message, %d arrived", n, arrived)
	}
}
