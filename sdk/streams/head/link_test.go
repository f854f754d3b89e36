// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// The cases of links: D35, D56 and D57 of the STREAMS case list.

// mux is a multiplexer whose driver answers links as a test says.
type mux struct {
	answer streams.Errno
	asked  []streams.Command
	held   []*streams.Block
}

func (x *mux) module(name string) *streams.Module {
	return &streams.Module{
		Name: name, Mux: &streams.Mux{},
		Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
			c, ok := m.Ioctl()
			switch _, links := m.Next().Value().(head.LinkRequest); {
			case !ok || m.Type() != streams.MIoctl:
				q.PassOn(m)
			case !links:
				x.held = append(x.held, m) // never answered
			default:
				x.asked = append(x.asked, c.Cmd)
				if x.answer != 0 {
					_ = q.ReplyNak(m, x.answer)
					return
				}
				_ = q.ReplyAck(m, 0, 0)
			}
		}},
	}
}

func openIn(t *testing.T, d *streams.Domain, m *streams.Module) *head.Head {
	t.Helper()
	h, err := head.Open(d, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func TestD56D57Links(t *testing.T) {
	d := streams.NewDomain(nil)
	x, y := &mux{}, &mux{}
	upper, other := openIn(t, d, x.module("mux")), openIn(t, d, y.module("mux2"))
	lower := openIn(t, d, &streams.Module{Name: "lower"})

	x.answer = streams.EBUSY
	_, err := upper.Link(lower, false)
	wantErr(t, err, streams.EBUSY)
	if _, err := lower.Str(t.Context(), &head.Str{Command: cmdOne}); err == nil || lower.Stream().Linked() {
		t.Errorf("after a refused link the lower stream: %v, linked %v", err, lower.Stream().Linked())
	}

	x.answer = 0
	id, err := upper.Link(lower, false)
	if err != nil || id <= 0 {
		t.Fatal(id, err)
	}
	_, err = lower.Str(t.Context(), &head.Str{Command: cmdOne})
	wantErr(t, err, streams.EINVAL)
	_, err = upper.Link(lower, false)
	wantErr(t, err, streams.EINVAL)
	_, err = upper.Link(upper, false)
	wantErr(t, err, streams.EINVAL)
	_, err = lower.Link(upper, false) // no multiplexer
	wantErr(t, err, streams.EINVAL)

	if _, err := upper.Link(other, false); err != nil {
		t.Fatal(err)
	}
	_, err = other.Link(upper, false)
	wantErr(t, err, streams.EINVAL)

	wantErr(t, upper.Unlink(0, false), streams.EINVAL)
	wantErr(t, upper.Unlink(id+100, false), streams.EINVAL)
	wantErr(t, upper.Unlink(id, true), streams.EINVAL)
	x.answer = streams.EIO
	wantErr(t, upper.Unlink(id, false), streams.EIO)
	if !lower.Stream().Linked() {
		t.Error("the driver refused, and the link is gone")
	}
	x.answer = 0
	if err := upper.Unlink(int(streams.MuxAll), false); err != nil {
		t.Error(err)
	}
	if err := upper.Unlink(int(streams.MuxAll), false); err != nil {
		t.Errorf("none are left: %v", err)
	}
	if lower.Stream().Linked() || other.Stream().Linked() {
		t.Error("a link is left")
	}
}

// A link can't be told to wait: after 15 s the ioctl that holds the stream gives way.
func TestD35LinkBehindAStuckIoctl(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := streams.NewDomain(nil)
		x := &mux{}
		lower := openIn(t, d, &streams.Module{Name: "lower"})
		upper := openIn(t, d, x.module("mux"))
		stuck := make(chan error, 1)
		go func() {
			_, err := upper.Str(t.Context(), &head.Str{Command: cmdOne, Wait: head.Forever, Data: []byte("x")})
			stuck <- err
		}()
		after(time.Second)
		begin := time.Now()
		if _, err := upper.Link(lower, false); err != nil {
			t.Error(err)
		}
		wantErr(t, lower.Close(t.Context()), streams.EBUSY)
		if took := time.Since(begin); took != 15*time.Second {
			t.Errorf("the link took %v", took)
		}
		wantErr(t, <-stuck, streams.ETIME)
		for _, m := range x.held {
			m.Free()
		}
	})
}
