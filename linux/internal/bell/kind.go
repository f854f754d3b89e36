// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

// Kind is what a bell is made of.
type Kind uint8

// The kinds.
const (
	EventFD    Kind = iota + 1 // towards processes of our own user
	SocketPair                 // towards everybody else
)

// EventFDUsable reports whether this kernel can read an eventfd in the way that a
// hostile holder cannot block (Linux 5.9).
func EventFDUsable() bool {
	num, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return false
	}
	defer unix.Close(num)
	var b [8]byte
	_, errno := readNoWait(num, &b)
	return errno == unix.EAGAIN
}

// newEventFD returns two descriptors of one eventfd: to wait on, and to hand over.
func newEventFD() (wait, ring int, err error) {
	wait, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return -1, -1, fmt.Errorf("create an eventfd: %w", err)
	}
	ring, err = unix.FcntlInt(uintptr(wait), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		unix.Close(wait)
		return -1, -1, fmt.Errorf("duplicate an eventfd: %w", err)
	}
	return wait, ring, nil
}

// newSocketPair returns the two ends of a stream socket: a stream, so that one
// receive consumes many rings. Where the kernel can (Linux 6.16), it refuses
// descriptors that come with a ring: closing one of another process may block.
func newSocketPair() (wait, ring int, err error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("create a socketpair: %w", err)
	}
	_ = unix.SetsockoptInt(p[0], unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 0) // older kernels lack it
	return p[0], p[1], nil
}

// check verifies that descriptor num, which came from the other side, is of kind k.
func check(k Kind, num int) error {
	switch k {
	case EventFD:
		return checkEventFD(num)
	case SocketPair:
		return checkSocket(num)
	}
	return ioreturn.Broken(ioreturn.RuleFrameFDs, "a bell of unknown kind %d", k)
}

func checkEventFD(num int) error {
	target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", num))
	if errors.Is(err, os.ErrNotExist) { // no /proc here; the file system tells nearly as much
		var fs unix.Statfs_t
		if unix.Fstatfs(num, &fs) == nil && uint32(fs.Type) == unix.ANON_INODE_FS_MAGIC {
			return nil
		}
	}
	if !strings.HasPrefix(target, "anon_inode:[eventfd") {
		return ioreturn.Broken(ioreturn.RuleFrameFDs, "a bell announced as an eventfd is %q", target)
	}
	return nil
}

func checkSocket(num int) error {
	domain, err1 := unix.GetsockoptInt(num, unix.SOL_SOCKET, unix.SO_DOMAIN)
	typ, err2 := unix.GetsockoptInt(num, unix.SOL_SOCKET, unix.SO_TYPE)
	if err := errors.Join(err1, err2); err != nil {
		return ioreturn.Broken(ioreturn.RuleFrameFDs, "a bell announced as a socketpair is not a socket: %v", err)
	}
	if domain != unix.AF_UNIX || typ != unix.SOCK_STREAM {
		return ioreturn.Broken(ioreturn.RuleFrameFDs, "a bell announced as a socketpair is a socket of domain %d, type %d", domain, typ)
	}
	return nil
}
