// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// PutMsg sends one message (putmsg); with MsgUrgent in m.Flags as a priority message,
// which needs a control part and is never held up. Others wait for room. A message without
// any part is not sent. The errors are those of putmsg in docs/reference/streams.md; the
// end of ctx is told as EINTR or ETIME.
func (h *Head) PutMsg(ctx context.Context, m *Message) error {
	errno := h.usable(ReadOnly)
	switch {
	case errno != 0:
	case m.Flags&^streams.MsgUrgent != 0, m.Flags == streams.MsgUrgent && m.Control == nil:
		errno = streams.EINVAL
	default:
		errno = h.putMessage(ctx, m, 0)
	}
	return h.call("putmsg", errno)
}

// PutPMsg sends one message (putpmsg): with MsgUrgent a priority message, whose band must
// be 0, and with MsgBand one of m.Band. For the rest see [Head.PutMsg].
func (h *Head) PutPMsg(ctx context.Context, m *Message) error {
	errno := h.usable(ReadOnly)
	switch {
	case errno != 0:
	case m.Flags != streams.MsgUrgent && m.Flags != streams.MsgBand,
		m.Flags == streams.MsgUrgent && (m.Control == nil || m.Band != 0):
		errno = streams.EINVAL
	default:
		errno = h.putMessage(ctx, m, m.Band)
	}
	return h.call("putpmsg", errno)
}

func (h *Head) putMessage(ctx context.Context, m *Message, band uint8) streams.Errno {
	if errno := h.writeState(); errno != 0 {
		return errno
	}
	o := outgoing{control: -1, data: -1, band: band, urgent: m.Flags == streams.MsgUrgent}
	if m.Control != nil {
		o.control = len(m.Control)
	}
	if m.Data != nil {
		o.data = len(m.Data)
	}
	o.load = func(control, data []byte) streams.Errno {
		copy(control, m.Control)
		copy(data, m.Data)
		return 0
	}
	return h.send(ctx, &o)
}

// outgoing is a message that is to be sent, whose bytes are fetched when there is room.
type outgoing struct {
	control, data int // lengths; negative: the part is absent
	band          uint8
	urgent        bool
	load          func(control, data []byte) streams.Errno
	value         any // for the control part
}

// send checks the sizes, waits for room and sends.
func (h *Head) send(ctx context.Context, o *outgoing) streams.Errno {
	if o.control < 0 && o.data < 0 {
		return 0
	}
	if errno := h.fits(o); errno != 0 {
		return errno
	}
	if !o.urgent {
		if errno := h.room(ctx, o.band); errno != 0 {
			return errno
		}
	}
	m, errno := h.build(o)
	if errno != 0 {
		return errno
	}
	return h.put(m)
}

// fits returns ERANGE for a message that is too large or too small.
func (h *Head) fits(o *outgoing) streams.Errno {
	_, errno := h.packet(o.data, false)
	if _, most := h.stream.PacketSizes(); o.data < 0 && most != 0 {
		errno = 0
	}
	if errno == 0 && o.control > h.tun.ControlSize {
		errno = streams.ERANGE
	}
	return errno
}

// build makes the message.
func (h *Head) build(o *outgoing) (*streams.Block, streams.Errno) {
	var control, data *streams.Block
	var errno streams.Errno
	if o.control >= 0 {
		t := streams.MProto
		if o.urgent {
			t = streams.MPCProto
		}
		var err error
		if control, err = h.stream.Arena().Alloc(t, o.control); err != nil {
			return nil, streams.ErrnoOf(err)
		}
		_ = control.Resize(0, o.control) // it has the room
		_ = control.SetValue(o.value)    // nobody shares it yet
	}
	if o.data >= 0 {
		if data, errno = h.block(o.data, true); errno != 0 {
			control.Free()
			return nil, errno
		}
	}
	m := data
	if control != nil {
		_ = control.Link(data) // two messages that have nothing in common
		m = control
	}
	if errno = o.load(bytesOf(control), bytesOf(data)); errno != 0 {
		m.Free()
		return nil, errno
	}
	m.SetBand(o.band)
	return m, 0
}

// bytesOf returns the bytes of a part, nil for an absent one.
func bytesOf(b *streams.Block) []byte {
	if b == nil {
		return nil
	}
	return b.Bytes()
}
