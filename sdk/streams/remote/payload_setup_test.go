// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// flow is a stream with modules on it, and a client that runs it.
type flow struct {
	t     testing.TB
	arena *streams.Arena
	d     *iostream.Driver
	s     *iostream.Stream
}

// setup says what of a flow is not the default.
type setup struct {
	driver    iostream.DriverConfig
	handler   iostream.Handler
	arena     streams.ArenaConfig
	stack     []*streams.Module
	pushable  []*streams.Module
	commands  bool // the modules see no payload
	unstarted bool
}

// flowing opens a flow. At its end nothing may be left in the arena.
func flowing(t testing.TB, o setup) *flow {
	t.Helper()
	f := &flow{t: t, arena: streams.NewArena(&o.arena)}
	o.driver.Name = "test/dev/flow"
	if o.driver.DataSize == 0 {
		o.driver.DataSize = 64
	}
	o.driver.Control = &remote.Plane{
		Domain: streams.NewDomain(&streams.Config{Arena: f.arena}),
		Driver: &streams.Module{Name: "driver"}, Stack: o.stack, CommandsOnly: o.commands,
		Modules: func(name string, _ userclient.Peer) *streams.Module {
			for _, m := range o.pushable {
				if m.Name == name {
					return m
				}
			}
			return nil
		},
	}
	var err error
	if f.d, err = iostream.NewDriver(o.driver, o.handler); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.end)
	f.open()
	if !o.unstarted {
		f.must(f.s.Start(f.ctx()))
	}
	return f
}

func (f *flow) open() {
	f.t.Helper()
	conn, err := inproc.Connect(f.t.Context(), f.d, nil)
	f.must(err)
	f.s, err = iostream.Open(f.t.Context(), conn, nil)
	f.must(err)
}

func (f *flow) end() {
	if err := errors.Join(f.s.Close(), f.d.Close()); err != nil {
		f.t.Error(err)
	}
	<-f.d.Done()
	u := f.arena.Usage()
	if u.Failures = 0; u != (streams.Usage{}) {
		f.t.Errorf("leaked: %+v", u)
	}
}

func (f *flow) ctx() context.Context {
	f.t.Helper()
	ctx, cancel := context.WithTimeoutCause(f.t.Context(), 30*time.Second, errors.New("the test has taken too long"))
	f.t.Cleanup(cancel)
	return ctx
}

func (f *flow) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// post takes a buffer and posts text in it.
func (f *flow) post(texts ...string) {
	f.t.Helper()
	for _, text := range texts {
		b, err := f.d.Take(f.ctx())
		f.must(err)
		f.must(f.d.Post(b, copy(b.Data(), text)))
	}
}

// read fails unless the next frame says so and has that number.
func (f *flow) read(want string, seq uint64) {
	f.t.Helper()
	fr, err := f.s.Next(f.ctx())
	f.must(err)
	if string(fr.Data()) != want || fr.Seq() != seq {
		f.t.Fatalf("frame %d is %q, want %d, %q", fr.Seq(), fr.Data(), seq, want)
	}
	if gap := fr.Flags()&iostream.FlagDiscontinuity != 0; gap != (fr.Missed() > 0) {
		f.t.Fatalf("frame %d follows %d missed ones and has flags %#x", fr.Seq(), fr.Missed(), fr.Flags())
	}
	f.must(fr.Release())
}

// nothing fails if there is a frame.
func (f *flow) nothing() {
	f.t.Helper()
	if fr, ok, err := f.s.TryNext(); ok || err != nil {
		f.t.Fatalf("frame %q, %v, want nothing", fr.Data(), err)
	}
}

// lost fails unless exactly that was lost, and every number is accounted for.
func (f *flow) lost(want map[iostream.Cause]uint64) {
	f.t.Helper()
	st := f.d.Stats()
	for c := range st.Lost {
		if st.Lost[c] != want[iostream.Cause(c)] {
			f.t.Errorf("lost under %v: %d, want %d", iostream.Cause(c), st.Lost[c], want[iostream.Cause(c)])
		}
	}
	f.balanced()
}

func (f *flow) balanced() {
	f.t.Helper()
	st := f.d.Stats()
	given := uint64(0)
	if st.Numbered {
		given = st.LastSeq + 1
	}
	if given != st.Posted+st.TotalLost()+st.Backlogged {
		f.t.Fatalf("%d numbers were given; %d posted, lost %v, %d in the backlog", given, st.Posted, st.Lost, st.Backlogged)
	}
}

// takeAll fails unless the driver can take that many buffers now, and gives them back.
func (f *flow) takeAll(want int) {
	f.t.Helper()
	var bs []*iostream.Buffer
	for b, err := f.d.TryTake(); err == nil; b, err = f.d.TryTake() {
		bs = append(bs, b)
	}
	if len(bs) != want {
		f.t.Errorf("%d buffers are free, want %d", len(bs), want)
	}
	for _, b := range bs {
		f.must(f.d.Return(b))
	}
}

// onUp returns a module whose read side does fn with data, and onDown one whose write side
// does.
func onUp(name string, fn func(q *streams.Queue, m *streams.Block)) *streams.Module {
	return &streams.Module{Name: name, Read: streams.Procedures{Put: data(fn)}}
}

func onDown(name string, fn func(q *streams.Queue, m *streams.Block)) *streams.Module {
	return &streams.Module{Name: name, Write: streams.Procedures{Put: data(fn)}}
}

func data(fn func(q *streams.Queue, m *streams.Block)) func(q *streams.Queue, m *streams.Block) {
	return func(q *streams.Queue, m *streams.Block) {
		if m.Type() != streams.MData {
			q.PassOn(m)
			return
		}
		fn(q, m)
	}
}

// keeper is a module that keeps data until it is told to let it go, and ignores flushes. A
// queue of its own, of which it empties nothing, makes it one that does not.
type keeper struct {
	q    *streams.Queue
	kept []*streams.Block
	deaf bool
	came chan struct{} // not nil: has a token for each that it keeps
}

func (k *keeper) module(name string) *streams.Module {
	put := data(func(q *streams.Queue, m *streams.Block) {
		if k.deaf {
			k.kept = append(k.kept, m)
		} else {
			q.Putq(m)
		}
		if k.came != nil {
			k.came <- struct{}{}
		}
	})
	service := func(*streams.Queue) {}
	return &streams.Module{
		Name: name,
		Open: func(q *streams.Queue, _ streams.OpenInfo) error { k.q = q; return nil },
		Close: func(*streams.Queue) {
			for _, m := range k.kept {
				m.Free()
			}
			k.kept = nil
		},
		Read:  streams.Procedures{Put: put, Service: service},
		Write: streams.Procedures{Put: put, Service: service},
	}
}

// inside calls fn inside the stream.
func (k *keeper) inside(t testing.TB, fn func()) {
	t.Helper()
	if err := k.q.Stream().Do(func(*streams.Queue) { fn() }); err != nil {
		t.Fatal(err)
	}
}

// letGo passes everything on that a keeper has.
func (k *keeper) letGo(t testing.TB) {
	t.Helper()
	k.inside(t, func() {
		for _, m := range k.kept {
			k.q.PutNext(m)
		}
		k.kept = nil
		for _, q := range []*streams.Queue{k.q, k.q.Partner()} {
			for m := q.Getq(); m != nil; m = q.Getq() {
				q.PutNext(m)
			}
		}
	})
}
