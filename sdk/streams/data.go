// SPDX-License-Identifier: Apache-2.0

package streams

import "sync/atomic"

// maxReferences is DBLK_REFMAX of System V.
const maxReferences = 255

// data is a data block: memory, its type, and how many blocks refer to it. The type and
// the ioctl body are here and not in the block, so that duplicates share them.
type data struct {
	refs   atomic.Int32
	typ    Type
	class  int8 // the pool that mem goes back to, or one of the two below
	buf    []byte
	mem    []byte // buf and what the pool's size has beyond it
	body   *ioctl // not nil exactly in the ioctl family
	value  any
	free   FreeRoutine
	arena  *Arena
	behind *data // in the list of routines to be run
}

const (
	classNone     = -1 // mem is not pooled
	classExternal = -2 // the memory is the caller's
)

// FreeRoutine is told when nothing refers to external memory any more.
type FreeRoutine interface {
	// FreeBuffer is called exactly once for each successful [Arena.External], with its
	// memory. It runs with no lock held and no procedure of a stream in its call chain, in
	// any goroutine. It should not block, because that delays whoever freed the message.
	FreeBuffer(buf []byte)
}

// FreeFunc makes a function a FreeRoutine.
type FreeFunc func(buf []byte)

// FreeBuffer calls f.
func (f FreeFunc) FreeBuffer(buf []byte) { f(buf) }

// share adds a reference.
func (d *data) share() error {
	for {
		n := d.refs.Load()
		if n >= maxReferences {
			return ErrReferences
		}
		if d.refs.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

// drop takes a reference away. A sole owner needs no read-modify-write: nobody else can
// add a reference.
func (d *data) drop() {
	if d.refs.Load() != 1 && d.refs.Add(-1) != 0 {
		return
	}
	d.refs.Store(0)
	if d.body != nil {
		d.body.release()
		d.arena.discard(d.body)
		d.body = nil
	}
	d.carry(nil)
	if d.free != nil {
		d.arena.defers(d)
		return
	}
	d.arena.recycle(d)
}

// Carried is a value of a block, see [Block.SetValue], that wants to know how long anybody
// can see it. Both methods may be called in any goroutine, also inside procedures; they must
// not block, and not use a stream.
type Carried interface {
	// Carry is told of each data block that takes the value: one for SetValue, and one for
	// each copy. Duplicates share a data block.
	Carry()
	// Drop is told of each of them that has lost it, because its last reference went or it
	// was given another value. It is called as often as Carry.
	Drop()
}

// carry sets the value.
func (d *data) carry(v any) {
	if c, ok := v.(Carried); ok {
		c.Carry()
	}
	before := d.value
	d.value = v
	if c, ok := before.(Carried); ok {
		c.Drop()
	}
}

func (d *data) shared() bool { return d.refs.Load() > 1 }
