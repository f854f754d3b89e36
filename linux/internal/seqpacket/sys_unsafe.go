// SPDX-License-Identifier: Apache-2.0

//go:build linux

package seqpacket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// inbox is what the kernel needs to receive a message, kept because unix.Recvmsg makes all
// of it anew for each, and has the sender's address read and translated.
type inbox struct {
	header unix.Msghdr
	piece  unix.Iovec
	oob    []byte
}

// recv receives a message into p, which must not be empty. It does not wait for one, but it
// can block: a descriptor for which there is no room is closed within the call.
func (in *inbox) recv(num int, p []byte) (n, oobn, flags int, err unix.Errno) {
	in.piece.Base = unsafe.SliceData(p)
	in.piece.SetLen(len(p))
	in.header.Iov = &in.piece
	in.header.SetIovlen(1)
	in.header.Control = unsafe.SliceData(in.oob)
	in.header.SetControllen(len(in.oob))
	r, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(num), uintptr(unsafe.Pointer(&in.header)), unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	in.piece.Base = nil
	if errno != 0 {
		return 0, 0, 0, errno
	}
	return int(r), int(in.header.Controllen), int(in.header.Flags), 0
}

// sendBytes sends a message without a descriptor. It never blocks, and so may be a
// RawSyscall: a reader who runs at once, in our place, does not take our P from us.
func sendBytes(num int, p []byte) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(num), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
