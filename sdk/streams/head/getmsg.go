// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"io"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Message is a message in the caller's memory: a control part, made of M_PROTO or
// M_PCPROTO, and a data part.
//
// For [Head.PutMsg] and its relatives the slices are the parts; a nil one is absent, an
// empty one is an empty part. For [Head.GetMsg], [Head.GetPMsg] and [Head.Peek] they are
// the room for the parts; a part that has nil as its room is left where it is, and the
// call sets the lengths, -1 for a part that the message does not have or the caller does
// not want.
type Message struct {
	Control, Data       []byte
	ControlLen, DataLen int
	// Band is the band of the message, for the banded forms.
	Band uint8
	// Flags say which message to get or how to put it; the calls that get set them.
	Flags streams.MsgFlags
}

// GetMsg takes the first message, or with MsgUrgent in m.Flags the priority message, from
// the read queue (getmsg). It waits for one. What does not fit stays for the next call,
// and the result says so. m.Flags is MsgUrgent afterwards if it was a priority message.
//
// The error is io.EOF on a stream that is hung up when everything is read; the others are
// those of getmsg in docs/reference/streams.md.
func (h *Head) GetMsg(ctx context.Context, m *Message) (streams.More, error) {
	errno := h.usable(WriteOnly)
	if errno == 0 && m.Flags&^streams.MsgUrgent != 0 {
		errno = streams.EINVAL
	}
	if errno != 0 {
		return 0, h.call("getmsg", errno)
	}
	more, errno, end := h.get(ctx, m, m.Flags == streams.MsgUrgent, 0)
	if end {
		return 0, io.EOF
	}
	m.Flags &^= streams.MsgBand
	return more, h.call("getmsg", errno)
}

// GetPMsg takes a message as m.Flags says (getpmsg): MsgUrgent the priority message,
// MsgBand the first message if it has at least m.Band or is a priority message, MsgAny
// whatever is first. It waits for one. Afterwards m.Flags is MsgUrgent or MsgBand, and
// m.Band the message's band. For the rest see [Head.GetMsg].
func (h *Head) GetPMsg(ctx context.Context, m *Message) (streams.More, error) {
	errno := h.usable(WriteOnly)
	if errno == 0 {
		errno = whichMessage(m)
	}
	if errno != 0 {
		return 0, h.call("getpmsg", errno)
	}
	least := uint8(0)
	if m.Flags == streams.MsgBand {
		least = m.Band
	}
	more, errno, end := h.get(ctx, m, m.Flags == streams.MsgUrgent, least)
	if end {
		return 0, io.EOF
	}
	return more, h.call("getpmsg", errno)
}

func whichMessage(m *Message) streams.Errno {
	switch m.Flags {
	case streams.MsgAny, streams.MsgBand:
		return 0
	case streams.MsgUrgent:
		if m.Band == 0 {
			return 0
		}
	}
	return streams.EINVAL
}

// get takes a message: a priority one, or one of a band and those above it.
func (h *Head) get(ctx context.Context, m *Message, urgent bool, least uint8) (more streams.More, errno streams.Errno, end bool) {
	noted := false
	take := func(q *streams.Queue) streams.Errno {
		if errno := h.readState(); errno != 0 {
			return errno
		}
		b := q.First()
		fits := b != nil && (b.Type() == streams.MPCProto || !urgent && b.Band() >= least)
		if !fits {
			var errno streams.Errno
			end, errno = h.exhausted(q, len(m.Data), &noted)
			return errno
		}
		if b.Type() == streams.MPassFP {
			return streams.EBADMSG
		}
		_ = q.Rmvq(b) // it is the first
		more = m.fill(q, b)
		h.surface(q)
		return 0
	}
	errno = h.retry(ctx, &h.readers, func() streams.Errno { return h.inside(take) })
	return more, errno, end
}

// parts cuts a message between its control part and its data part; either may be nil.
func parts(b *streams.Block) (control, data *streams.Block) {
	if !isControl(b) {
		return nil, b
	}
	last := b
	for isControl(last.Next()) {
		last = last.Next()
	}
	return b, last.Unlink()
}

// fill moves a message into the caller's memory and puts what is left of it back.
func (m *Message) fill(q *streams.Queue, b *streams.Block) (more streams.More) {
	m.describe(b)
	band, flags := b.Band(), b.Flags()
	control, data := parts(b)
	if control != nil && m.Control != nil {
		m.ControlLen, control = drain(control, m.Control)
	}
	if data != nil && m.Data != nil {
		m.DataLen, data = drain(data, m.Data)
	}
	if data != nil {
		more |= streams.MoreData
	}
	rest := data
	if control != nil {
		more |= streams.MoreControl
		_ = control.Link(data) // they were one message
		rest = control
	}
	if rest != nil {
		rest.SetBand(band)
		rest.SetFlags(flags)
		q.Putbq(rest)
	}
	return more
}

// describe sets what a call tells of the message beside its parts.
func (m *Message) describe(b *streams.Block) {
	m.ControlLen, m.DataLen = -1, -1
	m.Band, m.Flags = b.Band(), streams.MsgBand
	if b.Type() == streams.MPCProto {
		m.Band, m.Flags = 0, streams.MsgUrgent
	}
}
