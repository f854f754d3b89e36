// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Write sends data down, in messages of at most the packet size of the topmost module and
// at most the head's DataSize. It waits for room, message by message; n says how many
// bytes went before an error. Without data nothing is sent, unless the write options have
// WriteZero. On a head that does not block a part may be written without an error. The
// errors are those of write in docs/reference/streams.md; the end of ctx is told as EINTR
// or ETIME.
func (h *Head) Write(ctx context.Context, p []byte) (n int, err error) {
	n, errno := h.write(ctx, p)
	return n, h.call("write", errno)
}

func (h *Head) write(ctx context.Context, p []byte) (n int, errno streams.Errno) {
	if errno := h.usable(ReadOnly); errno != 0 {
		return 0, errno
	}
	if errno := h.writeState(); errno != 0 {
		return 0, errno
	}
	most, errno := h.packet(len(p), true)
	if errno != 0 {
		return 0, errno
	}
	h.mu.Lock()
	opts := h.writeOpts
	h.mu.Unlock()
	if len(p) == 0 && opts&streams.WriteZero == 0 {
		return 0, 0
	}
	for {
		piece := p[n:min(n+most, len(p))]
		if errno := h.room(ctx, 0); errno != 0 {
			if errno == streams.EAGAIN && n > 0 {
				errno = 0
			}
			return n, errno
		}
		b, errno := h.block(len(piece), n+len(piece) == len(p))
		if errno != 0 {
			return n, errno
		}
		copy(b.Bytes(), piece)
		if errno := h.put(b); errno != 0 {
			return n, errno
		}
		if n += len(piece); n == len(p) {
			return n, 0
		}
	}
}

// writeState returns why nothing can be written.
func (h *Head) writeState() streams.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return h.gone()
	}
	if h.stream.Linked() {
		return streams.EINVAL
	}
	errno := h.writeErr.tell()
	switch {
	case errno != 0 && h.writeOpts&streams.WritePipe != 0:
		return streams.EPIPE
	case errno != 0:
		return errno
	case h.hungUp && h.stream.Peer() != nil:
		return streams.EPIPE
	case h.hungUp:
		return streams.ENXIO
	}
	return 0
}

// packet returns the largest data part that may be sent. A size that can't be sent, in
// several messages with split, is ERANGE.
func (h *Head) packet(size int, split bool) (most int, errno streams.Errno) {
	least, most := h.stream.PacketSizes()
	if most == 0 {
		return 0, streams.ERANGE
	}
	if limit := h.tun.DataSize; limit > 0 && (most < 0 || limit < most) {
		most = limit
	}
	if most < 0 {
		most = max(size, 1)
	}
	if size < least || size > most && (!split || least > 0) {
		return 0, streams.ERANGE
	}
	return most, 0
}

// room waits until a message of the band may be sent.
func (h *Head) room(ctx context.Context, band uint8) streams.Errno {
	return h.retry(ctx, &h.writers, func() streams.Errno {
		if errno := h.writeState(); errno != 0 {
			return errno
		}
		if !h.stream.CanPut(band) {
			return mustWait
		}
		return 0
	})
}

// block returns a block of size bytes for data, with the room around them and the mark at
// the end that the modules have asked for.
func (h *Head) block(size int, last bool) (*streams.Block, streams.Errno) {
	h.mu.Lock()
	before, behind, delimit := h.writeOffset, h.writeTail, h.delimit && last
	h.mu.Unlock()
	b, err := h.stream.Arena().Alloc(streams.MData, before+size+behind)
	if err != nil {
		return nil, streams.ErrnoOf(err)
	}
	_ = b.Resize(before, before+size) // it has the room
	if delimit {
		b.SetFlags(streams.MsgDelim)
	}
	return b, 0
}

// put sends a message.
func (h *Head) put(m *streams.Block) streams.Errno {
	err := h.stream.Put(m)
	if err == nil {
		return 0
	}
	m.Free()
	if errno := h.writeState(); errno != 0 {
		return errno
	}
	return streams.ErrnoOf(err)
}

// writable is the service procedure of the head's write queue: there is room again.
func (h *Head) writable(q *streams.Queue) {
	var e streams.Events
	if q.BackEnabled(0) {
		e = streams.EventWrite
	}
	for band := streams.Bands - 1; band > 0; band-- {
		if q.BackEnabled(uint8(band)) {
			e |= streams.EventWriteBand
		}
	}
	h.writers.wake()
	h.events.post(Notice{Events: e})
}
