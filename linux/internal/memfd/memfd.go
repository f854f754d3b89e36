// SPDX-License-Identifier: Apache-2.0

//go:build linux

package memfd

import (
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

// The seals of memory that is shared for a session. The driver's memory has
// sealNoWriter besides: the driver's own mapping, made before, stays writable, and
// nobody can make another one, write, or punch a hole.
const (
	sealFixed    = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	sealNoWriter = unix.F_SEAL_FUTURE_WRITE
)

// blockSize is the unit of stat's count of blocks.
const blockSize = 512

// reserveStep is how much is reserved by one system call. A signal that interrupts
// the call costs at most this much work.
const reserveStep = 64 << 20

// Memory is a memfd mapped into this process. The mapping is not inherited by a
// forked child, and the descriptor not by an executed program (C28).
type Memory struct {
	Bytes []byte
	FD    int
}

// Create makes zeroed memory of at least size bytes, rounded up to whole pages, and
// maps it writable. All its pages are reserved now, so that want of memory is an
// error here and not a fault later. If readOnlyForOthers is set, this mapping is
// the only one that will ever be writable.
func Create(name string, size int, readOnlyForOthers bool) (_ *Memory, err error) {
	size, err = wholePages(size)
	if err != nil {
		return nil, err
	}
	num, err := create(name)
	if err != nil {
		return nil, fmt.Errorf("create shared memory: %w", err)
	}
	m := &Memory{FD: num}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	if err := reserve(num, int64(size)); err != nil {
		return nil, fmt.Errorf("reserve %d bytes of shared memory (is there a memory limit?): %w", size, err)
	}
	if m.Bytes, err = Map(num, size, true); err != nil {
		return nil, err
	}
	seals := sealFixed
	if readOnlyForOthers {
		seals |= sealNoWriter
	}
	if err := addSeals(num, seals); err != nil {
		return nil, fmt.Errorf("seal shared memory (a read-only arena needs Linux 5.1 or later): %w", err)
	}
	return m, nil
}

// Close unmaps the memory and closes its descriptor.
func (m *Memory) Close() error {
	var err error
	if m.Bytes != nil {
		err = Unmap(m.Bytes)
	}
	return errors.Join(err, unix.Close(m.FD))
}

// Map maps the first size bytes of descriptor num, shared with whoever else maps
// them. The mapping is not inherited by a forked child.
func Map(num, size int, writable bool) ([]byte, error) {
	prot := unix.PROT_READ
	if writable {
		prot |= unix.PROT_WRITE
	}
	b, err := unix.Mmap(num, 0, size, prot, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of shared memory: %w", size, err)
	}
	if err := unix.Madvise(b, unix.MADV_DONTFORK); err != nil {
		return nil, errors.Join(fmt.Errorf("keep shared memory from forked children: %w", err), unix.Munmap(b))
	}
	return b, nil
}

// Unmap ends a mapping made by Map; b is the whole slice that Map returned.
func Unmap(b []byte) error { return unix.Munmap(b) }

// Check verifies that descriptor num, which came from the other side, is a memfd of
// at least size bytes that can't change its size and has no holes, and that its seals
// leave the driver as the only writer if readOnly is set. A hole is no fault when it
// is read, but it makes the reader pay for the page. The error is a broken rule.
func Check(num int, size uint64, readOnly bool) error {
	if err := checkKind(num); err != nil {
		return err
	}
	seals, err := unix.FcntlInt(uintptr(num), unix.F_GET_SEALS, 0)
	if err != nil {
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "memory announced as a memfd has no seals: %v", err)
	}
	if seals&sealFixed != sealFixed {
		return ioreturn.Broken(ioreturn.RuleMemorySeals, "memfd has seals %#x, needs %#x so that its size is fixed", seals, sealFixed)
	}
	if readOnly && seals&(sealNoWriter|unix.F_SEAL_WRITE) == 0 {
		return ioreturn.Broken(ioreturn.RuleMemorySeals, "memfd of the driver has seals %#x, lacks %#x against other writers", seals, sealNoWriter)
	}
	return checkSize(num, size)
}

// checkKind accepts regular files in memory with pages of the usual size.
func checkKind(num int) error {
	var st unix.Stat_t
	if err := unix.Fstat(num, &st); err != nil {
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "memory cannot be examined: %v", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "memory announced as a memfd has file mode %#o", st.Mode)
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(num, &fs); err != nil {
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "memory cannot be examined: %v", err)
	}
	switch magic := uint32(fs.Type); magic {
	case unix.TMPFS_MAGIC:
		return nil
	case unix.HUGETLBFS_MAGIC:
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "memfd has huge pages, whose loss would be a fault")
	default:
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "memory announced as a memfd is a file of file system %#x", magic)
	}
}

func checkSize(num int, size uint64) error {
	var st unix.Stat_t
	if err := unix.Fstat(num, &st); err != nil {
		return ioreturn.Broken(ioreturn.RuleMemorySize, "size of shared memory is unknown: %v", err)
	}
	if st.Size < 0 || uint64(st.Size) < size {
		return ioreturn.Broken(ioreturn.RuleMemorySize, "memfd has %d bytes, %d were announced", st.Size, size)
	}
	if reserved := uint64(max(st.Blocks, 0)) * blockSize; reserved < size {
		return ioreturn.Broken(ioreturn.RuleMemorySize, "memfd has holes, only %d of %d bytes are there", reserved, size)
	}
	return nil
}

func wholePages(size int) (int, error) {
	page := os.Getpagesize()
	if size <= 0 || size > math.MaxInt-page {
		return 0, fmt.Errorf("shared memory of %d bytes: %w", size, ioreturn.ErrInvalid)
	}
	return (size + page - 1) / page * page, nil
}

// create asks for memory that can never be executed, where the kernel knows that
// (Linux 6.3).
func create(name string) (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	num, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		num, err = unix.MemfdCreate(name, flags)
	}
	return num, err
}

func reserve(num int, size int64) error {
	if err := retry(func() error { return unix.Ftruncate(num, size) }); err != nil {
		return err
	}
	for off := int64(0); off < size; off += reserveStep {
		n := min(reserveStep, size-off)
		if err := retry(func() error { return unix.Fallocate(num, 0, off, n) }); err != nil {
			return err
		}
	}
	return nil
}

func addSeals(num, seals int) error {
	_, err := unix.FcntlInt(uintptr(num), unix.F_ADD_SEALS, seals)
	return err
}

func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// CheckDMABuf verifies that descriptor num, which came from the other side, is a
// dma-buf of at least size bytes. Its size is fixed by construction (C36). The error
// is a broken rule.
func CheckDMABuf(num int, size uint64) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(num, &fs); err != nil {
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "memory cannot be examined: %v", err)
	}
	if magic := uint32(fs.Type); magic != unix.DMA_BUF_MAGIC {
		return ioreturn.Broken(ioreturn.RuleMemoryKind, "memory announced as a dma-buf is a file of file system %#x", magic)
	}
	end, err := unix.Seek(num, 0, unix.SEEK_END)
	if err != nil || end < 0 || uint64(end) < size {
		return ioreturn.Broken(ioreturn.RuleMemorySize, "dma-buf has %d bytes, %d were announced: %v", end, size, err)
	}
	return nil
}
