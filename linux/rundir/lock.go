// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// The locks are those of open file descriptions (F_OFD_SETLK). Like those of
// flock they end with the last descriptor of the description, so with the
// process. Unlike those of flock they can be asked about without being taken: a
// reader that takes a lock to see whether it is free makes a driver fail that
// starts at that moment, and flock needs no right to write, so any reader could
// do so for ever. Unlike those of fcntl they survive that the same process opens
// and closes the file once more, which a driver that lists streams does.

// lock takes the lock of the file for its description; ok is false if another
// description has it. It does not wait.
func lock(fd int) (ok bool, err error) {
	err = unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// locked reports whether another description has the lock of the file. It asks
// for a reader's lock, so only a writer's lock counts, which needs the right to
// write: other users cannot make a dead entry look alive.
func locked(fd int) (bool, error) {
	lk := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &lk); err != nil {
		return false, err
	}
	return lk.Type != unix.F_UNLCK, nil
}

// sameFile reports whether name in the directory still is the file that fd has open.
func sameFile(dir int, name string, fd int) (bool, error) {
	var there, here unix.Stat_t
	if err := unix.Fstat(fd, &here); err != nil {
		return false, err
	}
	switch err := unix.Fstatat(dir, name, &there, unix.AT_SYMLINK_NOFOLLOW); {
	case errors.Is(err, unix.ENOENT):
		return false, nil
	case err != nil:
		return false, err
	}
	return here.Dev == there.Dev && here.Ino == there.Ino, nil
}

// openat opens a file of the directory without following a link.
func openat(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// remove unlinks a file of the directory; one that is missing is no error.
func remove(dir int, name string) error {
	err := unix.Unlinkat(dir, name, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}
