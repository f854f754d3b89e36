// SPDX-License-Identifier: Apache-2.0

package control

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
)

// Fields of a value.
const (
	tagValueType  record.Tag = 1 // u32
	tagValueBits  record.Tag = 2 // u64: bool, int, float or enum
	tagValueBytes record.Tag = 3 // bytes: string or bytes
	tagValueField record.Tag = 4 // up to 16 times: a value that is no struct
)

// Fields of a shape.
const (
	tagShapeType    record.Tag = 1 // u32
	tagShapeUnit    record.Tag = 2 // text
	tagShapeMin     record.Tag = 3 // a value
	tagShapeMax     record.Tag = 4 // a value
	tagShapeStep    record.Tag = 5 // a value
	tagShapeDefault record.Tag = 6 // a value
	tagShapeLength  record.Tag = 7 // u32
	tagShapeChoice  record.Tag = 8 // up to 256 times: text
	tagShapeField   record.Tag = 9 // up to 16 times: a field of a struct
)

// Fields of a field of a struct.
const (
	tagFieldName  record.Tag = 1 // text
	tagFieldShape record.Tag = 2 // a shape without fields
)

// Fields of an Info.
const (
	tagInfoName   record.Tag = 1 // text
	tagInfoText   record.Tag = 2 // text
	tagInfoAccess record.Tag = 3 // u32: 1 get, 2 set, 4 call
	tagInfoFlags  record.Tag = 4 // u32: 1 volatile
	tagInfoShape  record.Tag = 5 // a shape
	tagInfoResult record.Tag = 6 // a shape
)

// scalarFields are the rows of a value that is no struct.
var scalarFields = []record.Field[Value]{
	{Tag: tagValueType, Name: "type", Put: putType, Get: getType},
	{Tag: tagValueBits, Name: "bits", Put: putBits, Get: getBits},
	{Tag: tagValueBytes, Name: "bytes", Put: putBytes, Get: getBytes},
}

var valueFields = append(slices.Clone(scalarFields), many(tagValueField, "field", MaxFields, scalarFields,
	func(v *Value) *[]Value { return &v.fields }))

// plainFields are the rows of a shape that is no struct.
var plainFields = []record.Field[Shape]{
	record.Words32(tagShapeType, "type", 1,
		func(s *Shape, w []uint32) { w[0] = uint32(s.Type) },
		func(s *Shape, w []uint32) { s.Type = typeOf(w[0]) }),
	record.Text(tagShapeUnit, "unit", func(s *Shape) *string { return &s.Unit }),
	optional(tagShapeMin, "minimum", scalarFields, func(s *Shape) *Value { return &s.Min }),
	optional(tagShapeMax, "maximum", scalarFields, func(s *Shape) *Value { return &s.Max }),
	optional(tagShapeStep, "step", scalarFields, func(s *Shape) *Value { return &s.Step }),
	optional(tagShapeDefault, "default", valueFields, func(s *Shape) *Value { return &s.Default }),
	record.Words32(tagShapeLength, "length", 1,
		func(s *Shape, w []uint32) { w[0] = uint32(s.Length) },
		func(s *Shape, w []uint32) { s.Length = int(min(w[0], MaxLength+1)) }), // too much is refused by Validate
	record.Texts(tagShapeChoice, "choice", MaxChoices, func(s *Shape) *[]string { return &s.Choices }),
}

var shapeFields = append(slices.Clone(plainFields), many(tagShapeField, "field", MaxFields, fieldFields,
	func(s *Shape) *[]Field { return &s.Fields }))

var fieldFields = []record.Field[Field]{
	record.Text(tagFieldName, "name", func(f *Field) *string { return &f.Name }),
	record.Nested(tagFieldShape, "shape", plainFields, func(f *Field) *Shape { return &f.Shape }),
}

var infoFields = []record.Field[Info]{
	record.Text(tagInfoName, "name", func(in *Info) *string { return &in.Name }),
	record.Text(tagInfoText, "text", func(in *Info) *string { return &in.Text }),
	record.Words32(tagInfoAccess, "access", 1,
		func(in *Info, w []uint32) { w[0] = uint32(in.Access) },
		func(in *Info, w []uint32) { in.Access = Access(w[0] & uint32(accessAll)) }), // ways of a later version are not known here
	record.Bits(tagInfoFlags, "flags", func(in *Info) *bool { return &in.Volatile }),
	record.Nested(tagInfoShape, "shape", shapeFields, func(in *Info) *Shape { return &in.Shape }),
	record.Nested(tagInfoResult, "result", shapeFields, func(in *Info) *Shape { return &in.Result }),
}

// typeOf is the type with that number; one that is too large for a Type stays one that
// does not exist.
func typeOf(n uint32) Type { return Type(min(n, 255)) }

func putType(b []byte, v *Value) ([]byte, error) {
	return binary.LittleEndian.AppendUint32(record.Header(b, tagValueType, 4), uint32(v.typ)), nil
}

func getType(v *Value, raw []byte) error {
	if err := record.Size(raw, 4); err != nil {
		return err
	}
	v.typ = typeOf(binary.LittleEndian.Uint32(raw))
	return nil
}

func putBits(b []byte, v *Value) ([]byte, error) {
	if v.bits == 0 {
		return b, nil
	}
	return binary.LittleEndian.AppendUint64(record.Header(b, tagValueBits, 8), v.bits), nil
}

func getBits(v *Value, raw []byte) error {
	if err := record.Size(raw, 8); err != nil {
		return err
	}
	v.bits = binary.LittleEndian.Uint64(raw)
	return nil
}

func putBytes(b []byte, v *Value) ([]byte, error) {
	if v.text == "" {
		return b, nil
	}
	if len(v.text) > MaxLength {
		return b, fmt.Errorf("%d bytes, at most %d are allowed", len(v.text), MaxLength)
	}
	return append(record.Header(b, tagValueBytes, len(v.text)), v.text...), nil
}

func getBytes(v *Value, raw []byte) error {
	if len(raw) > MaxLength {
		return fmt.Errorf("%d bytes, at most %d are allowed", len(raw), MaxLength)
	}
	v.text = string(raw)
	return nil
}

// optional is a row with a value that is left out if it is none.
func optional(tag record.Tag, name string, rows []record.Field[Value], at func(*Shape) *Value) record.Field[Shape] {
	row := record.Nested(tag, name, rows, at)
	put := row.Put
	row.Put = func(b []byte, s *Shape) ([]byte, error) {
		if at(s).typ == TypeNone {
			return b, nil
		}
		return put(b, s)
	}
	return row
}

// many is a row that comes once for each element of a slice.
func many[T, V any](tag record.Tag, name string, most int, rows []record.Field[V], at func(*T) *[]V) record.Field[T] {
	return record.Field[T]{
		Tag: tag, Name: name, Many: most,
		Put: func(b []byte, t *T) ([]byte, error) {
			all := *at(t)
			if len(all) > most {
				return b, fmt.Errorf("%d of them, at most %d are allowed", len(all), most)
			}
			row := record.Nested(tag, name, rows, func(v *V) *V { return v })
			for i := range all {
				var err error
				if b, err = row.Put(b, &all[i]); err != nil {
					return b, err
				}
			}
			return b, nil
		},
		Get: func(t *T, raw []byte) error {
			var v V
			if err := record.Parse(raw, rows, &v); err != nil {
				return err
			}
			*at(t) = append(*at(t), v)
			return nil
		},
	}
}
