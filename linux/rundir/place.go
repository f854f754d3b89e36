// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// place is one directory that streams may be registered in.
type place struct {
	path string
	// system: only root can have made it or let somebody make it, so its owner may be
	// anyone for a reader.
	system bool
	// private: everybody may write to its parent, so nothing but a directory of
	// ours with mode 0700 is trusted.
	private bool
}

// mode returns the permissions with which the directory is made: others see what
// root offers, and nobody else's streams.
func (p place) mode(euid int) uint32 {
	if euid == 0 && !p.private {
		return 0o755
	}
	return 0o700
}

// judge reports why a directory with the attributes st must not be used by euid.
func (p place) judge(st *unix.Stat_t, euid int, register bool) error {
	owner, perm := int(st.Uid), fs.FileMode(st.Mode).Perm()
	switch {
	case owner == euid:
	case register:
		return p.refuse("belongs to uid %d, and uid %d registers streams only in a directory of its own", owner, euid)
	case owner != 0 && !p.system:
		return p.refuse("belongs to uid %d, not to uid %d or root; streams in it are not trusted", owner, euid)
	}
	if p.private && perm&0o077 != 0 {
		return p.refuse("has mode %#o, others may enter it; it must be 0700", uint32(perm))
	}
	if perm&0o022 != 0 {
		return p.refuse("has mode %#o, others may put streams there; remove their right to write", uint32(perm))
	}
	return nil
}

// refuse says what is wrong with the directory and what can be done about it.
func (p place) refuse(format string, args ...any) error {
	detail := fmt.Sprintf("run directory %s "+format, append([]any{p.path}, args...)...)
	return &ioreturn.StatusError{
		Code:   ioreturn.NotPermitted,
		Detail: detail + "; have it removed or mended, or set " + Variable + " to a directory of your own",
	}
}

// open opens the directory for reading, after the checks of judge on the very
// directory that is returned. The error matches ErrNotFound if there is none.
func (p place) open(euid int, register bool) (fd int, err error) {
	// O_PATH needs no permission on the directory itself, so that a squatter's can be
	// named as such instead of answering "permission denied".
	path, err := unix.Open(p.path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, p.notDirectory(err)
	}
	defer unix.Close(path)
	var st unix.Stat_t
	if err := unix.Fstat(path, &st); err != nil {
		return -1, os.NewSyscallError("fstat "+p.path, err)
	}
	if err := p.judge(&st, euid, register); err != nil {
		return -1, err
	}
	fd, err = unix.Openat(path, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, p.errno("open", err)
	}
	return fd, nil
}

// notDirectory explains why the path could not be opened as a directory.
func (p place) notDirectory(err error) error {
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		switch fi, statErr := os.Lstat(p.path); {
		case statErr != nil:
		case fi.Mode()&fs.ModeSymlink != 0:
			return p.refuse("is a symbolic link, and links are not followed there")
		case !fi.IsDir():
			return p.refuse("is not a directory")
		}
	}
	return p.errno("open", err)
}

func (p place) errno(op string, err error) error {
	return &fs.PathError{Op: op, Path: p.path, Err: err}
}

// make makes the directory if it is missing; its parent must be there.
func (p place) make(euid int) error {
	err := unix.Mkdir(p.path, p.mode(euid))
	if errors.Is(err, unix.EEXIST) {
		return nil // open judges it
	}
	if err == nil {
		// The umask may have taken from the mode. Whoever could replace the directory
		// now is root or ourselves: others can't rename what is not theirs.
		err = unix.Chmod(p.path, p.mode(euid))
	}
	if err != nil {
		return fmt.Errorf("%w; make the directory, or set %s to one of your own", p.errno("make", err), Variable)
	}
	return nil
}

// writable reports why euid cannot make files in dir.
func writable(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

// usable reports whether euid can register streams in p, without making anything.
func (p place) usable(euid int) bool {
	var st unix.Stat_t
	switch err := unix.Lstat(p.path, &st); {
	case err == nil:
		return st.Mode&unix.S_IFMT == unix.S_IFDIR && int(st.Uid) == euid && writable(p.path) == nil
	case errors.Is(err, unix.ENOENT):
		return writable(filepath.Dir(p.path)) == nil
	}
	return false
}
