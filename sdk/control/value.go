// SPDX-License-Identifier: Apache-2.0

package control

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value is a value of one of the types, or none: the zero Value. Values are immutable
// and can be compared with Equal.
type Value struct {
	typ    Type
	bits   uint64 // bool, int, float, enum
	text   string // string, bytes
	fields []Value
}

// Bool returns a value of TypeBool.
func Bool(v bool) Value {
	if v {
		return Value{typ: TypeBool, bits: 1}
	}
	return Value{typ: TypeBool}
}

// Int returns a value of TypeInt.
func Int(v int64) Value { return Value{typ: TypeInt, bits: uint64(v)} }

// Float returns a value of TypeFloat.
func Float(v float64) Value { return Value{typ: TypeFloat, bits: math.Float64bits(v)} }

// Enum returns the value of TypeEnum that is the choice with that index.
func Enum(index int) Value { return Value{typ: TypeEnum, bits: uint64(uint32(index))} }

// String returns a value of TypeString.
func String(v string) Value { return Value{typ: TypeString, text: v} }

// Bytes returns a value of TypeBytes. v is copied.
func Bytes(v []byte) Value { return Value{typ: TypeBytes, text: string(v)} }

// Struct returns a value of TypeStruct from its fields in their order. They are copied.
func Struct(fields ...Value) Value { return Value{typ: TypeStruct, fields: slices.Clone(fields)} }

// Type returns the value's type, TypeNone for the zero Value.
func (v Value) Type() Type { return v.typ }

// Bool returns the value of a TypeBool, false for other types.
func (v Value) Bool() bool { return v.typ == TypeBool && v.bits != 0 }

// Int returns the value of a TypeInt, or the index of a TypeEnum; 0 for other types.
func (v Value) Int() int64 {
	if v.typ == TypeInt || v.typ == TypeEnum {
		return int64(v.bits)
	}
	return 0
}

// Float returns the value of a TypeFloat, 0 for other types.
func (v Value) Float() float64 {
	if v.typ == TypeFloat {
		return math.Float64frombits(v.bits)
	}
	return 0
}

// Text returns the value of a TypeString, "" for other types.
func (v Value) Text() string {
	if v.typ == TypeString {
		return v.text
	}
	return ""
}

// Bytes returns a copy of the value of a TypeBytes, nil for other types.
func (v Value) Bytes() []byte {
	if v.typ == TypeBytes {
		return []byte(v.text)
	}
	return nil
}

// Field returns the field with that index of a TypeStruct, or the zero Value.
func (v Value) Field(i int) Value {
	if i < 0 || i >= len(v.fields) {
		return Value{}
	}
	return v.fields[i]
}

// Equal reports whether both are the same value of the same type. A Float that is not a
// number equals itself.
func (v Value) Equal(w Value) bool {
	return v.typ == w.typ && v.bits == w.bits && v.text == w.text && slices.EqualFunc(v.fields, w.fields, Value.Equal)
}

// finite reports whether a number is one.
func (v Value) finite() bool { return v.typ != TypeFloat || isFinite(v.Float()) }

func (v Value) positive() bool {
	return v.typ == TypeInt && v.Int() > 0 || v.typ == TypeFloat && v.Float() > 0
}

// less compares two numbers of one type.
func (v Value) less(w Value) bool {
	if v.typ == TypeFloat {
		return v.Float() < w.Float()
	}
	return v.Int() < w.Int()
}

// String returns the value as text without what only a Shape knows: an enum is its
// index, and a struct has no names.
func (v Value) String() string {
	switch v.typ {
	case TypeBool:
		return strconv.FormatBool(v.Bool())
	case TypeInt, TypeEnum:
		return strconv.FormatInt(v.Int(), 10)
	case TypeFloat:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case TypeString:
		return v.text
	case TypeBytes:
		return hex.EncodeToString([]byte(v.text))
	case TypeStruct:
		parts := make([]string, len(v.fields))
		for i, f := range v.fields {
			parts[i] = f.String()
		}
		return strings.Join(parts, ",")
	}
	return ""
}

// checkString returns an error unless s may be the value of a TypeString.
func checkString(s string) error {
	if !utf8.ValidString(s) {
		return invalid("%q is not UTF-8", s)
	}
	if i := strings.IndexFunc(s, unicode.IsControl); i >= 0 {
		return invalid("%q has a control character at byte %d", s, i)
	}
	return nil
}

// Format returns v as people read it: with its unit, the name of its choice, the names
// of its fields.
func (s *Shape) Format(v Value) string {
	switch {
	case v.typ == TypeEnum && v.bits < uint64(len(s.Choices)):
		return s.Choices[v.bits]
	case v.typ == TypeStruct && len(v.fields) == len(s.Fields):
		parts := make([]string, len(v.fields))
		for i := range v.fields {
			parts[i] = s.Fields[i].Name + "=" + s.Fields[i].Shape.Format(v.fields[i])
		}
		return strings.Join(parts, ",")
	case s.Unit != "" && (v.typ == TypeInt || v.typ == TypeFloat):
		return v.String() + " " + s.Unit
	}
	return v.String()
}

// Any returns v as encoding/json writes it well: a bool, a number, the name of a choice, a
// string, bytes as hexadecimal digits, or a map of fields.
func (s *Shape) Any(v Value) any {
	switch v.typ {
	case TypeNone:
		return nil
	case TypeBool:
		return v.Bool()
	case TypeInt:
		return v.Int()
	case TypeFloat:
		return v.Float()
	case TypeStruct:
		m := make(map[string]any, len(v.fields))
		for i := range v.fields {
			if i < len(s.Fields) {
				m[s.Fields[i].Name] = s.Fields[i].Shape.Any(v.fields[i])
			}
		}
		return m
	}
	return s.Format(v)
}

// Parse reads a value as a person types it, and checks it: true, on, 1 or yes and their
// opposites; a number, with the unit or without, also as 0x10; a choice by name or index;
// a string as it is; bytes as hexadecimal digits; a struct as name=value,name=value, with
// every field. The error matches ioreturn.ErrInvalid.
func (s *Shape) Parse(text string) (Value, error) {
	v, err := s.parse(text)
	if err == nil {
		err = s.Check(v)
	}
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

func (s *Shape) parse(text string) (Value, error) {
	number := strings.TrimSpace(strings.TrimSuffix(text, s.Unit))
	switch s.Type {
	case TypeBool:
		return parseBool(text)
	case TypeInt:
		n, err := strconv.ParseInt(number, 0, 64)
		if err != nil {
			return Value{}, invalid("%q is not a whole number of 64 bits", text)
		}
		return Int(n), nil
	case TypeFloat:
		f, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return Value{}, invalid("%q is not a number", text)
		}
		return Float(f), nil
	case TypeEnum:
		return s.parseChoice(text)
	case TypeString:
		return String(text), nil
	case TypeBytes:
		b, err := hex.DecodeString(text)
		if err != nil {
			return Value{}, invalid("%q is not a row of pairs of hexadecimal digits", text)
		}
		return Bytes(b), nil
	case TypeStruct:
		return s.parseStruct(text)
	}
	if text != "" {
		return Value{}, invalid("%q: no value is taken here", text)
	}
	return Value{}, nil
}

func parseBool(text string) (Value, error) {
	switch strings.ToLower(text) {
	case "true", "on", "yes", "1":
		return Bool(true), nil
	case "false", "off", "no", "0":
		return Bool(false), nil
	}
	return Value{}, invalid("%q is neither true (on, yes, 1) nor false (off, no, 0)", text)
}

func (s *Shape) parseChoice(text string) (Value, error) {
	if i := slices.Index(s.Choices, text); i >= 0 {
		return Enum(i), nil
	}
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return Enum(int(n)), nil
	}
	return Value{}, invalid("%q is none of %s", text, strings.Join(s.Choices, ", "))
}

func (s *Shape) parseStruct(text string) (Value, error) {
	v := Value{typ: TypeStruct, fields: make([]Value, len(s.Fields))}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
		switch {
		case !ok || i < 0:
			return Value{}, invalid("%q is no name=value of a field; the fields are %s", part, s.fieldNames())
		case v.fields[i].typ != TypeNone:
			return Value{}, invalid("the field %s comes twice", name)
		}
		f, err := s.Fields[i].Shape.Parse(value)
		if err != nil {
			return Value{}, fmt.Errorf("field %s: %w", name, err)
		}
		v.fields[i] = f
	}
	for i := range v.fields {
		if v.fields[i].typ == TypeNone {
			return Value{}, invalid("the field %s is missing; the fields are %s", s.Fields[i].Name, s.fieldNames())
		}
	}
	return v, nil
}

func (s *Shape) fieldNames() string {
	names := make([]string, len(s.Fields))
	for i := range s.Fields {
		names[i] = s.Fields[i].Name
	}
	return strings.Join(names, ", ")
}
