// SPDX-License-Identifier: Apache-2.0

package remote

import "github.com/iostreamkit/iostreamkit/sdk/streams"

// arrive is the put procedure at the top of the stack: what comes up ends here. It runs
// inside the stream.
func (e *End) arrive(q *streams.Queue, m *streams.Block) {
	switch m.Type() {
	case streams.MData:
		e.payload(m, false)
	case streams.MIocAck, streams.MIocNak, streams.MCopyIn, streams.MCopyOut:
		e.replied(q, m)
	case streams.MIoctl:
		if m.Nak(streams.EINVAL) != nil {
			m.Free()
			return
		}
		q.Reply(m)
	case streams.MFlush:
		q.TurnFlush(m)
	case streams.MError:
		b := m.Bytes()
		switch {
		case len(b) >= 2:
			e.failed(b[0], b[1])
		case len(b) == 1 && b[0] != 0:
			e.failed(b[0], b[0])
		}
		m.Free()
	case streams.MHangup, streams.MUnhangup:
		e.hangUp(m.Type() == streams.MHangup)
		m.Free()
	case streams.MSig, streams.MPCSig:
		if b := m.Bytes(); len(b) > 0 {
			e.event(signalled(b[0]))
		}
		m.Free()
	default:
		m.Free()
	}
}

// replied matches a reply with the conversation that is under way.
func (e *End) replied(q *streams.Queue, m *streams.Block) {
	c, _ := m.Ioctl()
	e.mu.Lock()
	x := e.current
	reason := "no call has this ID"
	switch {
	case x == nil || c.ID != x.call.ID:
	case c != x.call:
		reason = "command, credential or argument were changed on the way"
	case x.held != nil || len(x.reply) > 0:
		reason = "the call has an answer already"
	default:
		x.reply <- wish{m: m}
		e.mu.Unlock()
		return
	}
	e.mu.Unlock()
	e.reply(m, reason)
	if t := m.Type(); (t == streams.MCopyIn || t == streams.MCopyOut) && m.CopyDone(gave, nil) == nil {
		q.Reply(m)
		return
	}
	m.Free()
}

// failed records what an M_ERROR says of the two sides, and tells the client.
func (e *End) failed(read, write byte) {
	e.mu.Lock()
	if read != streams.ErrorUnchanged {
		e.readErr = streams.Errno(read)
	}
	if write != streams.ErrorUnchanged {
		e.writeErr = streams.Errno(write)
	}
	errno := e.readErr
	if errno == 0 {
		errno = e.writeErr
	}
	e.wake(errno, errno != 0)
	e.mu.Unlock()
	e.event(erred(read, write))
}

// hangUp records that the line is gone, or is back, and tells the client.
func (e *End) hangUp(yes bool) {
	e.mu.Lock()
	e.hungUp = yes
	e.wake(streams.ENXIO, yes)
	e.mu.Unlock()
	e.event(hungUp(yes))
}

// wake ends the wait of the conversation that is under way with an error. A reply that is
// there wins. mu is held.
func (e *End) wake(errno streams.Errno, yes bool) {
	if x := e.current; yes && x != nil && x.held == nil {
		select {
		case x.reply <- wish{errno: errno}:
		default:
		}
	}
}
