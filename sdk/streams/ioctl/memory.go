// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Memory is a caller's memory as far as a command may reach it. Addresses are those
// that the caller wrote into its argument; they need not be addresses of the process.
// Address 0 is nobody's: it is what a caller writes who has no memory to name.
//
// Both methods copy len(p) bytes or none, and match streams.EFAULT if the range isn't
// the caller's to lend. They do not keep p, do not block, and may be called by
// several goroutines at the same time if the memory itself may.
type Memory interface {
	ReadAt(p []byte, addr uint64) error  // fills p from addr on
	WriteAt(p []byte, addr uint64) error // stores p from addr on
}

// Region is one range of a caller's memory.
type Region struct {
	Addr     uint64 // what the caller calls the first byte; not 0
	Data     []byte // the bytes themselves, which stay the caller's
	ReadOnly bool   // writes fail
}

// contains reports whether size bytes from addr on lie within r. Nothing can wrap:
// what is compared is offsets, which are not larger than the region.
func (r Region) contains(addr uint64, size int) bool {
	off := addr - r.Addr
	n := uint64(len(r.Data))
	return addr >= r.Addr && off <= n && uint64(size) <= n-off
}

// Regions is the memory that a caller registered for a command. Every copy must lie
// within one of them, also where two touch; what is in none of them can't be reached.
type Regions struct {
	list []Region // in the order of their addresses, none empty
}

// NewRegions returns a memory of the given regions. The error says which of them
// overlap, begin at 0, or wrap at the end of the address space; it matches EINVAL. Empty
// regions are left out.
// By default a command has one region: the bytes that its argument points to.
func NewRegions(list ...Region) (*Regions, error) {
	m := &Regions{}
	for _, r := range list {
		if len(r.Data) == 0 {
			continue
		}
		if r.Addr == 0 {
			return nil, fmt.Errorf("region of %d bytes at 0, which is no address: %w", len(r.Data), streams.EINVAL)
		}
		if uint64(len(r.Data)-1) > math.MaxUint64-r.Addr {
			return nil, fmt.Errorf("region of %d bytes at %#x wraps: %w", len(r.Data), r.Addr, streams.EINVAL)
		}
		m.list = append(m.list, r)
	}
	slices.SortFunc(m.list, func(a, b Region) int { return cmp.Compare(a.Addr, b.Addr) })
	for i := 1; i < len(m.list); i++ {
		if a, b := m.list[i-1], m.list[i]; b.Addr-a.Addr < uint64(len(a.Data)) {
			return nil, fmt.Errorf("regions at %#x (%d bytes) and %#x overlap: %w", a.Addr, len(a.Data), b.Addr, streams.EINVAL)
		}
	}
	return m, nil
}

// ReadAt fills p from addr on. The error is a FaultError. No bytes are anywhere.
func (m *Regions) ReadAt(p []byte, addr uint64) error {
	if len(p) == 0 {
		return nil
	}
	r, ok := m.find(addr, len(p))
	if !ok {
		return &FaultError{Addr: addr, Size: len(p)}
	}
	copy(p, r.Data[addr-r.Addr:])
	return nil
}

// WriteAt stores p from addr on. The error is a FaultError.
func (m *Regions) WriteAt(p []byte, addr uint64) error {
	if len(p) == 0 {
		return nil
	}
	r, ok := m.find(addr, len(p))
	if !ok || r.ReadOnly {
		return &FaultError{Addr: addr, Size: len(p), Write: true}
	}
	copy(r.Data[addr-r.Addr:], p)
	return nil
}

func (m *Regions) find(addr uint64, size int) (Region, bool) {
	i, ok := slices.BinarySearchFunc(m.list, addr, func(r Region, addr uint64) int { return cmp.Compare(r.Addr, addr) })
	if !ok {
		i-- // the last region that begins before addr
	}
	if i < 0 || !m.list[i].contains(addr, size) {
		return Region{}, false
	}
	return m.list[i], true
}

// FaultError reports a copy that leads outside of a caller's memory. It matches
// streams.EFAULT.
type FaultError struct {
	Addr  uint64
	Size  int
	Write bool
}

// Error says what was tried where.
func (e *FaultError) Error() string {
	what := "read"
	if e.Write {
		what = "write"
	}
	return fmt.Sprintf("%s of %d bytes at %#x: %v", what, e.Size, e.Addr, streams.EFAULT)
}

// Unwrap returns streams.EFAULT.
func (e *FaultError) Unwrap() error { return streams.EFAULT }

// Faulty is a memory in which chosen copies fail, for tests. Only one goroutine may
// use it at a time.
type Faulty struct {
	Memory Memory
	// Fail is asked before each copy; what it returns, if not nil, is the copy's error.
	Fail func(n int, write bool, addr uint64, size int) error

	copies int
}

// ReadAt asks Fail, then reads. The first copy has number 0.
func (f *Faulty) ReadAt(p []byte, addr uint64) error {
	if err := f.ask(false, addr, len(p)); err != nil {
		return err
	}
	return f.Memory.ReadAt(p, addr)
}

// WriteAt asks Fail, then writes.
func (f *Faulty) WriteAt(p []byte, addr uint64) error {
	if err := f.ask(true, addr, len(p)); err != nil {
		return err
	}
	return f.Memory.WriteAt(p, addr)
}

func (f *Faulty) ask(write bool, addr uint64, size int) error {
	n := f.copies
	f.copies++
	return f.Fail(n, write, addr, size)
}
