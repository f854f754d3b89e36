// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"os"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// look connects an observer.
func look(t *testing.T, d *iostream.Driver) *iostream.Observer {
	t.Helper()
	conn, err := inproc.Connect(t.Context(), d, &inproc.Config{Observe: true})
	if err != nil {
		t.Fatal(err)
	}
	o, err := iostream.NewObserver(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func TestC34Observer(t *testing.T) {
	ctx := bounded(t)
	d := newDriver(t, iostream.DriverConfig{Buffers: 3}, nil)
	o := look(t, d)
	ob, err := o.Observe(ctx)
	if err != nil || ob.State != userclient.StateClosed || ob.OwnerPID != -1 || ob.OwnerUID != -1 || ob.Opened != 0 {
		t.Errorf("without a client: %+v, %v", ob, err)
	}
	s := connect(t, d, nil) // an observer keeps nobody out
	start(t, s)
	post(t, d, "x")
	ob, err = o.Observe(ctx)
	if err != nil || ob.State != userclient.StateRunning || ob.OwnerPID != os.Getpid() || ob.OwnerUID != os.Getuid() ||
		ob.Owner == "" || ob.Opened == 0 || ob.Stats.Posted != 1 {
		t.Errorf("with a client: %+v, %v", ob, err)
	}
	desc, err := o.Describe(ctx)
	if err != nil || desc.Name != "test/dev/stream" || desc.Buffers.Count != 3 || desc.MaxClients != 1 {
		t.Errorf("the description is %+v, %v", desc, err)
	}
	if o.Peer().PID != os.Getpid() {
		t.Errorf("the driver is %+v", o.Peer())
	}
	s.Close()
	if ob, err = o.Observe(ctx); err != nil || ob.State != userclient.StateClosed || ob.Stats.Posted != 1 {
		t.Errorf("after the client: %+v, %v: its counters stay", ob, err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	<-o.Done()
	_, err = o.Observe(ctx)
	wantIs(t, err, ioreturn.ErrClosed)
}

func TestC34ObserverSeesEvents(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	o := look(t, d)
	s := connect(t, d, nil)
	start(t, s)
	d.Halt(nil)
	s.Close()
	wantStates(t, o, userclient.StateOpen, userclient.StateRunning, userclient.StateOpen, userclient.StateClosed)
	d.Close()
	for {
		if _, _, err := o.NextEvents(bounded(t)); err != nil {
			wantIs(t, err, ioreturn.ErrGone)
			return
		}
	}
}

// TestC34ObserverSeesAClientDie hangs a client up that has not closed the stream, as
// its death does.
func TestC34ObserverSeesAClientDie(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	o := look(t, d)
	s := connect(t, d, nil)
	s.Conn().(userclient.Resources).Hangup(ioreturn.ErrGone)
	wantStates(t, o, userclient.StateOpen, userclient.StateClosed)
	if _, ok := d.Client(); ok {
		t.Error("it is closed and a client still has it open")
	}
}

// wantStates waits for changes of state, in this order.
func wantStates(t *testing.T, o *iostream.Observer, want ...iostream.State) {
	t.Helper()
	for len(want) > 0 {
		events, missed, err := o.NextEvents(bounded(t))
		if err != nil || missed != 0 {
			t.Fatal(err, missed)
		}
		for _, e := range events {
			if e.Kind != userclient.EventStateChanged {
				continue
			}
			if len(want) == 0 || iostream.State(e.Value) != want[0] {
				t.Fatalf("the state became %v, want %v", iostream.State(e.Value), want)
			}
			want = want[1:]
		}
	}
}

func TestC34ObserverMayOnlyLook(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Direction: iostream.BothWays}, nil, nil)
	conn, err := inproc.Connect(t.Context(), d, &inproc.Config{Observe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range userclient.SelExtLast + 8 {
		sel := i
		if i > userclient.SelExtLast {
			sel = userclient.SelVendorBase + i%8
		}
		a := iostream.Args{Selector: sel, In: []uint64{0}, Out: make([]uint64, 16), OutBytes: make([]byte, 1024)}
		err := conn.Call(t.Context(), &a)
		switch sel {
		case userclient.SelDescribe, userclient.SelStats, userclient.SelEvents, userclient.SelCorrelate,
			userclient.SelGetFormat, userclient.SelObserve, userclient.SelGetMode, userclient.SelGetBufferCount:
			if err != nil {
				t.Errorf("selector %#x: %v", sel, err)
			}
		default:
			if err == nil {
				t.Errorf("an observer could call selector %#x", sel)
			}
		}
	}
	_, err = conn.Map(t.Context(), userclient.MemDriverArena)
	if err == nil {
		t.Error("an observer could map memory")
	}
	if d.State() != userclient.StateRunning {
		t.Errorf("the state is %v", d.State())
	}
	post(t, d, "x")
	wantText(t, read(t, s), "x")
}

func TestC34ObserversAreBounded(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	n := int(d.Describe().MaxObservers)
	for range n {
		look(t, d)
	}
	_, err := inproc.Connect(t.Context(), d, &inproc.Config{Observe: true})
	wantIs(t, err, ioreturn.ErrNoMemory)
	connect(t, d, nil) // they leave room for a client
}

func TestObserverOfAClassicDriver(t *testing.T) {
	k := &kext{absent: ioreturn.Unsupported, buffers: 1, mode: userclient.ModeOutput, role: 1}
	o, err := iostream.NewObserver(t.Context(), dial(t, k))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	_, _, err = o.NextEvents(t.Context())
	wantIs(t, err, ioreturn.ErrUnsupported)
	_, err = o.Observe(t.Context())
	wantIs(t, err, ioreturn.ErrUnsupported)
}

func TestObserverThatFailsHangsUp(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	conn := &counting{Conn: dial(t, d), refuse: map[uint32]error{userclient.SelDescribe: ioreturn.IOError}}
	_, err := iostream.NewObserver(context.Background(), conn)
	wantIs(t, err, ioreturn.ErrIO)
	<-conn.Done()
}
