// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
)

// Many goroutines put, ask, push, pop and look at one stream at once. The counters that
// the procedures use have no lock: the race detector finds it if two of them ever run at
// one time, and so does the check that nobody else is inside.
func TestPerimeterRace(t *testing.T) {
	leak.Check(t)
	const goroutines, each = 4, 300
	for _, budget := range []int{1, 3, DefaultBudget} {
		d := NewDomain(&Config{Arena: testArena(t), Budget: budget})
		var inside atomic.Int32
		alone := func(do func()) {
			if inside.Add(1) != 1 {
				t.Error("two procedures at one time")
			}
			do()
			inside.Add(-1)
		}
		arrived, counted := 0, 0
		done := make(chan struct{})
		top := &Module{Name: "head", Read: Procedures{Put: func(_ *Queue, m *Block) {
			alone(func() {
				m.Free()
				if arrived++; arrived == goroutines*each {
					close(done)
				}
			})
		}}}
		counter := &Module{Name: "counter", Write: Procedures{
			Put: func(q *Queue, m *Block) { alone(func() { counted++; q.Putq(m) }) },
			Service: func(q *Queue) {
				for m := q.Getq(); m != nil; m = q.Getq() {
					alone(func() {})
					q.PutNext(m)
				}
			},
			HighWater: 4, LowWater: 2,
		}}
		s, err := d.Open(echo(), top, OpenInfo{})
		if err != nil {
			t.Fatal(err)
		}
		push1(t, s, counter)
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for i := range each {
					m, err := d.Arena().From(MData, []byte("x"))
					if err != nil {
						t.Error(err)
						return
					}
					if err := s.Put(m); err != nil {
						t.Error(err)
					}
					switch i % 50 {
					case 0:
						s.CanPut(0)
					case 1:
						s.Do(func(*Queue) { alone(func() { counted += 0 }) })
					case 2:
						p, err := s.Plumb(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						if err := p.Push(pass("guest"), OpenInfo{}); err == nil {
							p.Pop()
						}
						p.Release()
					case 3:
						s.Names()
					}
				}
			})
		}
		all.Wait()
		<-done
		s.Close(t.Context(), 0)
		if counted != goroutines*each {
			t.Errorf("budget %d: counted %d, want %d", budget, counted, goroutines*each)
		}
	}
}

// A close in the middle of traffic frees what it meets, and whoever comes later is told.
func TestCloseRace(t *testing.T) {
	leak.Check(t)
	d := NewDomain(&Config{Arena: testArena(t), Budget: 2})
	for range 20 {
		s, err := d.Open(echo(), head(new([]string)), OpenInfo{})
		if err != nil {
			t.Fatal(err)
		}
		push1(t, s, shaper("m", 4, 2))
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for {
					m, _ := d.Arena().From(MData, []byte("x"))
					if err := s.Put(m); err != nil {
						m.Free()
						return
					}
				}
			})
		}
		if err := s.Close(t.Context(), 0); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
}

// A put from inside the stream waits its turn; it neither nests nor waits for itself.
func TestPutFromInside(t *testing.T) {
	d := NewDomain(&Config{Arena: testArena(t)})
	var s *Stream
	depth, deepest, left, done := 0, 0, 100, make(chan struct{})
	driver := &Module{Name: "driver", Write: Procedures{Put: func(_ *Queue, m *Block) {
		depth++
		deepest = max(deepest, depth)
		if left--; left > 0 {
			s.Put(m)
		} else {
			m.Free()
			close(done)
		}
		depth--
	}}}
	s = testStream(t, d, driver, head(new([]string)))
	s.Put(build(t, d.Arena(), "D:x"))
	<-done
	if deepest != 1 {
		t.Errorf("puts nested %d deep", deepest)
	}
}

// What comes later stays behind what was left for a busy stream.
func TestPutKeepsOrder(t *testing.T) {
	d := testDomain(t, 1)
	var got []string
	var port *Port
	driver := device(&port)
	driver.Write.Put = func(q *Queue, m *Block) { q.Reply(m) }
	s := testStream(t, d, driver, head(&got))
	s.Do(func(*Queue) {
		s.Put(build(t, d.Arena(), "D:1"))
		port.Put(nil, build(t, d.Arena(), "D:2"))
	})
	s.Put(build(t, d.Arena(), "D:3"))
	port.Put(nil, build(t, d.Arena(), "D:4"))
	settle(t, d)
	if want := []string{"D:1", "D:2", "D:3", "D:4"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Free routines run outside of procedures, once each, also when streams are never quiet
// all at one time.
func TestFreeRoutinesRunOutside(t *testing.T) {
	d := NewDomain(&Config{Arena: testArena(t)})
	inside, freed := false, 0
	driver := &Module{Name: "driver", Write: Procedures{Put: func(_ *Queue, m *Block) {
		inside = true
		m.Free()
		inside = false
	}}}
	s := testStream(t, d, driver, head(new([]string)))
	routine := FreeFunc(func([]byte) {
		freed++
		if inside {
			t.Error("a free routine ran inside a procedure")
		}
		if freed < 10 { // it may use the stream
			s.Put(build(t, d.Arena(), "D:again"))
		}
	})
	for i := range 10 {
		m, err := d.Arena().External(make([]byte, 8), routine)
		if err != nil {
			t.Fatal(err)
		}
		s.Put(m)
		if freed != i+1 {
			t.Errorf("%d messages, %d routines", i+1, freed)
		}
	}

	// Another stream of the domain is busy all the time.
	busy := testStream(t, d, echo(), head(new([]string)))
	const puts = 200
	all := make(chan struct{})
	var count atomic.Int32
	counts := FreeFunc(func([]byte) {
		if count.Add(1) == puts {
			close(all)
		}
	})
	busy.Do(func(*Queue) {
		for range puts {
			m, _ := d.Arena().External(make([]byte, 8), counts)
			s.Put(m)
		}
		<-all
	})
}
