// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Layout is how values of T stand in user memory: little-endian, field after field,
// each aligned to its own size, as C compilers lay out a structure. It never shows
// memory that isn't a field. The zero value is not usable; see LayoutOf.
type Layout[T any] struct{ root *node }

// LayoutOf returns the layout of T, a struct, an array or an integer or float of a fixed
// width. T is refused if its layout in C would depend on the machine: if it has a field
// whose width isn't fixed, a pointer of Go, or padding that is not written down as a
// blank field. The error names every such field and says what to do about it.
//
// A blank field (_) is padding, or reserved: zero when it is written, and EINVAL if
// it's not zero when it is read. An address is a field of type uint64.
func LayoutOf[T any]() (Layout[T], error) {
	t := reflect.TypeFor[T]()
	root, err := nodeOf(t, t.String())
	if err != nil {
		return Layout[T]{}, err
	}
	return Layout[T]{root}, nil
}

// Size returns how many bytes a value takes.
func (l Layout[T]) Size() int { return l.root.size }

// Append appends v to b.
func (l Layout[T]) Append(b []byte, v *T) []byte {
	start := len(b)
	b = append(b, make([]byte, l.root.size)...)
	l.root.put(b[start:], reflect.ValueOf(v).Elem())
	return b
}

// Decode reads v from b, which has Size bytes at least. The error matches EINVAL.
func (l Layout[T]) Decode(b []byte, v *T) error {
	if len(b) < l.root.size {
		return fmt.Errorf("%d bytes instead of %d: %w", len(b), l.root.size, streams.EINVAL)
	}
	return l.root.get(b, reflect.ValueOf(v).Elem())
}

// node is the layout of a type, or of a field at an offset of its struct.
type node struct {
	kind   reflect.Kind
	path   string // for people: "Gain.Channel"
	size   int
	align  int
	fields []field // of a struct
	elem   *node   // of an array
	count  int     // of an array
}

type field struct {
	*node
	name  string
	index int
	off   int
}

// nodeOf returns the layout of t, which is called path.
func nodeOf(t reflect.Type, path string) (*node, error) {
	n := &node{kind: t.Kind(), path: path, size: int(t.Size())}
	switch k := t.Kind(); k {
	case reflect.Int8, reflect.Uint8, reflect.Int16, reflect.Uint16, reflect.Int32, reflect.Uint32, reflect.Int64, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		n.align = n.size
		return n, nil
	case reflect.Array:
		elem, err := nodeOf(t.Elem(), path+"[]")
		if err != nil {
			return nil, err
		}
		n.elem, n.count, n.align, n.size = elem, t.Len(), elem.align, elem.size*t.Len()
		return n, nil
	case reflect.Struct:
		if err := n.structOf(t); err != nil {
			return nil, err
		}
		return n, nil
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return nil, fmt.Errorf("%s: the width of %s depends on the machine: use %s32 or %s64", path, t, signOf(k), signOf(k))
	case reflect.Bool:
		return nil, fmt.Errorf("%s: a bool has values in C that Go doesn't know: use uint8 and compare it with 0", path)
	default:
		return nil, fmt.Errorf("%s: %s can't stand in user memory: use uint64 for an address and describe what it points to with a Range, or an array", path, t)
	}
}

func signOf(k reflect.Kind) string {
	if k == reflect.Int {
		return "int"
	}
	return "uint"
}

// structOf fills n with the fields of t. It reports all problems, not the first one.
func (n *node) structOf(t reflect.Type) error {
	var problems []error
	n.size, n.align = 0, 1
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name != "_" && !f.IsExported() {
			problems = append(problems, fmt.Errorf("%s.%s is not exported, so that its value can't be set: export it, or call it _ if it is padding", n.path, f.Name))
			continue
		}
		fn, err := nodeOf(f.Type, n.path+"."+f.Name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if gap := -n.size & (fn.align - 1); gap != 0 {
			problems = append(problems, fmt.Errorf("%s: C compilers put %d bytes of padding before it: write them down as a field _ [%d]byte", fn.path, gap, gap))
			n.size += gap
		}
		n.fields = append(n.fields, field{fn, f.Name, i, n.size})
		n.size += fn.size
		n.align = max(n.align, fn.align)
	}
	if gap := -n.size & (n.align - 1); gap != 0 {
		problems = append(problems, fmt.Errorf("%s: C compilers put %d bytes of padding at its end: write them down as a field _ [%d]byte", n.path, gap, gap))
	}
	return errors.Join(problems...)
}

// put writes v to b, which is zero.
func (n *node) put(b []byte, v reflect.Value) {
	le := binary.LittleEndian
	switch n.kind {
	case reflect.Uint8:
		b[0] = byte(v.Uint())
	case reflect.Uint16:
		le.PutUint16(b, uint16(v.Uint()))
	case reflect.Uint32:
		le.PutUint32(b, uint32(v.Uint()))
	case reflect.Uint64:
		le.PutUint64(b, v.Uint())
	case reflect.Int8:
		b[0] = byte(v.Int())
	case reflect.Int16:
		le.PutUint16(b, uint16(v.Int()))
	case reflect.Int32:
		le.PutUint32(b, uint32(v.Int()))
	case reflect.Int64:
		le.PutUint64(b, uint64(v.Int()))
	case reflect.Float32:
		le.PutUint32(b, math.Float32bits(float32(v.Float())))
	case reflect.Float64:
		le.PutUint64(b, math.Float64bits(v.Float()))
	case reflect.Array:
		if n.elem.kind == reflect.Uint8 {
			copy(b, v.Bytes())
			return
		}
		for i := range n.count {
			n.elem.put(b[i*n.elem.size:], v.Index(i))
		}
	default:
		for _, f := range n.fields {
			if f.name != "_" {
				f.put(b[f.off:], v.Field(f.index))
			}
		}
	}
}

// get reads v from b, which is long enough.
func (n *node) get(b []byte, v reflect.Value) error {
	le := binary.LittleEndian
	switch n.kind {
	case reflect.Uint8:
		v.SetUint(uint64(b[0]))
	case reflect.Uint16:
		v.SetUint(uint64(le.Uint16(b)))
	case reflect.Uint32:
		v.SetUint(uint64(le.Uint32(b)))
	case reflect.Uint64:
		v.SetUint(le.Uint64(b))
	case reflect.Int8:
		v.SetInt(int64(int8(b[0])))
	case reflect.Int16:
		v.SetInt(int64(int16(le.Uint16(b))))
	case reflect.Int32:
		v.SetInt(int64(int32(le.Uint32(b))))
	case reflect.Int64:
		v.SetInt(int64(le.Uint64(b)))
	case reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(le.Uint32(b))))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(le.Uint64(b)))
	case reflect.Array:
		if n.elem.kind == reflect.Uint8 {
			copy(v.Bytes(), b)
			return nil
		}
		for i := range n.count {
			if err := n.elem.get(b[i*n.elem.size:], v.Index(i)); err != nil {
				return err
			}
		}
	default:
		return n.getFields(b, v)
	}
	return nil
}

func (n *node) getFields(b []byte, v reflect.Value) error {
	for _, f := range n.fields {
		if f.name == "_" {
			if !allZero(b[f.off : f.off+f.size]) {
				return fmt.Errorf("%s: reserved bytes are not zero: %w", f.path, streams.EINVAL)
			}
			continue
		}
		if err := f.get(b[f.off:], v.Field(f.index)); err != nil {
			return err
		}
	}
	return nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// find returns the field of n with the given name, or nil.
func (n *node) find(name string) *field {
	for i := range n.fields {
		if n.fields[i].name == name && name != "_" {
			return &n.fields[i]
		}
	}
	return nil
}
