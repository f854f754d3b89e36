// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// List returns the streams of all directories of the search path, live and stale,
// sorted by name; of the same name, those of an earlier directory first. It talks
// to no driver and so waits for none.
//
// An entry that cannot be used is in the list with its Err. A directory that is
// missing is empty. The error is about directories that must not be used or
// cannot be read, or ctx's; the streams of the others are returned with it.
func (d Dir) List(ctx context.Context) ([]Stream, error) {
	var all []Stream
	var problems []error
	for _, p := range d.search {
		streams, err := d.listPlace(ctx, p)
		all = append(all, streams...)
		if err != nil && !d.ignored(p, err) {
			problems = append(problems, err)
		}
	}
	slices.SortStableFunc(all, func(a, b Stream) int { return cmp.Compare(a.Name, b.Name) })
	return all, ioreturn.Op("list", d.Path(), errors.Join(problems...))
}

// ignored reports whether an error about one directory is no error of a search:
// it is missing, or it is another's and closed to us.
func (d Dir) ignored(p place, err error) bool {
	var status *ioreturn.StatusError
	refused := errors.As(err, &status) // by our own checks, not by the kernel
	return errors.Is(err, fs.ErrNotExist) || p.system && !refused && errors.Is(err, fs.ErrPermission)
}

func (d Dir) listPlace(ctx context.Context, p place) ([]Stream, error) {
	fd, err := p.open(d.euid, false)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), p.path)
	defer f.Close()
	files, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var streams []Stream
	for _, file := range files {
		if ctx.Err() != nil {
			return streams, context.Cause(ctx)
		}
		if name, ok := nameOf(file); ok {
			if s, ok := readEntry(fd, p, name); ok {
				streams = append(streams, s)
			}
		}
	}
	return streams, nil
}

// Find returns the live stream of exactly that name. The first directory of the
// search path that has an entry of the name decides; a stale or damaged one is
// not passed over for a stream of the same name elsewhere (C45).
//
// The error matches ErrNotFound if no directory has an entry and says where it
// looked and what is there, ErrGone if the entry's driver has died, ErrInvalid if
// name is not a stream's; for a damaged entry it is the entry's Err.
func (d Dir) Find(name string) (Stream, error) {
	s, err := d.find(name)
	return s, ioreturn.Op("find", name, err)
}

func (d Dir) find(name string) (Stream, error) {
	if _, _, _, err := userclient.ParseName(name); err != nil {
		return Stream{}, err
	}
	for _, p := range d.search {
		fd, err := p.open(d.euid, false)
		if err != nil {
			if d.ignored(p, err) {
				continue
			}
			return Stream{}, err
		}
		s, ok := readEntry(fd, p, name)
		unix.Close(fd)
		switch {
		case !ok:
		case s.Err != nil:
			return s, s.Err
		case !s.Live:
			return s, &ioreturn.StatusError{Code: ioreturn.NoDevice, Detail: fmt.Sprintf(
				"its driver, PID %d (%s), has died; start it again", s.PID, s.Program)}
		default:
			return s, nil
		}
	}
	return Stream{}, d.notFound()
}

// shown bounds the names in the error of Find.
const shown = 8

// notFound says where Find looked, what is there, and what to do.
func (d Dir) notFound() error {
	streams, _ := d.List(context.Background()) // what can be read is enough for a hint
	var names []string
	for _, s := range streams {
		switch {
		case s.Err != nil:
			names = append(names, s.Name+" (damaged)")
		case !s.Live:
			names = append(names, s.Name+" (its driver has died)")
		default:
			names = append(names, s.Name)
		}
	}
	there := "nothing"
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("and %d more", len(names)-shown))
	}
	if len(names) > 0 {
		there = strings.Join(names, ", ")
	}
	return &ioreturn.StatusError{Code: ioreturn.NotFound, Detail: fmt.Sprintf(
		"no such stream in %s; registered there: %s; start its driver, or set %s to the directory that it registers in",
		strings.Join(d.SearchPath(), ", "), there, Variable)}
}

// readEntry reads the entry of a stream; ok is false if there is none. Lock and
// content are taken from one open file, so they always belong together, also
// while the driver is being replaced. No kind of file makes it wait.
func readEntry(dir int, p place, name string) (s Stream, ok bool) {
	base := stem(name)
	s = Stream{Name: name, Dir: p.path, Path: filepath.Join(p.path, base+socketEnding), UID: -1, PID: -1}
	var st unix.Stat_t
	err := unix.Fstatat(dir, base+infoEnding, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return Stream{}, false
	}
	if err == nil {
		s.UID = int(st.Uid)
		err = s.read(dir, base+infoEnding, &st)
	}
	if errors.Is(err, unix.ENOENT) { // removed since
		return Stream{}, false
	}
	if err != nil {
		s.Err = fmt.Errorf("%s cannot be used: %w", filepath.Join(p.path, base+infoEnding), err)
	}
	return s, true
}

// read opens the info file and fills in what it says. st is what stood under its
// name before: opening a device could have effects.
func (s *Stream) read(dir int, file string, st *unix.Stat_t) error {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New("it is not a plain file")
	}
	fd, err := openat(dir, file, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var dirStat unix.Stat_t
	if err := cmp.Or(unix.Fstat(fd, st), unix.Fstat(dir, &dirStat)); err != nil {
		return err
	}
	s.UID = int(st.Uid)
	s.file = fileID{inode: st.Ino, made: st.Mtim.Nano()}
	if st.Uid != dirStat.Uid && st.Uid != 0 {
		return fmt.Errorf("it belongs to uid %d, the directory to uid %d (%w)", st.Uid, dirStat.Uid, ioreturn.ErrPermission)
	}
	if s.Live, err = locked(fd); err != nil {
		return fmt.Errorf("ask for its lock: %w", err)
	}
	b, err := readAll(fd)
	if err != nil {
		return err
	}
	r, err := parseInfo(b)
	if err != nil {
		return err
	}
	if r.Name != s.Name {
		return fmt.Errorf("it is about %s", r.Name)
	}
	s.PID, s.Program, s.Instance, s.Properties = r.PID, r.Program, r.Instance, r.Properties
	s.ABI, err = r.version()
	return err
}

// readAll reads a file, up to one byte more than parseInfo accepts.
func readAll(fd int) ([]byte, error) {
	b := make([]byte, 0, 1024)
	for len(b) <= maxInfo {
		b = slices.Grow(b, 1024)
		n, err := unix.Read(fd, b[len(b):min(cap(b), maxInfo+1)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, err
		case n == 0:
			return b, nil
		default:
			b = b[:len(b)+n]
		}
	}
	return b, nil
}
