// SPDX-License-Identifier: Apache-2.0

package ioreturn

import (
	"context"
	"errors"
	"fmt"
)

// Code is an IOReturn: the result of an external method, in Apple's numbers. Zero
// is success. Every other value is an error; errors.Is tells its meaning.
type Code uint32

// Name returns Apple's name, "kIOReturnBusy", or "" for a code without one.
func (c Code) Name() string { return meanings[c].name }

// ID returns the stable code, "IOSK-E02D5", or "" for codes outside the common
// subsystem of IOKit, which have no page of ours.
func (c Code) ID() string {
	if c == Success || c>>14 != 0x38<<12 {
		return ""
	}
	return fmt.Sprintf("IOSK-E%04X", uint32(c)&0x3fff)
}

// Error returns the meaning, Apple's name and the number.
func (c Code) Error() string {
	if m, ok := meanings[c]; ok {
		return fmt.Sprintf("%s (%s, %#08x)", m.text, m.name, uint32(c))
	}
	return fmt.Sprintf("driver status %#08x", uint32(c))
}

// Is reports whether target is the meaning of c.
func (c Code) Is(target error) bool {
	m, ok := meanings[c]
	return ok && m.is != nil && m.is == target
}

// Err returns nil for Success and c otherwise.
func (c Code) Err() error {
	if c == Success {
		return nil
	}
	return c
}

// Of returns the code as which err travels to the other side: the code within it
// if there is one, else the code of its meaning, else Error. Nil is Success.
func Of(err error) Code {
	if err == nil {
		return Success
	}
	var c Code
	if errors.As(err, &c) {
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
// several meanings.
var codeOf = []struct {
	is   error
	code Code
}{
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
