// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// A call that is given up frees the way for the next one, and what the driver answers late
// is dropped.
func TestGivenUpCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := connect(t, keep)
		_, err := r.h.Str(t.Context(), &head.Str{Command: cmd, Wait: time.Second})
		wantErr(t, err, streams.ETIME)
		late := <-r.seen
		done := make(chan int, 1)
		go func() {
			rval, err := r.h.Str(t.Context(), &head.Str{Command: cmd})
			r.must(err)
			done <- rval
		}()
		next := <-r.seen
		port, err := r.driver.Port()
		r.must(err)
		freed := 0
		r.must(late.CopyIn(state{&freed}, 1, 0x10))
		r.must(port.Put(nil, late)) // it belongs to nothing: the module is told
		back := <-r.seen
		if resp, ok := back.CopyResponse(); !ok || resp.Error != streams.EPERM {
			t.Errorf("the late request came back as %v, %v", back.Type(), resp.Error)
		}
		back.Free()
		r.must(next.Ack(0, 5))
		r.must(port.Put(nil, next))
		if rval := <-done; rval != 5 || freed != 1 {
			t.Errorf("the next call returned %d; released %d times", rval, freed)
		}
	})
}

// The client dies between two rounds: its session's stream is closed, and the module lets
// go of what it kept.
func TestClientDiesBetweenRounds(t *testing.T) {
	freed := 0
	r := connect(t, func(r *rig, q *streams.Queue, m *streams.Block) {
		if resp, ok := m.CopyResponse(); ok && resp.Error != 0 {
			m.Free()
			return
		}
		r.must(m.CopyIn(state{&freed}, 4, 0x10))
		q.Reply(m)
	})
	req, err := ioctl.Request{ID: 1, Command: cmd, Transparent: true, Arg: 0x10}.AppendBinary(nil)
	r.must(err)
	a := userclient.Args{Selector: userclient.SelIoctl, InBytes: req, OutBytes: make([]byte, userclient.MaxInline)}
	r.must(r.end.Call(t.Context(), &a))
	var n ioctl.Next
	r.must(n.UnmarshalBinary(a.OutBytes[:a.NOutBytes]))
	if n.Kind != ioctl.NeedIn || freed != 0 {
		t.Fatalf("%+v, released %d times", n, freed)
	}
	r.end.Close()
	if freed != 1 {
		t.Errorf("released %d times", freed)
	}
	if err := r.end.Call(t.Context(), &a); err != nil {
		if !errors.Is(err, ioreturn.ErrGone) {
			t.Error(err)
		}
	}
}

// A stuck client does not delay another session of the same driver (C7).
func TestStuckClientDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := connect(t, keep)
		other := connect(t, echo)
		done := make(chan error, 1)
		go func() {
			_, err := stuck.h.Str(t.Context(), &head.Str{Command: cmd, Wait: head.Forever})
			done <- err
		}()
		synctest.Wait()
		begin := time.Now()
		_, err := other.h.Str(t.Context(), &head.Str{Command: cmd})
		if err != nil || time.Since(begin) != 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		stuck.must(stuck.h.Close(t.Context()))
		wantErr(t, <-done, streams.ENXIO)
	})
}
