// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// maxSocketPath is the longest path that fits in sun_path with its final zero.
const maxSocketPath = 107

// Entry is a driver's hold on the name of a stream, from Register to Close or the
// end of the process. It keeps three descriptors. An Entry that is dropped without
// Close keeps the name for as long as the process lives: the garbage collector
// must not give away the name of a driver that still runs.
//
// All methods may be called concurrently.
type Entry struct {
	name string
	path string // of the socket
	stem string
	mode uint32 // of the socket
	step func(string)

	mu        sync.Mutex
	dir       int // descriptors, -1 if not open
	lock      int
	info      int
	published bool
	closed    bool
}

// Register takes the name of a stream for this process: it removes what a dead
// driver of that name has left and reserves the path for the socket. Nobody sees
// the stream before Publish. Register does not block.
//
// The error matches ErrBusy if a driver of that name is alive, and says which;
// ErrPermission if the run directory must not be used; ErrInvalid if info is not
// in order or the socket's path would be longer than Linux allows.
func (d Dir) Register(info Info) (*Entry, error) {
	e, err := d.register(info)
	if err != nil {
		return nil, ioreturn.Op("register", info.Name, err)
	}
	return e, nil
}

func (d Dir) register(info Info) (_ *Entry, err error) {
	r, err := newRecord(info)
	if err != nil {
		return nil, err
	}
	e := &Entry{
		name: info.Name, stem: stem(info.Name), mode: uint32(cmp.Or(info.SocketMode, 0o600)),
		step: d.step, dir: -1, lock: -1, info: -1,
	}
	e.path = filepath.Join(d.own.path, e.stem+socketEnding)
	if n := len(e.path); n > maxSocketPath {
		return nil, &ioreturn.StatusError{Code: ioreturn.BadArgument, Detail: fmt.Sprintf(
			"the socket's path %s has %d bytes, Linux allows %d; choose a shorter name, or set %s to a shorter directory",
			e.path, n, maxSocketPath, Variable)}
	}
	if err := d.own.make(d.euid); err != nil {
		return nil, err
	}
	e.at("made")
	if e.dir, err = d.own.open(d.euid, true); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	// systemd-tmpfiles cleans /tmp of what is old, but not below a directory that
	// somebody holds this lock of. A failure costs only that.
	_ = unix.Flock(e.dir, unix.LOCK_SH|unix.LOCK_NB)
	if err := e.take(r); err != nil {
		return nil, err
	}
	return e, nil
}

// take takes the name and prepares everything but the publication.
func (e *Entry) take(r record) error {
	if err := e.takeLock(); err != nil {
		return err
	}
	e.at("locked")
	if _, err := unix.Pwrite(e.lock, fmt.Appendf(nil, "%d %s\n", r.PID, r.Program), 0); err != nil {
		return e.errno("write", lockEnding, err)
	}
	e.at("named")
	for _, ending := range [...]string{infoEnding, newEnding, socketEnding} {
		if err := remove(e.dir, e.stem+ending); err != nil {
			return fmt.Errorf("remove what a dead driver left: %w", e.errno("unlink", ending, err))
		}
		e.at("removed " + ending)
	}
	return e.writeInfo(r)
}

// takeLock opens and locks the lock file. A lock counts only while the file has
// its name: the holder before may have removed it between our open and our lock,
// and whoever comes next will make another.
func (e *Entry) takeLock() error {
	for {
		fd, err := openat(e.dir, e.stem+lockEnding, unix.O_RDWR|unix.O_CREAT, 0o600)
		if err != nil {
			return e.errno("open", lockEnding, err)
		}
		e.at("opened")
		got, err := lock(fd)
		if err != nil {
			unix.Close(fd)
			return e.errno("lock", lockEnding, err)
		}
		same, err := sameFile(e.dir, e.stem+lockEnding, fd)
		if got && same {
			e.lock = fd
			return cut(fd)
		}
		if err == nil && same {
			err = e.busy(fd)
		}
		unix.Close(fd)
		if err != nil {
			return err
		}
	}
}

// cut empties the lock file: what it says is about the holder before.
func cut(fd int) error { return unix.Ftruncate(fd, 0) }

// writeInfo writes the info file under the name that nobody reads. It is a new
// file and locked before anybody else can open it, so its lock can neither be
// prevented nor be anybody else's.
func (e *Entry) writeInfo(r record) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	fd, err := openat(e.dir, e.stem+newEnding, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return e.errno("make", newEnding, err)
	}
	e.info = fd
	e.at("info made")
	if got, err := lock(fd); err != nil || !got {
		return e.errno("lock", newEnding, cmp.Or(err, error(unix.EAGAIN)))
	}
	for b = append(b, '\n'); len(b) > 0; {
		n, err := unix.Write(fd, b)
		if err != nil {
			return e.errno("write", newEnding, err)
		}
		b = b[n:]
		e.at("info written")
	}
	// The directory decides who may come this far; the umask must not.
	if err := unix.Fchmod(fd, 0o644); err != nil {
		return e.errno("chmod", newEnding, err)
	}
	e.at("registered")
	return nil
}

// SocketPath returns the path to listen on. It is free when Register returns.
// Whoever listens there may unlink it before Close, not after: then it may be the
// next driver's. Close removes it otherwise.
//
// Whoever listens there should give the file the permissions of Info.SocketMode
// before listening, so that nobody connects earlier; Publish sets them again.
func (e *Entry) SocketPath() string { return e.path }

// Publish makes the stream visible. Call it when the socket listens. Publishing
// twice is harmless. The error matches ErrState if there is no socket at
// SocketPath, ErrClosed after Close.
func (e *Entry) Publish() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return ioreturn.Op("publish", e.name, e.publish())
}

func (e *Entry) publish() error {
	if e.closed {
		return ioreturn.ErrClosed
	}
	if e.published {
		return nil
	}
	var st unix.Stat_t
	err := unix.Fstatat(e.dir, e.stem+socketEnding, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return &ioreturn.StatusError{Code: ioreturn.NotReady, Detail: "nothing listens at " + e.path}
	}
	if err := unix.Fchmodat(e.dir, e.stem+socketEnding, e.mode, 0); err != nil {
		return e.errno("chmod", socketEnding, err)
	}
	e.at("socket ready")
	if err := unix.Renameat(e.dir, e.stem+newEnding, e.dir, e.stem+infoEnding); err != nil {
		return e.errno("rename", newEnding, err)
	}
	e.published = true
	e.at("published")
	return nil
}

// Close takes the stream out of the directory and gives the name back. It removes
// only what is this entry's: if somebody has removed the lock file by hand, the
// name may be another driver's by now, and nothing is touched. Closing twice is
// harmless. The listening socket may be closed before or after.
func (e *Entry) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	err := e.clear()
	for _, fd := range [...]int{e.info, e.lock} {
		if fd >= 0 {
			unix.Close(fd) // ends its lock
		}
	}
	unix.Close(e.dir)
	return ioreturn.Op("close", e.name, err)
}

// clear removes the entry's files, the lock file last: as long as it has its name
// and we its lock, nobody else makes files of this stream.
func (e *Entry) clear() error {
	if e.lock < 0 {
		return nil
	}
	same, err := sameFile(e.dir, e.stem+lockEnding, e.lock)
	if err != nil || !same {
		return err
	}
	for _, ending := range [...]string{infoEnding, newEnding, socketEnding, lockEnding} {
		if err := remove(e.dir, e.stem+ending); err != nil {
			return e.errno("unlink", ending, err)
		}
		e.at("closed " + ending)
	}
	return nil
}

// busy says who has the name. fd is the lock file.
func (e *Entry) busy(fd int) error {
	who := "another driver that is just starting or ending"
	if pid, program, ok := e.holder(fd); ok {
		who = fmt.Sprintf("PID %d (%s)", pid, program)
		if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			who += fmt.Sprintf(", which cannot be seen from here: it runs in another container, "+
				"or it has died and a process that it forked still holds %s", e.file(lockEnding))
		}
	}
	return &ioreturn.StatusError{Code: ioreturn.Busy, Detail: "the name is taken by " + who + "; end it, or choose another name"}
}

// holder reads who has written into the lock file; ok is false if that is not, or
// not yet, one whole line.
func (e *Entry) holder(fd int) (pid int, program string, ok bool) {
	var b [512]byte
	n, err := unix.Pread(fd, b[:], 0)
	if err != nil {
		return 0, "", false
	}
	return parseHolder(string(b[:n]))
}

func parseHolder(line string) (pid int, program string, ok bool) {
	line, ok = strings.CutSuffix(line, "\n")
	number, program, found := strings.Cut(line, " ")
	n, err := strconv.ParseInt(number, 10, 32)
	if !ok || !found || err != nil || n <= 0 || program == "" || checkText("program", program) != nil {
		return 0, "", false
	}
	return int(n), program, true
}

func (e *Entry) file(ending string) string {
	return strings.TrimSuffix(e.path, socketEnding) + ending
}

func (e *Entry) errno(op, ending string, err error) error {
	return &fs.PathError{Op: op, Path: e.file(ending), Err: err}
}

func (e *Entry) at(step string) {
	if e.step != nil {
		e.step(step)
	}
}
