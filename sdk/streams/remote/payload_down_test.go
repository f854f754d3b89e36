// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// send sends texts, each in a frame of its own.
func (f *flow) send(texts ...string) {
	f.t.Helper()
	for _, text := range texts {
		fr, err := f.s.Next(f.ctx())
		f.must(err)
		f.must(fr.Send(copy(fr.Region(), text)))
	}
}

// got fails unless the driver's next buffer says so. It posts it again.
func (f *flow) got(want string) {
	f.t.Helper()
	b, err := f.d.Take(f.ctx())
	f.must(err)
	if string(b.Filled()) != want {
		f.t.Fatalf("the driver got %q, want %q", b.Filled(), want)
	}
	f.must(f.d.Post(b, len(b.Filled())))
}

// idle fails if the driver can take a buffer.
func (f *flow) idle() {
	f.t.Helper()
	if b, err := f.d.TryTake(); err == nil {
		f.t.Fatalf("the driver got %q, want nothing", b.Filled())
	}
}

func (f *flow) discarded(want uint64) {
	f.t.Helper()
	if st := f.d.Stats(); st.Discarded != want || st.TotalLost() != 0 {
		f.t.Errorf("%d entries were discarded, %v lost, want %d and none", st.Discarded, st.Lost, want)
	}
	f.balanced()
}

func TestPayloadDownInPlace(t *testing.T) {
	var seen []userclient.PayloadInfo
	cut := onDown("cut", func(q *streams.Queue, m *streams.Block) {
		seen = append(seen, m.Value().(userclient.Payload).Info())
		if m.Adjust(1) != nil {
			t.Error("the message is empty")
		}
		q.PassOn(m)
	})
	f := flowing(t, setup{driver: iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 2}, stack: []*streams.Module{cut, onDown("pass", pass)}})
	for range 3 {
		f.send("first", "second")
		f.got("irst")
		f.got("econd")
	}
	if len(seen) != 6 || seen[0].Seq != 0 || seen[5].Seq != 5 || !seen[0].Down || seen[0].Time == 0 {
		t.Errorf("the module saw %+v", seen)
	}
	if st := f.d.Stats(); st.Copies != 0 || st.Returned != 6 {
		t.Errorf("counted %+v", st)
	}
	f.discarded(0)
}

func TestPayloadDownThatAModuleDrops(t *testing.T) {
	n := 0
	odd := onDown("odd", func(q *streams.Queue, m *streams.Block) {
		if n++; n%2 == 0 {
			m.Free()
			return
		}
		q.PassOn(m)
	})
	f := flowing(t, setup{driver: iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 2}, stack: []*streams.Module{odd}})
	for i := range uint64(3) {
		f.send("a", "b")
		f.got("a")
		f.idle()
		fr, err := f.s.Next(f.ctx()) // that was dropped when the driver looked
		f.must(err)
		if fr.Flags() != iostream.FlagFlushed {
			t.Errorf("round %d: the buffer of what was dropped has flags %#x", i, fr.Flags())
		}
		f.must(fr.Release())
		f.got("")
	}
	f.must(f.s.Sync(f.ctx(), 0))
	f.discarded(3)
	fr, err := f.s.Next(f.ctx())
	f.must(err)
	f.must(fr.Release()) // an empty one passes no module
	f.got("")
	if n != 6 {
		t.Errorf("the module saw %d entries, want 6", n)
	}
}

func TestPayloadDownThatAModuleHolds(t *testing.T) {
	k := &keeper{}
	f := flowing(t, setup{driver: iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 2}, stack: []*streams.Module{k.module("keep")}})
	f.send("a", "b")
	f.idle()
	if fr, ok, err := f.s.TryNext(); ok || err != nil {
		t.Errorf("frame %d, %v, although the modules have every buffer", fr.BufferID(), err)
	}
	taken := make(chan error)
	go func() {
		b, err := f.d.Take(f.ctx())
		if err == nil {
			err = f.d.Post(b, 0)
		}
		taken <- err
	}()
	synced := make(chan error)
	go func() { synced <- f.s.Sync(f.ctx(), 0) }()
	k.letGo(t)
	f.must(<-taken)
	f.got("b")
	f.must(<-synced)
	f.send("c", "d")
	f.idle()
	f.must(f.s.Stop(f.ctx())) // what the client has sent before a stop comes after it
	f.must(f.s.Start(f.ctx()))
	f.idle()
	k.letGo(t)
	f.got("c")
	f.got("d")
	f.send("e")
	f.idle()
	f.discarded(0)
	f.must(f.s.Close())
	f.discarded(1)
}

func TestPayloadBothWays(t *testing.T) {
	down := 0
	third := onDown("third", func(q *streams.Queue, m *streams.Block) {
		if down++; down%3 == 0 {
			m.Free()
			return
		}
		q.PassOn(m)
	})
	f := flowing(t, setup{driver: iostream.DriverConfig{Direction: iostream.BothWays, Buffers: 1}, stack: []*streams.Module{third, onUp("up", pass)}})
	f.post("begin")
	f.read("begin", 0) // given back, without anything for the driver
	f.got("")
	for i := range uint64(3) {
		f.send("a")
		f.got([]string{"a", "a", ""}[i]) // a dropped one comes as one that was given back
	}
	f.discarded(1)
}

// What is on its way through modules at this moment makes no policy drop anything.
func TestPayloadBothWaysAndThePolicy(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.DropNewest, iostream.DropOldest, iostream.Fail} {
		t.Run(policy.String(), func(t *testing.T) {
			f := flowing(t, setup{
				driver: iostream.DriverConfig{Direction: iostream.BothWays, Buffers: 1, Policy: policy}, stack: []*streams.Module{onDown("pass", pass)},
			})
			f.post("begin")
			for i := range uint64(10) {
				fr, err := f.s.Next(f.ctx())
				f.must(err)
				if fr.Seq() != i {
					t.Fatalf("frame %d, want %d", fr.Seq(), i)
				}
				f.must(fr.Send(copy(fr.Region(), "round")))
				f.got("round")
			}
			f.discarded(0)
		})
	}
}

func TestPayloadDownAndChangeOfDirection(t *testing.T) {
	k := &keeper{}
	f := flowing(t, setup{
		driver: iostream.DriverConfig{Direction: iostream.ToDevice, Directions: []iostream.Direction{iostream.ToDevice, iostream.FromDevice}, Buffers: 2},
		stack:  []*streams.Module{k.module("keep")},
	})
	f.send("a")
	f.idle()
	f.must(f.s.Stop(f.ctx()))
	fr, ok, err := f.s.TryNext()
	if ok { // it was posted before the stop
		f.must(fr.Release())
	} else {
		t.Errorf("no frame is left: %v", err)
	}
	f.must(f.s.SetDirection(f.ctx(), iostream.FromDevice))
	f.must(f.s.Start(f.ctx()))
	f.post("up")
	k.letGo(t)
	f.read("up", 0)
	f.takeAll(2)
}

// input is a handler that is called for what came.
type input struct {
	d   *iostream.Driver
	got chan string
}

func (*input) Start(context.Context) error   { return nil }
func (*input) Stop(context.Context) error    { return nil }
func (*input) Suspend(context.Context) error { return nil }

func (h *input) Input(uint32) {
	for {
		b, err := h.d.TryTake()
		if err != nil {
			return
		}
		h.got <- string(b.Filled())
		_ = h.d.Post(b, 0) // an error would be seen as a missing frame
	}
}

func (h *input) InputSync(context.Context, uint32) error { h.Input(0); return nil }

func TestPayloadDownToAnInputHandler(t *testing.T) {
	k := &keeper{}
	h := &input{got: make(chan string, 8)}
	f := flowing(t, setup{
		driver:  iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 2},
		handler: h, stack: []*streams.Module{onDown("pass", pass)}, pushable: []*streams.Module{k.module("keep")}, unstarted: true,
	})
	h.d = f.d
	f.must(f.s.Start(f.ctx()))
	want := func(text string) {
		t.Helper()
		select {
		case got := <-h.got:
			if got != text {
				t.Errorf("the handler got %q, want %q", got, text)
			}
		case <-f.ctx().Done():
			t.Fatal("the handler was not called")
		}
	}
	f.send("a")
	f.must(f.s.Sync(f.ctx(), 0))
	want("a")
	f.send("b")
	f.must(f.s.Sync(f.ctx(), 0))
	want("b")
}

func TestPayloadDownToAnInputHandlerLater(t *testing.T) {
	k := &keeper{came: make(chan struct{}, 1)}
	h := &input{got: make(chan string, 8)}
	f := flowing(t, setup{
		driver:  iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 2},
		handler: h, stack: []*streams.Module{k.module("keep")}, unstarted: true,
	})
	h.d = f.d
	f.must(f.s.Start(f.ctx()))
	f.send("a")
	f.must(f.s.Sync(f.ctx(), 0)) // the handler was asked, and found nothing
	<-k.came
	k.letGo(t) // and is called for that
	select {
	case got := <-h.got:
		if got != "a" {
			t.Errorf("the handler got %q", got)
		}
	case <-f.ctx().Done():
		t.Fatal("the handler was not called")
	}
}
