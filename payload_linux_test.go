// SPDX-License-Identifier: Apache-2.0

package iostreamkit_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// modulesDriver makes a driver whose streams have a module that drops every third entry and
// shortens the others by their last byte. Clients may push one that holds four entries; with
// holds it is there from the start.
func modulesDriver(a *streams.Arena, holds bool) (*iostream.Driver, error) {
	drop := &streams.Module{Name: "drop", Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		p, ok := m.Value().(userclient.Payload)
		if ok && (p.Info().Seq%3 == 2 || m.Adjust(-1) != nil) {
			m.Free()
			return
		}
		q.PassOn(m)
	}}}
	hold := &streams.Module{Name: "hold", Read: streams.Procedures{
		Put: func(q *streams.Queue, m *streams.Block) {
			if m.Type() != streams.MData {
				q.PassOn(m)
				return
			}
			q.Putq(m)
			n := 0
			for m := q.First(); m != nil; m = q.After(m) {
				n++
			}
			if n > 4 {
				q.PutNext(q.Getq())
			}
		},
		Service: func(*streams.Queue) {}, // what is here waits for the next entry
	}}
	stack := []*streams.Module{drop}
	if holds {
		stack = append(stack, hold)
	}
	return iostream.NewDriver(iostream.DriverConfig{Name: streamName, Buffers: 8, DataSize: bufferSize, Control: &remote.Plane{
		Domain: streams.NewDomain(&streams.Config{Arena: a}),
		Driver: &streams.Module{Name: "counter"}, Stack: stack,
		Modules: func(name string, _ userclient.Peer) *streams.Module {
			if name == hold.Name {
				return hold
			}
			return nil
		},
	}}, nil)
}

// count posts frames with their numbers until ctx ends.
func count(ctx context.Context, d *iostream.Driver) error {
	for {
		b, err := d.Take(ctx)
		if err != nil {
			return err
		}
		if err := d.Post(b, 9+copy(b.Data()[9:], "payload")); err != nil {
			return err
		}
	}
}

func modulesProcess() error {
	d, err := modulesDriver(nil, false)
	if err != nil {
		return err
	}
	return iostreamkit.Serve(untilStdinCloses(), d, func(ctx context.Context) error { return count(ctx, d) })
}

// TestPayloadPassesModulesOfAnotherProcess reads what the modules in a driver's process have
// left of a stream, and pushes another one while it runs.
func TestPayloadPassesModulesOfAnotherProcess(t *testing.T) {
	ctx := setup(t)
	startRole(t, "driver with modules")
	s := openStarted(t, ctx)
	seen, missed := uint64(0), uint64(0)
	read := func(n int) {
		t.Helper()
		for range n {
			f, err := s.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if f.Seq()%3 == 2 || len(f.Data()) != 15 || string(f.Data()[9:]) != "payloa" {
				t.Fatalf("frame %d is %q", f.Seq(), f.Data())
			}
			seen++
			missed += f.Missed()
			if err := f.Release(); err != nil {
				t.Fatal(err)
			}
		}
	}
	read(1000)
	if err := remote.Push(ctx, s.Conn(), "hold"); err != nil {
		t.Fatal(err)
	}
	read(1000)
	if err := remote.Pop(ctx, s.Conn()); err != nil {
		t.Fatal(err)
	}
	read(1000)
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for {
		f, ok, err := s.TryNext()
		if !ok || err != nil {
			break
		}
		seen++
		missed += f.Missed()
		if err := f.Release(); err != nil {
			t.Fatal(err)
		}
	}
	o, err := iostreamkit.Observe(ctx, streamName)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	seenBy, err := o.Observe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	st := seenBy.Stats
	given := st.LastSeq + 1
	others := st.TotalLost() - st.Lost[userclient.LossModule] - st.Lost[userclient.LossStopped] - st.Lost[userclient.LossSessionEnded]
	if st.Posted != seen || seen+st.TotalLost() != given || st.Lost[userclient.LossModule] < missed/2 || others != 0 || st.Copies != 0 {
		t.Errorf("of %d entries %d were seen and %d missed; the driver counts %+v", given, seen, missed, st)
	}
}

// TestClientDiesWhileModulesHold kills clients that read through modules of a driver in this
// process, where nothing may be left.
func TestClientDiesWhileModulesHold(t *testing.T) {
	ctx := setup(t)
	a := streams.NewArena(nil)
	d, err := modulesDriver(a, true)
	if err != nil {
		t.Fatal(err)
	}
	serve, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- iostreamkit.Serve(serve, d, func(ctx context.Context) error { return count(ctx, d) })
	}()
	for e, err := range iostreamkit.Watch(ctx, streamName) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != iostreamkit.StreamRemoved {
			break
		}
	}
	for range cycles(20) {
		kill(t, process(t, "client"))
		if err := d.WaitIdle(ctx); err != nil {
			t.Fatal(err)
		}
		st := d.Stats()
		if st.LastSeq+1 != st.Posted+st.TotalLost() || st.Lost[userclient.LossModule] == 0 || st.Lost[userclient.LossSessionEnded] < 4 {
			t.Fatalf("counted %+v", st)
		}
	}
	cancel()
	<-served
	<-d.Done()
	if u := a.Usage(); u != (streams.Usage{}) {
		t.Errorf("leaked %+v", u)
	}
}

// sinkProcess takes what comes, through a module that drops every second entry.
func sinkProcess() error {
	drop := &streams.Module{Name: "drop", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if p, ok := m.Value().(userclient.Payload); ok && p.Info().Seq%2 == 1 {
			m.Free()
			return
		}
		q.PassOn(m)
	}}}
	d, err := iostream.NewDriver(iostream.DriverConfig{
		Name: streamName, Buffers: 4, DataSize: bufferSize, Direction: iostream.ToDevice,
		Control: &remote.Plane{Driver: &streams.Module{Name: "sink"}, Stack: []*streams.Module{drop}},
	}, nil)
	if err != nil {
		return err
	}
	return iostreamkit.Serve(untilStdinCloses(), d, func(ctx context.Context) error {
		for {
			b, err := d.Take(ctx)
			if err != nil {
				return err
			}
			if b.Flags()&iostream.FlagFlushed == 0 && (b.Seq()%2 != 0 || string(b.Filled()) != "payload") {
				return fmt.Errorf("entry %d is %q", b.Seq(), b.Filled())
			}
			if err := d.Post(b, 0); err != nil {
				return err
			}
		}
	})
}

// TestPayloadPassesModulesDownToAnotherProcess sends to a driver whose module drops half.
func TestPayloadPassesModulesDownToAnotherProcess(t *testing.T) {
	const entries = 1000
	ctx := setup(t)
	startRole(t, "sink with modules")
	s := openStarted(t, ctx)
	flushed := uint64(0)
	for range entries {
		f, err := s.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if f.Flags() == iostream.FlagFlushed {
			flushed++
		}
		if err := f.Send(copy(f.Region(), "payload")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sync(ctx, 0); err != nil {
		t.Fatal(err)
	}
	st, err := s.DriverStats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if st.Returned != entries || st.Discarded != entries/2 || st.TotalLost() != 0 || st.Copies != 0 {
		t.Errorf("the driver counts %+v", st)
	}
	if flushed > st.Discarded || flushed+4 < st.Discarded {
		t.Errorf("%d buffers came back as dropped, %d were", flushed, st.Discarded)
	}
}
