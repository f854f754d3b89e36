// SPDX-License-Identifier: Apache-2.0

//go:build linux

package seqpacket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

// MaxPath is the length of the longest path that fits into the kernel's sun_path,
// which ends with a zero byte (C41).
const MaxPath = 107

const socketType = unix.SOCK_SEQPACKET | unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC

// address returns path as an address, or an error that says what is wrong with it.
func address(path string) (*unix.SockaddrUnix, error) {
	switch {
	case path == "":
		return nil, fmt.Errorf("the socket's path is empty: %w", ioreturn.ErrInvalid)
	case strings.ContainsRune(path, 0):
		return nil, fmt.Errorf("the socket's path contains a zero byte: %w", ioreturn.ErrInvalid)
	case len(path) > MaxPath:
		return nil, fmt.Errorf("the socket's path has %d bytes, the system allows %d; use a shorter directory or name: %w",
			len(path), MaxPath, ioreturn.ErrInvalid)
	case path[0] == '@': // would mean a name without a file
		return address("./" + path)
	}
	return &unix.SockaddrUnix{Name: path}, nil
}

// Dial connects to the socket at path. While the listener's queue is full it tries
// again until ctx ends.
func Dial(ctx context.Context, path string) (_ *Conn, err error) {
	addr, err := address(path)
	if err != nil {
		return nil, err
	}
	num, err := unix.Socket(unix.AF_UNIX, socketType, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		err := unix.Connect(num, addr)
		if err == nil {
			return newConn(num)
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			unix.Close(num)
			return nil, err
		}
		select {
		case <-ctx.Done():
			unix.Close(num)
			return nil, fmt.Errorf("the listener's queue is full: %w", context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// Listener accepts connections at a path.
type Listener struct {
	file *os.File
	raw  syscall.RawConn
	path string
	made fs.FileInfo // of the socket file
	once sync.Once
}

// Listen makes a socket at path, where nothing may be yet, that may be connected to
// by whom mode gives write permission. Nobody can connect before mode is in force.
func Listen(path string, mode fs.FileMode) (_ *Listener, err error) {
	addr, err := address(path)
	if err != nil {
		return nil, err
	}
	num, err := unix.Socket(unix.AF_UNIX, socketType, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	l := &Listener{file: os.NewFile(uintptr(num), path), path: path}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if err := unix.Bind(num, addr); err != nil {
		return nil, fmt.Errorf("bind: %w", err)
	}
	if l.made, err = os.Lstat(path); err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode.Perm()); err != nil {
		return nil, err
	}
	if err := unix.Listen(num, unix.SOMAXCONN); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l.raw, err = l.file.SyscallConn()
	return l, err
}

// Accept waits for the next connection. The error matches os.ErrClosed after
// Close; after another error, such as a want of descriptors, it may be called again.
func (l *Listener) Accept() (*Conn, error) {
	for {
		num := -1
		var acceptErr error
		err := l.raw.Read(func(fd uintptr) bool {
			num, _, acceptErr = unix.Accept4(int(fd), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			return acceptErr != unix.EAGAIN
		})
		switch {
		case err != nil:
			return nil, os.ErrClosed
		case acceptErr == unix.EINTR, acceptErr == unix.ECONNABORTED:
		case acceptErr != nil:
			return nil, fmt.Errorf("accept: %w", acceptErr)
		default:
			return newConn(num)
		}
	}
}

// Close removes the socket file, unless another stands in its place, and ends
// Accept. Closing twice is harmless.
func (l *Listener) Close() error {
	var err error
	l.once.Do(func() {
		if l.made != nil {
			if now, statErr := os.Lstat(l.path); statErr == nil && os.SameFile(l.made, now) {
				err = os.Remove(l.path)
			}
		}
		err = errors.Join(err, l.file.Close())
	})
	return err
}
