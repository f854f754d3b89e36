// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// caller is a driver's end made of a function.
type caller func(ctx context.Context, a *userclient.Args) error

func (f caller) Call(ctx context.Context, a *userclient.Args) error { return f(ctx, a) }

// A driver's end that lies costs the caller its command, and nothing else.
func TestLyingEnd(t *testing.T) {
	reply := func(n ioctl.Next) caller {
		return func(_ context.Context, a *userclient.Args) error {
			b, err := n.AppendBinary(nil)
			a.NOutBytes = copy(a.OutBytes, b)
			return err
		}
	}
	for name, tc := range map[string]struct {
		c    caller
		want streams.Errno
	}{
		"garbage": {func(_ context.Context, a *userclient.Args) error {
			a.NOutBytes = copy(a.OutBytes, "garbage")
			return nil
		}, streams.EPROTO},
		"nothing":       {func(context.Context, *userclient.Args) error { return nil }, streams.EPROTO},
		"too much":      {func(_ context.Context, a *userclient.Args) error { a.NOutBytes = len(a.OutBytes) + 1; return nil }, streams.EPROTO},
		"another ID":    {reply(ioctl.Next{ID: 1 << 60, Kind: ioctl.Ack}), streams.EPROTO},
		"unsupported":   {func(context.Context, *userclient.Args) error { return ioreturn.Unsupported }, streams.EOPNOTSUPP},
		"gone":          {func(context.Context, *userclient.Args) error { return ioreturn.ErrGone }, streams.ErrnoOf(ioreturn.ErrGone)},
		"other memory":  {own(func(n *ioctl.Next) { n.Kind, n.Addr, n.Size = ioctl.NeedIn, 0x9999, 1 }), streams.EFAULT},
		"huge copy":     {own(func(n *ioctl.Next) { n.Kind, n.Addr, n.Size = ioctl.NeedIn, head.DataAddr, 1<<30 }), streams.EMSGSIZE},
		"endless":       {own(func(n *ioctl.Next) { n.Kind, n.Addr, n.Size = ioctl.NeedIn, head.DataAddr, 1 }), streams.EPROTO},
		"long answer":   {own(func(n *ioctl.Next) { n.Kind, n.Data = ioctl.Ack, []byte("five!") }), streams.EMSGSIZE},
		"null address":  {own(func(n *ioctl.Next) { n.Kind, n.Addr, n.Size = ioctl.NeedIn, 0, 1 }), streams.EPROTO},
		"refused badly": {own(func(n *ioctl.Next) { n.Kind, n.Errno = ioctl.Nak, streams.ENOTTY }), streams.ENOTTY},
	} {
		t.Run(name, func(t *testing.T) {
			r := &rig{t: t, arena: streams.NewArena(nil), mine: streams.NewArena(nil)}
			r.attach(tc.c)
			data := []byte("data")
			_, err := r.h.Str(t.Context(), &head.Str{Command: cmd, Data: data})
			wantErr(t, err, tc.want)
			if string(data) != "data" {
				t.Errorf("the caller's data are %q", data)
			}
		})
	}
}

// own is an end that answers every call under its own ID.
func own(change func(n *ioctl.Next)) caller {
	var id uint64
	return func(_ context.Context, a *userclient.Args) error {
		var r ioctl.Request
		if a.Selector == userclient.SelIoctl && r.UnmarshalBinary(a.InBytes) == nil {
			id = r.ID
		}
		n := ioctl.Next{ID: id}
		change(&n)
		b, err := n.AppendBinary(nil)
		a.NOutBytes = copy(a.OutBytes, b)
		return err
	}
}

// D41 at the driver's end: a client that has no head of ours can't send what modules trust
// to be a head's own, such as a link.
func TestD41HeadOnlyCommands(t *testing.T) {
	r := connect(t, keep)
	for _, cmd := range []streams.Command{
		streams.CmdLink, streams.CmdPLink, streams.CmdUnlink, streams.CmdPUnlink, streams.CmdPeerCred, streams.CmdPLinkLH,
	} {
		for _, transparent := range []bool{false, true} {
			b, err := ioctl.Request{ID: 5, Command: cmd, Transparent: transparent}.AppendBinary(nil)
			r.must(err)
			a := userclient.Args{Selector: userclient.SelIoctl, InBytes: b, OutBytes: make([]byte, userclient.MaxInline)}
			r.must(r.end.Call(t.Context(), &a))
			var n ioctl.Next
			r.must(n.UnmarshalBinary(a.OutBytes[:a.NOutBytes]))
			if n.ID != 5 || n.Kind != ioctl.Nak || n.Errno != streams.EINVAL {
				t.Errorf("%v was answered with %+v", cmd, n)
			}
		}
	}
	if len(r.seen) > 0 {
		t.Error("a module has seen one")
	}
}

// FuzzEnd gives a driver's end calls of a client that makes no sense: it refuses or
// answers, and leaks nothing.
func FuzzEnd(f *testing.F) {
	req, err := ioctl.Request{ID: 1, Command: cmd, Data: []byte("x")}.AppendBinary(nil)
	ev, err2 := ioctl.Event{ID: 1, Kind: ioctl.CopiedIn, Data: []byte("1234")}.AppendBinary(nil)
	over, err3 := ioctl.Event{ID: 1, Kind: ioctl.Abandoned}.AppendBinary(nil)
	if err := errors.Join(err, err2, err3); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 1, 0, 2}, req, ev)
	f.Add([]byte{0, 1, 1, 0}, req, over)
	f.Fuzz(func(t *testing.T, order, first, second []byte) {
		r := connect(t, func(r *rig, q *streams.Queue, m *streams.Block) {
			if resp, ok := m.CopyResponse(); ok {
				if resp.Error != 0 {
					m.Free()
					return
				}
				r.must(q.ReplyAck(m, 0, 0))
				return
			}
			r.must(m.CopyIn(nil, 4, 0x10))
			q.Reply(m)
		})
		for _, o := range order[:min(len(order), 16)] {
			a := userclient.Args{
				Selector: userclient.SelIoctl + uint32(o%8), InBytes: first, In: []uint64{uint64(o), 0},
				OutBytes: make([]byte, userclient.MaxInline),
			}
			if o&8 != 0 {
				a.InBytes = second
			}
			_ = r.end.Call(t.Context(), &a) // whatever it says
		}
	})
}

// What can't cross a process is refused before anything is sent.
func TestSessionRefuses(t *testing.T) {
	s, err := remote.Open(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	_, err = s.Link(s.Head, false)
	for _, err := range []error{err, s.SendFD(head.File{}), s.FDInsert(t.Context(), &head.Message{}, s.Head, 0)} {
		if streams.ErrnoOf(err) != streams.EOPNOTSUPP {
			t.Errorf("%v, want EOPNOTSUPP", err)
		}
	}
}
