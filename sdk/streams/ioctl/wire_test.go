// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

var (
	_ encoding.BinaryAppender    = Request{}
	_ encoding.BinaryUnmarshaler = (*Request)(nil)
)

// TestWireBytes pins the bytes of each kind of record, which other versions read.
func TestWireBytes(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   encoding.BinaryAppender
		want string
	}{
		{
			"request", Request{ID: 0x1122, Command: cmdSetGain, Transparent: true, Arg: 0x500, Caller: everyone},
			"3c000000 01000000 08000000 2211000000000000 02000000 04000000 01780840 " +
				"03000000 04000000 01000000 04000000 08000000 0005000000000000",
		},
		{
			"event", Event{ID: 1, Kind: CopiedIn, Data: []byte("ab")},
			"36000000 01000000 08000000 0100000000000000 02000000 04000000 02000000 03000000 04000000 00000000 04000000 02000000 6162",
		},
		{
			"next", Next{ID: 1, Kind: Ack, Rval: -2, Data: []byte("z")},
			"5d000000 01000000 08000000 0100000000000000 02000000 04000000 03000000 03000000 08000000 0000000000000000 " +
				"04000000 04000000 00000000 05000000 04000000 feffffff 06000000 04000000 00000000 07000000 01000000 7a",
		},
	} {
		got, err := tc.in.AppendBinary([]byte("x"))
		if want := "78" + strings.ReplaceAll(tc.want, " ", ""); err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: %v\ngot  %x\nwant %s", tc.name, err, got, want)
		}
	}
}

func TestWireRefuses(t *testing.T) {
	for _, in := range []encoding.BinaryAppender{
		Event{Kind: Begin}, Event{Kind: 0}, Event{Kind: Worked},
		Event{Kind: CopyFailed}, Event{Kind: CopyFailed, Errno: 4096}, Event{Kind: CopiedIn, Errno: 5}, Event{Kind: CopiedOut, Data: []byte("x")},
		Next{Kind: Work}, Next{Kind: Nak}, Next{Kind: Nak, Errno: 4096}, Next{Kind: Ack, Errno: 5},
		Next{Kind: NeedOut, Size: 2, Data: []byte("x")}, Next{Kind: NeedIn, Size: -1}, Next{Kind: NeedIn, Size: 1, Data: []byte("x")},
		Next{Kind: Nak, Errno: 5, Rval: 1}, Next{Kind: Ack, Addr: 1}, Next{Kind: Silent, Size: 1},
	} {
		if b, err := in.AppendBinary([]byte("x")); !errors.Is(err, streams.EPROTO) || string(b) != "x" {
			t.Errorf("%+v became %x, %v", in, b, err)
		}
	}
	b, err := Request{Transparent: true, Data: []byte("x")}.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := Request{ID: 9}
	if err := r.UnmarshalBinary(b); !errors.Is(err, ioreturn.ErrProtocol) || r.ID != 9 {
		t.Errorf("got %+v, %v", r, err)
	}
	// A kind of 256 + 2 must not become a CopiedIn, nor a size of 4 GiB a small one.
	b, err = Event{Kind: CopiedIn}.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	b[4+16+8+1] = 1
	if err := new(Event).UnmarshalBinary(b); !errors.Is(err, streams.EPROTO) {
		t.Errorf("got %v", err)
	}
	b, err = Next{Kind: NeedIn, Size: 5}.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	b[4+16+12+16+8+3] = 0xff
	var n Next
	if err := n.UnmarshalBinary(b); err != nil || n.Size != 0x7fffffff {
		t.Errorf("got %+v, %v", n, err)
	}
}

// TestC6CommandIsAConversation runs case D25, a call of three legs with every part encoded on its way.
func TestC6CommandIsAConversation(t *testing.T) {
	req, _, m, _, to := threeLegs(t)
	req.ID = 0x1_0000_0001
	var got Request
	cross(t, req, &got)
	if got.Caller != (Caller{}) {
		t.Errorf("the caller's rights crossed: %+v", got.Caller)
	}
	d := &device{}
	call, ok := d.table(t, Config{}).Call(got)
	if !ok {
		t.Fatal("unknown")
	}
	copier := NewCopier(m, Limits{})
	e := Event{Kind: Begin}
	for range 5 {
		var n Next
		cross(t, call.Advance(t.Context(), e), &n)
		if n.ID != req.ID {
			t.Fatalf("ID %#x", n.ID)
		}
		if n.Kind == Ack {
			if n.Rval != 4 || string(to[:4]) != "olle" {
				t.Errorf("got %+v, %q", n, to)
			}
			return
		}
		done := copier.Do(n)
		e = Event{}
		cross(t, done, &e)
	}
	t.Error("no answer")
}

func cross(t *testing.T, from encoding.BinaryAppender, to encoding.BinaryUnmarshaler) {
	t.Helper()
	b, err := from.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	clear(b) // nothing of it may have been kept
}

func TestEventKindNames(t *testing.T) {
	for k, want := range map[EventKind]string{Begin: "begin", CopyFailed: "copy-failed", Worked: "worked", 0: "EventKind(0)", 7: "EventKind(7)"} {
		if got := k.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// FuzzWire checks the three decoders: no panic, every error is EPROTO, and what is
// accepted survives a round trip.
func FuzzWire(f *testing.F) {
	for _, in := range []encoding.BinaryAppender{
		Request{ID: 1, Command: 2, Data: []byte("abc")}, Request{Transparent: true, Arg: 5}, Request{ID: 9, Named: true},
		Next{ID: 9, Kind: Ack, Rval: 3, Data: []byte("abc"), From: "checksum"},
		Event{Kind: CopiedIn, Data: []byte("abc")}, Event{Kind: CopyFailed, Errno: streams.EFAULT},
		Next{Kind: NeedOut, Size: 3, Data: []byte("abc")}, Next{Kind: NeedIn, Addr: 1 << 63, Size: 7}, Next{Kind: Nak, Errno: streams.EIO},
	} {
		b, err := in.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		kind := uint8(0)
		switch in.(type) {
		case Event:
			kind = 1
		case Next:
			kind = 2
		}
		f.Add(kind, b)
		f.Add(kind, b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		switch kind % 3 {
		case 0:
			roundTrip[Request](t, b)
		case 1:
			roundTrip[Event](t, b)
		default:
			roundTrip[Next](t, b)
		}
	})
}

func roundTrip[T encoding.BinaryAppender, P interface {
	*T
	encoding.BinaryUnmarshaler
}](t *testing.T, b []byte) {
	var v, again T
	err := P(&v).UnmarshalBinary(b)
	sameByTable(t, b, any(&v), err)
	if err != nil {
		if !errors.Is(err, streams.EPROTO) {
			t.Fatalf("%v does not match EPROTO", err)
		}
		return
	}
	out, err := v.AppendBinary(nil)
	if err != nil {
		t.Fatalf("accepted %+v, which does not encode: %v", v, err)
	}
	if err := P(&again).UnmarshalBinary(out); err != nil || !reflect.DeepEqual(v, again) {
		t.Fatalf("%+v became %+v, %v", v, again, err)
	}
}

// sameByTable fails if the tables read b in another way, or write what was read in another.
func sameByTable(t *testing.T, b []byte, v any, err error) {
	t.Helper()
	var table any
	var tableErr error
	var written, want []byte
	switch v := v.(type) {
	case *Request:
		var r Request
		tableErr, table = parsed(b, requestFields, &r, (*Request).check), &r
		written, _ = v.AppendBinary(nil)
		want, _ = appended(nil, requestFields, v, nil)
	case *Next:
		var n Next
		tableErr, table = parsed(b, nextFields, &n, (*Next).checkRead), &n
		written, _ = v.AppendBinary(nil)
		want, _ = appended(nil, nextFields, v, (*Next).check)
	default:
		return
	}
	if (err == nil) != (tableErr == nil) || err == nil && !reflect.DeepEqual(v, table) {
		t.Fatalf("read as %+v, %v; by the table %+v, %v", v, err, table, tableErr)
	}
	if err == nil && !bytes.Equal(written, want) {
		t.Fatalf("written as %x, by the table %x", written, want)
	}
}

// What is read and written without the tables is what they say, and costs no memory but that
// of the data.
func TestQuickRecords(t *testing.T) {
	requests := []Request{{}, {ID: 1 << 63, Command: 7, Transparent: true, Arg: 1}, {ID: 3, Data: []byte("data")}, {ID: 4, Named: true}}
	nexts := []Next{
		{}, {ID: 2, Kind: Ack, Rval: -1, Data: []byte("data")}, {ID: 2, Kind: NeedIn, Addr: 1, Size: math.MaxInt32},
		{Kind: NeedOut, Addr: 9, Size: 2, Data: []byte("xy")}, {Kind: Nak, Errno: streams.EIO}, {Kind: Nak, Errno: streams.EIO, From: "module"},
	}
	for i, r := range requests {
		b, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(b) + 1 { // whole, cut, and with each byte changed
			roundTrip[Request](t, b[:n])
			if n < len(b) {
				b[n] ^= 1
				roundTrip[Request](t, b)
				b[n] ^= 1
			}
		}
		if i == 1 {
			if n := testing.AllocsPerRun(100, func() { b, _ = r.AppendBinary(b[:0]); _ = r.UnmarshalBinary(b) }); n != 0 {
				t.Errorf("a request allocates %v times", n)
			}
		}
	}
	for i, v := range nexts {
		b, err := v.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(b) + 1 {
			roundTrip[Next](t, b[:n])
			if n < len(b) {
				b[n] ^= 1
				roundTrip[Next](t, b)
				b[n] ^= 1
			}
		}
		if i == 2 {
			if n := testing.AllocsPerRun(100, func() { b, _ = v.AppendBinary(b[:0]); _ = v.UnmarshalBinary(b) }); n != 0 {
				t.Errorf("an answer allocates %v times", n)
			}
		}
	}
}
