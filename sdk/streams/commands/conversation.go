// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// conversation is one call of a command. While the head copies it hangs on the message as
// private state; while its function runs or waits, the stream's instance has it.
type conversation struct {
	in   *instance
	call *ioctl.Call
	room int            // bytes that the answer may have
	next ioctl.NextKind // what was asked for last
	work work           // the function, once it is due
}

// Release ends the call: its message was freed.
func (c *conversation) Release() { c.call.Step(ioctl.Event{Kind: ioctl.Abandoned}) }

// request begins a call. It is false for a command that the table does not have.
func (in *instance) request(m *streams.Block) bool {
	if !in.queue.Stream().Linked() {
		in.supersede()
	}
	x, ok := m.Ioctl()
	r, _ := m.Request()
	if !ok || !in.server.table.Knows(x.Cmd) {
		return false
	}
	data := gather(m.Next())
	if len(data) < r.Count {
		in.refuse(m, streams.EINVAL)
		return true
	}
	call, _ := in.server.table.Call(ioctl.Request{
		ID: x.ID, Command: x.Cmd, Transparent: x.Transparent, Arg: uint64(x.Arg), Data: data[:r.Count],
		Caller: in.server.caller(x.Credential),
	})
	if x.Transparent {
		r.Count = 0
	}
	c := &conversation{in: in, call: call, room: r.Count}
	c.step(m, ioctl.Event{Kind: ioctl.Begin})
	return true
}

// resume goes on with a call whose copy request was answered.
func (c *conversation) resume(m *streams.Block) {
	if m.TakePrivate() == nil { // somebody keeps a duplicate, which ends the call
		m.Free()
		return
	}
	r, _ := m.CopyResponse()
	e := ioctl.Event{Kind: ioctl.CopiedOut}
	switch {
	case r.Error != 0:
		e = ioctl.Event{Kind: ioctl.CopyFailed, Errno: r.Error}
	case c.next == ioctl.NeedIn:
		e = ioctl.Event{Kind: ioctl.CopiedIn, Data: gather(m.Next())}
	}
	c.step(m, e)
}

// step tells the call what has happened, and makes the message what has to happen next.
func (c *conversation) step(m *streams.Block, e ioctl.Event) {
	spare, err := c.reserve(m, e)
	if err != nil {
		c.fail(m, streams.ErrnoOf(err))
		return
	}
	n := c.call.Step(e)
	c.next = n.Kind
	switch n.Kind {
	case ioctl.NeedIn:
		err = m.CopyIn(c, n.Size, streams.Addr(n.Addr))
	case ioctl.NeedOut:
		var data *streams.Block
		if data, err = m.Arena().From(streams.MData, n.Data); err == nil {
			if err = m.CopyOut(c, n.Size, streams.Addr(n.Addr), data); err != nil {
				data.Free()
			}
		}
	case ioctl.Ack:
		err = c.ack(m, spare, n)
		spare = nil
	case ioctl.Nak:
		err = m.Nak(n.Errno)
	case ioctl.Work:
		c.in.start(c, m)
		return
	default: // the copy has failed, which the caller knows already
		m.Free()
		m = nil
	}
	spare.Free()
	switch {
	case err != nil:
		c.fail(m, streams.ErrnoOf(err))
	case m != nil:
		c.in.queue.Reply(m)
	}
}

// reserve gets what an answer needs before the call ends with success: a message that can
// be changed, and room for the data.
func (c *conversation) reserve(m *streams.Block, e ioctl.Event) (*streams.Block, error) {
	switch {
	case m.Shared():
		return nil, streams.ErrShared
	case c.room == 0 || e.Kind != ioctl.Worked && e.Kind != ioctl.CopiedOut:
		return nil, nil
	}
	return m.Arena().Alloc(streams.MData, c.room)
}

// ack makes the message the answer, with data in spare, which is used up.
func (c *conversation) ack(m, spare *streams.Block, n ioctl.Next) error {
	if spare != nil {
		if err := spare.Append(n.Data); err != nil {
			spare.Free()
			return err
		}
	}
	if err := m.AckData(spare, len(n.Data), int(n.Rval)); err != nil {
		spare.Free()
		return err
	}
	return nil
}

// fail ends the call and refuses it.
func (c *conversation) fail(m *streams.Block, why streams.Errno) {
	c.Release()
	c.in.refuse(m, why)
}

// refuse answers with an error. What can't be changed is freed.
func (in *instance) refuse(m *streams.Block, why streams.Errno) {
	if in.queue.ReplyNak(m, why) != nil {
		m.Free()
	}
}

// gather copies the data of a message, so that nobody can change them while they are used.
func gather(m *streams.Block) []byte {
	b := make([]byte, 0, m.Size())
	for ; m != nil; m = m.Next() {
		if m.Type() == streams.MData {
			b = append(b, m.Bytes()...)
		}
	}
	return b
}
