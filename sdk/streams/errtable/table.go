// SPDX-License-Identifier: Apache-2.0

package errtable

import (
	"iter"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Op names an operation of a stream head: a command by its published name,
// "I_PUSH", or a call: "read", "putpmsg", "open". An ioctl that the head does not
// know itself is "transparent".
type Op string

// The operations that are no commands of the head.
const (
	OpOpen        Op = "open"
	OpClose       Op = "close"
	OpRead        Op = "read"
	OpWrite       Op = "write"
	OpGetMsg      Op = "getmsg"
	OpGetPMsg     Op = "getpmsg"
	OpPutMsg      Op = "putmsg"
	OpPutPMsg     Op = "putpmsg"
	OpTransparent Op = "transparent"
)

// OpOf returns the operation that carries out c.
func OpOf(c streams.Command) Op {
	for i := range table {
		if table[i].Command == c && c != 0 {
			return table[i].Op
		}
	}
	return OpTransparent
}

// Outcome is what a condition makes of a call: an errno that is always the same, or
// one of the two that others choose. The zero value, None, means that the profile
// does not look at the condition, or goes on.
type Outcome uint32

// The outcomes that are no fixed errno.
const (
	None     Outcome = 0
	Recorded Outcome = 1<<16 + iota // the errno of the M_ERROR that set the stream in error
	Answered                        // the errno that a module or driver answered
)

// Errno returns the outcome's errno; ok is false if there is none, or if others
// choose it.
func (o Outcome) Errno() (e streams.Errno, ok bool) {
	if o == None || o > Outcome(streams.MaxErrno) {
		return 0, false
	}
	return streams.Errno(o), true
}

// String returns the errno's name, "the recorded errno", "the answered errno", or
// "-" for None.
func (o Outcome) String() string {
	switch o {
	case None:
		return "-"
	case Recorded:
		return "the recorded errno"
	case Answered:
		return "the answered errno"
	}
	return streams.Errno(o).Name()
}

// Row is one test of an operation and what comes of it in each profile. A condition
// has two rows where profiles test it at different places.
type Row struct {
	When                     Condition
	Strict, Solaris, OpenSS7 Outcome
}

// Outcome returns what comes of the row in p. A profile that does not exist is
// taken for Strict.
func (r Row) Outcome(p streams.Profile) Outcome {
	switch p {
	case streams.Solaris:
		return r.Solaris
	case streams.OpenSS7:
		return r.OpenSS7
	default:
		return r.Strict
	}
}

// Entry is all that is known about one operation.
type Entry struct {
	Op       Op
	Command  streams.Command // zero for a call, and for "transparent"
	Argument string          // for people: "in: the name of a module"
	Result   string          // for people: what it returns
	Does     string          // for people, in a sentence or two
	Rows     []Row           // in the order of test
}

// All yields every operation: the commands in the order of their numbers, then the
// calls. The rows share the table's memory: their reader must not change them.
func All() iter.Seq[Entry] { return slices.Values(table) }

// Find returns the entry of op; ok is false if there is no such operation.
func Find(op Op) (e Entry, ok bool) {
	i := slices.IndexFunc(table, func(e Entry) bool { return e.Op == op })
	if i < 0 {
		return Entry{}, false
	}
	return table[i], true
}

// Lookup returns what comes of c for op in p, or None if p does not test it.
func Lookup(p streams.Profile, op Op, c Condition) Outcome {
	return First(p, op, func(have Condition) bool { return have == c })
}

// First returns the outcome of the first test of op in p that finds its condition,
// or None if the operation succeeds. This is what a head must return when several
// things are wrong at once.
func First(p streams.Profile, op Op, holds func(Condition) bool) Outcome {
	e, _ := Find(op)
	for _, r := range e.Rows {
		if o := r.Outcome(p); o != None && holds(r.When) {
			return o
		}
	}
	return None
}

// Set is the errnos that an operation may return.
type Set struct {
	Errnos   []streams.Errno // in the order of their numbers
	Recorded bool            // also what an M_ERROR recorded
	Answered bool            // also what a module or driver answered
}

// Allowed returns what op may return in p. An unknown operation may return nothing.
func Allowed(p streams.Profile, op Op) Set {
	var s Set
	e, _ := Find(op)
	for _, r := range e.Rows {
		o := r.Outcome(p)
		if n, ok := o.Errno(); ok {
			s.Errnos = append(s.Errnos, n)
		}
		s.Recorded = s.Recorded || o == Recorded
		s.Answered = s.Answered || o == Answered
	}
	slices.Sort(s.Errnos)
	s.Errnos = slices.Compact(s.Errnos)
	return s
}

// Permits reports whether e may be returned, given what drivers and modules
// recorded and answered so far. Zero, success, always may.
func (s Set) Permits(e streams.Errno, recorded, answered []streams.Errno) bool {
	return e == 0 || slices.Contains(s.Errnos, e) ||
		s.Recorded && slices.Contains(recorded, e) ||
		s.Answered && slices.Contains(answered, e)
}
