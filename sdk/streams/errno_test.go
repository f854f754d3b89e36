// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// linuxErrnos are the numbers as Linux publishes them. They are written out once
// more, so that a slip in the constants is seen.
const linuxErrnos = `
1 EPERM 2 ENOENT 3 ESRCH 4 EINTR 5 EIO 6 ENXIO 7 E2BIG 9 EBADF 11 EAGAIN 12 ENOMEM 13 EACCES 14 EFAULT 16 EBUSY
19 ENODEV 22 EINVAL 24 EMFILE 25 ENOTTY 32 EPIPE 34 ERANGE 38 ENOSYS 61 ENODATA 62 ETIME 63 ENOSR 71 EPROTO
74 EBADMSG 75 EOVERFLOW 90 EMSGSIZE 95 EOPNOTSUPP`

func TestErrnoNumbers(t *testing.T) {
	words := strings.Fields(linuxErrnos)
	for i := 0; i < len(words); i += 2 {
		byName, err := ParseErrno(words[i+1])
		byNumber, err2 := ParseErrno(words[i])
		if err != nil || err2 != nil || byName != byNumber || byName.Name() != words[i+1] {
			t.Errorf("%s is %d, want %s (%v, %v)", words[i+1], byName, words[i], err, err2)
		}
	}
	if len(words) != 2*len(errnoTexts) {
		t.Errorf("the test has %d errnos, the table %d", len(words)/2, len(errnoTexts))
	}
}

// TestEveryErrno checks that no errno lacks a part, and that the table is in the
// order that its search needs.
func TestEveryErrno(t *testing.T) {
	last := Errno(0)
	for e := range Errnos() {
		if e.Errno <= last || e.Errno > MaxErrno {
			t.Errorf("%s is out of order", e.Name)
		}
		last = e.Errno
		if e.Text == "" || !strings.HasSuffix(e.Remedy, ".") || len(e.Meanings) == 0 {
			t.Errorf("%+v lacks a text, a remedy or a meaning", e)
		}
		for _, m := range e.Meanings {
			if !errors.Is(fmt.Errorf("wrapped: %w", e.Errno), m) {
				t.Errorf("%s does not mean %v", e.Name, m)
			}
		}
		want := fmt.Sprintf("%s (%s, %d)", e.Text, e.Name, uint32(e.Errno))
		if got := e.Errno.Error(); got != want {
			t.Errorf("%s reads %q, want %q", e.Name, got, want)
		}
		if got := ErrnoOf(fmt.Errorf("wrapped: %w", e.Errno)); got != e.Errno {
			t.Errorf("%s travels as %v", e.Name, got)
		}
	}
}

func TestErrnoMeanings(t *testing.T) {
	for _, tc := range []struct {
		errno Errno
		is    error
		want  bool
	}{
		{ETIME, os.ErrDeadlineExceeded, true},
		{ETIME, context.DeadlineExceeded, true},
		{ETIME, ioreturn.ErrOutcomeUnknown, true},
		{ETIME, context.Canceled, false},
		{EINTR, context.Canceled, true},
		{EINTR, ioreturn.ErrAborted, false}, // nobody confirmed that it had no effect
		{EPERM, os.ErrPermission, true},
		{EACCES, fs.ErrPermission, true},
		{ENOENT, fs.ErrNotExist, true},
		{EBADF, os.ErrClosed, true},
		{EOPNOTSUPP, errors.ErrUnsupported, true},
		{ENXIO, ioreturn.ErrGone, true},
		{EINVAL, ioreturn.ErrGone, false},
		{EINVAL, EINVAL, true},
		{EINVAL, EIO, false},
		{200, ioreturn.ErrIO, false},
		{0, ioreturn.ErrIO, false},
	} {
		if got := errors.Is(tc.errno, tc.is); got != tc.want {
			t.Errorf("errors.Is(%v, %v) is %v", tc.errno, tc.is, got)
		}
	}
}

func TestErrnoOf(t *testing.T) {
	given := fmt.Errorf("%w: %w", ioreturn.ErrOutcomeUnknown, context.DeadlineExceeded)
	for _, tc := range []struct {
		err  error
		want Errno
	}{
		{nil, 0},
		{Errno(0), EIO}, // a zero within an error value is a mistake, but not a success
		{MaxErrno + 1, EIO},
		{Errno(200), 200},
		{errors.New("no meaning"), EIO},
		{given, ETIME},
		{context.Canceled, EINTR},
		{ioreturn.ErrAborted, EINTR},
		{ioreturn.ErrOutcomeUnknown, EINTR},
		{os.ErrDeadlineExceeded, ETIME},
		{ioreturn.Busy, EBUSY},
		{ioreturn.Op("set", "gain", ioreturn.NoDevice), ENXIO},
		{os.ErrClosed, EBADF},
		{ioreturn.ErrState, EINVAL},
		{fs.ErrPermission, EPERM},
		{fs.ErrNotExist, ENOENT},
		{fs.ErrInvalid, EINVAL},
		{errors.ErrUnsupported, EOPNOTSUPP},
		{ioreturn.ErrProtocol, EPROTO},
		{ioreturn.ErrOverrun, ENOSR},
		{ioreturn.ErrUnderrun, ENODATA},
		{ioreturn.ErrNoMemory, ENOMEM},
		{ioreturn.ErrIO, EIO},
	} {
		if got := ErrnoOf(tc.err); got != tc.want {
			t.Errorf("ErrnoOf(%v) is %v, want %v", tc.err, got, tc.want)
		}
	}
}

func TestErrnoWithoutText(t *testing.T) {
	e := Errno(200)
	if e.Name() != "" || e.Error() != "errno 200" {
		t.Errorf("got %q, %q", e.Name(), e.Error())
	}
	if Errno(0).Err() != nil || !errors.Is(EIO.Err(), EIO) {
		t.Error("Err takes zero for an error, or an error for success")
	}
}

func TestParseErrnoRefuses(t *testing.T) {
	for _, s := range []string{"", "0", "-1", "4096", "einval", "EINVAL ", "18446744073709551616"} {
		if e, err := ParseErrno(s); err == nil {
			t.Errorf("%q is taken for %v", s, e)
		}
	}
	if e, err := ParseErrno("4095"); err != nil || e != MaxErrno {
		t.Errorf("got %v, %v", e, err)
	}
}
