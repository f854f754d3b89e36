// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

type inner struct {
	Level int16
	Kind  uint8
	_     uint8
}

type every struct {
	A uint8
	B int8
	C uint16
	D int32
	E uint64
	F int64
	G float32
	H uint32
	I float64
	J [3]inner
	K [4]byte
}

func TestLayoutBytes(t *testing.T) {
	l, err := LayoutOf[every]()
	if err != nil {
		t.Fatal(err)
	}
	v := every{
		A: 1, B: -2, C: 0x0304, D: -5, E: 0x0102030405060708, F: -9, G: 1.5, H: 0xfffefdfc, I: -2.5,
		J: [3]inner{{-1, 2, 0}, {3, 4, 0}, {5, 6, 0}}, K: [4]byte{'a', 'b', 'c', 'd'},
	}
	want := []byte{
		1, 0xfe, 4, 3, 0xfb, 0xff, 0xff, 0xff,
		8, 7, 6, 5, 4, 3, 2, 1,
		0xf7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0, 0, 0xc0, 0x3f, 0xfc, 0xfd, 0xfe, 0xff,
		0, 0, 0, 0, 0, 0, 4, 0xc0,
		0xff, 0xff, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 'a', 'b', 'c', 'd',
	}
	if l.Size() != len(want) {
		t.Fatalf("size %d, want %d", l.Size(), len(want))
	}
	got := l.Append([]byte("before"), &v)
	if string(got[:6]) != "before" || !bytes.Equal(got[6:], want) {
		t.Errorf("got  %v\nwant %v", got[6:], want)
	}
	var back every
	if err := l.Decode(want, &back); err != nil || !reflect.DeepEqual(back, v) {
		t.Errorf("got %+v, %v", back, err)
	}
	if err := l.Decode(want[:len(want)-1], &back); !errors.Is(err, streams.EINVAL) {
		t.Errorf("a short structure: %v", err)
	}
	want[43] = 1 // the blank byte of the first inner
	if err := l.Decode(want, &back); !errors.Is(err, streams.EINVAL) || !strings.Contains(err.Error(), "every.J[]._") {
		t.Errorf("padding that isn't zero: %v", err)
	}
}

func TestLayoutLint(t *testing.T) {
	type hidden struct {
		A uint8
		B uint64
		C uint16
	}
	type many struct {
		N int
		M uintptr
		S string
		P *uint8
		B bool
		u uint8
		I struct{ L []byte }
	}
	for _, tc := range []struct {
		name string
		err  error
		want []string
	}{
		{"padding", lint[hidden](), []string{
			"hidden.B: C compilers put 7 bytes of padding before it: write them down as a field _ [7]byte",
			"hidden: C compilers put 6 bytes of padding at its end: write them down as a field _ [6]byte",
		}},
		{"types", lint[many](), []string{
			"many.N: the width of int depends on the machine: use int32 or int64",
			"many.M: the width of uintptr depends on the machine: use uint32 or uint64",
			"many.S: string can't stand in user memory",
			"many.P: *uint8 can't stand in user memory: use uint64 for an address",
			"many.B: a bool has values in C that Go doesn't know: use uint8",
			"many.u is not exported",
			"many.I.L: []uint8 can't stand in user memory",
		}},
		{"array", lint[[2]map[int]int](), []string{"[2]map[int]int[]: map[int]int can't stand"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tc.want {
				if !strings.Contains(tc.err.Error(), want) {
					t.Errorf("%q is missing in\n%v", want, tc.err)
				}
			}
			if n := strings.Count(tc.err.Error(), "\n") + 1; n != len(tc.want) {
				t.Errorf("%d problems, want %d:\n%v", n, len(tc.want), tc.err)
			}
		})
	}
	_ = many{}.u
}

func lint[T any]() error {
	_, err := LayoutOf[T]()
	return err
}

func TestLayoutOfNothingAndWord(t *testing.T) {
	n, err := LayoutOf[None]()
	if err != nil || n.Size() != 0 || len(n.Append(nil, &None{})) != 0 || n.Decode(nil, &None{}) != nil {
		t.Errorf("None: %v", err)
	}
	w, err := LayoutOf[Word]()
	var word Word
	if err != nil || w.Decode([]byte{1, 2, 0, 0, 0, 0, 0, 0x80}, &word) != nil || word != 0x8000000000000201 {
		t.Errorf("Word: %#x, %v", word, err)
	}
}

// FuzzLayout checks that whatever is accepted is written back as it was.
func FuzzLayout(f *testing.F) {
	type record struct {
		A uint8
		_ [3]byte
		B uint32
		C [2]struct {
			D int16
			E int8
			_ uint8
		}
		F int64
	}
	l, err := LayoutOf[record]()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(make([]byte, l.Size()))
	f.Add(bytes.Repeat([]byte{0xff}, l.Size()))
	f.Add([]byte{1, 0, 0, 0, 2, 3, 4, 5, 6, 7, 8, 0, 9, 10, 11, 0, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	f.Fuzz(func(t *testing.T, b []byte) {
		var v record
		if l.Decode(b, &v) == nil {
			if got := l.Append(nil, &v); !bytes.Equal(got, b[:l.Size()]) {
				t.Errorf("%v is written back as %v", b, got)
			}
		}
	})
}
