// SPDX-License-Identifier: Apache-2.0

package streams

// last returns the last block of the message.
func (b *Block) last() *Block {
	for b.cont != nil {
		b = b.cont
	}
	return b
}

// Link appends the message tail, which becomes part of this one (System V's linkb). A nil
// tail changes nothing. The error is ErrMessage if the two have a block in common, or
// tail is in a queue.
func (b *Block) Link(tail *Block) error {
	if tail == nil {
		return nil
	}
	end := b.last()
	// Two chains that meet anywhere end in the same block.
	if tail.queue != nil || tail.last() == end {
		return ErrMessage
	}
	end.cont = tail
	return nil
}

// Unlink takes the first block off the message and returns the rest, nil if there is none
// (System V's unlinkb).
func (b *Block) Unlink() *Block {
	rest := b.cont
	b.cont = nil
	return rest
}

// Remove takes block c out of the message and returns what the message is without it,
// nil if c was all of it. c stays the caller's (System V's rmvb). The error is ErrMessage
// if c is not part of the message.
func (b *Block) Remove(c *Block) (*Block, error) {
	if c == nil {
		return b, ErrMessage
	}
	for at := &b; *at != nil; at = &(*at).cont {
		if *at == c {
			*at = c.cont
			c.cont = nil
			return b, nil
		}
	}
	return b, ErrMessage
}

// Size returns the bytes in the message's blocks of type MData (System V's msgdsize).
func (b *Block) Size() int {
	n := 0
	for ; b != nil; b = b.cont {
		if b.data.typ == MData {
			n += b.Len()
		}
	}
	return n
}

// Total returns the bytes and the number of all blocks of the message.
func (b *Block) Total() (bytes, blocks int) {
	for ; b != nil; b = b.cont {
		bytes += b.Len()
		blocks++
	}
	return bytes, blocks
}

// run returns the bytes in the blocks at the begin of the message that have the type of
// the first, and the block behind them.
func (b *Block) run() (n int, rest *Block) {
	t := b.data.typ
	for rest = b; rest != nil && rest.data.typ == t; rest = rest.cont {
		n += rest.Len()
	}
	return n, rest
}

// Dup returns a duplicate of the message, block by block (System V's dupmsg). It is all
// or nothing. The error is that of [Block.DupBlock].
func (b *Block) Dup() (*Block, error) { return b.each((*Block).DupBlock) }

// Copy returns a copy of the message that shares nothing with it (System V's copymsg). It
// is all or nothing. The error is that of [Block.CopyBlock].
func (b *Block) Copy() (*Block, error) { return b.each((*Block).CopyBlock) }

func (b *Block) each(double func(*Block) (*Block, error)) (*Block, error) {
	var first *Block
	end := &first
	for ; b != nil; b = b.cont {
		c, err := double(b)
		if err != nil {
			first.Free()
			return nil, err
		}
		*end, end = c, &c.cont
	}
	return first, nil
}

// Pullup makes the first n bytes of the message contiguous in its first block (System V's
// pullupmsg). They must all be of the first block's type; -1 means all that are. The
// first block remains the first, over new memory if need be, and blocks that became empty
// are freed.
//
// The error is ErrSpace if the message has fewer such bytes, ErrType if bytes would have
// to join a block of the ioctl family, and ENOSR. The message is unchanged then.
func (b *Block) Pullup(n int) error {
	all, _ := b.run()
	switch {
	case n == -1:
		n = all
	case n < 0 || n > all:
		return ErrSpace
	}
	if n <= b.Len() {
		return nil
	}
	if b.data.body != nil {
		return ErrType
	}
	c, err := b.arena.alloc(b.data.typ, n)
	if err != nil {
		return err
	}
	c.data.carry(b.data.value)
	// The first block changes its data with the new block and is then filled from what the
	// new block now has: the old first range, and the chain.
	b.data, c.data = c.data, b.data
	c.r, c.w, c.cont = b.r, b.w, b.cont
	b.r, b.w = 0, 0
	for b.w < n {
		k := copy(b.data.buf[b.w:], c.Bytes())
		b.w += k
		c.r += k
		if c.r < c.w {
			break
		}
		c = c.Drop()
	}
	// Empty blocks right behind are part of what was pulled.
	b.cont = c
	return nil
}

// Drop frees the first block and returns the rest of the message.
func (b *Block) Drop() *Block {
	rest := b.Unlink()
	b.FreeBlock()
	return rest
}

// PullupCopy returns a new message whose first block holds a copy of all bytes at the
// begin that have the first block's type, and whose further blocks are duplicates of the
// rest (System V's msgpullup). The message itself is unchanged. n is how many bytes the
// caller needs; -1 asks for none in particular.
//
// The error is ErrSpace if there are fewer than n, ErrType in the ioctl family,
// ErrReferences, or ENOSR.
func (b *Block) PullupCopy(n int) (*Block, error) {
	all, rest := b.run()
	if n < -1 || n > all {
		return nil, ErrSpace
	}
	if b.data.body != nil {
		return nil, ErrType
	}
	c, err := b.arena.alloc(b.data.typ, all)
	if err != nil {
		return nil, err
	}
	c.band, c.flags = b.band, b.flags
	c.data.carry(b.data.value)
	for ; b != rest; b = b.cont {
		c.w += copy(c.data.buf[c.w:], b.Bytes())
	}
	if c.cont, err = rest.Dup(); err != nil {
		c.FreeBlock()
		return nil, err
	}
	return c, nil
}

// Adjust trims n bytes from the begin of the message, or -n from its end if n is negative
// (System V's adjmsg). It trims blocks of one type: the first block's, or the last's.
// Blocks behind the first that became empty are freed. The error is ErrSpace, with
// nothing trimmed, if there are fewer such bytes.
func (b *Block) Adjust(n int) error {
	if n < 0 {
		return b.trimEnd(n)
	}
	if all, _ := b.run(); n > all {
		return ErrSpace
	}
	k := min(n, b.Len())
	b.r += k
	for n -= k; n > 0; n -= k {
		c := b.cont
		k = min(n, c.Len())
		if c.r += k; c.r == c.w {
			b.cont = c.Drop()
		}
	}
	return nil
}

// trimEnd trims -n bytes from the end; n is negative, as the smallest int has no opposite.
func (b *Block) trimEnd(n int) error {
	// The last run of one type: its first block, and its bytes.
	start, bytes := b, 0
	for c := b; c != nil; c = c.cont {
		if c.data.typ != start.data.typ {
			start, bytes = c, 0
		}
		bytes += c.Len()
	}
	if n < -bytes {
		return ErrSpace
	}
	keep := bytes + n
	for at := start; at != nil; {
		next := at.cont
		k := min(keep, at.Len())
		trimmed := k < at.Len()
		at.w = at.r + k
		keep -= k
		if trimmed && k == 0 && at != b {
			b.Remove(at) //nolint:errcheck // it is part of the message
			at.FreeBlock()
		}
		at = next
	}
	return nil
}
