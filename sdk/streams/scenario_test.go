// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
)

// One seed is one order of events, and another seed another.
func TestStepperIsDeterministic(t *testing.T) {
	trace := func(seed uint64) (events []string) {
		d := testDomain(t, seed)
		note := func(name string) *Module {
			m := shaper(name, 3, 2)
			for _, side := range []*Procedures{&m.Read, &m.Write} {
				side.Service = func(q *Queue) {
					events = append(events, fmt.Sprint(q.Stream().number, name, q.IsRead()))
					forward(q)
				}
			}
			return m
		}
		a, b := pipe(t, d, head(new([]string)))
		for _, s := range []*Stream{a, b} {
			push1(t, s, note("x"))
			push1(t, s, note("y"))
		}
		for i := range 20 {
			a.Put(build(t, d.Arena(), fmt.Sprint("D:", i)))
			b.Put(build(t, d.Arena(), fmt.Sprint("H:", i)))
		}
		settle(t, d)
		return events
	}
	first := trace(1)
	if again := trace(1); !slices.Equal(again, first) {
		t.Errorf("one seed, two orders:\n%q\n%q", first, again)
	}
	orders := 0
	for seed := range uint64(5) {
		if !slices.Equal(trace(seed+2), first) {
			orders++
		}
	}
	if orders == 0 {
		t.Error("six seeds, one order")
	}
}

// scenario sends data and a command with both kinds of copies through a module that
// copies, a module that duplicates and a driver that answers, with the head refusing what
// it has no memory for.
func scenario(t *testing.T, a *Arena) {
	t.Helper()
	d := NewDomain(&Config{Arena: a, Stepper: NewStepper(3)})
	copier := &Module{Name: "copier", Write: Procedures{Put: (*Queue).Putq, Service: func(q *Queue) {
		for m := q.Getq(); m != nil; m = q.Getq() {
			c, err := m.Copy()
			if err != nil {
				q.Putbq(m)
				if _, err := q.Bufcall(8, q.Enable); err != nil {
					q.Enable()
				}
				return
			}
			if !m.Type().IsIoctl() {
				m.Free()
				q.PutNext(c)
				continue
			}
			c.Free() // only to need memory
			q.PutNext(m)
		}
	}}}
	watcher := &Module{Name: "watcher", Read: Procedures{Put: func(q *Queue, m *Block) {
		if dup, err := m.Dup(); err == nil {
			dup.Free()
		}
		if m.Type() == MIocAck {
			q.PutNextCtl(MCtl, 'x')
		}
		q.PutNext(m)
	}}}
	driver := &Module{Name: "driver", Write: Procedures{Put: func(q *Queue, m *Block) {
		switch {
		case m.Type() == MIoctl:
			if m.PullupIoctl(4) != nil || m.CopyIn(&token{}, 8, 0x1000) != nil {
				q.ReplyNak(m, ENOSR)
				return
			}
		case m.Type() == MIocData:
			if r, _ := m.CopyResponse(); r.Error != 0 {
				m.Free()
				return
			}
			m.TakePrivate().Release()
			data, err := q.Arena().From(MData, []byte("done"))
			if err == nil {
				err = m.AckData(data, 4, 1)
			}
			if err != nil {
				q.ReplyNak(m, ErrnoOf(err))
				return
			}
		case m.Type() == MProto:
			m, err := q.Exchange(m, MPCProto, 100)
			if err == nil {
				q.Reply(m)
			}
			return
		}
		q.Reply(m)
	}}}
	top := &Module{Name: "head", Read: Procedures{Put: func(q *Queue, m *Block) {
		if m.Type() != MCopyIn {
			m.Free()
			return
		}
		data, err := q.Arena().From(MData, make([]byte, 8))
		m.CopyDone(ErrnoOf(err), data)
		q.Reply(m)
	}}}
	s, err := d.Open(driver, top, OpenInfo{})
	if err != nil {
		t.Fatal(err)
	}
	push1(t, s, copier)
	push1(t, s, watcher)
	put := func(m *Block, err error) {
		if err == nil {
			err = s.Put(m)
		}
		if err != nil && !errors.Is(err, ENOSR) {
			t.Error(err)
		}
	}
	put(a.From(MData, []byte("data")))
	put(a.From(MProto, []byte("bind")))
	put(a.External(make([]byte, 10), FreeFunc(func([]byte) {})))
	if data, err := a.From(MData, []byte("ab")); err == nil {
		if more, err := a.From(MData, []byte("cd")); err == nil {
			data.Link(more)
		}
		m, err := a.Ioctl(asked, data)
		if err != nil {
			data.Free()
		}
		put(m, err)
	}
	if steps, idle := d.stepper.Run(1000); !idle {
		t.Errorf("still work after %d steps", steps)
	}
	if err := s.Close(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// Memory fails at each allocation of the scenario in turn, and from each on for a while.
func TestScenarioWithoutMemory(t *testing.T) {
	for _, length := range []uint64{1, 3, 20} {
		for from := uint64(1); ; from++ {
			failed := false
			scenario(t, clean(t, NewArena(&ArenaConfig{NoReuse: true, Fault: func(n uint64, _ int) bool {
				fail := n >= from && n < from+length
				failed = failed || fail
				return fail
			}})))
			if !failed {
				if from < 15 {
					t.Errorf("the scenario has %d allocations only", from-1)
				}
				break
			}
		}
	}
}

// Streams below a multiplexer run beside the upper one, and links come and go meanwhile.
func TestMuxRace(t *testing.T) {
	leak.Check(t)
	const count = 300
	d := NewDomain(&Config{Arena: testArena(t), Budget: 3})
	var mu sync.Mutex
	var lower *Port
	var upper *Port
	driver := &Module{
		Name: "mux",
		Open: func(q *Queue, _ OpenInfo) (err error) { upper, err = q.Port(); return err },
		Write: Procedures{Put: func(q *Queue, m *Block) {
			mu.Lock()
			to := lower
			mu.Unlock()
			if to == nil || to.Put(q, m) != nil {
				q.Reply(m) // round, as the lower stream would do
			}
		}},
		Mux: &Mux{Read: Procedures{Put: func(q *Queue, m *Block) {
			if upper.Put(q, m) != nil {
				m.Free()
			}
		}}},
	}
	var arrived int // in the upper stream
	s := testStream(t, d, driver, &Module{Name: "head", Read: Procedures{Put: func(_ *Queue, m *Block) {
		arrived++
		m.Free()
	}}})
	below := testStream(t, d, echo(), head(new([]string)), shaper("m", 5, 2))
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for range count {
				m, _ := d.Arena().From(MData, []byte("x"))
				if err := s.Put(m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		p := plumb(t, s)
		l, err := p.Link(below, false)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		lower = l.Lower()
		mu.Unlock()
		p.Commit(l)
		mu.Lock()
		lower = nil
		mu.Unlock()
		if err := p.Unlink(l); err != nil {
			t.Error(err)
		}
		p.Release()
	}
	all.Wait()
	s.Do(func(*Queue) {
		if arrived > 3*count {
			t.Errorf("%d of %d messages arrived", arrived, 3*count)
		}
	})
}
