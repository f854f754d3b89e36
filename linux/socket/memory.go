// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/iostreamkit/iostreamkit/linux/internal/memfd"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// arena is shared memory of the driver, mapped once for all its uses. It is given
// back with its last use. Fields are guarded by Conn.mu.
type arena struct {
	id       uint32
	fd       int
	size     uint64
	kind     userclient.MemKind
	readOnly bool
	uses     int    // mappings, and the map that is being answered
	bytes    []byte // nil until first used
}

// mapRequest is the map that was sent and not answered.
type mapRequest struct {
	id     uint32
	result chan mapResult // of capacity one
	gone   bool           // the caller does not wait any more
}

type mapResult struct {
	err    error
	arena  *arena // one use of it is the receiver's of this result
	offset uint64
	length uint64
}

// Map maps memory of one of the Mem types. See userclient.Conn. The mapping and its
// descriptor stay until Unmap, also after Close.
func (c *Conn) Map(ctx context.Context, typ uint32) (*userclient.Mapping, error) {
	m, err := c.mapMemory(ctx, typ)
	if err != nil {
		return nil, ioreturn.Op(fmt.Sprintf("map memory type %#x", typ), c.path, err)
	}
	return m, nil
}

func (c *Conn) mapMemory(ctx context.Context, typ uint32) (*userclient.Mapping, error) {
	if err := c.over(); err != nil {
		return nil, err
	}
	if err := c.acquire(ctx, c.mapSlot); err != nil {
		return nil, err
	}
	r, err := c.sendMap(typ)
	if err != nil {
		return nil, err
	}
	c.at("client.map-sent")
	c.attend()
	var res mapResult
	select {
	case res = <-r.result:
	case <-ctx.Done():
		return nil, c.abandonMap(r, context.Cause(ctx))
	case <-c.done:
		return nil, c.abandonMap(r, c.Err())
	}
	if res.err != nil {
		return nil, res.err
	}
	c.at("client.map-answered")
	return c.use(res)
}

func (c *Conn) sendMap(typ uint32) (*mapRequest, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	r := &mapRequest{id: c.newID(), result: make(chan mapResult, 1)}
	c.mapping = r
	c.scratch = appendWord(c.scratch, FrameMap, r.id, typ, false)
	if err := c.send(c.scratch, -1); err != nil {
		c.mapping = nil
		return nil, err
	}
	return r, nil
}

// abandonMap gives a map up. An answer that has come already is given back.
func (c *Conn) abandonMap(r *mapRequest, cause error) error {
	c.mu.Lock()
	r.gone = true
	c.mu.Unlock()
	select {
	case res := <-r.result:
		if res.arena != nil {
			return errors.Join(cause, c.unuse(res.arena))
		}
	default:
	}
	return cause
}

// mapped takes the answer to a map. The arena is kept although the caller may have
// gone, until it is clear that nobody uses it.
func (c *Conn) mapped(in *incoming) error {
	f, err := parseMapped(in.bytes, in.hasFD)
	if err != nil {
		return err
	}
	unused, err := c.answerMap(&f, in)
	if err != nil {
		return err
	}
	<-c.mapSlot
	return freeAll(unused)
}

func (c *Conn) answerMap(f *mapped, in *incoming) (unused []*arena, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.mapping
	if r == nil || r.id != in.id {
		return nil, ioreturn.Broken(ioreturn.RuleFrameID, "a MAPPED to map %d, which is not outstanding", in.id)
	}
	res := mapResult{err: status(f.code, f.detail), offset: f.offset, length: f.length}
	if res.err == nil {
		if res.arena, err = c.arenaOf(f, in); err != nil {
			return nil, err
		}
	}
	c.mapping = nil
	if !r.gone {
		if res.arena != nil {
			res.arena.uses++
		}
		r.result <- res
	}
	return c.dropUnused(), nil
}

// arenaOf returns the arena of an answer: a new one, whose descriptor it takes over
// after it was checked, or one that is here already.
func (c *Conn) arenaOf(f *mapped, in *incoming) (*arena, error) {
	known, readOnly := c.arenas[f.arena], f.access == AccessReadOnly
	switch {
	case known != nil && in.hasFD:
		return nil, ioreturn.Broken(ioreturn.RuleFrameFDs, "arena %d is sent twice", f.arena)
	case known == nil && !in.hasFD:
		return nil, ioreturn.Broken(ioreturn.RuleFrameFDs, "arena %d is named and was not sent", f.arena)
	case known != nil:
		if known.size != f.size || known.kind != f.kind || known.readOnly != readOnly {
			return nil, ioreturn.Broken(ioreturn.RuleMemoryKind, "arena %d has changed its size, kind or access", f.arena)
		}
		return known, nil
	}
	if err := c.checkArena(in.fd, f.kind, f.size, readOnly); err != nil {
		return nil, err
	}
	a := &arena{id: f.arena, fd: in.take(), size: f.size, kind: f.kind, readOnly: readOnly}
	c.arenas[f.arena] = a
	return a, nil
}

// checkArena verifies a descriptor that came from the driver before anything is
// mapped from it.
func (c *Conn) checkArena(fd int, kind userclient.MemKind, size uint64, readOnly bool) error {
	if !slices.Contains(c.cfg.MemKinds, kind) {
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "the driver shares %s memory, which this client did not accept", kind)
	}
	switch kind {
	case userclient.MemMemfd:
		return memfd.Check(fd, size, readOnly)
	case userclient.MemDMABuf:
		return memfd.CheckDMABuf(fd, size)
	}
	return ioreturn.Broken(ioreturn.RuleMemoryKind, "%s memory cannot travel over a socket", kind)
}

// use turns an answer into a mapping.
func (c *Conn) use(res mapResult) (*userclient.Mapping, error) {
	a := res.arena
	bytes, err := c.mapArena(a)
	if err != nil {
		return nil, errors.Join(err, c.unuse(a))
	}
	end := res.offset + res.length // within the arena, as parseMapped has checked
	m := &userclient.Mapping{Mem: userclient.Mem{
		Bytes: bytes[res.offset:end:end], Kind: a.kind, FD: a.fd, Offset: int64(res.offset), ReadOnly: a.readOnly,
	}}
	var once sync.Once
	m.Unmap = func() error {
		err := ioreturn.Op("unmap", c.path, ioreturn.ErrClosed)
		once.Do(func() { err = c.unuse(a) })
		return err
	}
	c.at("client.mapped")
	return m, nil
}

// mapArena maps the whole arena, once.
func (c *Conn) mapArena(a *arena) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.bytes == nil {
		if a.size > math.MaxInt {
			return nil, fmt.Errorf("an arena of %d bytes does not fit this address space: %w", a.size, ioreturn.ErrNoMemory)
		}
		b, err := memfd.Map(a.fd, int(a.size), !a.readOnly)
		if err != nil {
			return nil, err
		}
		a.bytes = b
	}
	return a.bytes, nil
}

// unuse ends one use of an arena. The last one gives it back.
func (c *Conn) unuse(a *arena) error {
	c.mu.Lock()
	a.uses--
	unused := c.dropUnused()
	c.mu.Unlock()
	return freeAll(unused)
}

// dropUnused forgets every arena that nobody uses, tells the driver, and returns
// them, for the caller to free without c.mu, which is held. While a map is
// outstanding it does nothing: the answer may name one of them.
func (c *Conn) dropUnused() (unused []*arena) {
	if c.mapping != nil && c.err == nil {
		return nil
	}
	for id, a := range c.arenas {
		if a.uses > 0 {
			continue
		}
		delete(c.arenas, id)
		unused = append(unused, a)
		if c.err == nil {
			c.scratch = appendWord(c.scratch, FrameDrop, 0, id, false)
			_ = c.send(c.scratch, -1)
		}
	}
	return unused
}

func freeAll(list []*arena) error {
	var first error
	for _, a := range list {
		if err := a.free(); first == nil {
			first = err
		}
	}
	return first
}

func (a *arena) free() error {
	var err error
	if a.bytes != nil {
		err = memfd.Unmap(a.bytes)
	}
	unix.Close(a.fd)
	return err
}
