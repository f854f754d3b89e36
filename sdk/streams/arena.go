// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"sync"
	"sync/atomic"
)

// sizes are the pooled sizes of data blocks. The third holds one piece of ioctl data.
var sizes = [...]int{64, 256, 1024, 4096, 16384, 65536}

// DefaultMaxBlock is the largest block of an arena whose configuration says nothing.
const DefaultMaxBlock = 16 << 20

// ArenaConfig tunes an Arena. The zero value limits single blocks only.
type ArenaConfig struct {
	// MaxBlock is the largest size of a data block that is not external. A size that came
	// from a user is refused here before it becomes memory. Zero means DefaultMaxBlock.
	MaxBlock int
	// MaxBlocks limits the message blocks in use. Zero means no limit.
	MaxBlocks int
	// MaxBytes limits the bytes of data blocks in use; external memory does not count.
	// Zero means no limit.
	MaxBytes int
	// Fault is asked before each allocation, with the allocation's number, from 1, and the
	// bytes it is for. True makes the allocation fail. It is for tests. It is called by
	// whoever allocates, inside procedures too, and must be safe for concurrent use.
	Fault func(n uint64, size int) bool
	// NoReuse leaves freed blocks to the garbage collector, so that every use of a freed
	// block is found. It is for tests: messages then cost allocations.
	NoReuse bool
}

// Usage is a snapshot of what an arena has given away and not got back. When every
// message is freed and every callback has run, the first five fields are zero.
type Usage struct {
	Blocks    int    // message blocks
	Buffers   int    // data blocks, external ones included
	External  int    // external data blocks whose free routine has not returned
	Bytes     int    // bytes of data blocks that are not external
	Callbacks int    // callbacks that wait for memory
	Failures  uint64 // allocations that were refused, ever
	Misuses   uint64 // blocks freed twice, freed or queued while in a queue, ever
}

// Arena gives and takes back the memory of messages. It pools blocks, so that a steady
// flow of messages costs no allocation. Its methods are safe for concurrent use and
// don't block.
type Arena struct {
	cfg    ArenaConfig
	blocks sync.Pool
	bufs   [len(sizes)]sync.Pool
	heads  sync.Pool // data blocks without memory
	bodies sync.Pool // of the ioctl family

	inUse    atomic.Int64
	buffers  atomic.Int64
	bytes    atomic.Int64
	external atomic.Int64
	attempts atomic.Uint64
	failures atomic.Uint64
	misuses  atomic.Uint64

	deferred deferral
	waiters  bufcalls
	dead     data // what a freed block refers to: nothing to read, nothing to share
}

// NewArena returns an arena with no block in use. A nil cfg means defaults.
func NewArena(cfg *ArenaConfig) *Arena {
	a := &Arena{}
	if cfg != nil {
		a.cfg = *cfg
	}
	if a.cfg.MaxBlock <= 0 {
		a.cfg.MaxBlock = DefaultMaxBlock
	}
	a.dead.arena = a
	a.dead.refs.Store(maxReferences)
	a.deferred.init(a)
	return a
}

// Usage returns what is in use. While messages are allocated and freed by others its
// fields may not belong to one moment.
func (a *Arena) Usage() Usage {
	return Usage{
		Blocks:    int(a.inUse.Load()),
		Buffers:   int(a.buffers.Load()),
		External:  int(a.external.Load()),
		Bytes:     int(a.bytes.Load()),
		Callbacks: a.waiters.len(),
		Failures:  a.failures.Load(),
		Misuses:   a.misuses.Load(),
	}
}

// Alloc returns a message of one block of type t with room for size bytes, all zero and
// none of them written yet. The caller owns it and frees it or gives it away.
//
// The error is EINVAL for a negative size, ErrSpace for one above the arena's MaxBlock,
// ErrType for a type of the ioctl family, which [Arena.Ioctl] makes, and ENOSR when there
// is no memory.
func (a *Arena) Alloc(t Type, size int) (*Block, error) {
	if size < 0 {
		return nil, EINVAL
	}
	if t.IsIoctl() {
		return nil, ErrType
	}
	return a.alloc(t, size)
}

func (a *Arena) alloc(t Type, size int) (*Block, error) {
	if size > a.cfg.MaxBlock {
		return nil, ErrSpace
	}
	if err := a.admit(size); err != nil {
		return nil, err
	}
	d := a.buffer(size)
	d.typ = t
	return a.block(d), nil
}

// From returns a message of one block of type t that holds a copy of p. The error is
// that of [Arena.Alloc].
func (a *Arena) From(t Type, p []byte) (*Block, error) {
	b, err := a.Alloc(t, len(p))
	if err != nil {
		return nil, err
	}
	b.w = copy(b.data.buf, p)
	return b, nil
}

// External returns a message of one MData block over the caller's memory, with nothing
// written yet. The memory belongs to the message and its duplicates until free is told.
//
// The error is EINVAL for nil arguments and ENOSR when there is no memory; free is not
// called then.
func (a *Arena) External(buf []byte, free FreeRoutine) (*Block, error) {
	if buf == nil || free == nil {
		return nil, EINVAL
	}
	if err := a.admit(0); err != nil {
		return nil, err
	}
	a.external.Add(1)
	d := a.head()
	d.class, d.buf, d.free = classExternal, buf, free
	return a.block(d), nil
}

// admit counts one block and size bytes in, or refuses them.
func (a *Arena) admit(size int) error {
	if a.cfg.Fault != nil && a.cfg.Fault(a.attempts.Add(1), size) {
		a.failures.Add(1)
		return ENOSR
	}
	blocks, bytes := a.inUse.Add(1), a.bytes.Add(int64(size))
	if a.cfg.MaxBlocks > 0 && blocks > int64(a.cfg.MaxBlocks) ||
		a.cfg.MaxBytes > 0 && bytes > int64(a.cfg.MaxBytes) {
		a.inUse.Add(-1)
		a.bytes.Add(-int64(size))
		a.failures.Add(1)
		return ENOSR
	}
	return nil
}

// Fits reports whether a block with size bytes would be within the limits now (System V's
// testb). It promises nothing: others may be faster.
func (a *Arena) Fits(size int) bool {
	return size >= 0 && size <= a.cfg.MaxBlock &&
		(a.cfg.MaxBlocks <= 0 || a.inUse.Load() < int64(a.cfg.MaxBlocks)) &&
		(a.cfg.MaxBytes <= 0 || a.bytes.Load()+int64(size) <= int64(a.cfg.MaxBytes))
}

// block returns a block over d, which has one reference for it.
func (a *Arena) block(d *data) *Block {
	b, _ := a.blocks.Get().(*Block)
	if b == nil {
		b = &Block{arena: a}
	}
	b.data = d
	return b
}

// head returns a data block without memory and with one reference.
func (a *Arena) head() *data {
	d, _ := a.heads.Get().(*data)
	if d == nil {
		d = &data{arena: a}
	}
	a.buffers.Add(1)
	d.refs.Store(1)
	d.typ, d.class = MData, classNone
	return d
}

// buffer returns a data block with size zero bytes and one reference.
func (a *Arena) buffer(size int) *data {
	class := classOf(size)
	if class == classNone {
		d := a.head()
		d.buf = make([]byte, size)
		return d
	}
	d, _ := a.bufs[class].Get().(*data)
	if d == nil {
		d = &data{arena: a, mem: make([]byte, sizes[class])}
	}
	a.buffers.Add(1)
	d.refs.Store(1)
	d.typ, d.class, d.buf = MData, int8(class), d.mem[:size:size]
	clear(d.buf) // what an earlier message left behind is nobody's to read
	return d
}

func classOf(size int) int {
	for i, s := range sizes {
		if size <= s {
			return i
		}
	}
	return classNone
}

// recycle takes a data block without references back.
func (a *Arena) recycle(d *data) {
	if d.class != classExternal {
		a.bytes.Add(-int64(len(d.buf)))
	}
	a.buffers.Add(-1)
	class := d.class
	d.buf, d.free = nil, nil
	switch {
	case a.cfg.NoReuse:
	case class >= 0:
		a.bufs[class].Put(d)
	default:
		a.heads.Put(d)
	}
}

// take takes a block back whose data the caller has dropped.
func (a *Arena) take(b *Block) {
	*b = Block{arena: a, data: &a.dead}
	a.inUse.Add(-1)
	if !a.cfg.NoReuse {
		a.blocks.Put(b)
	}
	if a.waiters.any() {
		a.settle()
	}
}
