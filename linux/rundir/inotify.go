// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// inotify is an inotify instance that waits in the runtime's poller. One
// goroutine uses it; only interrupt may be called from others.
type inotify struct {
	fd  int
	f   *os.File
	buf [16 << 10]byte
}

// notice is one event of the kernel.
type notice struct {
	wd   int32
	mask uint32
	name string // in the directory watched, "" for the directory itself
}

func newInotify() (*inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	switch {
	case errors.Is(err, unix.EMFILE):
		return nil, fmt.Errorf("inotify: %w; this user has too many watchers (raise fs.inotify.max_user_instances) "+
			"or this process too many files open", err)
	case err != nil:
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	return &inotify{fd: fd, f: os.NewFile(uintptr(fd), "inotify")}, nil
}

func (n *inotify) close() { n.f.Close() }

// add watches path, or adds to what its watch reports.
func (n *inotify) add(path string, mask uint32) (int32, error) {
	wd, err := unix.InotifyAddWatch(n.fd, path, mask|unix.IN_MASK_ADD|unix.IN_ONLYDIR)
	if errors.Is(err, unix.ENOSPC) {
		return -1, fmt.Errorf("inotify %s: %w; this user has too many watches (raise fs.inotify.max_user_watches)", path, err)
	}
	if err != nil {
		return -1, &os.PathError{Op: "inotify", Path: path, Err: err}
	}
	return int32(wd), nil
}

// remove ends a watch, which the kernel may have done already.
func (n *inotify) remove(wd int32) { _, _ = unix.InotifyRmWatch(n.fd, uint32(wd)) }

// interrupt makes the read that waits, and every later one, end at once.
func (n *inotify) interrupt() { _ = n.f.SetReadDeadline(time.Unix(1, 0)) }

// read waits for events until the deadline (zero: none) or until ctx ends, if
// that calls interrupt. No events and no error mean that it need not wait longer.
func (n *inotify) read(ctx context.Context, deadline time.Time) ([]notice, error) {
	if err := n.f.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	// An interrupt before the deadline was set is undone by it; ctx shows it.
	if ctx.Err() != nil {
		return nil, nil
	}
	size, err := n.f.Read(n.buf[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseNotices(n.buf[:size]), nil
}

// parseNotices decodes what a read of an inotify descriptor returned. It accepts
// any input; what does not fit is left out.
func parseNotices(b []byte) []notice {
	var list []notice
	for len(b) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(b[0:]))
		mask := binary.NativeEndian.Uint32(b[4:])
		size := uint64(binary.NativeEndian.Uint32(b[12:]))
		b = b[unix.SizeofInotifyEvent:]
		if size > uint64(len(b)) {
			break
		}
		name, _, _ := strings.Cut(string(b[:size]), "\x00")
		list = append(list, notice{wd: wd, mask: mask, name: name})
		b = b[size:]
	}
	return list
}
