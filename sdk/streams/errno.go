// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Errno is the result of a STREAMS operation. Zero is success. The numbers are
// those of Linux on every system, because that is what travels between processes
// and stands in M_ERROR messages: it is not the errno of the system that the
// program runs on, and it is never made from one.
//
// A module or driver may answer with any number; one that is not in the table has
// no name and no meaning, and is passed on as it is.
type Errno uint32

// The errors that the stream head, the modules and the commands of this package
// give.
const (
	EPERM      Errno = 1
	ENOENT     Errno = 2
	ESRCH      Errno = 3
	EINTR      Errno = 4
	EIO        Errno = 5
	ENXIO      Errno = 6
	E2BIG      Errno = 7
	EBADF      Errno = 9
	EAGAIN     Errno = 11
	ENOMEM     Errno = 12
	EACCES     Errno = 13
	EFAULT     Errno = 14
	EBUSY      Errno = 16
	ENODEV     Errno = 19
	EINVAL     Errno = 22
	EMFILE     Errno = 24
	ENOTTY     Errno = 25
	EPIPE      Errno = 32
	ERANGE     Errno = 34
	ENOSYS     Errno = 38
	ENODATA    Errno = 61
	ETIME      Errno = 62
	ENOSR      Errno = 63
	EPROTO     Errno = 71
	EBADMSG    Errno = 74
	EOVERFLOW  Errno = 75
	EMSGSIZE   Errno = 90
	EOPNOTSUPP Errno = 95
)

// MaxErrno is the greatest number that an errno may have. Greater ones from a
// module or from the other side of a transport are a broken protocol.
const MaxErrno Errno = 4095

// ErrnoText is what is known about one errno.
type ErrnoText struct {
	Errno    Errno
	Name     string  // as Linux has it: "EBUSY"
	Meanings []error // what errors.Is finds, the first one first
	Text     string  // a few words for people: "in use"
	Remedy   string  // what its reader should look at
}

// Text returns what is known about e; ok is false for a number without a text.
// The result shares the table's memory: its reader must not change it.
func (e Errno) Text() (t ErrnoText, ok bool) {
	i, ok := slices.BinarySearchFunc(errnoTexts, e, func(t ErrnoText, e Errno) int { return cmp.Compare(t.Errno, e) })
	if !ok {
		return ErrnoText{}, false
	}
	return errnoTexts[i], true
}

// Errnos yields every errno that has a text, in the order of their numbers.
func Errnos() iter.Seq[ErrnoText] { return slices.Values(errnoTexts) }

// Name returns the name, "EBUSY", or "" for a number without one.
func (e Errno) Name() string {
	t, _ := e.Text()
	return t.Name
}

// Error returns the text, the name and the number: "in use (EBUSY, 16)".
func (e Errno) Error() string {
	if t, ok := e.Text(); ok {
		return fmt.Sprintf("%s (%s, %d)", t.Text, t.Name, uint32(e))
	}
	return fmt.Sprintf("errno %d", uint32(e))
}

// Is reports whether target is one of the meanings of e: those of package
// ioreturn, and context.Canceled and context.DeadlineExceeded for the errors with
// which a context's end is told.
func (e Errno) Is(target error) bool {
	t, ok := e.Text()
	return ok && slices.Contains(t.Meanings, target)
}

// Err returns nil for zero and e otherwise.
func (e Errno) Err() error {
	if e == 0 {
		return nil
	}
	return e
}

// ParseErrno returns the errno that s names, either by name, "EBUSY", or by a
// decimal number from 1 to MaxErrno.
func ParseErrno(s string) (Errno, error) {
	for _, t := range errnoTexts {
		if t.Name == s {
			return t.Errno, nil
		}
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 || n > uint64(MaxErrno) {
		return 0, fmt.Errorf("%q is no errno: want a name such as EINVAL or a number from 1 to %d", s, uint32(MaxErrno))
	}
	return Errno(n), nil
}

// ErrnoOf returns the errno as which err travels: the errno within it if there is
// one, else that of its meaning, else EIO. Nil is zero, and nothing else is.
func ErrnoOf(err error) Errno {
	if err == nil {
		return 0
	}
	var e Errno
	if errors.As(err, &e) && e != 0 && e <= MaxErrno {
		return e
	}
	for _, p := range errnoOf {
		if errors.Is(err, p.is) {
			return p.errno
		}
	}
	return EIO
}

// errnoOf gives each meaning the errno as which it travels. The order matters
// where an error has several meanings: why a call was given up says more than
// that its outcome is unknown, which ETIME and EINTR say anyway.
var errnoOf = []struct {
	is    error
	errno Errno
}{
	{context.DeadlineExceeded, ETIME},
	{ioreturn.ErrTimeout, ETIME},
	{context.Canceled, EINTR},
	{ioreturn.ErrAborted, EINTR},
	{ioreturn.ErrOutcomeUnknown, EINTR},
	{ioreturn.ErrBusy, EBUSY},
	{ioreturn.ErrGone, ENXIO},
	{ioreturn.ErrClosed, EBADF},
	{ioreturn.ErrState, EINVAL},
	{ioreturn.ErrPermission, EPERM},
	{ioreturn.ErrNotFound, ENOENT},
	{ioreturn.ErrInvalid, EINVAL},
	{ioreturn.ErrUnsupported, EOPNOTSUPP},
	{ioreturn.ErrProtocol, EPROTO},
	{ioreturn.ErrOverrun, ENOSR},
	{ioreturn.ErrUnderrun, ENODATA},
	{ioreturn.ErrNoMemory, ENOMEM},
	{ioreturn.ErrIO, EIO},
}
