// SPDX-License-Identifier: Apache-2.0

package control

import (
	"fmt"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Access says what a client may do with a control.
type Access uint8

// The ways of access.
const (
	CanGet  Access = 1
	CanSet  Access = 2
	CanCall Access = 4 // with an argument of the control's shape; it has no value then

	accessAll = CanGet | CanSet | CanCall
)

// String returns "get", "get|set", "call" or "none".
func (a Access) String() string {
	var names []string
	for i, name := range []string{"get", "set", "call"} {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "|")
}

// Info describes a control.
type Info struct {
	Name     string // unique in its table, as CheckName wants it: "rf/gain"
	Text     string // a line for people: "Gain of the first amplifier"
	Access   Access
	Volatile bool  // the value changes by itself: no event tells of each change, and each get asks the device
	Shape          // of the value, or of a call's argument
	Result   Shape // of a call's result; TypeNone if it has none
}

// Validate returns an error unless the description makes sense. It matches
// ioreturn.ErrInvalid and names the control.
func (in *Info) Validate() error {
	if err := CheckName(in.Name); err != nil {
		return err
	}
	err := in.validate()
	if err == nil {
		err = in.Shape.Validate()
	}
	if err != nil {
		return fmt.Errorf("control %s: %w", in.Name, err)
	}
	if err := in.Result.Validate(); err != nil {
		return fmt.Errorf("control %s: result: %w", in.Name, err)
	}
	return nil
}

func (in *Info) validate() error {
	if err := record.CheckText(in.Text); err != nil {
		return invalid("text: %v", err)
	}
	switch {
	case in.Access == 0 || in.Access&^accessAll != 0:
		return invalid("access %#x is none of get, set and call", uint8(in.Access))
	case in.Access&CanCall != 0 && in.Access != CanCall:
		return invalid("what can be called has no value to get or set; use two controls")
	case in.Access&CanCall == 0 && in.Shape.Type == TypeNone:
		return invalid("it has no type")
	case in.Access&CanCall == 0 && in.Result.Type != TypeNone:
		return invalid("only a call has a result")
	case in.Volatile && in.Access&CanGet == 0:
		return invalid("what can't be read can't be volatile")
	}
	return nil
}

// allows returns an error unless the control can be used in the way a.
func (in *Info) allows(a Access) error {
	if in.Access&a != 0 {
		return nil
	}
	return &ioreturn.StatusError{
		Code: ioreturn.NotPermitted, Detail: fmt.Sprintf("control %s is for %v, not for %v", in.Name, in.Access, a),
	}
}
