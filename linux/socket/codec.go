// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

var le = binary.LittleEndian

// header is the header of a frame that was checked against the message's length.
type header struct {
	typ   uint16
	id    uint32
	hasFD bool
}

// parseHeader decodes the header of message b. It accepts any input without panicking.
func parseHeader(b []byte) (header, error) {
	if len(b) < HeaderSize {
		return header{}, ioreturn.Broken(ioreturn.RuleFrameSize, "a frame has %d bytes, its header needs %d", len(b), HeaderSize)
	}
	if size := le.Uint32(b[HeaderSizeOff:]); uint64(size) != uint64(len(b)) {
		return header{}, ioreturn.Broken(ioreturn.RuleFrameSize, "a frame says that it has %d bytes, the message has %d", size, len(b))
	}
	h := header{typ: le.Uint16(b[HeaderTypeOff:]), id: le.Uint32(b[HeaderIDOff:])}
	flags := le.Uint16(b[HeaderFlagsOff:])
	if flags&^FlagFD != 0 || le.Uint32(b[HeaderZeroOff:]) != 0 {
		return header{}, ioreturn.Broken(ioreturn.RuleFrameType, "%s has unknown flags %#x", frameName(h.typ), flags)
	}
	h.hasFD = flags&FlagFD != 0
	return h, nil
}

var frameNames = [...]string{
	FrameHello: "HELLO", FrameWelcome: "WELCOME", FrameRefuse: "REFUSE", FrameCall: "CALL", FrameReply: "REPLY",
	FrameCancel: "CANCEL", FrameMap: "MAP", FrameMapped: "MAPPED", FramePort: "PORT", FrameBye: "BYE", FrameDrop: "DROP",
}

func frameName(typ uint16) string {
	if typ > 0 && int(typ) < len(frameNames) {
		return frameNames[typ]
	}
	return fmt.Sprintf("frame type %d", typ)
}

// begin starts a frame in the memory of buf, with a fixed part up to fixed; finish
// completes it.
func begin(buf []byte, typ uint16, id uint32, hasFD bool, fixed int) []byte {
	b := append(buf[:0], make([]byte, fixed)...)
	le.PutUint16(b[HeaderTypeOff:], typ)
	if hasFD {
		le.PutUint16(b[HeaderFlagsOff:], FlagFD)
	}
	le.PutUint32(b[HeaderIDOff:], id)
	return b
}

func finish(b []byte) []byte {
	le.PutUint32(b[HeaderSizeOff:], uint32(len(b)))
	return b
}

// fixedPart checks that frame b has at least size bytes, or exactly that many.
func fixedPart(b []byte, typ uint16, size int, exact bool) error {
	if len(b) < size || exact && len(b) != size {
		return ioreturn.Broken(ioreturn.RuleFrameSize, "%s has %d bytes, its fields need %d", frameName(typ), len(b), size)
	}
	return nil
}

func zero(b []byte, typ uint16, off int) error {
	if v := le.Uint32(b[off:]); v != 0 {
		return ioreturn.Broken(ioreturn.RuleFrameType, "%s has %#x in a field that is reserved", frameName(typ), v)
	}
	return nil
}

func magic(b []byte, typ uint16, off int) error {
	if v := le.Uint32(b[off:]); v != WireMagic {
		return ioreturn.Broken(ioreturn.RuleHandshake, "%s begins with %#x instead of %#x", frameName(typ), v, WireMagic)
	}
	return nil
}

func packVersion(v userclient.Version) uint32 { return uint32(v.Major)<<16 | uint32(v.Minor) }

func unpackVersion(v uint32) userclient.Version {
	return userclient.Version{Major: uint16(v >> 16), Minor: uint16(v)}
}

// versions is a range of ABI versions.
type versions struct{ min, max userclient.Version }

func (v versions) String() string {
	if v.min == v.max {
		return fmt.Sprintf("%d.%d", v.min.Major, v.min.Minor)
	}
	return fmt.Sprintf("%d.%d to %d.%d", v.min.Major, v.min.Minor, v.max.Major, v.max.Minor)
}

// common returns the highest version in both ranges.
func (v versions) common(w versions) (userclient.Version, bool) {
	top := min(packVersion(v.max), packVersion(w.max))
	return unpackVersion(top), top >= max(packVersion(v.min), packVersion(w.min))
}

// text makes a text that came from the other side, or goes there, safe to print:
// valid UTF-8 without control characters, at most MaxText bytes.
func text(s string) string {
	if s == "" {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if len(s) <= MaxText {
		return s
	}
	cut := MaxText
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

func appendScalars(b []byte, v []uint64) []byte {
	for _, x := range v {
		b = le.AppendUint64(b, x)
	}
	return b
}

func scalars(b []byte, n int) []uint64 {
	v := make([]uint64, n)
	for i := range v {
		v[i] = le.Uint64(b[8*i:])
	}
	return v
}
