// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the kernel defines for an io_uring.
const (
	singleMap = 1 << 0 // IORING_FEAT_SINGLE_MMAP
	noDrop    = 1 << 1 // IORING_FEAT_NODROP
	needed    = singleMap | noDrop

	registerEventFD = 4      // IORING_REGISTER_EVENTFD
	flush           = 1 << 0 // IORING_ENTER_GETEVENTS: here for none, but those without room get some
	overflown       = 1 << 1 // IORING_SQ_CQ_OVERFLOW

	entryIndex, completion = 4, 16 // sizes in the rings
)

// slots is how many requests there is room for; completions have twice as many. More
// would need more than the one page that is the least.
const slots = 64

// uringParams is struct io_uring_params.
type uringParams struct {
	sqEntries, cqEntries, flags, cpu, idle, features, workers uint32
	_                                                         [3]uint32
	sq                                                        struct {
		head, tail, mask, entries, flags, dropped, array uint32
		_                                                [3]uint32
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags uint32
		_                                                [3]uint32
	}
}

const _ = -(unsafe.Sizeof(uringParams{}) ^ 120) // a compile error if it is another size

// size returns how much memory both rings are.
func (p *uringParams) size() int {
	return int(max(p.sq.array+entryIndex*p.sqEntries, p.cq.cqes+completion*p.cqEntries))
}

// rings are the words of the two rings that are used here.
type rings struct{ sqTail, sqFlags, cqHead, cqTail *atomic.Uint32 }

func (p *uringParams) in(mem []byte) rings {
	at := func(off uint32) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&mem[off : off+4][0])) }
	return rings{at(p.sq.tail), at(p.sq.flags), at(p.cq.head), at(p.cq.tail)}
}

func uringSetup() (num int, p uringParams, errno unix.Errno) {
	r, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, slots, uintptr(unsafe.Pointer(&p)), 0)
	return int(r), p, errno
}

func uringRegister(num, event int) unix.Errno {
	fd := int32(event)
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(num), registerEventFD,
		uintptr(unsafe.Pointer(&fd)), 1, 0, 0)
	return errno
}

// uringEnter submits requests that do nothing and waits for none. It is a RawSyscall
// because nothing that another process does makes it wait, see signaller, and because
// a Syscall wakes the runtime's monitor thread, which costs more than the call itself.
func uringEnter(num, submit, flags int) (n int, errno unix.Errno) {
	r, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(num), uintptr(submit), 0, uintptr(flags), 0, 0)
	return int(r), errno
}
