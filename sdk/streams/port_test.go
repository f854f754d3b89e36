// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
)

// device returns a driver whose port at its read queue is stored in port.
func device(port **Port) *Module {
	return &Module{Name: "device", Open: func(q *Queue, _ OpenInfo) (err error) {
		*port, err = q.Port()
		return err
	}}
}

func TestPortRefuses(t *testing.T) {
	d := testDomain(t, 1)
	var port *Port
	s := testStream(t, d, device(&port), head(new([]string)), pass("m"))
	s.Do(func(h *Queue) {
		for name, q := range map[string]*Queue{
			"head": h, "head, write": h.Partner(), "module": h.Partner().next, "module, read": h.Partner().next.Partner(),
			"driver, write": h.Partner().next.next,
		} {
			if _, err := q.Port(); !errors.Is(err, EINVAL) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if again, err := h.Partner().next.next.Partner().Port(); again != port || err != nil {
			t.Errorf("the port changed, or %v", err)
		}
	})
	for name, m := range map[string]*Block{"nil": nil, "foreign": build(t, testArena(t), "D:x")} {
		if err := port.Put(nil, m); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
		m.Free()
	}
	s.Close(t.Context(), 0)
	m := build(t, d.Arena(), "D:x")
	if err := port.Put(nil, m); !errors.Is(err, ENXIO) {
		t.Errorf("closed: %v", err)
	}
	m.Free()
	if !port.CanPut(nil, 0) {
		t.Error("a closed port makes its user wait for ever")
	}
}

// What the stream has no room for waits at the port, in the order of classes, and the port
// is full by then.
func TestPortHoldsBack(t *testing.T) {
	d := testDomain(t, 1)
	var port *Port
	var got []string
	driver := device(&port)
	driver.Read.HighWater, driver.Read.LowWater = 3, 2
	s := testStream(t, d, driver, head(&got), &Module{Name: "full", Read: Procedures{
		Put: (*Queue).Putq, Service: func(*Queue) {}, HighWater: 2, LowWater: 1,
	}})
	var full *Queue
	s.Do(func(h *Queue) { full = h.Partner().next.Partner() })
	for i := range 5 {
		if !port.CanPut(nil, 0) {
			t.Errorf("message %d: no room", i)
		}
		if err := port.Put(nil, build(t, d.Arena(), fmt.Sprint("D:", i))); err != nil {
			t.Fatal(err)
		}
	}
	if port.CanPut(nil, 0) || !port.CanPut(nil, 1) {
		t.Error("want the port full in band 0, and only there")
	}
	port.Put(nil, build(t, d.Arena(), "H:h"))
	if got := contents(full); !slices.Equal(got, []string{"H:h", "D:0", "D:1"}) {
		t.Errorf("the module has %q", got)
	}
	for i := range 6 {
		s.Do(func(*Queue) { full.PutNext(full.Getq()) })
		settle(t, d)
		if can := port.CanPut(nil, 0); can != (i >= 2) {
			t.Errorf("%d messages gone on: room %t", i+1, can)
		}
	}
	if want := []string{"H:h", "D:0", "D:1", "D:2", "D:3", "D:4"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Who waits for room at a port is enabled when the port is gone.
func TestPortClosesUnderItsUser(t *testing.T) {
	d := testDomain(t, 1)
	var port *Port
	driver := device(&port)
	driver.Read.HighWater = 1
	s, err := d.Open(driver, head(new([]string)), OpenInfo{})
	if err != nil {
		t.Fatal(err)
	}
	push1(t, s, &Module{Name: "full", Read: Procedures{Put: (*Queue).Putq, Service: func(*Queue) {}, HighWater: 1}})
	var user *Queue
	served := 0
	waits := testStream(t, d, echo(), head(new([]string)), &Module{Name: "user", Write: Procedures{Service: func(*Queue) { served++ }}})
	waits.Do(func(h *Queue) { user = h.Partner().next })
	settle(t, d)
	for port.CanPut(nil, 0) {
		port.Put(nil, build(t, d.Arena(), "D:x"))
	}
	waits.Do(func(*Queue) {
		for range 2 {
			if port.CanPut(user, 0) {
				t.Error("there is room")
			}
		}
	})
	settle(t, d)
	served = 0
	s.Close(t.Context(), 0)
	if settle(t, d); served != 1 {
		t.Errorf("the user was served %d times", served)
	}
}

func pipe(t testing.TB, d *Domain, top *Module) (a, b *Stream) {
	t.Helper()
	a, b, err := d.Pipe(top, OpenInfo{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close(context.Background(), 0)
		b.Close(context.Background(), 0)
	})
	return a, b
}

func TestPipe(t *testing.T) {
	d := testDomain(t, 1)
	var got []string
	top := &Module{Name: "head", Read: Procedures{Put: func(q *Queue, m *Block) {
		got = append(got, fmt.Sprint(q.Stream().number, show(m)))
		m.Free()
	}}}
	a, b := pipe(t, d, top)
	if a.Peer() != b || b.Peer() != a || !a.Find("pipe") {
		t.Error("the ends don't know each other")
	}
	a.Put(build(t, d.Arena(), "D:there"))
	b.Put(build(t, d.Arena(), "H:back"))
	for _, flags := range []FlushFlags{FlushR, FlushW, FlushRW, FlushR | FlushBand} {
		m, _ := d.Arena().From(MFlush, []byte{byte(flags), 9})
		a.Put(m)
	}
	shared, _ := d.Arena().From(MFlush, []byte{byte(FlushR)})
	dup, _ := shared.Dup()
	a.Put(dup)
	settle(t, d)
	slices.Sort(got)
	want := []string{"1H:back", "2D:there", "2F:\x01\x09", "2F:\x02", "2F:\x02\x09", "2F:\x03\x09", "2F:\x06\x09"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if f, _ := shared.FlushRequest(); f != FlushR {
		t.Errorf("the shared flush became %v", f)
	}
	shared.Free()
	got = nil
	if err := a.Close(t.Context(), 0); err != nil {
		t.Error(err)
	}
	b.Put(build(t, d.Arena(), "D:too late"))
	settle(t, d)
	if want := []string{"2X:"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want a hangup", got)
	}
}

// Flow control works through a pipe: what is sent as long as there is room arrives
// complete and in order, and the sender had to wait.
func TestPipeFlowControl(t *testing.T) {
	for seed := range uint64(30) {
		lot := rand.New(rand.NewPCG(seed, 2))
		d := testDomain(t, seed)
		got := map[uint64][]string{}
		next, waits := map[uint64]int{}, 0
		const count = 200
		top := shaper("head", 8, 4)
		top.Write.Service = func(q *Queue) { // the writer
			n := q.Stream().number
			for ; next[n] < count; next[n]++ {
				if !q.CanPutNext(0) {
					waits++
					return
				}
				q.PutNext(build(t, d.Arena(), fmt.Sprint("D:", next[n])))
			}
		}
		top.Read.Service = func(q *Queue) { // a reader that takes its time
			if m := q.Getq(); m != nil {
				got[q.Stream().number] = append(got[q.Stream().number], string(m.Bytes()))
				m.Free()
				q.Enable()
			}
		}
		a, b := pipe(t, d, top)
		for _, s := range []*Stream{a, b} {
			s.Do(func(*Queue) {
				s.driver.write.SetField(QHiWat, 0, 1+lot.IntN(20))
				s.driver.write.SetField(QLoWat, 0, lot.IntN(10))
				for _, q := range []*Queue{&s.driver.read.port.books, &s.driver.read.port.held} {
					q.base.high, q.base.low = 1+lot.IntN(20), lot.IntN(10)
				}
			})
		}
		for i := range lot.IntN(4) {
			push1(t, []*Stream{a, b}[lot.IntN(2)], shaper(fmt.Sprint("m", i), 1+lot.IntN(12), lot.IntN(6)))
		}
		for _, s := range []*Stream{a, b} {
			s.Do(func(h *Queue) { h.Partner().Enable() })
		}
		if steps, idle := d.stepper.Run(100000); !idle {
			t.Fatalf("seed %d: still work after %d steps", seed, steps)
		}
		for n, msgs := range got {
			for i, m := range msgs {
				if m != fmt.Sprint(i) {
					t.Fatalf("seed %d: stream %d: message %d is %q", seed, n, i, m)
				}
			}
		}
		if len(got[1]) != count || len(got[2]) != count || waits == 0 {
			t.Errorf("seed %d: %d and %d of %d messages, %d waits", seed, len(got[1]), len(got[2]), count, waits)
		}
	}
}

// The same with goroutines: two ends that write as fast as they may.
func TestPipeRace(t *testing.T) {
	leak.Check(t)
	const count = 2000
	d := NewDomain(&Config{Arena: testArena(t), Budget: 5})
	var all sync.WaitGroup
	all.Add(2)
	room := map[bool]chan struct{}{}
	top := &Module{
		Name: "head",
		Open: func(q *Queue, _ OpenInfo) error { q.SetPrivate(new(int)); return nil },
		Read: Procedures{Put: (*Queue).Putq, Service: func(q *Queue) {
			for m := q.Getq(); m != nil; m = q.Getq() {
				n := q.Private().(*int)
				if *n++; *n == count {
					all.Done()
				}
				m.Free()
			}
		}, HighWater: 10, LowWater: 5},
		Write: Procedures{Service: func(q *Queue) {
			if q.BackEnabled(0) {
				select {
				case room[q.Stream().number == 1] <- struct{}{}:
				default:
				}
			}
		}},
	}
	room[true], room[false] = make(chan struct{}, 1), make(chan struct{}, 1)
	a, b := pipe(t, d, top)
	for _, s := range []*Stream{a, b} {
		all.Go(func() {
			for range count {
				for !s.CanPut(0) {
					<-room[s == a]
				}
				m, err := d.Arena().From(MData, []byte("x"))
				if err == nil {
					err = s.Put(m)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	a.Close(t.Context(), 0)
	b.Close(t.Context(), 0)
}

// Wherever memory is short when a pipe is made, nothing is left.
func TestPipeWithoutMemory(t *testing.T) {
	for fail := uint64(1); ; fail++ {
		a := clean(t, NewArena(&ArenaConfig{NoReuse: true, Fault: func(n uint64, _ int) bool { return n == fail }}))
		x, y, err := NewDomain(&Config{Arena: a}).Pipe(head(new([]string)), OpenInfo{})
		if err == nil {
			x.Close(t.Context(), 0)
			y.Close(t.Context(), 0)
			if fail != 3 {
				t.Errorf("a pipe takes %d allocations", fail-1)
			}
			break
		}
		if !errors.Is(err, ENOSR) {
			t.Errorf("failure %d: %v", fail, err)
		}
	}
	for opens := range 2 {
		failing := &Module{Name: "head", Open: func(*Queue, OpenInfo) error {
			if opens--; opens < 0 {
				return EIO
			}
			return nil
		}}
		if _, _, err := NewDomain(&Config{Arena: testArena(t)}).Pipe(failing, OpenInfo{}); !errors.Is(err, EIO) {
			t.Errorf("head fails: %v", err)
		}
	}
}
