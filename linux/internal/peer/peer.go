// SPDX-License-Identifier: Apache-2.0

//go:build linux

package peer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

// overflowID is what the kernel reports for a user that has no number here.
const overflowID = 65534

// Process is the process that made the other end of a socket: the one that called
// connect, or listen. Its credentials are those of that moment.
type Process struct {
	PID, UID, GID int    // PID is 0 if the process is not visible from here
	Program       string // base name of the executable, "" if it can't be read

	file *os.File // pidfd, nil if there is none
	raw  syscall.RawConn
}

// Of identifies the peer of the connected unix socket num. It does not block. The
// error matches ErrGone if the peer is dead already.
func Of(num int) (*Process, error) {
	cred, err := unix.GetsockoptUcred(num, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return nil, fmt.Errorf("read the credentials of the other side: %w", err)
	}
	p := &Process{PID: int(cred.Pid), UID: int(int32(cred.Uid)), GID: int(int32(cred.Gid))}
	if p.PID <= 0 { // of another pid namespace: only the socket tells of its end
		p.PID = 0
		return p, nil
	}
	pidfd, err := open(num, p.PID)
	if err != nil {
		return nil, err
	}
	if pidfd < 0 {
		return p, nil
	}
	p.file = os.NewFile(uintptr(pidfd), "pidfd")
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return nil, fmt.Errorf("watch process %d: %w", p.PID, err)
	}
	p.Program = program(p.PID)
	if polls(pidfd, unix.POLLIN) { // the name may be that of another process
		p.file.Close()
		return nil, fmt.Errorf("process %d: %w", p.PID, ioreturn.ErrGone)
	}
	return p, nil
}

// open returns a non-blocking pidfd, or -1 if this system has none.
func open(sock, pid int) (int, error) {
	num, err := unix.GetsockoptInt(sock, unix.SOL_SOCKET, unix.SO_PEERPIDFD) // Linux 6.5
	if errors.Is(err, unix.ENOPROTOOPT) {
		num, err = openByNumber(sock, pid)
	}
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM), errors.Is(err, unix.ENODATA):
		return -1, nil
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.EINVAL): // the latter before Linux 6.16
		return -1, fmt.Errorf("process %d: %w", pid, ioreturn.ErrGone)
	case err != nil:
		return -1, fmt.Errorf("watch process %d: %w", pid, err)
	}
	unix.CloseOnExec(num)
	if err := unix.SetNonblock(num, true); err != nil { // or the runtime's poller does not take it
		unix.Close(num)
		return -1, fmt.Errorf("watch process %d: %w", pid, err)
	}
	return num, nil
}

// openByNumber opens the process that has the number of the peer now. If the peer
// had died before, its socket would have been hung up, and the number may be
// another's.
func openByNumber(sock, pid int) (int, error) {
	num, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, err
	}
	if polls(sock, unix.POLLHUP|unix.POLLRDHUP) {
		unix.Close(num)
		return -1, unix.ESRCH
	}
	return num, nil
}

// Watched reports whether Wait will tell of the process's death.
func (p *Process) Watched() bool { return p.file != nil }

// Wait returns nil when the process has died and an error after Close. It must not
// be called if the process is not Watched.
func (p *Process) Wait() error {
	return p.raw.Read(func(fd uintptr) bool { return polls(int(fd), unix.POLLIN) })
}

// Close gives the pidfd back and ends Wait.
func (p *Process) Close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

// SameUser reports whether the process runs as our own user. A user without a
// number here is nobody's user, also if we are one ourselves.
func (p *Process) SameUser() bool { return p.UID == os.Geteuid() && p.UID != overflowID }

// program returns the base name of a process's executable, or the name that the
// process goes by if another user's executable may not be looked at. The process
// chose it, so what could confuse a terminal is replaced.
func program(pid int) string {
	name := ""
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		name = filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
	} else if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		name = strings.TrimSuffix(string(comm), "\n")
	}
	return printable(name)
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

func polls(num int, events int16) bool {
	p := []unix.PollFd{{Fd: int32(num), Events: events}}
	n, err := unix.Poll(p, 0)
	return err == nil && n > 0 && p[0].Revents&events != 0
}
