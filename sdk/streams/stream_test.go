// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestValidate(t *testing.T) {
	for name, m := range map[string]*Module{
		"nil": nil, "no name": {}, "long name": {Name: "ninechars"}, "zero byte": {Name: "a\x00b"},
		"negative mark": {Name: "a", Read: Procedures{HighWater: -1}},
		"negative size": {Name: "a", Write: Procedures{MinPacket: -1}},
		"negative mux":  {Name: "a", Mux: &Mux{Read: Procedures{LowWater: -1}}},
	} {
		if m.Validate() == nil {
			t.Errorf("%s is valid", name)
		}
	}
	if err := (&Module{Name: "eightchr", Read: Procedures{MaxPacket: Unlimited}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestOpenPushPop(t *testing.T) {
	var calls []string
	traced := func(name string, fail error) *Module {
		return &Module{
			Name: name,
			Open: func(q *Queue, o OpenInfo) error {
				calls = append(calls, fmt.Sprintf("open %s %t %v", q.Module().Name, o.Push, o.Credential))
				q.SetPrivate(name)
				return fail
			},
			Close: func(q *Queue) {
				calls = append(calls, fmt.Sprintf("close %v", q.Partner().Private()))
			},
		}
	}
	d := testDomain(t, 1)
	if _, err := d.Open(traced("bad", EIO), traced("head", nil), OpenInfo{}); !errors.Is(err, EIO) {
		t.Errorf("driver fails: %v", err)
	}
	if _, err := d.Open(traced("driver", nil), traced("head", EIO), OpenInfo{}); !errors.Is(err, EIO) {
		t.Errorf("head fails: %v", err)
	}
	if _, err := d.Open(nil, pass("head"), OpenInfo{}); !errors.Is(err, EINVAL) {
		t.Errorf("no driver: %v", err)
	}
	s, err := d.Open(traced("driver", nil), traced("head", nil), OpenInfo{Push: true})
	if err != nil {
		t.Fatal(err)
	}
	p := plumb(t, s)
	info := OpenInfo{Credential: "me"}
	if err := errors.Join(p.Push(traced("a", nil), info), p.Push(traced("b", nil), info)); err != nil {
		t.Fatal(err)
	}
	if err := p.Push(traced("c", EBUSY), info); !errors.Is(err, EBUSY) {
		t.Errorf("the module fails: %v", err)
	}
	if err := p.Push(&Module{}, info); !errors.Is(err, EINVAL) {
		t.Errorf("no name: %v", err)
	}
	if got := s.Names(); !slices.Equal(got, []string{"b", "a", "driver"}) || !s.Find("a") || s.Find("head") {
		t.Errorf("names %q", got)
	}
	if err := p.Pop(); err != nil || !slices.Equal(s.Names(), []string{"a", "driver"}) {
		t.Errorf("pop: %v, names %q", err, s.Names())
	}
	p.Release()
	p.Release()
	if p.Push(traced("x", nil), info) == nil || p.Pop() == nil {
		t.Error("plumbing works after its release")
	}
	if err := errors.Join(s.Close(t.Context(), 0), s.Close(t.Context(), 0)); err != nil {
		t.Error(err)
	}
	want := []string{
		"open bad false <nil>", "open driver false <nil>", "open head false <nil>", "close driver",
		"open driver false <nil>", "open head false <nil>",
		"open a true me", "open b true me", "open c true me", "close b", "close a", "close driver", "close head",
	}
	if !slices.Equal(calls, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(calls, "\n"), strings.Join(want, "\n"))
	}
	m := build(t, d.Arena(), "D:x")
	defer m.Free()
	if err := s.Put(m); !errors.Is(err, ENXIO) {
		t.Errorf("put after close: %v", err)
	}
	if err := s.Do(func(*Queue) { t.Error("called after close") }); !errors.Is(err, ENXIO) {
		t.Errorf("do after close: %v", err)
	}
	if _, err := s.Plumb(t.Context()); !errors.Is(err, ENXIO) {
		t.Errorf("plumb after close: %v", err)
	}
}

func TestPushLimit(t *testing.T) {
	d := NewDomain(&Config{Arena: testArena(t), PushLimit: 2})
	s := testStream(t, d, echo(), head(new([]string)), pass("a"), pass("b"))
	p := plumb(t, s)
	defer p.Release()
	if err := p.Push(pass("c"), OpenInfo{}); !errors.Is(err, EINVAL) {
		t.Errorf("push beyond the limit: %v", err)
	}
	if err := errors.Join(p.Pop(), p.Pop()); err != nil {
		t.Error(err)
	}
	if err := p.Pop(); !errors.Is(err, EINVAL) {
		t.Errorf("pop of nothing: %v", err)
	}
}

// A change of the stack does not leave one waiting who found a queue full: neither when a
// module comes between the two, nor when the full one goes.
func TestPushAndPopWakeWaiters(t *testing.T) {
	for _, side := range []string{"write", "read"} {
		d := testDomain(t, 1)
		served := 0
		stuck := Procedures{Put: (*Queue).Putq, Service: func(*Queue) {}, HighWater: 1}
		waiter := Procedures{Service: func(*Queue) { served++ }}
		driver, top := &Module{Name: "driver"}, &Module{Name: "head"}
		full := &Module{Name: "full", Read: stuck, Write: stuck}
		if side == "write" {
			top.Write = waiter
		} else {
			driver.Read = waiter
		}
		s := testStream(t, d, driver, top, full)
		block := func() { // somebody waits, and has been served before
			s.Do(func(h *Queue) {
				q := h.Partner()
				if side == "read" {
					q = s.driver.write.Partner()
				}
				if q.CanPutNext(0) {
					q.PutNext(build(t, d.Arena(), "D:x"))
				}
				if q.CanPutNext(0) {
					t.Error("there is room")
				}
			})
			settle(t, d)
			served = 0
		}
		if side == "write" { // new modules come just below the head
			block()
			push1(t, s, shaper("new", 0, 0))
			if settle(t, d); served != 1 {
				t.Errorf("%s: served %d times after a push", side, served)
			}
			p := plumb(t, s)
			p.Pop()
			p.Release()
		}
		block()
		p := plumb(t, s)
		p.Pop()
		p.Release()
		if settle(t, d); served != 1 {
			t.Errorf("%s: served %d times after the pop", side, served)
		}
	}
}

func TestPlumbWaits(t *testing.T) {
	s := testStream(t, testDomain(t, 1), echo(), head(new([]string)))
	p := plumb(t, s)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := s.Plumb(ctx); !errors.Is(err, cause) {
		t.Errorf("second plumber: %v", err)
	}
	p.Release()
	plumb(t, s).Release()
}

func TestPutRefuses(t *testing.T) {
	d := testDomain(t, 1)
	s := testStream(t, d, echo(), head(new([]string)))
	foreign := build(t, testArena(t), "D:x")
	defer foreign.Free()
	freed := build(t, d.Arena(), "D:x")
	freed.Free()
	for name, m := range map[string]*Block{"nil": nil, "foreign": foreign, "freed": freed} {
		if err := s.Put(m); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A module that gets no memory in its service procedure puts the message back and goes on
// when there is some.
func TestBufcallRecovery(t *testing.T) {
	arena := clean(t, NewArena(&ArenaConfig{MaxBlocks: 3, NoReuse: true}))
	d := NewDomain(&Config{Arena: arena, Stepper: NewStepper(1)})
	waits := 0
	copier := &Module{Name: "copier", Write: Procedures{Put: (*Queue).Putq, Service: func(q *Queue) {
		for m := q.Getq(); m != nil; m = q.Getq() {
			c, err := m.Copy()
			if err != nil {
				q.Putbq(m)
				waits++
				if _, err := q.Bufcall(1, q.Enable); err != nil {
					t.Error(err)
				}
				return
			}
			m.Free()
			q.PutNext(c)
		}
	}}}
	var got []string
	s := testStream(t, d, echo(), head(&got), copier)
	held := []*Block{build(t, arena, "D:x"), build(t, arena, "D:y")}
	s.Put(build(t, arena, "D:abc"))
	settle(t, d)
	if waits != 1 || len(got) != 0 {
		t.Fatalf("waited %d times, got %q", waits, got)
	}
	held[0].Free()
	settle(t, d)
	if !slices.Equal(got, []string{"D:abc"}) {
		t.Errorf("got %q", got)
	}
	held[1].Free()
}

// Callbacks end with their module.
func TestCallbacksAreCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arena := clean(t, NewArena(&ArenaConfig{MaxBlocks: 1}))
		d := NewDomain(&Config{Arena: arena})
		ran := []string{}
		m := &Module{Name: "m", Open: func(q *Queue, _ OpenInfo) error {
			for name, after := range map[string]time.Duration{"soon": time.Second, "late": time.Hour} {
				if _, err := q.Timeout(after, func() { ran = append(ran, name) }); err != nil {
					return err
				}
			}
			cancelled, err := q.Timeout(time.Millisecond, func() { ran = append(ran, "cancelled") })
			if err != nil || !cancelled.Cancel() || cancelled.Cancel() {
				t.Error("want one cancel to succeed")
			}
			_, err = q.Bufcall(1, func() { ran = append(ran, "bufcall") })
			return err
		}}
		hold := build(t, arena, "D:x")
		s := testStream(t, d, echo(), head(new([]string)), m)
		time.Sleep(time.Minute) //nolint:forbidigo // the clock is a fake
		s.Close(t.Context(), 0)
		hold.Free()
		time.Sleep(2 * time.Hour) //nolint:forbidigo // the clock is a fake
		if !slices.Equal(ran, []string{"soon"}) {
			t.Errorf("ran %q", ran)
		}
	})
}

// Close waits for each write queue to drain, as long as it was told.
func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDomain(&Config{Arena: testArena(t)})
		slow := func(name string, after time.Duration) *Module {
			return &Module{Name: name, Write: Procedures{Put: func(q *Queue, m *Block) {
				q.Putq(m)
				q.Timeout(after, func() { q.PutNext(q.Getq()) })
			}, Service: func(*Queue) {}}}
		}
		for _, tc := range []struct {
			after, drain, want time.Duration
			arrives            bool
		}{
			{2 * time.Second, 15 * time.Second, 2 * time.Second, true},
			{20 * time.Second, 15 * time.Second, 15 * time.Second, false},
			{2 * time.Second, 0, 0, false},
		} {
			var got []string
			s := testStream(t, d, echo(), head(&got), slow("slow", tc.after))
			s.Put(build(t, d.Arena(), "D:x"))
			start := time.Now()
			if err := s.Close(t.Context(), tc.drain); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != tc.want || (len(got) == 1) != tc.arrives {
				t.Errorf("%+v: took %v, got %q", tc, took, got)
			}
		}
	})
}

// Whatever modules and orders: what is put arrives once, in order in each band, and
// nothing is left.
func TestRandomStacks(t *testing.T) {
	for seed := range uint64(60) {
		lot := rand.New(rand.NewPCG(seed, 1))
		d := testDomain(t, seed)
		var modules []*Module
		for i := range lot.IntN(6) {
			name := fmt.Sprint("m", i)
			if lot.IntN(3) == 0 {
				modules = append(modules, pass(name))
			} else {
				modules = append(modules, shaper(name, 1+lot.IntN(20), lot.IntN(10)))
			}
		}
		var got []string
		top := shaper("head", 1+lot.IntN(9), lot.IntN(5))
		top.Read.Service = func(q *Queue) {
			for m := q.Getq(); m != nil; m = q.Getq() {
				got = append(got, fmt.Sprint(m.Band(), show(m)))
				m.Free()
			}
		}
		driver := shaper("echo", 1+lot.IntN(9), lot.IntN(5))
		driver.Write.Service = func(q *Queue) {
			for m := q.Getq(); m != nil; m = q.Getq() {
				if !q.Partner().CanPutNext(m.Band()) {
					q.Putbq(m)
					// Room above the driver enables its read queue, which has nothing to do.
					return
				}
				q.Reply(m)
			}
		}
		driver.Read.Service = func(q *Queue) { q.Partner().Enable() }
		s := testStream(t, d, driver, top, modules...)
		var want []string
		for i := range 100 {
			m := build(t, d.Arena(), fmt.Sprint("D:", i))
			m.SetBand(uint8(lot.IntN(3)))
			want = append(want, fmt.Sprint(m.Band(), show(m)))
			s.Put(m)
			d.stepper.Run(lot.IntN(4))
		}
		settle(t, d)
		byBand := func(a, b string) int { return int(a[0]) - int(b[0]) }
		slices.SortStableFunc(want, byBand)
		slices.SortStableFunc(got, byBand)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d of %d messages, or out of order:\n%q", seed, len(got), len(want), got)
		}
	}
}
