// SPDX-License-Identifier: Apache-2.0

package inproc

import (
	"context"
	"math"
	"os"
	"slices"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// maxAlloc bounds one allocation: above it, and above what the address space
// holds, make would panic.
const maxAlloc = min(math.MaxInt/2, 1<<40)

// allocation is memory lent to the driver. It is kept to know who writes what the
// client maps.
type allocation struct {
	bytes  []byte
	writer userclient.Writer
}

// Alloc implements userclient.Resources. The memory is a whole number of pages and
// lives as long as anybody refers to it.
func (c *conn) Alloc(size int, w userclient.Writer) (userclient.Mem, func() error, error) {
	if size <= 0 || w != userclient.DriverWrites && w != userclient.ClientWrites {
		return userclient.Mem{}, nil, refuse(ioreturn.BadArgument, "cannot allocate %d bytes for writer %d", size, w)
	}
	if size > maxAlloc {
		return userclient.Mem{}, nil, refuse(ioreturn.NoMemory, "cannot allocate %d bytes at once, at most %d", size, maxAlloc)
	}
	if err := c.Err(); err != nil {
		return userclient.Mem{}, nil, err
	}
	b := pages(size)
	c.mu.Lock()
	c.allocs = append(c.allocs, allocation{b, w})
	c.mu.Unlock()
	return userclient.Mem{Bytes: b, Kind: userclient.MemHeap, FD: -1}, func() error { return c.release(b) }, nil
}

// pages returns zeroed heap memory that begins at a page boundary and is a whole
// number of pages.
func pages(size int) []byte {
	page := os.Getpagesize()
	size = (size + page - 1) / page * page
	b := make([]byte, size+page-1)
	skip := -int(address(b)%uintptr(page)) + page
	if skip == page {
		skip = 0
	}
	return b[skip : skip+size : skip+size]
}

// release forgets an allocation; the collector frees it after its last user.
func (c *conn) release(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.allocs {
		if &c.allocs[i].bytes[0] == &b[0] {
			c.allocs = slices.Delete(c.allocs, i, i+1)
			return nil
		}
	}
	return refuse(ioreturn.BadArgument, "memory of %d bytes was already released", len(b))
}

// Map implements userclient.Conn. Memory that the driver writes is marked
// read-only; nothing but the mark protects it.
func (c *conn) Map(ctx context.Context, typ uint32) (*userclient.Mapping, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var m userclient.Mem
	err := c.use("Memory", func() (err error) {
		m, err = c.session.Memory(typ)
		return err
	})
	if err != nil {
		return nil, err
	}
	m.Bytes = m.Bytes[:len(m.Bytes):len(m.Bytes)]
	m.ReadOnly = m.ReadOnly || c.driverWrites(m.Bytes)
	var unmapped atomic.Bool
	return &userclient.Mapping{Mem: m, Unmap: func() error {
		if unmapped.Swap(true) {
			return ioreturn.Op("unmap", "memory", ioreturn.ErrClosed)
		}
		return nil
	}}, nil
}

// driverWrites reports whether b lies in memory allocated for the driver to write.
func (c *conn) driverWrites(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.allocs {
		if a.writer == userclient.DriverWrites && within(b, a.bytes) {
			return true
		}
	}
	return false
}
