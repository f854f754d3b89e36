// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// gone is why a session is over that was not closed here. It matches ErrGone
// besides everything that its cause matches.
type gone struct{ cause error }

func (g *gone) Error() string        { return g.cause.Error() }
func (g *gone) Unwrap() error        { return g.cause }
func (g *gone) Is(target error) bool { return target == ioreturn.ErrGone }

func goneBecause(format string, args ...any) error {
	return &gone{fmt.Errorf(format, args...)}
}

// lost is err, of the socket, as a reason for the end: a broken rule stays what it
// is, everything else means that the other side is gone.
func lost(err error) error {
	if errors.As(err, new(*ioreturn.RuleError)) || errors.As(err, new(*gone)) {
		return err
	}
	return &gone{err}
}

// unknown is why a call that was sent has no answer. It matches ErrOutcomeUnknown
// besides everything that its cause matches.
type unknown struct{ cause error }

func (u *unknown) Error() string {
	return "given up after it was sent, outcome unknown: " + u.cause.Error()
}
func (u *unknown) Unwrap() error        { return u.cause }
func (u *unknown) Is(target error) bool { return target == ioreturn.ErrOutcomeUnknown }

// status is a code and a detail, as they came from the driver, as an error.
func status(code ioreturn.Code, detail string) error {
	if code == ioreturn.Success || detail == "" {
		return code.Err()
	}
	return &ioreturn.StatusError{Code: code, Detail: detail}
}

// refusal is a code with a detail, as it travels to the client.
func refusal(code ioreturn.Code, format string, args ...any) error {
	return &ioreturn.StatusError{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// selectorName is how a call appears in errors.
func selectorName(selector uint32) string { return fmt.Sprintf("call selector %#x", selector) }
