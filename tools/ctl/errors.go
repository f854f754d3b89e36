// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/spf13/cobra"
)

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// statusError ends a command with a status of its own, and with an error only if there
// is one for the user.
type statusError struct {
	err    error
	status int
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// withStatus returns the error that ends a command with a status. Wrong usage stays
// wrong usage.
func withStatus(status int, err error) error {
	if status == exitDone && err == nil {
		return nil
	}
	return &statusError{err, status}
}

// errReaderGone is what a write to standard output returns when nobody reads it any
// more, which is no failure: the reader has had enough.
var errReaderGone = errors.New("nobody reads the output any more")

// hintedError is an error with sentences about what to do. They come from looking at
// what is there, not from guessing.
type hintedError struct {
	err   error
	hints []string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// problem is an error as it is printed with --json.
type problem struct {
	Error string   `json:"error" doc:"what happened to what, and why"`
	Code  string   `json:"code,omitempty" doc:"the stable code under which the errors page describes the cause"`
	Hints []string `json:"hints,omitempty" doc:"what to do about it"`
}

// Fail prints the error of a command, if it is one for the user, and returns the exit
// status: 0 done, 1 failed, 2 wrong usage, 3 incomplete. cmd is the command that was
// executed.
func Fail(cmd *cobra.Command, err error) int {
	status := exitFailed
	var own *statusError
	if errors.As(err, &own) {
		status, err = own.status, own.err
	} else if err == nil || errors.Is(err, errReaderGone) {
		status = exitDone
	}
	if err == nil || errors.Is(err, errReaderGone) {
		return status
	}
	p := problem{Error: err.Error(), Code: codeOf(err), Hints: hintsOf(err)}
	name := cmd.Root().Name()
	var usage *usageError
	if errors.As(err, &usage) {
		status = exitUsage
		p.Hints = []string{fmt.Sprintf("see \"%s --help\"", cmd.CommandPath())}
	}
	w := cmd.ErrOrStderr()
	// Nothing can be done about an error stream that does not work.
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		_ = json.NewEncoder(w).Encode(p)
	} else {
		_, _ = io.WriteString(w, p.text(name))
	}
	return status
}

func (p *problem) text(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", name, p.Error)
	for _, h := range p.Hints {
		fmt.Fprintf(&b, "  %s\n", h)
	}
	if p.Code != "" && !strings.Contains(p.Error, p.Code) {
		fmt.Fprintf(&b, "  code %s\n", p.Code)
	}
	return b.String()
}

// codeOf returns the stable code within an error, or "".
func codeOf(err error) string {
	var rule *ioreturn.RuleError
	if errors.As(err, &rule) {
		return rule.Rule.ID()
	}
	var code ioreturn.Code
	if errors.As(err, &code) {
		return code.ID()
	}
	return ""
}

// hintsOf returns what to do about an error: what the command found out, else what is
// written about the code or rule.
func hintsOf(err error) []string {
	var hinted *hintedError
	if errors.As(err, &hinted) {
		return hinted.hints
	}
	var rule *ioreturn.RuleError
	if errors.As(err, &rule) {
		if t, ok := rule.Rule.Text(); ok {
			return []string{t.Remedy}
		}
	}
	var code ioreturn.Code
	var status *ioreturn.StatusError
	if errors.As(err, &code) && !errors.As(err, &status) { // a status has a sentence that says more
		if t, ok := code.Text(); ok {
			return []string{t.Remedy}
		}
	}
	return nil
}

// outWriter is a command's standard output. A reader that has gone is errReaderGone.
type outWriter struct{ w io.Writer }

func (o outWriter) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		err = errReaderGone
	}
	return n, err
}
