// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"pgregory.net/rapid"
)

func isRule(err error) bool { return errors.Is(err, ioreturn.ErrProtocol) }

// frameBytes are the frames as they are on the wire: one of each type, written by
// hand. A change of any of them is a change of the ABI.
var frameBytes = map[string]struct {
	frame []byte
	hex   string
}{
	"HELLO": {
		(&hello{
			abi:   versions{userclient.Version{Minor: 1}, userclient.Version{Major: 1, Minor: 2}},
			flags: HelloObserve, memory: 2, bells: 6, known: 0xf, required: 1,
		}).append(nil),
		"38000000 0100 0000 00000000 00000000 494f534b 01000000 02000100 01000000 02000000 06000000 0f00000000000000 0100000000000000",
	},
	"WELCOME": {
		(&welcome{
			abi:    userclient.Version{Minor: 1},
			driver: versions{userclient.Version{Minor: 1}, userclient.Version{Minor: 3}},
			bell:   1, calls: 64, inline: 65536, bulk: 1 << 24, bulkCalls: 2,
		}).append(nil, true),
		"38000000 0200 0100 00000000 00000000 494f534b 01000000 01000000 03000000 01000000 40000000 00000100 00000001 02000000 00000000",
	},
	"REFUSE": {
		(&refuse{code: ioreturn.Busy, text: "no"}).append(nil),
		"22000000 0300 0000 00000000 00000000 494f534b d50200e0 00000000 00000000 6e6f",
	},
	"CALL": {
		(&call{selector: 2, in: []uint64{7}, bytes: []byte{1, 2}, size: 2, out: 3, outBytes: 4}).append(nil, 9, false),
		"2a000000 0400 0000 09000000 00000000 02000000 0100 0300 02000000 04000000 0700000000000000 0102",
	},
	"REPLY": {
		(&reply{out: []uint64{7}, bytes: []byte{1, 2}, size: 2, detail: "x"}).append(nil, 9, false),
		"2b000000 0500 0000 09000000 00000000 00000000 0100 0100 02000000 00000000 0700000000000000 0102 78",
	},
	"CANCEL": {appendCancel(nil, 9), "10000000 0600 0000 09000000 00000000"},
	"MAP":    {appendWord(nil, FrameMap, 9, 0x10000000, false), "18000000 0700 0000 09000000 00000000 00000010 00000000"},
	"MAPPED": {
		(&mapped{arena: 1, offset: 256, length: 512, size: 4096, kind: userclient.MemMemfd, access: AccessReadWrite}).append(nil, 9, true),
		"38000000 0800 0100 09000000 00000000 00000000 01000000 0001000000000000 0002000000000000 0010000000000000 01000000 01000000",
	},
	"PORT": {appendWord(nil, FramePort, 0, 0x100, true), "18000000 0900 0100 00000000 00000000 00010000 00000000"},
	"BYE":  {(&bye{ioreturn.Success, ""}).append(nil), "18000000 0a00 0000 00000000 00000000 00000000 00000000"},
	"DROP": {appendWord(nil, FrameDrop, 0, 1, false), "18000000 0b00 0000 00000000 00000000 01000000 00000000"},
}

func TestFramesByteForByte(t *testing.T) {
	for name, tc := range frameBytes {
		want, err := hex.DecodeString(strings.ReplaceAll(tc.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tc.frame, want) {
			t.Errorf("%s is\n%x, want\n%x", name, tc.frame, want)
		}
		if h, err := parseHeader(tc.frame); err != nil || frameName(h.typ) != name {
			t.Errorf("%s is decoded as %s, %v", name, frameName(h.typ), err)
		}
	}
}

// parseAny decodes a frame of any type, as the two receivers do.
func parseAny(b []byte) (v any, err error) {
	h, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	switch h.typ {
	case FrameHello:
		return parseHello(b)
	case FrameWelcome:
		return parseWelcome(b)
	case FrameRefuse:
		return parseRefuse(b)
	case FrameCall:
		return parseCall(b, h.hasFD)
	case FrameReply:
		return parseReply(b, h.hasFD)
	case FrameCancel:
		return nil, parseCancel(b)
	case FrameMap, FramePort, FrameDrop:
		return parseWord(b, h.typ)
	case FrameMapped:
		return parseMapped(b, h.hasFD)
	case FrameBye:
		return parseBye(b)
	}
	return nil, ioreturn.Broken(ioreturn.RuleFrameType, "%s", frameName(h.typ))
}

func TestTruncatedAndPaddedFramesAreRefused(t *testing.T) {
	for name, tc := range frameBytes {
		for n := range tc.frame {
			cut := append([]byte(nil), tc.frame[:n]...)
			if _, err := parseAny(cut); !isRule(err) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
			if n < HeaderSize {
				continue
			}
			finish(cut) // a frame that is honest about its length
			if _, err := parseAny(cut); !isRule(err) && name != "REFUSE" {
				t.Errorf("%s of %d bytes: %v", name, n, err)
			}
		}
		long := finish(append(append([]byte(nil), tc.frame...), 0))
		open := map[string]bool{"HELLO": true, "WELCOME": true, "REFUSE": true, "MAPPED": true, "BYE": true}
		if _, err := parseAny(long); isRule(err) == open[name] {
			t.Errorf("%s with a byte more: %v", name, err)
		}
	}
}

func TestReservedBitsAreRefused(t *testing.T) {
	for name, tc := range frameBytes {
		for _, off := range []int{HeaderFlagsOff + 1, HeaderZeroOff} {
			b := append([]byte(nil), tc.frame...)
			b[off] = 1
			if _, err := parseAny(b); !isRule(err) {
				t.Errorf("%s with byte %d set: %v", name, off, err)
			}
		}
	}
	for name, off := range map[string]int{"REPLY": ReplyZeroOff, "MAP": MapZeroOff, "PORT": PortZeroOff, "DROP": DropZeroOff, "BYE": ByeZeroOff} {
		b := append([]byte(nil), frameBytes[name].frame...)
		b[off] = 1
		if _, err := parseAny(b); !isRule(err) {
			t.Errorf("%s with reserved byte %d set: %v", name, off, err)
		}
	}
	for _, typ := range []byte{0, 12, 255} {
		b := append([]byte(nil), frameBytes["CANCEL"].frame...)
		b[HeaderTypeOff] = typ
		if _, err := parseAny(b); !isRule(err) {
			t.Errorf("frame type %d: %v", typ, err)
		}
	}
}

func TestNumbersOutOfRangeAreRefused(t *testing.T) {
	scalars := make([]uint64, userclient.MaxScalars+1)
	ok := welcome{calls: 2, inline: 1, bulk: 1, bulkCalls: 1}
	with := func(change func(*welcome)) []byte {
		w := ok
		change(&w)
		return w.append(nil, false)
	}
	if _, err := parseAny(ok.append(nil, false)); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"call: scalars in":           (&call{in: scalars}).append(nil, 1, false),
		"call: scalars out":          (&call{out: userclient.MaxScalars + 1}).append(nil, 1, false),
		"call: bytes in":             (&call{size: MaxBulk + 1}).append(nil, 1, true),
		"call: bytes out":            (&call{outBytes: MaxBulk + 1}).append(nil, 1, false),
		"call: bytes not there":      (&call{size: 5, bytes: []byte{1}}).append(nil, 1, false),
		"call: size near 2^32":       (&call{size: ^uint32(0)}).append(nil, 1, false),
		"call: bytes and descriptor": (&call{size: 1, bytes: []byte{1}}).append(nil, 1, true),
		"reply: scalars":             (&reply{out: scalars}).append(nil, 1, false),
		"reply: bytes":               (&reply{size: MaxBulk + 1}).append(nil, 1, true),
		"reply: code and scalars":    (&reply{code: 1, out: scalars[:1]}).append(nil, 1, false),
		"reply: code and bytes":      (&reply{code: 1, size: 1, bytes: []byte{1}}).append(nil, 1, false),
		"reply: code and descriptor": (&reply{code: 1}).append(nil, 1, true),
		"mapped: empty":              (&mapped{size: 1}).append(nil, 1, false),
		"mapped: offset":             (&mapped{size: 4096, offset: 4097, length: 1}).append(nil, 1, false),
		"mapped: length":             (&mapped{size: 4096, offset: 1, length: 4096}).append(nil, 1, false),
		"mapped: sum overflows":      (&mapped{size: 4096, offset: 4095, length: ^uint64(0)}).append(nil, 1, false),
		"mapped: access":             (&mapped{size: 1, length: 1, access: 2}).append(nil, 1, false),
		"mapped: code, descriptor":   (&mapped{code: 1}).append(nil, 1, true),
		"welcome: no calls":          with(func(w *welcome) { w.calls = 1 }),
		"welcome: calls":             with(func(w *welcome) { w.calls = MaxCalls + 1 }),
		"welcome: inline":            with(func(w *welcome) { w.inline = userclient.MaxInline + 1 }),
		"welcome: bulk":              with(func(w *welcome) { w.bulk = MaxBulk + 1 }),
		"welcome: bulk under inline": with(func(w *welcome) { w.bulk = 0 }),
		"welcome: bulk calls":        with(func(w *welcome) { w.bulkCalls = 0 }),
		"hello: magic":               func() []byte { b := (&hello{}).append(nil); b[HelloMagicOff] = 0; return b }(),
	} {
		if _, err := parseAny(b); !isRule(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFramesRoundTrip(t *testing.T) {
	word := rapid.Uint32()
	some := func(t *rapid.T, name string, n int) []byte { return rapid.SliceOfN(rapid.Byte(), 0, n).Draw(t, name) }
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(rapid.Uint64(), 0, userclient.MaxScalars).Draw(t, "scalars")
		data := some(t, "bytes", 300)
		id := word.Draw(t, "id")
		c := call{
			selector: word.Draw(t, "selector"), in: in, bytes: data, size: uint32(len(data)),
			out: uint32(rapid.IntRange(0, userclient.MaxScalars).Draw(t, "out")), outBytes: uint32(rapid.IntRange(0, MaxBulk).Draw(t, "outBytes")),
		}
		r := reply{out: in, bytes: data, size: uint32(len(data)), detail: text(rapid.String().Draw(t, "detail"))}
		size := rapid.Uint64Min(1).Draw(t, "size")
		offset := rapid.Uint64Max(size-1).Draw(t, "offset")
		m := mapped{
			arena: word.Draw(t, "arena"), offset: offset, length: rapid.Uint64Range(1, size-offset).Draw(t, "length"), size: size,
			kind: userclient.MemKind(word.Draw(t, "kind")), access: word.Draw(t, "access") & 1, detail: r.detail,
		}
		for name, pair := range map[string][2]any{
			"CALL":   {c, parsed(t, c.append(nil, id, false), id)},
			"REPLY":  {r, parsed(t, r.append(nil, id, false), id)},
			"MAPPED": {m, parsed(t, m.append(nil, id, true), id)},
		} {
			if !reflect.DeepEqual(pair[0], pair[1]) {
				t.Errorf("%s: sent %+v, received %+v", name, pair[0], pair[1])
			}
		}
	})
}

func parsed(t *rapid.T, b []byte, id uint32) any {
	h, err := parseHeader(b)
	if err != nil || h.id != id {
		t.Fatalf("header %+v, %v", h, err)
	}
	v, err := parseAny(b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTextIsSafeToPrint(t *testing.T) {
	for in, want := range map[string]string{
		"plain":            "plain",
		"a\x1b[2Jb\nc\x00": "a [2Jb c ",
		"bad \xff utf-8":   "bad \ufffd utf-8",
	} {
		if got := text(in); got != want {
			t.Errorf("text(%q) = %q, want %q", in, got, want)
		}
	}
	long := text(strings.Repeat("é", MaxText))
	if len(long) > MaxText || !utf8.ValidString(long) {
		t.Errorf("a long text has %d bytes, valid %t", len(long), utf8.ValidString(long))
	}
}

func TestVersionsInCommon(t *testing.T) {
	v := func(a, b, c, d uint16) versions {
		return versions{userclient.Version{Major: a, Minor: b}, userclient.Version{Major: c, Minor: d}}
	}
	for _, tc := range []struct {
		a, b versions
		want userclient.Version
		ok   bool
	}{
		{v(0, 1, 0, 1), v(0, 1, 0, 1), userclient.Version{Minor: 1}, true},
		{v(0, 1, 0, 5), v(0, 3, 1, 0), userclient.Version{Minor: 5}, true},
		{v(0, 1, 0, 2), v(0, 3, 1, 0), userclient.Version{}, false},
		{v(1, 0, 2, 0), v(0, 1, 0, 9), userclient.Version{}, false},
		{v(0, 5, 0, 1), v(0, 1, 0, 9), userclient.Version{}, false}, // an empty range
	} {
		for _, swap := range []bool{false, true} {
			if swap {
				tc.a, tc.b = tc.b, tc.a
			}
			if got, ok := tc.a.common(tc.b); ok != tc.ok || ok && got != tc.want {
				t.Errorf("%s and %s: %v, %t", tc.a, tc.b, got, ok)
			}
		}
	}
}

// fuzzFrame checks one parser: it does not panic, its errors are broken rules, and
// what it accepts passes check.
func fuzzFrame(f *testing.F, check func(t *testing.T, b []byte, v any)) {
	for _, tc := range frameBytes {
		f.Add(tc.frame)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= HeaderSize {
			le.PutUint32(b[HeaderSizeOff:], uint32(len(b))) // the interesting ones pass the first check
		}
		v, err := parseAny(b)
		if err != nil {
			if !isRule(err) {
				t.Errorf("%v is not a broken rule", err)
			}
			return
		}
		check(t, b, v)
	})
}

// FuzzFrame feeds every parser. What is accepted is in range.
func FuzzFrame(f *testing.F) {
	fuzzFrame(f, func(t *testing.T, b []byte, v any) {
		switch v := v.(type) {
		case call:
			if len(v.in) > userclient.MaxScalars || v.out > userclient.MaxScalars || v.size > MaxBulk || v.outBytes > MaxBulk || len(v.bytes) > len(b) {
				t.Errorf("accepted %+v", v)
			}
		case reply:
			if len(v.out) > userclient.MaxScalars || v.size > MaxBulk || !utf8.ValidString(v.detail) {
				t.Errorf("accepted %+v", v)
			}
		case mapped:
			if v.code == ioreturn.Success && (v.offset+v.length < v.offset || v.offset+v.length > v.size || v.length == 0) {
				t.Errorf("accepted %+v", v)
			}
		case welcome:
			if v.calls < 2 || v.calls > MaxCalls || v.inline > userclient.MaxInline || v.bulk > MaxBulk {
				t.Errorf("accepted %+v", v)
			}
		case bye:
			if len(v.text) > MaxText || !utf8.ValidString(v.text) {
				t.Errorf("accepted %+v", v)
			}
		case refuse:
			if len(v.text) > MaxText || !utf8.ValidString(v.text) {
				t.Errorf("accepted %+v", v)
			}
		}
	})
}

// FuzzFrameTwice checks that what a parser accepts means the same when it is sent on.
func FuzzFrameTwice(f *testing.F) {
	fuzzFrame(f, func(t *testing.T, b []byte, v any) {
		h, err := parseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		var again []byte
		switch v := v.(type) {
		case call:
			again = v.append(nil, h.id, h.hasFD)
		case reply:
			again = v.append(nil, h.id, h.hasFD)
		case mapped:
			again = v.append(nil, h.id, h.hasFD)
		case hello:
			again = v.append(nil)
		case welcome:
			again = v.append(nil, h.hasFD)
		case bye:
			again = v.append(nil)
		case refuse:
			again = v.append(nil)
		default:
			return
		}
		w, err := parseAny(again)
		if err != nil || !reflect.DeepEqual(v, w) {
			t.Errorf("%+v became %+v, %v", v, w, err)
		}
	})
}
