// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestC25ImmediateReopen(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{Buffers: 2, DataSize: 64}, nil)
	for i := range 1000 {
		conn, err := inproc.Connect(t.Context(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := iostream.Open(t.Context(), conn, nil)
		if err != nil {
			t.Fatalf("open %d: %v", i, err)
		}
		if err := s.Close(); err != nil {
			t.Fatalf("close %d: %v", i, err)
		}
		if err := s.Close(); err != nil {
			t.Fatalf("close %d again: %v", i, err)
		}
	}
}

func TestC25ExclusivityIsTakenAtOpen(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	first, second := dial(t, d), dial(t, d)
	s, err := iostream.Open(t.Context(), second, nil)
	if err != nil {
		t.Fatalf("a client that has only connected keeps others out: %v", err)
	}
	defer s.Close()
	_, err = iostream.Open(t.Context(), first, nil)
	wantIs(t, err, ioreturn.ErrBusy)
}

func TestC26SharedOpenIsRefused(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{Classic: true}, nil)
	err := dial(t, d).Call(t.Context(), &iostream.Args{Selector: userclient.SelOpen, In: []uint64{uint64(userclient.OpenShared)}})
	wantIs(t, err, ioreturn.ErrUnsupported)
	if d.State() != userclient.StateClosed {
		t.Errorf("the state is %v", d.State())
	}
}

func TestC26SecondClientIsToldWhoHasIt(t *testing.T) {
	d, _ := pair(t, iostream.DriverConfig{}, nil, nil)
	_, err := iostream.Open(t.Context(), dial(t, d), nil)
	wantIs(t, err, ioreturn.ErrBusy)
	for _, want := range []string{fmt.Sprintf("PID %d", os.Getpid()), "iostream.test", "test/dev/stream"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if p, ok := d.Client(); !ok || p.PID != os.Getpid() {
		t.Errorf("the driver says %+v, %v", p, ok)
	}
}

// TestC27DriverLoopAcrossClients is the loop of the README: it knows nothing of clients.
func TestC27DriverLoopAcrossClients(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.Block, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			ctx, cancel := context.WithCancel(bounded(t))
			d := newDriver(t, iostream.DriverConfig{Buffers: 3, DataSize: 64, Policy: policy}, nil)
			done := make(chan error, 1)
			go func() {
				for i := 0; ; i++ {
					b, err := d.Take(ctx)
					if err != nil {
						done <- err
						return
					}
					if err := d.Post(b, copy(b.Data(), fmt.Sprint(i))); err != nil {
						done <- err
						return
					}
				}
			}()
			for client := range 100 {
				s := connect(t, d, nil)
				start(t, s)
				for range client % 4 {
					release(t, next(t, s))
				}
				if client%7 == 0 {
					s.Conn().Close() // without a word to the stream above it
				}
				s.Close()
			}
			cancel()
			wantIs(t, <-done, context.Canceled)
		})
	}
}

func TestC27PostAfterTheSession(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 2}, nil, nil)
	old := take(t, d)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = connect(t, d, nil)
	start(t, s)
	fresh := take(t, d)
	copy(fresh.Data(), "fresh")
	// One batch with buffers of both clients: each goes its own way.
	if err := d.PostBatch([]*iostream.Buffer{old, fresh}, []iostream.Posting{{Length: 3}, {Length: 5}}); err != nil {
		t.Fatal(err)
	}
	f := next(t, s)
	if string(f.Data()) != "fresh" || f.Seq() != 0 {
		t.Errorf("%q, number %d", f.Data(), f.Seq())
	}
	nothing(t, s)
	wantLost(t, d, nil) // the new client has lost nothing
}

func TestC27SessionEndedIsCounted(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 4}, nil, nil)
	post(t, d, "read")
	bs := []*iostream.Buffer{take(t, d), take(t, d)}
	if err := s.Suspend(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if err := d.Post(bs[0], 1); err != nil { // waits in the backlog
		t.Fatal(err)
	}
	s.Close()
	if err := d.Post(bs[1], 1); err != nil {
		t.Fatal(err)
	}
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossSessionEnded: 2})
}

// TestHandlersHearOfEveryEnd compares the callbacks of a client that closes with those
// of one that is gone.
func TestHandlersHearOfEveryEnd(t *testing.T) {
	for name, end := range map[string]func(s *iostream.Stream){
		"close":   func(s *iostream.Stream) { s.Close() },
		"hang up": func(s *iostream.Stream) { s.Conn().(userclient.Resources).Hangup(nil) },
	} {
		for _, suspended := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, suspended: %v", name, suspended), func(t *testing.T) {
				ctx := bounded(t)
				h := &door{}
				d, s := running(t, iostream.DriverConfig{}, h, nil)
				want := []string{"open", "start", "stop", "close"}
				if suspended {
					if err := s.Suspend(ctx); err != nil {
						t.Fatal(err)
					}
					want = []string{"open", "start", "suspend", "stop", "close"}
				}
				end(s)
				if err := d.WaitIdle(ctx); err != nil {
					t.Fatal(err)
				}
				if got := h.calls(); !slices.Equal(got, want) {
					t.Errorf("callbacks %v, want %v", got, want)
				}
			})
		}
	}
}

func TestHandlerRefusesAClient(t *testing.T) {
	h := &door{open: func(p iostream.Peer) error {
		if p.PID != os.Getpid() {
			t.Errorf("the client is %+v", p)
		}
		return ioreturn.NotPermitted
	}}
	d := newDriver(t, iostream.DriverConfig{}, h)
	l := &ledger{Provider: d}
	_, err := iostream.Open(t.Context(), dial(t, l), nil)
	wantIs(t, err, ioreturn.ErrPermission)
	if l.count() != 0 {
		t.Errorf("%d arenas are left", l.count())
	}
	h.open = nil
	connect(t, l, nil)
	if got := h.calls(); !slices.Equal(got, []string{"open", "open"}) {
		t.Errorf("callbacks %v: a client that was refused is not closed", got)
	}
}

func TestStatsOutliveTheSession(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	if (d.Stats().Posted) != 0 {
		t.Error("posted before anything was")
	}
	post(t, d, "x")
	s.Close()
	if d.Stats().Posted != 1 {
		t.Error("the counters went with the client")
	}
	if _, err := iostream.Open(t.Context(), dial(t, d), &iostream.Config{Layout: userclient.LayoutClassic}); err == nil {
		t.Fatal("opened")
	}
	if d.Stats().Posted != 1 {
		t.Error("the counters went with an open that failed")
	}
}
