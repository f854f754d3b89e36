// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// muxDriver returns a multiplexer: what comes down goes to the lower stream whose number
// the band has, and what comes up from there goes up, with that band.
func muxDriver() *Module {
	links := make(map[uint8]*Port) // tests run one goroutine
	var upper *Port
	return &Module{
		Name: "mux",
		Open: func(q *Queue, _ OpenInfo) (err error) {
			upper, err = q.Port()
			return err
		},
		Write: Procedures{Put: func(q *Queue, m *Block) {
			if l, ok := m.Value().(*Link); ok { // the test's way to tell of a link
				links[uint8(l.ID())] = l.Lower()
				m.Free()
				return
			}
			to := links[m.Band()]
			if m.Type() != MData || to == nil || to.Put(q, m) != nil {
				q.PassOn(m)
			}
		}},
		Mux: &Mux{Read: Procedures{Put: func(q *Queue, m *Block) {
			m.SetBand(uint8(q.Link().ID()))
			if upper.Put(q, m) != nil {
				m.Free()
			}
		}}},
	}
}

// linked links lower below upper and tells the driver.
func linked(t *testing.T, upper, lower *Stream, persistent bool) *Link {
	t.Helper()
	p := plumb(t, upper)
	defer p.Release()
	l, err := p.Link(lower, persistent)
	if err != nil {
		t.Fatal(err)
	}
	m := build(t, upper.Arena(), "C:link")
	m.SetValue(l)
	upper.Put(m)
	p.Commit(l)
	t.Cleanup(func() { // so that the streams can be closed in any order
		s := upper
		if persistent {
			s, _ = upper.domain.Open(upper.driver.module, head(new([]string)), OpenInfo{})
			defer s.Close(context.Background(), 0)
		}
		if p, err := s.Plumb(context.Background()); err == nil {
			p.Unlink(l)
			p.Release()
		}
	})
	return l
}

func TestLink(t *testing.T) {
	d := testDomain(t, 1)
	var up, aside []string
	upper := testStream(t, d, muxDriver(), &Module{Name: "head", Read: Procedures{Put: func(_ *Queue, m *Block) {
		up = append(up, fmt.Sprint(m.Band(), show(m)))
		m.Free()
	}}}, pass("m"))
	one, two := testStream(t, d, echo(), head(&aside), shaper("s", 4, 2)), testStream(t, d, echo(), head(&aside))
	l1, l2 := linked(t, upper, one, false), linked(t, upper, two, false)
	if l1.ID() != 1 || l2.ID() != 2 || l1.Persistent() || l1.Upper() == nil || l1.Value() != nil {
		t.Errorf("links %d and %d", l1.ID(), l2.ID())
	}
	l1.SetValue("mine")
	if l1.Value() != "mine" {
		t.Errorf("value %v", l1.Value())
	}
	for band, text := range []string{0: "D:lost", 1: "D:one", 2: "D:two"} {
		m := build(t, d.Arena(), text)
		m.SetBand(uint8(band))
		upper.Put(m)
	}
	settle(t, d)
	slices.Sort(up)
	if want := []string{"1D:one", "2D:two"}; !slices.Equal(up, want) || aside != nil {
		t.Errorf("the upper head got %q, the lower ones %q", up, aside)
	}

	// A linked stream can't be used or changed, and its names are as before.
	m := build(t, d.Arena(), "D:x")
	if err := one.Put(m); !errors.Is(err, EINVAL) {
		t.Errorf("put: %v", err)
	}
	m.Free()
	p := plumb(t, one)
	if err := p.Push(pass("x"), OpenInfo{}); !errors.Is(err, EINVAL) {
		t.Errorf("push: %v", err)
	}
	if err := p.Pop(); !errors.Is(err, EINVAL) {
		t.Errorf("pop: %v", err)
	}
	p.Release()
	if err := one.Close(t.Context(), 0); !errors.Is(err, EBUSY) {
		t.Errorf("close: %v", err)
	}
	if got := one.Names(); !slices.Equal(got, []string{"s", "echo"}) {
		t.Errorf("names %q", got)
	}

	p = plumb(t, upper)
	if got := p.Links(false); !slices.Equal(got, []*Link{l1, l2}) || p.Links(true) != nil {
		t.Errorf("links %v", got)
	}
	if err := p.Unlink(l1); err != nil {
		t.Error(err)
	}
	for _, l := range []*Link{l1, nil, {}} {
		if err := p.Unlink(l); !errors.Is(err, EINVAL) {
			t.Errorf("unlink of what is no link: %v", err)
		}
	}
	p.Release()
	one.Put(build(t, d.Arena(), "D:own"))
	m = build(t, d.Arena(), "D:gone")
	if err := l1.Lower().Put(nil, m); !errors.Is(err, ENXIO) {
		t.Errorf("put to a link that is gone: %v", err)
	}
	m.Free()
	settle(t, d)
	if !slices.Equal(aside, []string{"D:own"}) {
		t.Errorf("the lower head got %q", aside)
	}
	// Closing the upper stream unlinks the rest.
	upper.Close(t.Context(), 0)
	two.Put(build(t, d.Arena(), "D:again"))
	settle(t, d)
	if !slices.Equal(aside, []string{"D:own", "D:again"}) {
		t.Errorf("the lower heads got %q", aside)
	}
}

// D56: while a link is being made, what comes up waits; the multiplexer may send down. A
// refused link leaves the lower stream and its head as they were, queue included, and what
// waited arrives there.
func TestD56LinkRefused(t *testing.T) {
	for _, commit := range []bool{false, true} {
		d := testDomain(t, 1)
		var up []string
		var port *Port
		var down []string
		driver := device(&port)
		driver.Write.Put = func(_ *Queue, m *Block) { down = append(down, show(m)); m.Free() }
		upper := testStream(t, d, muxDriver(), head(&up))
		lower := testStream(t, d, driver, &Module{Name: "head", Read: Procedures{Put: (*Queue).Putq}})
		port.Put(nil, build(t, d.Arena(), "D:before"))
		p := plumb(t, upper)
		l, err := p.Link(lower, false)
		if err != nil {
			t.Fatal(err)
		}
		port.Put(nil, build(t, d.Arena(), "D:during"))
		port.Put(nil, build(t, d.Arena(), "H:urgent"))
		l.Lower().Put(nil, build(t, d.Arena(), "D:down"))
		settle(t, d)
		if up != nil || !slices.Equal(down, []string{"D:down"}) {
			t.Errorf("while it is made: up came %q, down went %q", up, down)
		}
		if _, err := p.Link(lower, false); !errors.Is(err, EINVAL) {
			t.Errorf("linked twice: %v", err)
		}
		want := []string{"H:urgent", "D:before", "D:during"}
		if commit {
			p.Commit(l)
			want = []string{"D:before"}
		} else {
			p.Abort(l)
		}
		settle(t, d)
		lower.Do(func(h *Queue) {
			if got := contents(h); !slices.Equal(got, want) {
				t.Errorf("commit %t: the lower head has %q, want %q", commit, got, want)
			}
		})
		if commit != slices.Equal(up, []string{"H:urgent", "D:during"}) {
			t.Errorf("commit %t: up came %q", commit, up)
		}
		if !commit {
			m := build(t, d.Arena(), "D:own")
			if err := lower.Put(m); err != nil || len(down) != 2 {
				t.Errorf("put after the link was refused: %v, down went %q", err, down)
			}
			push1(t, lower, pass("m"))
		}
		p.Unlink(l)
		p.Release()
	}
}

// D57: no circle, also not over more than one driver.
func TestD57Cycle(t *testing.T) {
	d := testDomain(t, 1)
	drivers := []*Module{muxDriver(), muxDriver(), muxDriver()}
	open := func(i int) *Stream { return testStream(t, d, drivers[i], head(new([]string))) }
	refused := func(upper, lower *Stream) {
		t.Helper()
		p := plumb(t, upper)
		defer p.Release()
		if _, err := p.Link(lower, false); !errors.Is(err, EINVAL) {
			t.Errorf("linked in a circle: %v", err)
		}
	}
	a := open(0)
	refused(a, open(0))
	b := open(1)
	refused(b, b)
	l := linked(t, a, b, false)
	refused(open(1), open(0))
	linked(t, open(1), open(2), true)
	refused(open(2), open(0))
	refused(b, open(2)) // b is below a
	p := plumb(t, a)
	p.Unlink(l)
	p.Release()
	linked(t, open(2), open(0), false)
	refused(a, open(1))
	p = plumb(t, open(1)) // any stream of the driver can undo a persistent link
	for _, l := range p.Links(true) {
		if err := p.Unlink(l); err != nil {
			t.Error(err)
		}
	}
	p.Release()
}

func TestLinkRefuses(t *testing.T) {
	d := testDomain(t, 1)
	upper, plain := testStream(t, d, muxDriver(), head(new([]string))), testStream(t, d, echo(), head(new([]string)))
	closed := testStream(t, d, echo(), head(new([]string)))
	closed.Close(t.Context(), 0)
	held := testStream(t, d, echo(), head(new([]string)))
	h := plumb(t, held)
	p := plumb(t, upper)
	other := testStream(t, testDomain(t, 1), echo(), head(new([]string)))
	for name, lower := range map[string]*Stream{
		"nil": nil, "itself": upper, "of another domain": other, "closed": closed, "having its stack changed": held,
	} {
		if _, err := p.Link(lower, false); !errors.Is(err, EINVAL) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.Release()
	h.Release()
	p = plumb(t, plain)
	if _, err := p.Link(held, false); !errors.Is(err, EINVAL) {
		t.Errorf("below no multiplexer: %v", err)
	}
	p.Release()
}

// Whoever waits for room around the top of a stream is enabled when the top changes: the
// head, for what filled up before it was put aside, and a module, for the multiplexer's
// queue that is gone.
func TestUnlinkWakesWaiters(t *testing.T) {
	d := testDomain(t, 1)
	stuck := Procedures{Put: (*Queue).Putq, Service: func(*Queue) {}, HighWater: 1}
	mux := &Module{Name: "mux", Mux: &Mux{Read: stuck}}
	served := map[string]int{}
	waiter := func(name string) Procedures {
		return Procedures{Service: func(*Queue) { served[name]++ }}
	}
	upper := testStream(t, d, mux, head(new([]string)))
	lower := testStream(t, d, pass("driver"), &Module{Name: "head", Write: waiter("head")},
		&Module{Name: "full", Write: stuck}, &Module{Name: "reader", Read: waiter("reader")})
	fill := func(q *Queue) {
		t.Helper()
		q.PutNext(build(t, d.Arena(), "D:x"))
		if q.CanPutNext(0) {
			t.Error("there is room")
		}
	}
	lower.Do(func(h *Queue) { fill(h.Partner()) })
	p := plumb(t, upper)
	defer p.Release()
	l, err := p.Link(lower, false)
	if err != nil {
		t.Fatal(err)
	}
	p.Commit(l)
	lower.Do(func(*Queue) { fill(lower.top.write.next.Partner()) })
	settle(t, d)
	clear(served)
	if err := p.Unlink(l); err != nil {
		t.Fatal(err)
	}
	if settle(t, d); served["head"] != 1 || served["reader"] != 1 {
		t.Errorf("served %v, want each once", served)
	}
}

// A persistent link stays when the stream that made it closes.
func TestPersistentLink(t *testing.T) {
	d := testDomain(t, 1)
	driver := muxDriver()
	var up []string
	first := testStream(t, d, driver, head(new([]string)))
	lower := testStream(t, d, echo(), head(new([]string)))
	l := linked(t, first, lower, true)
	first.Close(t.Context(), 0)
	if l.Upper() != nil || lower.Close(t.Context(), 0) == nil {
		t.Error("the link went with the stream that made it")
	}
	second := testStream(t, d, driver, head(&up))
	m := build(t, d.Arena(), "D:x")
	m.SetBand(1)
	second.Put(m)
	settle(t, d)
	if !slices.Equal(up, []string{"D:x"}) {
		t.Errorf("got %q", up)
	}
	p := plumb(t, second)
	defer p.Release()
	if got := p.Links(true); !slices.Equal(got, []*Link{l}) {
		t.Errorf("links %v", got)
	}
	if err := p.Unlink(l); err != nil || p.Links(true) != nil {
		t.Errorf("unlink: %v", err)
	}
}
