// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"slices"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// The cases of modules and flushes: D42 to D45 and D49 to D55 of the STREAMS case list.

// quiet is a module without any procedure.
func quiet(name string) *streams.Module { return &streams.Module{Name: name} }

// answering is a driver that acknowledges.
func answering(r *rig, q *streams.Queue, m *streams.Block) { r.must(q.ReplyAck(m, 0, 3)) }

func TestD49D50UnknownInAStack(t *testing.T) {
	r := open(t, nil, func(r *rig, q *streams.Queue, m *streams.Block) {
		if m.Type() == streams.MIocData {
			r.must(q.ReplyAck(m, 0, int(m.Next().Bytes()[0])))
			return
		}
		if x, _ := m.Ioctl(); x.Cmd == cmdTwo {
			r.must(q.ReplyNak(m, 0))
			return
		}
		r.must(m.CopyIn(nil, 1, 0))
		q.Reply(m)
	}, quiet("a"), quiet("b"), quiet("c"))
	for _, name := range []string{"a", "b", "c"} {
		r.must(r.h.Push(t.Context(), name))
	}
	_, err := r.h.Str(t.Context(), &head.Str{Command: cmdTwo})
	wantErr(t, err, streams.EINVAL)
	rval, err := r.h.Transparent(t.Context(), cmdOne, 0x10, region(t, 0x10, []byte{77}))
	if rval != 77 || err != nil {
		t.Errorf("%d, %v", rval, err)
	}
}

func TestD51ModuleAltersTheAnswer(t *testing.T) {
	double := &streams.Module{Name: "double", Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if a, ok := m.Reply(); ok && m.Type() == streams.MIocAck {
			_ = m.Ack(a.Count, 2*a.Rval)
		}
		q.PutNext(m)
	}}}
	r := open(t, nil, answering, double)
	r.must(r.h.Push(t.Context(), "double"))
	rval, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne})
	if rval != 6 || err != nil {
		t.Errorf("%d, %v", rval, err)
	}
}

func TestD55PushWhilePending(t *testing.T) {
	passed := 0
	watch := &streams.Module{Name: "watch", Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		passed++
		q.PutNext(m)
	}}}
	r := open(t, nil, keep, watch)
	done := r.str(t.Context(), &head.Str{Command: cmdOne})
	m := <-r.seen
	r.must(r.h.Push(t.Context(), "watch"))
	r.ack(m, 1, "")
	if a := <-done; a.rval != 1 || a.err != nil || passed != 1 {
		t.Errorf("%+v, %d messages passed the new module", a, passed)
	}
}

func TestPlumbing(t *testing.T) {
	refusing := &streams.Module{Name: "refusing", Open: func(*streams.Queue, streams.OpenInfo) error { return streams.EBUSY }}
	tun := streams.Strict.Tunables()
	tun.Modules = 2
	r := open(t, &head.Config{Tunables: &tun}, answering, quiet("a"), quiet("b"), refusing)
	_, err := r.h.Look()
	wantErr(t, err, streams.EINVAL)
	wantErr(t, r.h.Pop(t.Context()), streams.EINVAL)
	for name, want := range map[string]streams.Errno{
		"": streams.EINVAL, "ninebytes": streams.EINVAL, "unknown": streams.EINVAL, "refusing": streams.EBUSY,
	} {
		wantErr(t, r.h.Push(t.Context(), name), want)
	}
	r.must(r.h.Push(t.Context(), "a"))
	r.must(r.h.Push(t.Context(), "b"))
	wantErr(t, r.h.Push(t.Context(), "a"), streams.EINVAL)
	if name, err := r.h.Look(); name != "b" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if names, err := r.h.List(); !slices.Equal(names, []string{"b", "a", "driver"}) || err != nil {
		t.Errorf("%q, %v", names, err)
	}
	for name, want := range map[string]bool{"a": true, "driver": true, "refusing": false} {
		if found, err := r.h.Find(name); found != want || err != nil {
			t.Errorf("find %s: %v, %v", name, found, err)
		}
	}
	_, err = r.h.Find("unknown")
	wantErr(t, err, streams.EINVAL)

	r.must(r.h.Pop(t.Context()))
	r.must(r.h.Anchor())
	wantErr(t, r.h.Pop(t.Context()), streams.EPERM)
	r.must(r.h.Push(t.Context(), "b"))
	r.must(r.h.Pop(t.Context())) // above the anchor
}

func TestErrorsStopPlumbing(t *testing.T) {
	for profile, want := range map[streams.Profile]streams.Errno{streams.Strict: streams.EPROTO, streams.OpenSS7: streams.EIO} {
		r := open(t, &head.Config{Profile: profile}, answering, quiet("a"))
		m, err := r.arena.From(streams.MError, []byte{byte(streams.EPROTO)})
		r.must(err)
		r.send(m)
		wantErr(t, r.h.Push(t.Context(), "a"), want)
		wantErr(t, r.h.Pop(t.Context()), want)
		_, err = r.h.List()
		if (err == nil) != (profile == streams.OpenSS7) {
			t.Errorf("%v: list: %v", profile, err)
		}
	}
}

// holding is a module that keeps data in both queues.
func holding() *streams.Module {
	hold := streams.Procedures{
		Put: func(q *streams.Queue, m *streams.Block) {
			if m.Type() == streams.MData {
				q.NoEnable()
				q.Putq(m)
				return
			}
			q.PassOn(m)
		},
		Service: func(*streams.Queue) {},
	}
	return &streams.Module{Name: "holding", Read: hold, Write: hold}
}

func TestD42Flush(t *testing.T) {
	var refused []streams.Command
	r := open(t, nil, func(r *rig, q *streams.Queue, m *streams.Block) {
		x, _ := m.Ioctl()
		refused = append(refused, x.Cmd)
		r.must(q.ReplyNak(m, 0))
	}, holding())
	r.must(r.h.Push(t.Context(), "holding"))
	fill := func() {
		down, err := r.arena.From(streams.MData, []byte("down"))
		r.must(err)
		r.must(r.h.Stream().Put(down))
		up, err := r.arena.From(streams.MData, []byte("up"))
		r.must(err)
		r.send(up)
	}
	for _, tc := range []struct {
		flags streams.FlushFlags
		left  int // messages
	}{{streams.FlushR, 1}, {streams.FlushW, 1}, {streams.FlushRW, 0}, {0, 2}} {
		fill()
		r.must(r.h.Flush(t.Context(), tc.flags))
		if u := r.arena.Usage(); u.Blocks != tc.left {
			t.Errorf("after a flush of %v %d blocks are there, not %d", tc.flags, u.Blocks, tc.left)
		}
		r.must(r.h.Flush(t.Context(), streams.FlushRW))
	}
	for _, cmd := range refused {
		if cmd != 1<<32-1 {
			t.Errorf("the driver saw command %v", cmd)
		}
	}
	wantErr(t, r.h.Flush(t.Context(), 8), streams.EINVAL)
}

// A flush waits for an ioctl that is under way, and ends with its context.
func TestFlushBehindAnIoctl(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		first := r.str(t.Context(), &head.Str{Command: cmdOne, Wait: head.Forever})
		m := <-r.seen
		begin := time.Now()
		r.must(r.h.Flush(t.Context(), streams.FlushRW)) // whatever becomes of its ioctl
		if took := time.Since(begin); took != 15*time.Second {
			t.Errorf("it took %v", took)
		}
		r.ack(m, 0, "")
		<-first
	})
}

// A driver's flush of the write side is turned round once (D44), and what is for the read
// side ends at the head (D45).
func TestD44D45FlushFromBelow(t *testing.T) {
	var down []streams.FlushFlags
	watch := &streams.Module{Name: "watch", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if m.Type() == streams.MFlush {
			flags, _ := m.FlushRequest()
			down = append(down, flags)
			if m.Flags()&streams.MsgNoLoop == 0 {
				t.Error("the head does not say that it has turned it round")
			}
		}
		q.PassOn(m)
	}}}
	r := open(t, nil, answering, watch)
	r.must(r.h.Push(t.Context(), "watch"))
	for _, flags := range []streams.FlushFlags{streams.FlushR, streams.FlushW, streams.FlushRW} {
		m, err := r.arena.From(streams.MFlush, []byte{byte(flags)})
		r.must(err)
		r.send(m)
	}
	if !slices.Equal(down, []streams.FlushFlags{streams.FlushW, streams.FlushW}) {
		t.Errorf("went down: %v", down)
	}
	if u := r.arena.Usage(); u.Blocks != 0 {
		t.Errorf("%d blocks are left", u.Blocks)
	}
}

// Each profile has its own limit of modules, also on a domain that says nothing.
func TestLimitOfModules(t *testing.T) {
	for profile, most := range map[streams.Profile]int{streams.Strict: 9, streams.Solaris: 9, streams.OpenSS7: 64} {
		r := open(t, &head.Config{Profile: profile}, answering, quiet("a"))
		for i := range most {
			if err := r.h.Push(t.Context(), "a"); err != nil {
				t.Fatalf("%v: module %d: %v", profile, i+1, err)
			}
		}
		wantErr(t, r.h.Push(t.Context(), "a"), streams.EINVAL)
		if rval, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne}); rval != 3 || err != nil {
			t.Errorf("%v: through %d modules: %d, %v", profile, most, rval, err)
		}
	}
}
