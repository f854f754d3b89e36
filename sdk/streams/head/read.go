// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Read takes data from the read queue, as the read options say: without regard to
// messages, or one message at a time. It waits until there is a message, and not for p to
// be filled. It returns 0 and no error for an empty message, and io.EOF on a stream that is
// hung up when everything is read. The errors are those of read in
// docs/reference/streams.md: EBADMSG stands before a control part or a passed file, EAGAIN
// is that of a head that does not block, and the end of ctx is told as EINTR or ETIME.
func (h *Head) Read(ctx context.Context, p []byte) (n int, err error) {
	n, errno, end := h.read(ctx, p)
	if end {
		return 0, io.EOF
	}
	return n, h.call("read", errno)
}

// reading is an attempt to read. It is used again, so that a read allocates nothing.
type reading struct {
	h    *Head
	p    []byte
	take func(q *streams.Queue) // the method, bound once

	n     int
	end   bool
	noted bool // the driver was told that somebody waits
	errno streams.Errno
}

func (h *Head) read(ctx context.Context, p []byte) (n int, errno streams.Errno, end bool) {
	if errno := h.usable(WriteOnly); errno != 0 {
		return 0, errno, false
	}
	r, ok := h.readings.Get().(*reading)
	if !ok {
		r = &reading{h: h}
		r.take = r.from
	}
	r.p, r.noted = p, false
	errno = h.retry(ctx, &h.readers, func() streams.Errno {
		r.n, r.end, r.errno = 0, false, 0
		if h.stream.Do(r.take) != nil {
			return h.gone()
		}
		return r.errno
	})
	n, end = r.n, r.end
	r.p = nil
	h.readings.Put(r)
	return n, errno, end
}

// call gives an error of a call that is no ioctl its name.
func (h *Head) call(name string, errno streams.Errno) error {
	if errno == 0 {
		return nil
	}
	return ioreturn.Op(name, h.cfg.Name, errno)
}

// usable returns EBADF if the stream is closed, or open for the other direction only.
func (h *Head) usable(not Access) streams.Errno {
	if h.cfg.Access == not || h.isClosed() {
		return streams.EBADF
	}
	return 0
}

// readState returns why nothing can be read.
func (h *Head) readState() streams.Errno {
	if h.stream.Linked() {
		return streams.EINVAL
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return h.gone()
	}
	return h.readErr.tell()
}

// from takes what there is. It runs inside the stream.
func (r *reading) from(q *streams.Queue) {
	h := r.h
	if r.errno = h.readState(); r.errno != 0 || len(r.p) == 0 {
		return
	}
	opts := h.readOptions()
	taken := false
	for more := true; more; {
		m := q.First()
		if m == nil || taken && r.apart(m, opts) {
			break
		}
		if errno := unreadable(m, opts); errno != 0 {
			if !taken {
				r.errno = errno
			}
			break
		}
		_ = q.Rmvq(m) // it is the first
		if m = strip(m, opts); m != nil {
			taken = true
			more = r.copy(q, m, opts)
		}
		h.surface(q)
	}
	if !taken && r.errno == 0 {
		r.end, r.errno = h.exhausted(q, len(r.p), &r.noted)
	}
}

// apart reports whether the next message can't be read together with those before.
func (r *reading) apart(m *streams.Block, opts streams.ReadOptions) bool {
	bytes, _ := m.Total()
	return r.n == len(r.p) || bytes == 0 || m.Band() != 0 || m.Flags()&streams.MsgMark != 0 || opts&(streams.ReadDiscard|streams.ReadKeep) != 0 ||
		m.Type().High()
}

// unreadable returns why read does not take a message.
func unreadable(m *streams.Block, opts streams.ReadOptions) streams.Errno {
	switch {
	case m.Type() == streams.MPassFP:
		return streams.EBADMSG
	case isControl(m) && opts&(streams.ReadCtlAsData|streams.ReadCtlDrop) == 0:
		return streams.EBADMSG
	}
	return 0
}

func isControl(m *streams.Block) bool {
	return m != nil && (m.Type() == streams.MProto || m.Type() == streams.MPCProto)
}

// strip takes the control part off if it is not to be read; nil if nothing is left.
func strip(m *streams.Block, opts streams.ReadOptions) *streams.Block {
	if opts&streams.ReadCtlDrop == 0 {
		return m
	}
	for isControl(m) {
		m = drop(m)
	}
	return m
}

// drop frees the first block; what it says of the message goes over to the next one.
func drop(m *streams.Block) *streams.Block {
	band, flags := m.Band(), m.Flags()
	if m = m.Drop(); m != nil {
		m.SetBand(band)
		m.SetFlags(flags)
	}
	return m
}

// drain copies the message's bytes to p, and returns what is left of it.
func drain(m *streams.Block, p []byte) (n int, rest *streams.Block) {
	for m != nil {
		k := copy(p[n:], m.Bytes())
		n += k
		if k < m.Len() {
			_ = m.Resize(k, 0) // it has so many
			break
		}
		m = drop(m)
	}
	return n, m
}

// copy moves a message to the reader, and says whether there may be more to read.
func (r *reading) copy(q *streams.Queue, m *streams.Block, opts streams.ReadOptions) bool {
	bytes, _ := m.Total()
	alone := bytes == 0 || m.Band() != 0 || m.Type().High() || m.Flags()&streams.MsgDelim != 0
	n, rest := drain(m, r.p[r.n:])
	r.n += n
	switch {
	case rest == nil:
		return !alone
	case opts&streams.ReadDiscard != 0:
		rest.Free()
	default:
		rest.SetFlags(rest.Flags() &^ streams.MsgMark)
		q.Putbq(rest)
	}
	return false
}

// exhausted says what becomes of a call that found no message: the end of the stream, or
// a wait, of which the driver is told, once, if it likes.
func (h *Head) exhausted(q *streams.Queue, want int, noted *bool) (end bool, errno streams.Errno) {
	h.mu.Lock()
	hungUp, notes, old := h.hungUp, h.readNotes, h.oldNoDelay
	h.mu.Unlock()
	switch {
	case hungUp:
		return true, 0
	case old && h.nonBlocking.Load():
		return false, 0
	}
	if notes && !*noted {
		*noted = true
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(want))
		_ = q.Partner().PutNextCtl(streams.MRead, size[:]...) // without memory it is not told
	}
	return false, mustWait
}

// surface tells of signals that are at the front of the queue now.
func (h *Head) surface(q *streams.Queue) {
	for m := q.First(); m != nil && m.Type() == streams.MSig; m = q.First() {
		_ = q.Rmvq(m) // it is the first
		h.signalled(m)
	}
}
