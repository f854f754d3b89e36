// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// The cases of answers: D8 to D19, D37, D38, D40, D41 and D46 of the STREAMS case list.

// sizes returns the lengths of a chain's blocks.
func sizes(b *streams.Block) (ns []int) {
	for ; b != nil; b = b.Next() {
		ns = append(ns, b.Len())
	}
	return ns
}

func TestD8ForeignAck(t *testing.T) {
	r := open(t, nil, keep)
	done := r.str(t.Context(), &head.Str{Command: cmdOne})
	m := <-r.seen
	foreign, err := r.arena.Ioctl(streams.Ioctl{Cmd: cmdOne, ID: 1 << 40}, nil)
	r.must(err)
	r.ack(foreign, 99, "")
	r.ack(m, 1, "")
	if a := <-done; a.rval != 1 || a.err != nil {
		t.Errorf("%+v", a)
	}
	if got := r.dropped(); !slices.Equal(got, []string{"no call has this ID"}) {
		t.Errorf("dropped: %q", got)
	}
}

func TestD9DuplicateAck(t *testing.T) {
	r := open(t, nil, func(r *rig, q *streams.Queue, m *streams.Block) {
		second, err := m.Copy()
		r.must(err)
		r.must(q.ReplyAck(m, 0, 1))
		r.must(q.ReplyAck(second, 0, 2))
	})
	rval, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne})
	if rval != 1 || err != nil {
		t.Errorf("%d, %v", rval, err)
	}
	if got := r.dropped(); !slices.Equal(got, []string{"the call has an answer already"}) {
		t.Errorf("dropped: %q", got)
	}
}

// Strict compares everything that must not change, not the ID alone.
func TestReplyWithAnotherCommand(t *testing.T) {
	for profile, matched := range map[streams.Profile]bool{streams.Strict: false, streams.Solaris: true} {
		t.Run(profile.String(), func(t *testing.T) {
			r := open(t, &head.Config{Profile: profile}, keep)
			done := r.str(t.Context(), &head.Str{Command: cmdOne})
			m := <-r.seen
			x, _ := m.Ioctl()
			x.Cmd = cmdTwo
			lie, err := r.arena.Ioctl(x, nil)
			r.must(err)
			r.ack(lie, 9, "")
			r.ack(m, 1, "")
			if a := <-done; a.err != nil || (a.rval == 9) != matched {
				t.Errorf("%+v", a)
			}
			if got := r.dropped(); len(got) != 1 {
				t.Errorf("dropped: %q", got)
			}
		})
	}
}

func TestD11toD19Answers(t *testing.T) {
	type want struct {
		rval  int
		errno streams.Errno
		data  string
		size  int
	}
	nak := func(why streams.Errno) onIoctl {
		return func(r *rig, q *streams.Queue, m *streams.Block) { r.must(q.ReplyNak(m, why)) }
	}
	ack := func(data string, rval int) onIoctl {
		return func(r *rig, q *streams.Queue, m *streams.Block) {
			r.must(m.AckData(r.block(data), len(data), rval))
			q.Reply(m)
		}
	}
	for name, tc := range map[string]struct {
		fn   onIoctl
		want want
	}{
		"D11 bare nak":      {nak(0), want{0, streams.EINVAL, "12345678", 0}},
		"D12 nak":           {nak(streams.E2BIG), want{0, streams.E2BIG, "12345678", 0}},
		"D14 rval":          {ack("", 42), want{42, 0, "12345678", 0}},
		"D17 data":          {ack("abc", 0), want{0, 0, "abc45678", 3}},
		"as long as it was": {ack("abcdefgh", 0), want{0, 0, "abcdefgh", 8}},
		"longer":            {ack("abcdefghi", 0), want{0, streams.EMSGSIZE, "12345678", 0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, nil, tc.fn)
			s := head.Str{Command: cmdOne, Data: []byte("12345678")}
			rval, err := r.h.Str(t.Context(), &s)
			wantErr(t, err, tc.want.errno)
			if got := (want{rval, tc.want.errno, string(s.Data), s.Len}); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
	t.Run("D19 transparent", func(t *testing.T) {
		r := open(t, nil, ack("xxxx", 5))
		buf := []byte("1234")
		rval, err := r.h.Transparent(t.Context(), cmdOne, 0x10, region(t, 0x10, buf))
		if rval != 5 || err != nil || string(buf) != "1234" {
			t.Errorf("%d, %v, %q", rval, err, buf)
		}
	})
}

func TestD20D21Chunks(t *testing.T) {
	want := []int{1024, 1024, 452}
	data := bytes.Repeat([]byte("0123456789"), 250)
	r := open(t, nil, func(r *rig, q *streams.Queue, m *streams.Block) {
		if got := sizes(m.Next()); !slices.Equal(got, want) {
			r.t.Errorf("%v came in blocks of %v", m.Type(), got)
		}
		if m.Type() == streams.MIoctl {
			r.must(m.CopyIn(nil, len(data), 0x100))
			q.Reply(m)
			return
		}
		r.must(q.ReplyAck(m, 0, 1))
	})
	rval, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne, Data: data, Memory: region(t, 0x100, data), Addr: 0x100})
	if rval != 1 || err != nil {
		t.Errorf("%d, %v", rval, err)
	}
}

func TestD37D38ErrorsMeanwhile(t *testing.T) {
	for name, tc := range map[string]struct {
		typ  streams.Type
		body []byte
		want streams.Errno
	}{
		"D37 hang-up":     {streams.MHangup, nil, streams.ENXIO},
		"D38 read error":  {streams.MError, []byte{byte(streams.EPROTO), streams.ErrorUnchanged}, streams.EPROTO},
		"write error":     {streams.MError, []byte{streams.ErrorUnchanged, byte(streams.EIO)}, streams.EIO},
		"read error wins": {streams.MError, []byte{byte(streams.EPROTO), byte(streams.EIO)}, streams.EPROTO},
		"both":            {streams.MError, []byte{byte(streams.EBUSY)}, streams.EBUSY},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				r := open(t, nil, keep)
				first := r.str(t.Context(), &head.Str{Command: cmdOne, Wait: head.Forever})
				m := <-r.seen
				second := r.str(t.Context(), &head.Str{Command: cmdOne, Wait: head.Forever})
				pending(t, second)
				b, err := r.arena.From(tc.typ, tc.body)
				r.must(err)
				r.send(b)
				wantErr(t, (<-first).err, tc.want)
				wantErr(t, (<-second).err, tc.want)
				_, err = r.h.Str(t.Context(), &head.Str{Command: cmdOne})
				wantErr(t, err, tc.want)
				r.ack(m, 0, "") // late
				if tc.typ == streams.MHangup {
					b, err := r.arena.From(streams.MUnhangup, nil)
					r.must(err)
					r.send(b)
					r.works()
				}
			})
		})
	}
}

// An error that comes when a call has got its turn, and has sent nothing yet, ends it too.
func TestErrorBeforeTheMessageIsSent(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		r.onStep = func(s head.Step) {
			if s.What == head.StepTaken {
				b, err := r.arena.From(streams.MError, []byte{streams.ErrorUnchanged, byte(streams.EIO)})
				r.must(err)
				r.send(b)
			}
		}
		_, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne, Wait: head.Forever})
		wantErr(t, err, streams.EIO)
	})
}

// A reply that is there wins over an error that came before it was looked at.
func TestReplyWinsOverError(t *testing.T) {
	r := open(t, nil, func(r *rig, q *streams.Queue, m *streams.Block) {
		r.must(q.PutNextCtl(streams.MError, byte(streams.EIO)))
		r.must(q.ReplyAck(m, 0, 8))
	})
	rval, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne})
	if rval != 8 || err != nil {
		t.Errorf("%d, %v", rval, err)
	}
}

func TestD41HeadOnlyCommands(t *testing.T) {
	r := open(t, nil, keep)
	for _, cmd := range []streams.Command{
		streams.CmdLink, streams.CmdPLink, streams.CmdUnlink, streams.CmdPUnlink, streams.CmdPeerCred, streams.CmdPLinkLH,
	} {
		_, err := r.h.Str(t.Context(), &head.Str{Command: cmd})
		wantErr(t, err, streams.EINVAL)
		_, err = r.h.Transparent(t.Context(), cmd, 0x10, nil)
		wantErr(t, err, streams.EINVAL)
	}
	for _, cmd := range []streams.Command{streams.CmdPeerCred, streams.CmdPLinkLH} { // these the head does not have itself
		_, err := r.h.Ioctl(t.Context(), cmd, 0x10, nil)
		wantErr(t, err, streams.EINVAL)
	}
	if len(r.seen) > 0 {
		t.Error("something was sent")
	}
}

func TestD46IoctlFromBelow(t *testing.T) {
	r := open(t, nil, keep)
	m, err := r.arena.Ioctl(streams.Ioctl{Cmd: cmdOne, ID: 1}, nil)
	r.must(err)
	r.send(m)
	back := <-r.seen
	if a, ok := back.Reply(); back.Type() != streams.MIocNak || !ok || a.Error != streams.EINVAL {
		t.Errorf("the driver got %v, %+v", back.Type(), a)
	}
	back.Free()
}

func TestDataTooLarge(t *testing.T) {
	r := open(t, nil, keep)
	_, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne, Data: make([]byte, 65537)})
	wantErr(t, err, streams.EINVAL)
}

// The head uses a call's memory for later calls. Answers to all that came before, and
// duplicates of the right one, still find none of them.
func TestOldAnswersToLaterCalls(t *testing.T) {
	const calls = 20
	r := open(t, nil, func(r *rig, q *streams.Queue, m *streams.Block) {
		for _, old := range r.kept {
			again, err := old.Copy()
			r.must(err)
			r.must(q.ReplyAck(again, 0, -1))
		}
		old, err := m.Copy()
		r.must(err)
		r.kept = append(r.kept, old)
		second, err := m.Copy()
		r.must(err)
		r.must(q.ReplyAck(m, 0, len(r.kept)))
		r.must(q.ReplyAck(second, 0, -2))
	})
	for i := range calls {
		s := head.Str{Command: cmdOne, Data: bytes.Repeat([]byte{byte(i)}, i)}
		if rval, err := r.h.Str(t.Context(), &s); rval != i+1 || err != nil {
			t.Fatalf("call %d: %d, %v", i, rval, err)
		}
	}
	got := map[string]int{}
	for _, reason := range r.dropped() {
		got[reason]++
	}
	want := map[string]int{
		"the call has an answer already": calls,
		"the call has ended":             calls - 1,                     // the one before
		"no call has this ID":            (calls - 1) * (calls - 2) / 2, // earlier ones
	}
	if !maps.Equal(got, want) {
		t.Errorf("dropped for %v, want %v", got, want)
	}
}
