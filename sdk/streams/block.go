// SPDX-License-Identifier: Apache-2.0

package streams

// Flags are the flags of a message's first block.
type Flags uint8

// Message flags.
const (
	MsgMark   Flags = 1 // the message is marked
	MsgNoLoop Flags = 2 // the head does not turn this message round again
	MsgDelim  Flags = 4 // the message ends a record
)

// Block is one block of a message: a range of a data block, and the next block. A
// message is its first block and the chain behind it.
//
// A message has one owner, who alone may use it. Putting it somewhere or freeing it gives
// it away, and that includes every block of the chain. Duplicates of a message are
// messages of their own, with owners of their own, and share the data: while they do,
// nobody may change it, and the methods here refuse to. What a freed block still tells
// is an empty range; the arena counts a second [Block.Free].
//
// The methods don't block.
type Block struct {
	arena *Arena
	data  *data
	cont  *Block
	r, w  int // the written range of data.buf: 0 <= r <= w <= len(data.buf)
	band  uint8
	flags Flags

	next, prev *Block // in the queue or the inbox that the message is in
	queue      *Queue // that queue, or the one that the message is on its way to
	class      class  // place and price in the queue, as they were when it was put there
	bytes      int
	blocks     int
	event      *event // not nil: no message, but a call that takes its turn with messages
}

// Type returns the type of the block. A message's type is that of its first block.
func (b *Block) Type() Type { return b.data.typ }

// SetType changes the type. It returns ErrType where [Type.MayBecome] says no, also for
// MIoctl and its family, whose members [Block.Ack] and its relatives turn into each
// other; and ErrShared.
func (b *Block) SetType(t Type) error {
	switch {
	case b.data.shared():
		return ErrShared
	case !b.data.typ.MayBecome(t) || t.IsIoctl() && t != b.data.typ:
		return ErrType
	}
	b.data.typ = t
	return nil
}

// Shared reports whether the data has other references than this block.
func (b *Block) Shared() bool { return b.data.shared() }

// Arena returns the arena that the block belongs to.
func (b *Block) Arena() *Arena { return b.arena }

// Next returns the next block of the message, nil at its end.
func (b *Block) Next() *Block { return b.cont }

// Band returns the band of the message, 0 for ordinary ones.
func (b *Block) Band() uint8 { return b.band }

// SetBand sets the band. Queues ignore it where the message has high priority.
func (b *Block) SetBand(band uint8) { b.band = band }

// Flags returns the flags.
func (b *Block) Flags() Flags { return b.flags }

// SetFlags replaces the flags.
func (b *Block) SetFlags(f Flags) { b.flags = f }

// Bytes returns the written range. The slice is valid until the block is freed, and may
// be written to only while the data is not [Block.Shared].
func (b *Block) Bytes() []byte { return b.data.buf[b.r:b.w:b.w] }

// Len returns the length of the written range.
func (b *Block) Len() int { return b.w - b.r }

// Room returns the bytes that may be read before and written behind the range.
func (b *Block) Room() (before, behind int) { return b.r, len(b.data.buf) - b.w }

// Append writes p behind the range, which grows by it. It writes all or nothing: the
// error is ErrSpace or ErrShared.
func (b *Block) Append(p []byte) error {
	switch {
	case b.data.shared():
		return ErrShared
	case len(p) > len(b.data.buf)-b.w:
		return ErrSpace
	}
	b.w += copy(b.data.buf[b.w:], p)
	return nil
}

// Resize moves the ends of the range: its begin by front bytes and its end by back, both
// towards the end of the data where positive. It changes no data and so is allowed where
// data is shared. It returns ErrSpace, and does nothing, if the range would leave the
// data block or become negative.
func (b *Block) Resize(front, back int) error {
	n := len(b.data.buf)
	if front < -b.r || front > n-b.r || back < -b.w || back > n-b.w || b.r+front > b.w+back {
		return ErrSpace
	}
	b.r += front
	b.w += back
	return nil
}

// Value returns what SetValue has stored.
func (b *Block) Value() any { return b.data.value }

// SetValue lets the block carry a Go value beside its bytes. Duplicates share it and
// copies take it over; a [Carried] one is told of both. It returns ErrShared.
func (b *Block) SetValue(v any) error {
	if b.data.shared() {
		return ErrShared
	}
	b.data.carry(v)
	return nil
}

// Over reports whether the block's memory is what [Arena.External] was given together with
// r, which must be comparable with ==. The range of such a block begins [Block.Room] bytes
// behind the begin of that memory.
func (b *Block) Over(r FreeRoutine) bool { return b.data.class == classExternal && b.data.free == r }

// DupBlock returns a new block over the same data, with the same range, band and flags
// and nothing behind it (System V's dupb). The error is ErrReferences, or ENOSR when
// there is no memory.
func (b *Block) DupBlock() (*Block, error) {
	if err := b.data.share(); err != nil {
		return nil, err
	}
	if err := b.arena.admit(0); err != nil {
		b.data.drop()
		return nil, err
	}
	d := b.arena.block(b.data)
	d.r, d.w, d.band, d.flags = b.r, b.w, b.band, b.flags
	return d, nil
}

// CopyBlock returns a new block with a copy of the written range, and the same type, band
// and flags (System V's copyb). A block of the ioctl family keeps cmd, ID, credential and
// answer, but not the private state, which has one owner. The error is ENOSR.
func (b *Block) CopyBlock() (*Block, error) {
	if b.data == &b.arena.dead {
		return nil, ErrMessage
	}
	c, err := b.arena.alloc(b.data.typ, b.Len())
	if err != nil {
		return nil, err
	}
	c.w = copy(c.data.buf, b.Bytes())
	c.band, c.flags = b.band, b.flags
	c.data.carry(b.data.value)
	if b.data.body != nil {
		c.data.body = b.data.body.clone(b.arena)
	}
	return c, nil
}

// FreeBlock frees this block alone; the chain behind it stays the caller's (System V's
// freeb). The data goes with its last reference. A nil block is ignored; a block that
// was freed before or is in a queue is left as it is and counted in [Usage.Misuses].
func (b *Block) FreeBlock() {
	if b == nil {
		return
	}
	d := b.data
	if d == &b.arena.dead || b.queue != nil {
		b.arena.misuses.Add(1)
		return
	}
	b.data = &b.arena.dead
	d.drop()
	b.arena.take(b)
}

// Free frees the message (System V's freemsg). See [Block.FreeBlock].
func (b *Block) Free() {
	for b != nil {
		next := b.cont
		if b.queue != nil {
			next = nil // it stays whole
		}
		b.FreeBlock()
		b = next
	}
}
