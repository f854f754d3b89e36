// SPDX-License-Identifier: Apache-2.0

package ioreturn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// The small set of meanings that callers test with errors.Is. Where the
// standard library has a value of the same meaning, that value is used, so that
// a caller who never heard of this package still understands the error.
var (
	ErrClosed      = os.ErrClosed           // used after Close
	ErrTimeout     = os.ErrDeadlineExceeded // a deadline passed; nothing changed
	ErrPermission  = fs.ErrPermission       // the caller may not do this
	ErrNotFound    = fs.ErrNotExist         // no such device, stream, buffer or selector
	ErrInvalid     = fs.ErrInvalid          // an argument is wrong
	ErrUnsupported = errors.ErrUnsupported  // the driver or system lacks this

	ErrBusy     = errors.New("in use by another client")
	ErrState    = errors.New("not allowed in this state")
	ErrGone     = errors.New("the other side is gone")
	ErrProtocol = errors.New("the other side broke a rule of the protocol")
	ErrOverrun  = errors.New("overrun: no buffer was free")
	ErrUnderrun = errors.New("underrun: nothing to take")
	ErrNoMemory = errors.New("out of memory or of another resource")
	ErrIO       = errors.New("device error")
	// ErrAborted is the meaning of a call that was cancelled and whose
	// cancellation the driver confirmed: it had no effect.
	ErrAborted = errors.New("aborted")
	// ErrOutcomeUnknown is the meaning of a call that was given up while the
	// driver may still have been at it: it may or may not have had its effect.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// OpError says which operation on which object failed, and why. It is made once,
// at the boundary of an exported operation.
type OpError struct {
	Op     string // what was tried, as a verb: "open", "start", "map output queue"
	Target string // on what, in words that the user knows: "acme/cam0/video"
	Err    error  // why: a Code, a StatusError, a RuleError, an errno, a context's error
}

// Error returns "op target: cause".
func (e *OpError) Error() string {
	if e.Target == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " " + e.Target + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Op wraps err with the operation and its object; nil stays nil.
func Op(op, target string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{Op: op, Target: target, Err: err}
}

// StatusError is a driver's own result code with the sentence that the driver
// (or the transport on its behalf) sent along. A driver may return one from any
// handler to give its clients more than the bare code.
type StatusError struct {
	Code   Code
	Detail string // one sentence without a final stop; empty if there is none
}

// Error returns the detail, if any, followed by the code.
func (e *StatusError) Error() string {
	if e.Detail == "" {
		return e.Code.Error()
	}
	return e.Detail + ": " + e.Code.Error()
}

// Unwrap returns the code, so that errors.Is and errors.As see its meaning.
func (e *StatusError) Unwrap() error { return e.Code }

// Status returns err as it travels to the other side: the code that Of finds,
// and the text of err where it says more than the code.
func Status(err error) (Code, string) {
	c := Of(err)
	if c == Success {
		return c, ""
	}
	var se *StatusError
	switch {
	case errors.As(err, &se) && se.Code == c:
		return c, se.Detail
	case err.Error() == c.Error():
		return c, ""
	}
	return c, err.Error()
}

// RuleError reports that the other side broke a rule of the protocol. It
// matches ErrProtocol. The session that saw it is over.
type RuleError struct {
	Rule   Rule
	Detail string // what was seen: "output queue: tail 70 is 66 past head 4, ring holds 64"
}

// Error returns the rule's name, what was seen, and the rule's stable code.
func (e *RuleError) Error() string {
	return fmt.Sprintf("rule %s broken by the other side: %s (%s)", e.Rule, e.Detail, e.Rule.ID())
}

// Is reports whether target is ErrProtocol.
func (e *RuleError) Is(target error) bool { return target == ErrProtocol }

// Broken returns a RuleError for r whose detail is formatted like fmt.Sprintf.
func Broken(r Rule, format string, args ...any) error {
	return &RuleError{Rule: r, Detail: fmt.Sprintf(format, args...)}
}
