// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"encoding/binary"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// File is what I_SENDFD passes: any Go value that somebody has to let go of.
type File struct {
	Value any
	// Release, if not nil, lets go of the value. Whoever receives the file calls it; if
	// nobody does, it is called once the message is freed.
	Release func()
}

// Descriptors are a caller's open files, for the arguments of [Head.Ioctl]. The methods
// must be safe for concurrent use.
type Descriptors interface {
	// Lookup returns what a descriptor stands for: a *Head for a stream. ok is false if it
	// is not open.
	Lookup(fd int32) (value any, ok bool)
	// Share returns another reference to an open file, to be passed.
	Share(fd int32) (f File, ok bool)
	// Install gives a received file a descriptor; ok is false if the caller has as many as
	// it may, and the file is not taken then.
	Install(f File) (fd int32, ok bool)
	// Withdraw undoes an Install; the file is not released.
	Withdraw(fd int32)
}

// Received is a file with who sent it.
type Received struct {
	File
	Credential any // of the sender's head
}

// passed is the value of an M_PASSFP.
type passed struct {
	received Received
	taken    atomic.Bool
}

// FreeBuffer releases a file that nobody took.
func (p *passed) FreeBuffer([]byte) {
	if p.taken.CompareAndSwap(false, true) && p.received.Release != nil {
		p.received.Release()
	}
}

// SendFD passes a file to the head at the other end of a pipe (I_SENDFD). It does not
// wait. The file is the message's from then on; on an error it stays the caller's. The
// error is EINVAL for a stream that is no pipe, ENXIO for one that is hung up, and EAGAIN
// if there is no room or no memory.
func (h *Head) SendFD(f File) error { return h.op(streams.CmdSendFD, h.sendFD(f)) }

func (h *Head) sendFD(f File) streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	switch {
	case h.cfg.Remote:
		return streams.EOPNOTSUPP
	case h.isHungUp():
		return streams.ENXIO
	case h.stream.Peer() == nil, h.stream.Peer().Linked():
		return streams.EINVAL
	case !h.stream.CanPut(0):
		return streams.EAGAIN
	}
	p := &passed{received: Received{f, h.cfg.Credential}}
	p.taken.Store(true) // until it is sent
	m, err := h.stream.Arena().Alloc(streams.MPassFP, 0)
	if err != nil {
		return streams.EAGAIN
	}
	_ = m.SetValue(p) // nobody shares it yet
	// The file is let go of with the memory of a second block.
	hook, err := h.stream.Arena().External([]byte{}, p)
	if err != nil {
		m.Free()
		return streams.EAGAIN
	}
	_ = m.Link(hook) // two messages that have nothing in common
	p.taken.Store(false)
	if h.stream.Put(m) != nil {
		p.taken.Store(true)
		m.Free()
		return h.meanwhile()
	}
	return 0
}

// RecvFD takes a passed file from the read queue (I_RECVFD). It waits for a message. The
// error is EBADMSG if the first message is no file, and ENXIO on a stream that is hung up
// when everything is read; the others are those of I_RECVFD in docs/reference/streams.md.
func (h *Head) RecvFD(ctx context.Context) (Received, error) {
	r, errno := h.recvFD(ctx, func(Received) streams.Errno { return 0 })
	return r, h.op(streams.CmdRecvFD, errno)
}

// recvFD takes a file if accept, which is called outside of the stream, agrees; else it is
// put back.
func (h *Head) recvFD(ctx context.Context, accept func(Received) streams.Errno) (Received, streams.Errno) {
	errno := h.gate(classRead)
	if errno == 0 && h.cfg.Remote {
		errno = streams.EOPNOTSUPP
	}
	if errno != 0 {
		return Received{}, errno
	}
	var m *streams.Block
	take := func(q *streams.Queue) streams.Errno {
		if errno := h.readState(); errno != 0 {
			return errno
		}
		if m = q.First(); m == nil {
			if h.isHungUp() {
				return streams.ENXIO
			}
			return mustWait
		}
		if m.Type() != streams.MPassFP {
			return streams.EBADMSG
		}
		_ = q.Rmvq(m) // it is the first
		return 0
	}
	if errno := h.retry(ctx, &h.readers, func() streams.Errno { return h.inside(take) }); errno != 0 {
		return Received{}, errno
	}
	p, ok := m.Value().(*passed)
	if !ok { // a module has made it
		m.Free()
		return Received{}, streams.EBADMSG
	}
	if errno := accept(p.received); errno != 0 {
		h.putBack(m)
		return Received{}, errno
	}
	mine := p.taken.CompareAndSwap(false, true)
	m.Free()
	if !mine { // a module has sent it twice
		return Received{}, streams.EBADMSG
	}
	_ = h.inside(func(q *streams.Queue) streams.Errno { h.surface(q); return 0 })
	return p.received, 0
}

// putBack makes a message the first again.
func (h *Head) putBack(m *streams.Block) {
	errno := h.inside(func(q *streams.Queue) streams.Errno { q.Putbq(m); return 0 })
	if errno != 0 {
		m.Free()
		return
	}
	h.readers.wake()
}

// tokenSize is the number of bytes with which I_FDINSERT names a stream.
const tokenSize = 4

// FDInsert sends a message as PutMsg does, whose control part names another stream
// (I_FDINSERT): at the offset, which is a multiple of 4, stands the low half of the
// stream's number, and the value of the control block is the *streams.Stream. It waits for
// room unless it is a priority message.
func (h *Head) FDInsert(ctx context.Context, m *Message, other *Head, offset int) error {
	o := outgoing{control: len(m.Control), data: -1, urgent: m.Flags&streams.MsgUrgent != 0}
	if m.Data != nil {
		o.data = len(m.Data)
	}
	o.load = func(control, data []byte) streams.Errno {
		copy(control, m.Control)
		copy(data, m.Data)
		return 0
	}
	errno := h.insertable()
	if errno == 0 {
		errno = h.insert(ctx, &o, uint32(m.Flags), other, offset)
	}
	return h.op(streams.CmdFDInsert, errno)
}

// insertable is what I_FDINSERT tests before its argument.
func (h *Head) insertable() streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	switch {
	case h.cfg.Profile == streams.OpenSS7 && h.cfg.Access == ReadOnly:
		return streams.EBADF
	case h.cfg.Remote:
		return streams.EOPNOTSUPP
	case h.isHungUp():
		return streams.ENXIO
	}
	return 0
}

func (h *Head) insert(ctx context.Context, o *outgoing, flags uint32, other *Head, offset int) streams.Errno {
	if offset < 0 || offset%4 != 0 || other == nil {
		return streams.EINVAL
	}
	if errno := h.nameable(other); errno != 0 {
		return errno
	}
	if o.control < 0 || offset > o.control-tokenSize || flags&^uint32(streams.MsgUrgent) != 0 {
		return streams.EINVAL
	}
	load := o.load
	o.load = func(control, data []byte) streams.Errno {
		errno := load(control, data)
		binary.LittleEndian.PutUint32(control[offset:], uint32(other.stream.Number()))
		return errno
	}
	o.value = other.stream
	return h.send(ctx, o)
}

// nameable returns why another stream can't be named.
func (h *Head) nameable(other *Head) streams.Errno {
	other.mu.Lock()
	defer other.mu.Unlock()
	if errno := other.readErr.tell(); errno != 0 {
		return errno
	}
	if errno := other.writeErr.tell(); errno != 0 {
		return errno
	}
	switch {
	case other.hungUp:
		return streams.ENXIO
	case other.stream.Linked() && h.cfg.Profile != streams.OpenSS7:
		return streams.EINVAL
	}
	return 0
}
