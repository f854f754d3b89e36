// SPDX-License-Identifier: Apache-2.0

package control

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Limits of controls. What is beyond them is refused at both ends.
const (
	MaxControls = 1024     // of one table
	MaxName     = 64       // bytes of the name of a control, a choice or a field
	MaxChoices  = 256      // of one enum
	MaxFields   = 16       // of one struct
	MaxLength   = 32 << 10 // bytes of a String or of Bytes
	MaxText     = record.MaxText
)

// Type says what kind of values a control has.
type Type uint8

// The types. TypeNone is that of a button: it is called without an argument.
const (
	TypeNone   Type = 0
	TypeBool   Type = 1
	TypeInt    Type = 2 // 64 bits, signed
	TypeFloat  Type = 3 // 64 bits; neither infinite nor NaN
	TypeEnum   Type = 4 // one of Shape.Choices, by its index
	TypeString Type = 5 // UTF-8 without control characters
	TypeBytes  Type = 6
	TypeStruct Type = 7 // Shape.Fields
)

// String returns "none", "bool", "int" and so on.
func (t Type) String() string {
	if names := [...]string{"none", "bool", "int", "float", "enum", "string", "bytes", "struct"}; int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Shape says which values are good.
type Shape struct {
	Type Type
	Unit string // "dB", "Hz"; empty if there is none

	// Min and Max bound a number, both included, and Step is the distance between two
	// values of an Int, counted from Min or, without one, from 0. For a Float it is a hint
	// to programs that show a knob. The zero Value means that there is none.
	Min, Max, Step Value

	Default Value    // what a fresh device has; the zero Value if that is unknown
	Choices []string // of an Enum
	Fields  []Field  // of a Struct; none of them a Struct
	Length  int      // most bytes of a String or of Bytes; 0 means MaxLength
}

// Field is one part of a Struct.
type Field struct {
	Name  string
	Shape Shape
}

// invalid is an error that matches ioreturn.ErrInvalid.
func invalid(format string, args ...any) error {
	return &ioreturn.StatusError{Code: ioreturn.BadArgument, Detail: fmt.Sprintf(format, args...)}
}

// CheckName returns an error unless s can name a control, a choice or a field: 1 to
// MaxName bytes of letters, digits and the characters "-_./", the first one a letter or
// a digit. The error matches ioreturn.ErrInvalid.
func CheckName(s string) error {
	if s == "" || len(s) > MaxName {
		return invalid("the name %q has %d bytes, not 1 to %d", s, len(s), MaxName)
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("-_./", r)) {
			return invalid("the name %q has a %q; letters, digits and, behind the first, -_./ are allowed", s, r)
		}
	}
	return nil
}

// Validate returns an error unless the shape makes sense. It matches
// ioreturn.ErrInvalid.
func (s *Shape) Validate() error {
	if err := s.validateParts(); err != nil {
		return err
	}
	if err := record.CheckText(s.Unit); err != nil {
		return invalid("unit: %v", err)
	}
	if s.Length < 0 || s.Length > MaxLength {
		return invalid("a length of %d is not 0 to %d", s.Length, MaxLength)
	}
	for _, v := range []struct {
		what string
		v    Value
	}{{"minimum", s.Min}, {"maximum", s.Max}, {"step", s.Step}} {
		switch {
		case v.v.typ == TypeNone:
		case s.Type != TypeInt && s.Type != TypeFloat:
			return invalid("a control of type %v has no %s", s.Type, v.what)
		case v.v.typ != s.Type:
			return invalid("the %s is of type %v, the control of type %v", v.what, v.v.typ, s.Type)
		case !v.v.finite():
			return invalid("the %s is not a number", v.what)
		}
	}
	switch {
	case s.Step.typ != TypeNone && !s.Step.positive():
		return invalid("the step %v is not above 0", s.Step)
	case s.Min.typ != TypeNone && s.Max.typ != TypeNone && s.Max.less(s.Min):
		return invalid("the minimum %v is above the maximum %v", s.Min, s.Max)
	case s.Default.typ != TypeNone:
		if err := s.Check(s.Default); err != nil {
			return fmt.Errorf("default: %w", err)
		}
	}
	return nil
}

// validateParts checks what only some types have.
func (s *Shape) validateParts() error {
	switch {
	case s.Type > TypeStruct:
		return invalid("%v does not exist", s.Type)
	case (s.Type == TypeEnum) != (len(s.Choices) > 0) || len(s.Choices) > MaxChoices:
		return invalid("a control of type %v with %d choices; an enum has 1 to %d, others none", s.Type, len(s.Choices), MaxChoices)
	case (s.Type == TypeStruct) != (len(s.Fields) > 0) || len(s.Fields) > MaxFields:
		return invalid("a control of type %v with %d fields; a struct has 1 to %d, others none", s.Type, len(s.Fields), MaxFields)
	}
	for i, c := range s.Choices {
		if err := CheckName(c); err != nil {
			return fmt.Errorf("choice %d: %w", i, err)
		}
		if slices.Contains(s.Choices[:i], c) {
			return invalid("the choice %s comes twice", c)
		}
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if err := CheckName(f.Name); err != nil {
			return fmt.Errorf("field %d: %w", i, err)
		}
		if slices.ContainsFunc(s.Fields[:i], func(g Field) bool { return g.Name == f.Name }) {
			return invalid("the field %s comes twice", f.Name)
		}
		if f.Shape.Type == TypeStruct || f.Shape.Type == TypeNone {
			return invalid("the field %s is of type %v, which a field can't be", f.Name, f.Shape.Type)
		}
		if err := f.Shape.Validate(); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

// Check returns an error unless v is a good value. It says what is wrong with v and what
// would be right, and matches ioreturn.ErrInvalid.
func (s *Shape) Check(v Value) error {
	if v.typ != s.Type {
		return invalid("the value is of type %v, not of type %v", v.typ, s.Type)
	}
	switch s.Type {
	case TypeBool:
		if v.bits > 1 {
			return invalid("%d is neither false nor true", v.bits)
		}
	case TypeInt, TypeFloat:
		return s.checkNumber(v)
	case TypeEnum:
		if v.bits >= uint64(len(s.Choices)) {
			return invalid("choice %d does not exist, there are %d: %s", v.bits, len(s.Choices), strings.Join(s.Choices, ", "))
		}
	case TypeString, TypeBytes:
		return s.checkLength(v)
	case TypeStruct:
		if len(v.fields) != len(s.Fields) {
			return invalid("%d fields instead of %d", len(v.fields), len(s.Fields))
		}
		for i := range s.Fields {
			if err := s.Fields[i].Shape.Check(v.fields[i]); err != nil {
				return fmt.Errorf("field %s: %w", s.Fields[i].Name, err)
			}
		}
	}
	return nil
}

func (s *Shape) checkNumber(v Value) error {
	switch {
	case !v.finite():
		return invalid("%v is not a number that can be set", v)
	case s.Min.typ != TypeNone && v.less(s.Min), s.Max.typ != TypeNone && s.Max.less(v):
		return invalid("%v is outside %s", s.Format(v), s.Range())
	case s.Type == TypeInt && s.Step.typ == TypeInt:
		// Unsigned, so that the distance of any two numbers has a place.
		if d := uint64(v.Int()) - uint64(s.Min.Int()); s.Min.typ != TypeNone && d%uint64(s.Step.Int()) != 0 ||
			s.Min.typ == TypeNone && v.Int()%s.Step.Int() != 0 {
			return invalid("%v does not lie on a step of %v from %v", s.Format(v), s.Step, s.Min.Int())
		}
	}
	return nil
}

func (s *Shape) checkLength(v Value) error {
	n, most := len(v.text), s.Length
	if most == 0 {
		most = MaxLength
	}
	if n > most {
		return invalid("%d bytes, at most %d are allowed", n, most)
	}
	if s.Type == TypeString {
		return checkString(v.text)
	}
	return nil
}

// Range says which numbers are good: "0 dB to 60 dB", "at least 1", "" if all are.
func (s *Shape) Range() string {
	switch {
	case s.Min.typ != TypeNone && s.Max.typ != TypeNone:
		return s.Format(s.Min) + " to " + s.Format(s.Max)
	case s.Min.typ != TypeNone:
		return "at least " + s.Format(s.Min)
	case s.Max.typ != TypeNone:
		return "at most " + s.Format(s.Max)
	}
	return ""
}

// isFinite reports whether f is a number.
func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
