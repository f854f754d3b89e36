// SPDX-License-Identifier: Apache-2.0

package head

import "github.com/iostreamkit/iostreamkit/sdk/streams"

// NRead returns the number of data bytes in the first message and the number of messages
// in the read queue (I_NREAD). It does not wait, as no method of this file does. Its error
// is that of the read side.
func (h *Head) NRead() (bytes, messages int, err error) {
	bytes, messages, errno := h.nread()
	return bytes, messages, h.op(streams.CmdNRead, errno)
}

func (h *Head) nread() (bytes, messages int, errno streams.Errno) {
	if errno := h.gate(classRead); errno != 0 {
		return 0, 0, errno
	}
	errno = h.inside(func(q *streams.Queue) streams.Errno {
		bytes = q.First().Size()
		for m := q.First(); m != nil; m = q.After(m) {
			messages++
		}
		return 0
	})
	return bytes, messages, errno
}

// Buffered returns the number of data bytes in the read queue (FIONREAD, FIORDCHK). Its
// error is that of the read side.
func (h *Head) Buffered() (int, error) {
	n, errno := h.buffered()
	return n, h.op(streams.CmdFIONRead, errno)
}

func (h *Head) buffered() (n int, errno streams.Errno) {
	if errno := h.gate(classRead); errno != 0 {
		return 0, errno
	}
	errno = h.inside(func(q *streams.Queue) streams.Errno {
		for m := q.First(); m != nil; m = q.After(m) {
			n += m.Size()
		}
		return 0
	})
	return n, errno
}

// HasBand reports whether a message of the band is in the read queue (I_CKBAND). Under
// Solaris band 0 has a message if any is there.
func (h *Head) HasBand(band uint8) (bool, error) {
	has, errno := h.hasBand(band)
	return has, h.op(streams.CmdCheckBand, errno)
}

func (h *Head) hasBand(band uint8) (has bool, errno streams.Errno) {
	if errno := h.gate(classBoth); errno != 0 {
		return false, errno
	}
	errno = h.inside(func(q *streams.Queue) streams.Errno {
		for m := q.First(); m != nil && !has; m = q.After(m) {
			has = m.Band() == band && !m.Type().High() || band == 0 && h.cfg.Profile == streams.Solaris
		}
		return 0
	})
	return has, errno
}

// FirstBand returns the band of the first message (I_GETBAND). The error is ENODATA if
// there is none.
func (h *Head) FirstBand() (uint8, error) {
	band, errno := h.firstBand()
	return band, h.op(streams.CmdGetBand, errno)
}

func (h *Head) firstBand() (band uint8, errno streams.Errno) {
	if errno := h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	errno = h.inside(func(q *streams.Queue) streams.Errno {
		if q.First() == nil {
			return streams.ENODATA
		}
		band = q.First().Band()
		return 0
	})
	return band, errno
}

// AtMark reports whether the first message is marked, for MarkAny, or is the last marked
// one of the queue, for MarkLast (I_ATMARK). The error is EINVAL for other marks.
func (h *Head) AtMark(marks streams.Marks) (bool, error) {
	at, errno := h.atMark(marks)
	return at, h.op(streams.CmdAtMark, errno)
}

func (h *Head) atMark(marks streams.Marks) (at bool, errno streams.Errno) {
	if errno := h.gate(classRead); errno != 0 {
		return false, errno
	}
	if marks&^(streams.MarkAny|streams.MarkLast) != 0 {
		return false, streams.EINVAL
	}
	errno = h.inside(func(q *streams.Queue) streams.Errno {
		marked, more := false, false
		for m := q.First(); m != nil; m = q.After(m) {
			if m.Flags()&streams.MsgMark == 0 {
				continue
			}
			if m == q.First() {
				marked = true
			} else {
				more = true
			}
		}
		at = marked && (marks&streams.MarkAny != 0 || marks&streams.MarkLast != 0 && !more)
		return 0
	})
	return at, errno
}

// CanPut reports whether there is room for a message of the band (I_CANPUT).
func (h *Head) CanPut(band uint8) (bool, error) {
	can, errno := h.canPut(band, band)
	return can, h.op(streams.CmdCanPut, errno)
}

// canPut asks for any band of a range.
func (h *Head) canPut(first, last uint8) (bool, streams.Errno) {
	if errno := h.gate(classBoth); errno != 0 {
		return false, errno
	}
	if h.isHungUp() && h.cfg.Profile == streams.OpenSS7 {
		return false, streams.ENXIO
	}
	for band := int(first); band <= int(last); band++ {
		if h.stream.CanPut(uint8(band)) {
			return true, 0
		}
	}
	return false, 0
}

// Peek copies the first message into m and leaves it in the queue (I_PEEK). With MsgUrgent
// in m.Flags it looks for a priority message only. It reports whether there was a message
// of which something is wanted; see [Message] for what m says then. The error is EBADMSG if
// the first message is a passed file. An error of the read side that is told once is still
// there afterwards.
func (h *Head) Peek(m *Message) (bool, error) {
	seen, errno := h.peek(m)
	return seen, h.op(streams.CmdPeek, errno)
}

func (h *Head) peek(m *Message) (seen bool, errno streams.Errno) {
	if errno := h.gate(classPeek); errno != 0 {
		return false, errno
	}
	errno = h.inside(func(q *streams.Queue) streams.Errno {
		h.surface(q)
		b := q.First()
		switch {
		case b == nil, m.Flags&streams.MsgUrgent != 0 && b.Type() != streams.MPCProto:
			return 0
		case b.Type() == streams.MPassFP:
			return streams.EBADMSG
		}
		m.describe(b)
		m.Flags &^= streams.MsgBand
		for isControl(b) {
			m.ControlLen = look(m.ControlLen, m.Control, b)
			b = b.Next()
		}
		for ; b != nil; b = b.Next() {
			m.DataLen = look(m.DataLen, m.Data, b)
		}
		seen = m.ControlLen >= 0 || m.DataLen >= 0
		return 0
	})
	return seen, errno
}

// look copies one more block behind the n bytes that are there, -1 for no part yet.
func look(n int, p []byte, b *streams.Block) int {
	if p == nil {
		return -1
	}
	n = max(n, 0)
	return n + copy(p[n:], b.Bytes())
}
