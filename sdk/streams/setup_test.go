// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"testing"
)

// head returns a stream head that appends what comes up to got, as show shows it.
func head(got *[]string) *Module {
	return &Module{Name: "head", Read: Procedures{Put: func(_ *Queue, m *Block) {
		*got = append(*got, show(m))
		m.Free()
	}}}
}

// echo returns a driver that sends everything back up, except what PassOn is for.
func echo() *Module {
	return &Module{Name: "echo", Write: Procedures{Put: func(q *Queue, m *Block) {
		if m.Type() == MFlush || m.Type().IsIoctl() {
			q.PassOn(m)
			return
		}
		q.Reply(m)
	}}}
}

// pass returns a module that does nothing.
func pass(name string) *Module { return &Module{Name: name} }

// shaper returns a module that queues everything and lets its service procedures send it
// on, on both sides, with the marks given.
func shaper(name string, high, low int) *Module {
	p := Procedures{Put: (*Queue).Putq, Service: forward, HighWater: high, LowWater: low}
	return &Module{Name: name, Read: p, Write: p}
}

// forward is the service procedure of the book.
func forward(q *Queue) {
	for m := q.Getq(); m != nil; m = q.Getq() {
		if !m.Type().High() && !q.CanPutNext(m.Band()) {
			q.Putbq(m)
			return
		}
		q.PutNext(m)
	}
}

// testDomain returns a domain that runs when stepped.
func testDomain(t testing.TB, seed uint64) *Domain {
	t.Helper()
	return NewDomain(&Config{Arena: testArena(t), Stepper: NewStepper(seed)})
}

// testStream opens a stream with modules on it, the last one on top. It is closed at the
// test's end.
func testStream(t testing.TB, d *Domain, driver, head *Module, modules ...*Module) *Stream {
	t.Helper()
	s, err := d.Open(driver, head, OpenInfo{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background(), 0); err != nil {
			t.Error(err)
		}
	})
	for _, m := range modules {
		push1(t, s, m)
	}
	return s
}

func plumb(t testing.TB, s *Stream) *Plumbing {
	t.Helper()
	p, err := s.Plumb(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func push1(t testing.TB, s *Stream, m *Module) {
	t.Helper()
	p := plumb(t, s)
	defer p.Release()
	if err := p.Push(m, OpenInfo{}); err != nil {
		t.Fatal(err)
	}
}

// settle steps until nothing is left.
func settle(t testing.TB, d *Domain) {
	t.Helper()
	if steps, idle := d.stepper.Run(10000); !idle {
		t.Fatalf("still work after %d steps", steps)
	}
}

// contents shows the messages of a queue, in order, each with its band.
func contents(q *Queue) []string {
	got := []string{}
	for m := q.First(); m != nil; m = q.After(m) {
		s := show(m)
		if m.Band() != 0 {
			s = string('0'+rune(m.Band())) + s
		}
		got = append(got, s)
	}
	return got
}
