// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readNoWait reads 8 bytes from an eventfd; with nothing to read the result is EAGAIN.
// It never blocks, whatever the flags of the description are and whoever else reads or
// writes it: RWF_NOWAIT belongs to the call, the kernel looks at it where it would
// begin to wait, and those who wait hold no lock. So it may be a RawSyscall though the
// description is shared.
func readNoWait(num int, b *[8]byte) (int, unix.Errno) {
	iov := unix.Iovec{Base: &b[0]}
	iov.SetLen(len(b))
	// The offset -1 means "where the file stands", the only one that an eventfd takes.
	n, _, errno := unix.RawSyscall6(unix.SYS_PREADV2, uintptr(num), uintptr(unsafe.Pointer(&iov)), 1,
		^uintptr(0), ^uintptr(0), unix.RWF_NOWAIT)
	return int(n), errno
}

// addOne adds one to an eventfd's counter. It may block, see the package's comment,
// and so must be a Syscall.
func addOne(num int) unix.Errno {
	one := uint64(1)
	_, _, errno := unix.Syscall(unix.SYS_WRITE, uintptr(num), uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
	return errno
}

// recvNoWait receives from a socket. It is here because unix.Recvfrom allocates. It is a
// Syscall because it can block in spite of MSG_DONTWAIT: a descriptor that the sender
// has passed along is closed within the call, and if it is a TCP socket with
// SO_LINGER, that takes as long as its owner likes. See newSocketPair.
func recvNoWait(num int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(num), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

const (
	futexWait    = 0
	futexWake    = 1
	futexPrivate = 128

	futex2Size32 = 2
)

// waiter is one element of futex_waitv's list, as the kernel defines it.
type waiter struct {
	val   uint64
	addr  uint64
	flags uint32
	_     uint32
}

const _ = uint(24-unsafe.Sizeof(waiter{})) + uint(unsafe.Sizeof(waiter{})-24) // the kernel's size

// waitEither sleeps until either word of list differs from its value, or one of
// them is woken. ENOSYS or EPERM: this kernel or sandbox lacks the call.
func waitEither(list *[2]waiter) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX_WAITV, uintptr(unsafe.Pointer(list)), uintptr(len(list)), 0, 0, 0, 0)
	return errno
}

// waitSlice sleeps on a shared word until it differs from seen, is woken, or d is over.
func waitSlice(addr uintptr, seen uint32, d time.Duration) unix.Errno {
	ts := unix.NsecToTimespec(int64(d))
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX, addr, futexWait, uintptr(seen), uintptr(unsafe.Pointer(&ts)), 0, 0)
	return errno
}

// wakeShared wakes everybody who sleeps on a shared word, in any process. It waits for
// nothing but the word's page, as reading the word does, and so may be a RawSyscall.
func wakeShared(addr uintptr) unix.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_FUTEX, addr, futexWake, 1<<30)
	return errno
}

// wakePrivate wakes those who sleep on a word of this process.
func wakePrivate(w *atomic.Uint32) {
	_, _, _ = unix.Syscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(w)), futexWake|futexPrivate, 1<<30)
}

func privateAddr(w *atomic.Uint32) uint64 { return uint64(uintptr(unsafe.Pointer(w))) }
