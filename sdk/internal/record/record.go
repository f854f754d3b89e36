// SPDX-License-Identifier: Apache-2.0

// Package record writes and reads the records of the ABI. A record is its total size
// (u32, these four bytes included) and then fields, without padding. A field is its tag
// (u16), its flags (u16), the length of its value (u32), and the value. All numbers are
// little-endian. A field that is missing is zero, and one that the reader does not know
// is skipped unless its flags say otherwise.
//
// Errors say what is wrong with which field. Their meaning, and what they are about, is
// for the caller to add.
package record

import (
	"encoding/binary"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Sizes of the frame of a record and of its fields.
const (
	HeaderSize      = 4
	FieldHeaderSize = 8
)

// MaxText is the limit of any text, in bytes.
const MaxText = 255

// Must is the only flag of a field so far: a reader that does not know the field must
// refuse the record instead of skipping the field.
const Must uint16 = 1 << 0

// Tag names a field. Each kind of record numbers its own fields from 1, and a number is
// never given to another field.
type Tag = uint16

// Field is one row of a record's table: how the field is written and read. One
// table serves both ways, so that they can't differ.
type Field[T any] struct {
	Tag  Tag
	Name string
	Many int // how often the field may come; 0 means once
	// Put appends the field, header and value, or nothing.
	Put func(b []byte, t *T) ([]byte, error)
	// Get reads a value. It must not keep v.
	Get func(t *T, v []byte) error
}

// MaxRows bounds the rows of a table; Parse counts fields in an array.
const MaxRows = 32

// Append appends t as a size-first record.
func Append[T any](b []byte, rows []Field[T], t *T) ([]byte, error) {
	start := len(b)
	out := append(b, 0, 0, 0, 0)
	for i := range rows {
		var err error
		if out, err = rows[i].Put(out, t); err != nil {
			return b, fmt.Errorf("%s: %w", rows[i].Name, err)
		}
	}
	binary.LittleEndian.PutUint32(out[start:], uint32(len(out)-start))
	return out, nil
}

// Parse reads the fields of b, which must be exactly one record, into t.
// It accepts any bytes, and what it allocates is bounded by the rows' own limits.
func Parse[T any](b []byte, rows []Field[T], t *T) error {
	if len(b) < HeaderSize {
		return fmt.Errorf("%d bytes are too short for a record", len(b))
	}
	if total := binary.LittleEndian.Uint32(b); uint64(total) != uint64(len(b)) {
		return fmt.Errorf("the record says that it has %d bytes, but %d are there", total, len(b))
	}
	var seen [MaxRows]int
	for b = b[HeaderSize:]; len(b) > 0; {
		f, rest, err := cutField(b)
		if err != nil {
			return err
		}
		b = rest
		i := rowOf(rows, f.tag)
		if i < 0 {
			if f.flags&Must != 0 {
				return fmt.Errorf("field %d is unknown here and must be understood", f.tag)
			}
			continue
		}
		if seen[i]++; seen[i] > max(rows[i].Many, 1) {
			return fmt.Errorf("%s (field %d) comes more than %d times", rows[i].Name, f.tag, max(rows[i].Many, 1))
		}
		if err := rows[i].Get(t, f.value); err != nil {
			return fmt.Errorf("%s (field %d): %w", rows[i].Name, f.tag, err)
		}
	}
	return nil
}

// rawField is one field as it stands in a record.
type rawField struct {
	tag   Tag
	flags uint16
	value []byte
}

// cutField splits the first field off b.
func cutField(b []byte) (f rawField, rest []byte, err error) {
	if len(b) < FieldHeaderSize {
		return f, nil, fmt.Errorf("%d bytes are left, too few for a field", len(b))
	}
	f.tag = binary.LittleEndian.Uint16(b)
	f.flags = binary.LittleEndian.Uint16(b[2:])
	n := binary.LittleEndian.Uint32(b[4:])
	b = b[FieldHeaderSize:]
	if uint64(n) > uint64(len(b)) {
		return f, nil, fmt.Errorf("field %d has %d bytes, but only %d are left", f.tag, n, len(b))
	}
	f.value = b[:n]
	return f, b[n:], nil
}

func rowOf[T any](rows []Field[T], tag Tag) int {
	for i := range rows {
		if rows[i].Tag == tag {
			return i
		}
	}
	return -1
}

// Header appends the eight bytes before a value of n bytes.
func Header(b []byte, tag Tag, n int) []byte {
	b = binary.LittleEndian.AppendUint16(b, tag)
	b = binary.LittleEndian.AppendUint16(b, 0)
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}

// Size returns an error unless v has n bytes.
func Size(v []byte, n int) error {
	if len(v) != n {
		return fmt.Errorf("%d bytes instead of %d", len(v), n)
	}
	return nil
}

// Words32 is a row of consecutive u32 words; at returns where they are kept.
func Words32[T any](tag Tag, name string, n int, load func(*T, []uint32), store func(*T, []uint32)) Field[T] {
	return Field[T]{Tag: tag, Name: name,
		Put: func(b []byte, t *T) ([]byte, error) {
			w := make([]uint32, n)
			load(t, w)
			b = Header(b, tag, 4*n)
			for _, v := range w {
				b = binary.LittleEndian.AppendUint32(b, v)
			}
			return b, nil
		},
		Get: func(t *T, v []byte) error {
			if err := Size(v, 4*n); err != nil {
				return err
			}
			w := make([]uint32, n)
			for i := range w {
				w[i] = binary.LittleEndian.Uint32(v[4*i:])
			}
			store(t, w)
			return nil
		},
	}
}

// Value32 is a row of one word that need not be a word of the struct.
func Value32[T any](tag Tag, name string, load func(*T) uint32, store func(*T, uint32)) Field[T] {
	return Field[T]{Tag: tag, Name: name,
		Put: func(b []byte, t *T) ([]byte, error) {
			return binary.LittleEndian.AppendUint32(Header(b, tag, 4), load(t)), nil
		},
		Get: func(t *T, v []byte) error {
			if err := Size(v, 4); err != nil {
				return err
			}
			store(t, binary.LittleEndian.Uint32(v))
			return nil
		},
	}
}

// Word32 is a row of one word.
func Word32[T any, V ~uint32](tag Tag, name string, at func(*T) *V) Field[T] {
	return Value32(tag, name,
		func(t *T) uint32 { return uint32(*at(t)) },
		func(t *T, w uint32) { *at(t) = V(w) })
}

// Words64 is a row of consecutive u64 words.
func Words64[T any](tag Tag, name string, at func(*T) []uint64) Field[T] {
	return Field[T]{Tag: tag, Name: name,
		Put: func(b []byte, t *T) ([]byte, error) {
			words := at(t)
			b = Header(b, tag, 8*len(words))
			for _, v := range words {
				b = binary.LittleEndian.AppendUint64(b, v)
			}
			return b, nil
		},
		Get: func(t *T, v []byte) error {
			words := at(t)
			if err := Size(v, 8*len(words)); err != nil {
				return err
			}
			for i := range words {
				words[i] = binary.LittleEndian.Uint64(v[8*i:])
			}
			return nil
		},
	}
}

// Word64 is a row of one 64-bit integer, signed or not.
func Word64[T any, V ~uint64 | ~int64](tag Tag, name string, at func(*T) *V) Field[T] {
	return Field[T]{Tag: tag, Name: name,
		Put: func(b []byte, t *T) ([]byte, error) {
			return binary.LittleEndian.AppendUint64(Header(b, tag, 8), uint64(*at(t))), nil
		},
		Get: func(t *T, v []byte) error {
			if err := Size(v, 8); err != nil {
				return err
			}
			*at(t) = V(binary.LittleEndian.Uint64(v))
			return nil
		},
	}
}

// Bits is a row of booleans, the first in bit 0 of a u32. A reader ignores bits
// that it does not know.
func Bits[T any](tag Tag, name string, at ...func(*T) *bool) Field[T] {
	return Value32(tag, name,
		func(t *T) (w uint32) {
			for i, f := range at {
				if *f(t) {
					w |= 1 << i
				}
			}
			return w
		},
		func(t *T, w uint32) {
			for i, f := range at {
				*f(t) = w&(1<<i) != 0
			}
		})
}

// Text is a row of one text; an empty one is left out.
func Text[T any](tag Tag, name string, at func(*T) *string) Field[T] {
	return Field[T]{Tag: tag, Name: name,
		Put: func(b []byte, t *T) ([]byte, error) {
			s := *at(t)
			if s == "" {
				return b, nil
			}
			if err := CheckText(s); err != nil {
				return b, err
			}
			return append(Header(b, tag, len(s)), s...), nil
		},
		Get: func(t *T, v []byte) (err error) {
			*at(t), err = ParseText(v)
			return err
		},
	}
}

// Texts is a row of texts that comes once for each of them, at most many times. Empty
// ones are kept.
func Texts[T any](tag Tag, name string, many int, at func(*T) *[]string) Field[T] {
	return Field[T]{Tag: tag, Name: name, Many: many,
		Put: func(b []byte, t *T) ([]byte, error) {
			all := *at(t)
			if len(all) > many {
				return b, fmt.Errorf("%d of them, at most %d are allowed", len(all), many)
			}
			for _, s := range all {
				if err := CheckText(s); err != nil {
					return b, err
				}
				b = append(Header(b, tag, len(s)), s...)
			}
			return b, nil
		},
		Get: func(t *T, v []byte) error {
			s, err := ParseText(v)
			*at(t) = append(*at(t), s)
			return err
		},
	}
}

// Nested is a row whose value is a record of its own.
func Nested[T, V any](tag Tag, name string, rows []Field[V], at func(*T) *V) Field[T] {
	return Field[T]{Tag: tag, Name: name,
		Put: func(b []byte, t *T) ([]byte, error) {
			b = Header(b, tag, 0)
			start := len(b)
			b, err := Append(b, rows, at(t))
			binary.LittleEndian.PutUint32(b[start-4:], uint32(len(b)-start))
			return b, err
		},
		Get: func(t *T, v []byte) error { return Parse(v, rows, at(t)) },
	}
}

// ParseText returns v as a text, copied.
func ParseText(v []byte) (string, error) {
	if len(v) > MaxText {
		return "", fmt.Errorf("%d bytes, at most %d are allowed", len(v), MaxText)
	}
	s := string(v)
	return s, CheckText(s)
}

// CheckText returns an error unless s may stand in a record: at most MaxText
// bytes of UTF-8 without control characters, because texts of the other side end
// up on terminals and in logs.
func CheckText(s string) error {
	if len(s) > MaxText {
		return fmt.Errorf("%d bytes, at most %d are allowed", len(s), MaxText)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not UTF-8", s)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return fmt.Errorf("%q has a control character", s)
		}
	}
	return nil
}

// CleanText returns s as a text that every record accepts: control characters and
// what is not UTF-8 become spaces and question marks, and what is longer than
// MaxText is cut at a character. Use it for texts from elsewhere, such as the
// message of an error that becomes the Text of an Event.
func CleanText(s string) string {
	out := make([]byte, 0, min(len(s), MaxText))
	for _, r := range s {
		switch {
		case r == utf8.RuneError:
			r = '?'
		case unicode.IsControl(r):
			r = ' '
		}
		if len(out)+utf8.RuneLen(r) > MaxText {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
