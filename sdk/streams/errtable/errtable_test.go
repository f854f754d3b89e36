// SPDX-License-Identifier: Apache-2.0

package errtable_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/errtable"
)

func TestEveryCommandHasAnEntry(t *testing.T) {
	for c := range streams.Commands() {
		private := c.Command == streams.CmdPeerCred || c.Command == streams.CmdPLinkLH
		e, ok := errtable.Find(errtable.Op(c.Name))
		switch {
		case private && ok:
			t.Errorf("%s is private and has an entry", c.Name)
		case private:
		case !ok || e.Command != c.Command || errtable.OpOf(c.Command) != e.Op:
			t.Errorf("%s: found %+v, and OpOf finds %s", c.Name, e, errtable.OpOf(c.Command))
		}
	}
	for _, c := range []streams.Command{0, 0x1234, streams.CmdPeerCred} {
		if got := errtable.OpOf(c); got != errtable.OpTransparent {
			t.Errorf("%v is carried out by %s", c, got)
		}
	}
}

// TestEntries checks that no entry lacks a part, that entries are in order, and that
// no row is without effect.
func TestEntries(t *testing.T) {
	used := map[errtable.Condition]bool{}
	seen := map[errtable.Op]bool{}
	last := streams.Command(1)
	for e := range errtable.All() {
		if seen[e.Op] || e.Argument == "" || e.Result == "" || !strings.HasSuffix(e.Does, ".") {
			t.Errorf("%s comes twice or lacks a part: %+v", e.Op, e)
		}
		seen[e.Op] = true
		if e.Command-1 < last-1 {
			t.Errorf("%s is out of order", e.Op)
		}
		last = e.Command
		for _, p := range streams.Profiles() {
			tested := map[errtable.Condition]bool{}
			for _, r := range e.Rows {
				o := r.Outcome(p)
				if o == errtable.None {
					continue
				}
				if tested[r.When] {
					t.Errorf("%s tests twice in %v whether %v", e.Op, p, r.When)
				}
				tested[r.When], used[r.When] = true, true
				if o.String() == "" {
					t.Errorf("%s gives %d, which has no name", e.Op, o)
				}
			}
		}
		for _, r := range e.Rows {
			if r.Strict == errtable.None && r.Solaris == errtable.None && r.OpenSS7 == errtable.None {
				t.Errorf("%s: nobody tests whether %v", e.Op, r.When)
			}
		}
	}
	texts := map[string]bool{}
	for _, c := range errtable.Conditions() {
		if !used[c] {
			t.Errorf("no operation tests whether %v", c)
		}
		if c.String() == "" || texts[c.String()] {
			t.Errorf("condition %d has no text of its own: %q", c, c)
		}
		texts[c.String()] = true
	}
	if got := errtable.Condition(250).String(); got != "Condition(250)" {
		t.Errorf("got %q", got)
	}
}

// TestStrictOnlyAdds holds the rule that Strict is Solaris with more tests: whatever
// Solaris refuses, Strict refuses with the same errno.
func TestStrictOnlyAdds(t *testing.T) {
	added := map[errtable.Condition]bool{}
	for e := range errtable.All() {
		for _, r := range e.Rows {
			if r.Solaris != errtable.None && r.Strict != r.Solaris {
				t.Errorf("%s, %v: strict gives %v, solaris %v", e.Op, r.When, r.Strict, r.Solaris)
			}
			if r.Solaris == errtable.None && r.Strict != errtable.None {
				added[r.When] = true
			}
		}
	}
	for _, c := range []errtable.Condition{
		errtable.CopyTooLarge, errtable.CopiesTooLarge, errtable.TooManyCopies, errtable.CopyOutShort, errtable.CopyOutEmpty,
		errtable.AnswerShort, errtable.AnswerEmpty, errtable.AnswerTooLong, errtable.LengthNegative, errtable.TimeTooLong,
		errtable.TooManyWaiters,
	} {
		if !added[c] {
			t.Errorf("strict has no test of its own whether %v", c)
		}
	}
}

func TestWriteSideGate(t *testing.T) {
	for e := range errtable.All() {
		if e.Command == 0 {
			continue
		}
		got := errtable.Lookup(streams.Solaris, e.Op, errtable.WriteError) != errtable.None
		if got != e.Command.NeedsWriteSide() {
			t.Errorf("%s: a write error matters: %v, want %v", e.Op, got, e.Command.NeedsWriteSide())
		}
	}
}

// published are the errors of Solaris in order of test behind the common gate, as
// its documentation gives them; written out once more.
const published = `
I_NREAD EFAULT
I_FIND EFAULT EINVAL
I_ANCHOR EINVAL
I_LOOK EFAULT EINVAL
I_FLUSH ENXIO EINVAL ENOSR EINTR
I_FLUSHBAND EFAULT ENXIO EINVAL ENOSR EINTR
I_SRDOPT EINVAL
I_GRDOPT EFAULT
I_SERROPT EINVAL
I_GERROPT EFAULT
I_SETSIG EINVAL
I_GETSIG EINVAL EFAULT
I_SWROPT EINVAL
I_GWROPT EFAULT
I_LIST EFAULT EINVAL EFAULT
I_CKBAND EINVAL
I_GETBAND ENODATA EFAULT
I_ATMARK EINVAL
I_CANPUT EINVAL
I_SETCLTIME EFAULT EINVAL
I_GETCLTIME EFAULT
I_PEEK EFAULT EBADMSG EFAULT ENOSR`

func TestOrderOfTest(t *testing.T) {
	gate := []errtable.Condition{errtable.Closed, errtable.LinkedBelow, errtable.ReadError, errtable.WriteError}
	for line := range strings.Lines(strings.TrimSpace(published)) {
		words := strings.Fields(line)
		e, ok := errtable.Find(errtable.Op(words[0]))
		if !ok {
			t.Fatalf("no entry for %s", words[0])
		}
		var got []string
		for _, r := range e.Rows {
			if r.Solaris != errtable.None && !slices.Contains(gate, r.When) {
				got = append(got, r.Solaris.String())
			}
		}
		got = slices.Compact(got)
		if !slices.Equal(got, words[1:]) {
			t.Errorf("%s gives %v, want %v", words[0], got, words[1:])
		}
	}
}

func TestFirst(t *testing.T) {
	holds := func(list ...errtable.Condition) func(errtable.Condition) bool {
		return func(c errtable.Condition) bool { return slices.Contains(list, c) }
	}
	for _, tc := range []struct {
		p    streams.Profile
		op   errtable.Op
		when []errtable.Condition
		want string
	}{
		{streams.Strict, "I_PUSH", nil, "-"},
		{streams.Strict, "I_PUSH", []errtable.Condition{errtable.NameUnknown, errtable.HungUp}, "ENXIO"},
		{streams.Strict, "I_PUSH", []errtable.Condition{errtable.WriteError, errtable.ReadError}, "the recorded errno"},
		{streams.OpenSS7, "I_PUSH", []errtable.Condition{errtable.WriteError}, "EIO"},
		{streams.OpenSS7, "I_LOOK", []errtable.Condition{errtable.WriteError, errtable.NoModule}, "-"},
		{streams.Solaris, "I_FLUSHBAND", []errtable.Condition{errtable.HungUp, errtable.BadAddress}, "EFAULT"},
		{streams.Solaris, "I_GETSIG", []errtable.Condition{errtable.NotRegistered, errtable.BadAddress}, "EINVAL"},
		{streams.OpenSS7, "I_GETSIG", []errtable.Condition{errtable.NotRegistered, errtable.BadAddress}, "EFAULT"},
		{streams.Solaris, "I_STR", []errtable.Condition{errtable.AnswerTooLong}, "-"},
		{streams.Strict, "I_STR", []errtable.Condition{errtable.AnswerTooLong}, "EMSGSIZE"},
		{streams.Profile(77), "I_STR", []errtable.Condition{errtable.AnswerTooLong}, "EMSGSIZE"},
		{streams.Strict, "I_STR", []errtable.Condition{errtable.Refused}, "the answered errno"},
		{streams.OpenSS7, "I_LINK", []errtable.Condition{errtable.RefusedBare}, "ENXIO"},
		{streams.Strict, "close", []errtable.Condition{errtable.Closed}, "-"},
		{streams.Strict, "write", []errtable.Condition{errtable.HungUp, errtable.BrokenPipe}, "EPIPE"},
		{streams.Strict, "no such operation", []errtable.Condition{errtable.Closed}, "-"},
	} {
		if got := errtable.First(tc.p, tc.op, holds(tc.when...)).String(); got != tc.want {
			t.Errorf("%v %s with %v: %s, want %s", tc.p, tc.op, tc.when, got, tc.want)
		}
	}
}

func TestAllowed(t *testing.T) {
	s := errtable.Allowed(streams.Strict, "I_LOOK")
	if got := fmt.Sprint(names(s.Errnos)); got != "[EBADF EFAULT EINVAL]" || !s.Recorded || s.Answered {
		t.Errorf("I_LOOK may return %s: %+v", got, s)
	}
	seen := []streams.Errno{streams.E2BIG}
	for _, tc := range []struct {
		op                 errtable.Op
		errno              streams.Errno
		recorded, answered []streams.Errno
		want               bool
	}{
		{"I_LOOK", 0, nil, nil, true},
		{"I_LOOK", streams.EFAULT, nil, nil, true},
		{"I_LOOK", streams.E2BIG, nil, nil, false},
		{"I_LOOK", streams.E2BIG, seen, nil, true},
		{"I_LOOK", streams.E2BIG, nil, seen, false},
		{"I_STR", streams.E2BIG, nil, seen, true},
		{"open", streams.E2BIG, seen, nil, false},
		{"open", streams.E2BIG, nil, seen, true},
		{"nothing", streams.EINVAL, seen, seen, false},
	} {
		if got := errtable.Allowed(streams.Strict, tc.op).Permits(tc.errno, tc.recorded, tc.answered); got != tc.want {
			t.Errorf("%s may return %v (%v, %v): %v", tc.op, tc.errno, tc.recorded, tc.answered, got)
		}
	}
}

func names(list []streams.Errno) []string {
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func TestOutcomeErrno(t *testing.T) {
	for _, o := range []errtable.Outcome{errtable.None, errtable.Recorded, errtable.Answered} {
		if e, ok := o.Errno(); ok {
			t.Errorf("%v has the errno %v", o, e)
		}
	}
	if e, ok := errtable.Lookup(streams.Strict, "read", errtable.NotReadable).Errno(); !ok || e != streams.EBADF {
		t.Errorf("got %v, %v", e, ok)
	}
}
