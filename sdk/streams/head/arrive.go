// SPDX-License-Identifier: Apache-2.0

package head

import "github.com/iostreamkit/iostreamkit/sdk/streams"

// gone is what a module is told whose copy request came when nobody waited for it.
const gone = streams.EPERM // the 1 that System V puts there

// arrive is the put procedure of the read side: what comes up ends here.
func (h *Head) arrive(q *streams.Queue, m *streams.Block) {
	switch m.Type() {
	case streams.MData, streams.MProto, streams.MPCProto, streams.MPassFP:
		h.received(q, m)
	case streams.MIocAck, streams.MIocNak, streams.MCopyIn, streams.MCopyOut:
		h.replied(q, m)
	case streams.MIoctl: // from the other end of a pipe
		if m.Nak(streams.EINVAL) != nil {
			m.Free()
			return
		}
		q.Reply(m)
	case streams.MError:
		h.errored(q, m)
	case streams.MHangup:
		h.hangUp(true)
		m.Free()
	case streams.MUnhangup:
		h.hangUp(false)
		m.Free()
	case streams.MFlush:
		h.flushed(q, m)
	case streams.MSig:
		if q.First() != nil {
			q.Putq(m) // it waits for its turn
			return
		}
		h.signalled(m)
	case streams.MPCSig:
		h.signalled(m)
	case streams.MSetOpts:
		h.setOptions(q, m)
	default:
		m.Free()
	}
}

// received keeps a message for readers. Of priority messages it keeps one.
func (h *Head) received(q *streams.Queue, m *streams.Block) {
	e := streams.EventInput | streams.EventReadNorm
	switch band := m.Band(); {
	case m.Type() != streams.MPCProto && band > 0:
		e = streams.EventInput | streams.EventReadBand
	case m.Type() != streams.MPCProto:
	case q.First() != nil && q.First().Type() == streams.MPCProto:
		m.Free()
		return
	default:
		e = streams.EventUrgent
	}
	band := m.Band()
	q.Putq(m)
	h.readers.wake()
	h.events.post(Notice{Events: e, Band: band})
}

// replied matches an answer or a copy request with the call that is under way.
func (h *Head) replied(q *streams.Queue, m *streams.Block) {
	t, size := m.Type(), m.Next().Size()
	x, _ := m.Ioctl()
	a, _ := m.Reply()
	step := Step{
		What: StepMatched, Command: x.Cmd, ID: x.ID, Message: t, From: m.Sender(), Size: size, Rval: a.Rval, Errno: a.Error,
	}
	reason, wake := h.slot.match(m, h.cfg.Profile == streams.Strict)
	if reason == "" {
		h.step(step) // m is the caller's now
		if wake {
			signal(h.slot.wake)
			h.interrupt()
		}
		return
	}
	step.What, step.Reason = StepDropped, reason
	h.step(step)
	if t == streams.MCopyIn || t == streams.MCopyOut {
		if m.CopyDone(gone, nil) == nil {
			q.Reply(m) // so that the module can let go of what it keeps
			return
		}
	}
	m.Free()
}

// dismiss is replied's second half for a reply that was taken in and is not wanted any
// more. It runs outside the stream.
func (h *Head) dismiss(m *streams.Block, reason string) {
	t := m.Type()
	x, _ := m.Ioctl()
	h.step(Step{
		What: StepDropped, Command: x.Cmd, ID: x.ID, Message: t, From: m.Sender(), Size: m.Next().Size(), Reason: reason,
	})
	if (t == streams.MCopyIn || t == streams.MCopyOut) && m.CopyDone(gone, nil) == nil && h.stream.Put(m) == nil {
		return
	}
	m.Free()
}

// errored records what an M_ERROR says, and turns it into a flush of the sides that it
// names, unless each of them was in error before. It is the same message, so that this needs
// no memory.
func (h *Head) errored(q *streams.Queue, m *streams.Block) {
	b := m.Bytes()
	read, write := streams.ErrorUnchanged, streams.ErrorUnchanged
	switch {
	case len(b) >= 2:
		read, write = b[0], b[1]
	case len(b) == 1 && b[0] != 0:
		read, write = b[0], b[0]
	}
	h.mu.Lock()
	var named, before streams.FlushFlags
	if read != streams.ErrorUnchanged {
		if read != 0 {
			named |= streams.FlushR
		}
		if read != 0 && h.readErr.errno != 0 {
			before |= streams.FlushR
		}
		h.readErr = fault{streams.Errno(read), h.errOpts&streams.ReadErrorOnce != 0}
	}
	if write != streams.ErrorUnchanged {
		if write != 0 {
			named |= streams.FlushW
		}
		if write != 0 && h.writeErr.errno != 0 {
			before |= streams.FlushW
		}
		h.writeErr = fault{streams.Errno(write), h.errOpts&streams.WriteErrorOnce != 0}
	}
	h.mu.Unlock()
	if named != 0 {
		h.events.post(Notice{Events: streams.EventError})
	}
	if named == before {
		m.Free()
	} else if m, err := q.Exchange(m, streams.MFlush, 1); err == nil { // without memory for a shared one nothing is flushed
		m.Bytes()[0] = byte(named)
		m.SetFlags(0)
		q.Reply(m)
	}
	h.wakeAll()
}

// hangUp records that the line is gone, or is back.
func (h *Head) hangUp(yes bool) {
	h.mu.Lock()
	h.hungUp = yes || h.closed
	h.mu.Unlock()
	if yes {
		h.events.post(Notice{Events: streams.EventHangup})
	}
	h.wakeAll()
}

// flushed empties the read queue as an M_FLUSH asks, and turns it round once.
func (h *Head) flushed(q *streams.Queue, m *streams.Block) {
	flags, band := m.FlushRequest()
	if flags&streams.FlushR != 0 {
		h.empty(q, flags, band)
	}
	q.TurnRound(m)
}

// empty flushes the read queue. A priority message stays where M_SETOPTS has asked for it.
func (h *Head) empty(q *streams.Queue, flags streams.FlushFlags, band uint8) {
	urgent := q.First()
	keep := h.readOptions()&streams.ReadKeepUrgent != 0 && urgent != nil && urgent.Type() == streams.MPCProto
	switch {
	case flags&streams.FlushBand != 0:
		q.FlushBand(band, streams.FlushAll)
	case keep:
		_ = q.Rmvq(urgent) // it is the first
		q.Flush(streams.FlushAll)
		q.Putq(urgent)
	default:
		q.Flush(streams.FlushAll)
	}
	h.surface(q)
}

func (h *Head) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
