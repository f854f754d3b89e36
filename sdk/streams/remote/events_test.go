// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// joined is a session whose events come as they happen, and what its driver has.
type joined struct {
	*remote.Session
	driver *streams.Queue
	kept   chan *streams.Block
	t      *testing.T

	mu     sync.Mutex
	events []userclient.Event
}

func join(t *testing.T, early func(q *streams.Queue)) *joined {
	j := &joined{t: t, kept: make(chan *streams.Block, 4)}
	end, err := remote.NewEnd(&remote.Plane{Driver: &streams.Module{
		Name: "driver",
		Open: func(q *streams.Queue, _ streams.OpenInfo) error {
			j.driver = q
			if early != nil {
				early(q)
			}
			return nil
		},
		Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
			if m.Type() == streams.MIoctl {
				j.kept <- m
				return
			}
			q.PassOn(m)
		}},
	}}, userclient.Peer{})
	if err != nil {
		t.Fatal(err)
	}
	if j.Session, err = remote.Open(end, nil); err != nil {
		t.Fatal(err)
	}
	end.TellBy(func(e userclient.Event) {
		j.mu.Lock()
		j.events = append(j.events, e)
		j.mu.Unlock()
		j.Deliver(e)
	})
	t.Cleanup(func() {
		if err := j.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		end.Close()
		for len(j.kept) > 0 {
			(<-j.kept).Free()
		}
	})
	return j
}

// up lets the driver say something by itself.
func (j *joined) up(typ streams.Type, bytes ...byte) {
	j.t.Helper()
	port, err := j.driver.Port()
	if err != nil {
		j.t.Fatal(err)
	}
	m, err := j.driver.Arena().From(typ, bytes)
	if err != nil {
		j.t.Fatal(err)
	}
	if err := port.Put(nil, m); err != nil {
		j.t.Fatal(err)
	}
}

// C22: what the driver's stack says by itself is known to the client when it happens, not
// with its next command.
func TestC22EventsOfTheStack(t *testing.T) {
	const unchanged = streams.ErrorUnchanged
	for name, c := range map[string]struct {
		typ   streams.Type
		body  []byte
		event userclient.Event
		read  streams.Errno // of a command that needs the read side only
		str   streams.Errno // of I_STR
		tell  streams.Events
	}{
		"M_ERROR of one byte": {
			streams.MError, []byte{byte(streams.EIO)},
			userclient.Event{Kind: userclient.EventStreamError, Value: 5 | 5<<8}, streams.EIO, streams.EIO, streams.EventError,
		},
		"M_ERROR of the write side": {
			streams.MError, []byte{unchanged, byte(streams.ENOSR)},
			userclient.Event{Kind: userclient.EventStreamError, Value: 255 | uint64(streams.ENOSR)<<8}, 0, streams.ENOSR, streams.EventError,
		},
		"M_HANGUP": {
			streams.MHangup, nil,
			userclient.Event{Kind: userclient.EventStreamHangup, Value: 1}, 0, streams.ENXIO, streams.EventHangup,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := join(t, nil)
				told := make(chan head.Notice, 4)
				if err := j.SetSig(c.tell, func(n head.Notice) { told <- n }); err != nil {
					t.Fatal(err)
				}
				waits := make(chan error)
				go func() {
					_, err := j.Str(t.Context(), &head.Str{Command: cmd, Wait: head.Forever})
					waits <- err
				}()
				m := <-j.kept
				j.up(c.typ, c.body...)
				wantErr(t, <-waits, c.str)
				m.Free()
				synctest.Wait()
				if !slices.Equal(j.events, []userclient.Event{c.event}) {
					t.Errorf("the events are %+v", j.events)
				}
				if n := <-told; n.Events != c.tell {
					t.Errorf("told of %v", n.Events)
				}
				// The state is the client's own: no command reaches the driver.
				_, err := j.Str(t.Context(), &head.Str{Command: cmd})
				wantErr(t, err, c.str)
				if _, _, err := j.NRead(); c.read != 0 || err != nil {
					wantErr(t, err, c.read)
				}
				if len(j.kept) != 0 {
					t.Error("a command of a stream in error has reached the driver")
				}
				// And it is back when the driver says so.
				if c.typ == streams.MHangup {
					j.up(streams.MUnhangup)
				} else {
					j.up(streams.MError, 0, 0)
				}
				synctest.Wait() // a flush may be in the stream
				go func() {
					_, err := j.Str(t.Context(), &head.Str{Command: cmd, Wait: head.Forever})
					waits <- err
				}()
				m = <-j.kept
				if err := m.Ack(0, 0); err != nil {
					t.Fatal(err)
				}
				port, err := j.driver.Port()
				if err != nil {
					t.Fatal(err)
				}
				if err := port.Put(nil, m); err != nil {
					t.Fatal(err)
				}
				if err := <-waits; err != nil {
					t.Errorf("after it was over: %v", err)
				}
			})
		})
	}
}

func TestC22Signals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := join(t, nil)
		told := make(chan head.Notice, 4)
		if err := j.SetSig(streams.EventSignal, func(n head.Notice) { told <- n }); err != nil {
			t.Fatal(err)
		}
		j.up(streams.MPCSig, 7)
		j.up(streams.MSig, 8)
		for _, want := range []uint8{7, 8} {
			if n := <-told; n.Signal != want {
				t.Errorf("signal %d, want %d", n.Signal, want)
			}
		}
	})
}

// What a stack says before anybody can hear it is told when somebody can.
func TestC22EventsOfTheBeginning(t *testing.T) {
	j := join(t, func(q *streams.Queue) {
		if err := q.PutNextCtl(streams.MError, byte(streams.EIO), 0); err != nil {
			t.Error(err)
		}
		if err := q.PutNextCtl(streams.MHangup); err != nil {
			t.Error(err)
		}
	})
	if len(j.events) != 2 || j.events[0].Value != 5 || j.events[1].Kind != userclient.EventStreamHangup {
		t.Errorf("the events are %+v", j.events)
	}
	_, err := j.Str(t.Context(), &head.Str{Command: cmd})
	wantErr(t, err, streams.EIO)
}

// A driver that makes events up harms its own client's head only: the errnos are those of
// the table, and what means nothing changes nothing.
func TestC22EventsThatMakeNoSense(t *testing.T) {
	j := join(t, nil)
	for _, e := range []userclient.Event{
		{}, {Kind: userclient.EventStreamSignal}, {Kind: userclient.EventStreamSignal, Value: 1 << 40},
		{Kind: userclient.EventStreamError, Value: 0xffff}, {Kind: userclient.EventStreamHangup, Value: 0},
		{Kind: userclient.EventVendor + 1, Value: 1}, {Kind: userclient.EventControlChanged, Text: "gain"},
	} {
		j.Deliver(e)
	}
	done := make(chan error)
	go func() {
		_, err := j.Str(t.Context(), &head.Str{Command: cmd, Wait: head.Forever})
		done <- err
	}()
	(<-j.kept).Free()
	j.Deliver(userclient.Event{Kind: userclient.EventGone, Text: "bye"})
	wantErr(t, <-done, streams.ENXIO)
}
