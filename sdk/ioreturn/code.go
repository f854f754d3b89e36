// SPDX-License-Identifier: Apache-2.0

package ioreturn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Code is an IOReturn: the result of an external method, in Apple's numbers. Zero
// is success. Every other value is an error; errors.Is tells its meaning. A code
// is a 32-bit number that C keeps as a signed one.
type Code uint32

// CodeText is what is known about one code.
type CodeText struct {
	Code    Code
	Name    string // Apple's: "kIOReturnBusy"
	Meaning error  // what errors.Is finds; nil for Success
	Text    string // a few words for people: "busy"
	Remedy  string // what its reader should look at
}

// Text returns what is known about c; ok is false for a code without a text.
func (c Code) Text() (t CodeText, ok bool) {
	for _, table := range codeTables {
		i, found := slices.BinarySearchFunc(table, c, func(t CodeText, c Code) int {
			return cmp.Compare(t.Code, c)
		})
		if found {
			return table[i], true
		}
	}
	return CodeText{}, false
}

// Codes yields every code that has a text, in the order of their numbers.
func Codes() iter.Seq[CodeText] {
	return func(yield func(CodeText) bool) {
		for _, table := range codeTables {
			for _, t := range table {
				if !yield(t) {
					return
				}
			}
		}
	}
}

var codeTables = [...][]CodeText{ioReturns[:1], machReturns, ioReturns[1:], migReturns}

// Name returns Apple's name, "kIOReturnBusy", or "" for a code without one.
func (c Code) Name() string {
	t, _ := c.Text()
	return t.Name
}

// ID returns the stable code under which the errors page describes c,
// "IOSK-E02D5", or "" for a code without a page.
func (c Code) ID() string {
	if _, ok := c.Text(); !ok || c == Success {
		return ""
	}
	n := uint32(c) & 0x3fff // IOReturn: the code within the common subsystem
	switch {
	case c >= MIGTrailerError:
		n = 0x2200 - (uint32(c) + 300) // -300 is 2200, -309 is 2209
	case c < systemIOKit:
		n = 0x2000 | uint32(c)&0x4000>>6 | uint32(c)&0xff // sending 20xx, receiving 21xx
	}
	return fmt.Sprintf("IOSK-E%04X", n)
}

// Error returns the text, Apple's name and the number; for a code without a text,
// where it comes from as far as its bits tell.
func (c Code) Error() string {
	if t, ok := c.Text(); ok {
		return fmt.Sprintf("%s (%s, %#08x)", t.Text, t.Name, uint32(c))
	}
	if s := c.Subsystem(); s != "" {
		return fmt.Sprintf("driver status %#08x (code %#x of IOKit's %s)", uint32(c), uint32(c)&0x3fff, s)
	}
	return fmt.Sprintf("driver status %#08x", uint32(c))
}

// Is reports whether target is the meaning of c.
func (c Code) Is(target error) bool {
	t, ok := c.Text()
	return ok && t.Meaning != nil && t.Meaning == target
}

// Err returns nil for Success and c otherwise.
func (c Code) Err() error {
	if c == Success {
		return nil
	}
	return c
}

// Of returns the code as which err travels to the other side: the code within it
// if there is one, else the code of its meaning, else Error. Nil is Success, and
// nothing else is.
func Of(err error) Code {
	if err == nil {
		return Success
	}
	var c Code
	if errors.As(err, &c) && c != Success {
		return c
	}
	for _, p := range codeOf {
		if errors.Is(err, p.is) {
			return p.code
		}
	}
	return Error
}

// codeOf gives each meaning its first code. The order matters where an error has
// several meanings: a call with an unknown outcome also carries the cause for
// which it was given up, and must not look as if it had had no effect.
var codeOf = []struct {
	is   error
	code Code
}{
	{ErrOutcomeUnknown, Error},
	{ErrBusy, Busy},
	{ErrGone, NoDevice},
	{ErrClosed, NotOpen},
	{ErrState, NotReady},
	{ErrPermission, NotPermitted},
	{ErrNotFound, NotFound},
	{ErrInvalid, BadArgument},
	{ErrUnsupported, Unsupported},
	{ErrProtocol, IPCError},
	{ErrOverrun, Overrun},
	{ErrUnderrun, Underrun},
	{ErrNoMemory, NoMemory},
	{ErrAborted, Aborted},
	{context.Canceled, Aborted},
	{ErrTimeout, Timeout},
	{context.DeadlineExceeded, Timeout},
	{ErrIO, IOError},
}
