// SPDX-License-Identifier: Apache-2.0

package streams

// FlushRequest returns what an MFlush message asks for. It asks for nothing if it is too
// short, or no MFlush.
func (b *Block) FlushRequest() (flags FlushFlags, band uint8) {
	p := b.Bytes()
	if b.Type() != MFlush || len(p) == 0 {
		return 0, 0
	}
	flags = FlushFlags(p[0])
	if flags&FlushBand == 0 {
		return flags, 0
	}
	if len(p) < 2 {
		return 0, 0
	}
	return flags, p[1]
}

// withFlush returns the MFlush message with other flags: itself, or a copy where it is
// shared. Without memory for that it frees the message and returns nil.
func (b *Block) withFlush(flags FlushFlags) *Block {
	if b.Shared() {
		c, err := b.Copy()
		b.Free()
		if err != nil {
			return nil
		}
		b = c
	}
	b.Bytes()[0] = byte(flags)
	return b
}

// swapFlush returns the message with read and write side exchanged; see withFlush.
func (b *Block) swapFlush() *Block {
	flags, _ := b.FlushRequest()
	swapped := flags &^ FlushRW
	if flags&FlushR != 0 {
		swapped |= FlushW
	}
	if flags&FlushW != 0 {
		swapped |= FlushR
	}
	if swapped == flags {
		return b
	}
	return b.withFlush(swapped)
}

// PassOn does with a message what a put procedure should that doesn't know it. A module
// sends it on. A driver's write side answers an MIoctl with MIocNak and EINVAL, and so an
// MIocData with a copy that was done, whose module was popped meanwhile. It turns an MFlush
// for the read side round, and frees everything else.
//
// Of an MFlush both flush their own queues first, of data, as it asks.
func (q *Queue) PassOn(m *Block) {
	if m.Type() == MFlush {
		q.flushFor(m)
	} else if m.data.body != nil && q.IsRead() {
		m.sentBy(q)
	}
	if !q.IsDriver() || q.IsRead() {
		q.PutNext(m)
		return
	}
	switch m.Type() {
	case MIoctl:
		if q.ReplyNak(m, EINVAL) != nil {
			m.Free()
		}
	case MIocData:
		// Who asked for the copy is gone: nobody else answers the caller, who waits. After a
		// copy that has failed nobody does.
		if r, ok := m.CopyResponse(); !ok || r.Error != 0 || q.ReplyNak(m, EINVAL) != nil {
			m.Free()
		}
	case MFlush:
		flags, _ := m.FlushRequest()
		if flags&FlushR == 0 {
			m.Free()
		} else if m = m.withFlush(flags &^ FlushW); m != nil {
			q.Reply(m)
		}
	default:
		m.Free()
	}
}

// flushFor flushes the queues that an MFlush message names.
func (q *Queue) flushFor(m *Block) {
	flags, band := m.FlushRequest()
	for _, side := range [...]struct {
		flag  FlushFlags
		queue *Queue
	}{{FlushR, &q.pair.read}, {FlushW, &q.pair.write}} {
		switch {
		case flags&side.flag == 0:
		case flags&FlushBand != 0:
			side.queue.FlushBand(band, FlushData)
		default:
			side.queue.Flush(FlushData)
		}
	}
}

// ReplyAck acknowledges an ioctl: it makes the message the answer, as [Block.Ack] does,
// and sends it back (System V's miocack). On an error the message stays the caller's.
func (q *Queue) ReplyAck(m *Block, count, rval int) error {
	if err := m.Ack(count, rval); err != nil {
		return err
	}
	q.Reply(m)
	return nil
}

// ReplyNak refuses an ioctl: it makes the message the answer, as [Block.Nak] does, and
// sends it back (System V's miocnak). On an error the message stays the caller's.
func (q *Queue) ReplyNak(m *Block, why Errno) error {
	if err := m.Nak(why); err != nil {
		return err
	}
	q.Reply(m)
	return nil
}

// PutCtl makes a control message with the bytes and gives it to this queue's own put
// procedure (System V's putctl and putctl1). The error is ErrType for the data types,
// MDelay excepted, and for the ioctl family, and ENOSR.
func (q *Queue) PutCtl(t Type, bytes ...byte) error {
	m, err := q.control(t, bytes)
	if err != nil {
		return err
	}
	q.Put(m)
	return nil
}

// PutNextCtl is PutCtl for the next queue (System V's putnextctl and putnextctl1).
func (q *Queue) PutNextCtl(t Type, bytes ...byte) error {
	m, err := q.control(t, bytes)
	if err != nil {
		return err
	}
	q.PutNext(m)
	return nil
}

func (q *Queue) control(t Type, bytes []byte) (*Block, error) {
	if t.IsData() && t != MDelay {
		return nil, ErrType
	}
	return q.Arena().From(t, bytes)
}

// Exchange returns a message of type t with size bytes, all zero: m itself if its first
// block is large enough, not shared and may become a t, else a new one, and m is freed (System
// V's mexchange). m is gone in any case. Without memory it tries to send an MError with
// ENOSR up, and returns ENOSR; of the ioctl family it makes none and returns ErrType.
func (q *Queue) Exchange(m *Block, t Type, size int) (*Block, error) {
	if size < 0 || t.IsIoctl() {
		m.Free()
		return nil, ErrType
	}
	if m.reuse(t, size) {
		return m, nil
	}
	m.Free()
	n, err := q.Arena().Alloc(t, size)
	if err != nil {
		q.SendError(nil, ENOSR) //nolint:errcheck // there was no memory, so this is only a try
		return nil, err
	}
	n.w = size
	return n, nil
}

// SendError sends an MError with one error for both sides up the stream (System V's
// merror). It reuses m if that is not nil and possible, and frees it otherwise. The error
// is ENOSR, and EINVAL if why does not fit a byte.
func (q *Queue) SendError(m *Block, why Errno) error {
	if why == 0 || why > 0xff {
		m.Free()
		return EINVAL
	}
	if !m.reuse(MError, 1) {
		m.Free()
		var err error
		if m, err = q.Arena().Alloc(MError, 1); err != nil {
			return ENOSR
		}
		m.w = 1
	}
	m.Bytes()[0] = byte(why)
	q.pair.read.PutNext(m)
	return nil
}

// reuse makes the message one of type t with size zero bytes if it may be. External memory
// is left alone: it is somebody's data.
func (b *Block) reuse(t Type, size int) bool {
	if b == nil || b.queue != nil || b.data.class == classExternal || len(b.data.buf) < size || b.SetType(t) != nil {
		return false
	}
	b.attach(nil)
	b.r, b.w = 0, size
	clear(b.Bytes())
	b.data.carry(nil)
	return true
}

// TurnFlush does what the top of a stream does with an MFlush that came up: it empties q,
// and turns a flush of the write side round, once.
func (q *Queue) TurnFlush(m *Block) {
	if flags, band := m.FlushRequest(); flags&FlushR != 0 {
		if flags&FlushBand != 0 {
			q.FlushBand(band, FlushAll)
		} else {
			q.Flush(FlushAll)
		}
	}
	q.TurnRound(m)
}

// TurnRound is TurnFlush without emptying the queue, for those who do that themselves.
func (q *Queue) TurnRound(m *Block) {
	flags, _ := m.FlushRequest()
	if flags&FlushW == 0 || m.Flags()&MsgNoLoop != 0 || m.Shared() {
		m.Free()
		return
	}
	m.Bytes()[0] &^= byte(FlushR)
	m.SetFlags(m.Flags() | MsgNoLoop)
	q.Reply(m)
}
