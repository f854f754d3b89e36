// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// The frames, one struct each. append methods write into the memory of buf; parse
// functions accept any input without panicking, and what they return is in range.
// Slices in what they return alias the frame.

type hello struct {
	abi             versions
	flags           uint32
	memory, bells   uint32
	known, required uint64
}

func (f *hello) append(buf []byte) []byte {
	b := begin(buf, FrameHello, 0, false, HelloSize)
	le.PutUint32(b[HelloMagicOff:], WireMagic)
	le.PutUint32(b[HelloABIMinOff:], packVersion(f.abi.min))
	le.PutUint32(b[HelloABIMaxOff:], packVersion(f.abi.max))
	le.PutUint32(b[HelloFlagsOff:], f.flags)
	le.PutUint32(b[HelloMemoryOff:], f.memory)
	le.PutUint32(b[HelloBellsOff:], f.bells)
	le.PutUint64(b[HelloKnownOff:], f.known)
	le.PutUint64(b[HelloRequiredOff:], f.required)
	return finish(b)
}

func parseHello(b []byte) (f hello, err error) {
	if err := fixedPart(b, FrameHello, HelloSize, false); err != nil {
		return f, err
	}
	if err := magic(b, FrameHello, HelloMagicOff); err != nil {
		return f, err
	}
	f = hello{
		abi:      versions{unpackVersion(le.Uint32(b[HelloABIMinOff:])), unpackVersion(le.Uint32(b[HelloABIMaxOff:]))},
		flags:    le.Uint32(b[HelloFlagsOff:]),
		memory:   le.Uint32(b[HelloMemoryOff:]),
		bells:    le.Uint32(b[HelloBellsOff:]),
		known:    le.Uint64(b[HelloKnownOff:]),
		required: le.Uint64(b[HelloRequiredOff:]),
	}
	return f, nil
}

type welcome struct {
	abi                            userclient.Version
	driver                         versions
	bell                           uint32
	calls, inline, bulk, bulkCalls uint32
}

func (f *welcome) append(buf []byte, hasFD bool) []byte {
	b := begin(buf, FrameWelcome, 0, hasFD, WelcomeSize)
	le.PutUint32(b[WelcomeMagicOff:], WireMagic)
	le.PutUint32(b[WelcomeABIOff:], packVersion(f.abi))
	le.PutUint32(b[WelcomeABIMinOff:], packVersion(f.driver.min))
	le.PutUint32(b[WelcomeABIMaxOff:], packVersion(f.driver.max))
	le.PutUint32(b[WelcomeBellOff:], f.bell)
	le.PutUint32(b[WelcomeCallsOff:], f.calls)
	le.PutUint32(b[WelcomeInlineOff:], f.inline)
	le.PutUint32(b[WelcomeBulkOff:], f.bulk)
	le.PutUint32(b[WelcomeBulkCallsOff:], f.bulkCalls)
	return finish(b)
}

func parseWelcome(b []byte) (f welcome, err error) {
	if err := fixedPart(b, FrameWelcome, WelcomeSize, false); err != nil {
		return f, err
	}
	if err := magic(b, FrameWelcome, WelcomeMagicOff); err != nil {
		return f, err
	}
	f = welcome{
		abi:       unpackVersion(le.Uint32(b[WelcomeABIOff:])),
		driver:    versions{unpackVersion(le.Uint32(b[WelcomeABIMinOff:])), unpackVersion(le.Uint32(b[WelcomeABIMaxOff:]))},
		bell:      le.Uint32(b[WelcomeBellOff:]),
		calls:     le.Uint32(b[WelcomeCallsOff:]),
		inline:    le.Uint32(b[WelcomeInlineOff:]),
		bulk:      le.Uint32(b[WelcomeBulkOff:]),
		bulkCalls: le.Uint32(b[WelcomeBulkCallsOff:]),
	}
	if f.calls < 2 || f.calls > MaxCalls || f.inline > userclient.MaxInline || f.bulk < f.inline || f.bulk > MaxBulk ||
		f.bulkCalls == 0 || f.bulkCalls > MaxBulkCalls {
		return f, ioreturn.Broken(ioreturn.RuleHandshake, "WELCOME announces limits outside the format: %d calls, %d bytes in a frame, %d in each of %d calls",
			f.calls, f.inline, f.bulk, f.bulkCalls)
	}
	return f, nil
}

type refuse struct {
	code   ioreturn.Code
	driver versions
	text   string
}

func (f *refuse) append(buf []byte) []byte {
	b := begin(buf, FrameRefuse, 0, false, RefuseTextOff)
	le.PutUint32(b[RefuseMagicOff:], WireMagic)
	le.PutUint32(b[RefuseCodeOff:], uint32(f.code))
	le.PutUint32(b[RefuseABIMinOff:], packVersion(f.driver.min))
	le.PutUint32(b[RefuseABIMaxOff:], packVersion(f.driver.max))
	return finish(append(b, text(f.text)...))
}

func parseRefuse(b []byte) (f refuse, err error) {
	if err := fixedPart(b, FrameRefuse, RefuseTextOff, false); err != nil {
		return f, err
	}
	if err := magic(b, FrameRefuse, RefuseMagicOff); err != nil {
		return f, err
	}
	return refuse{
		code:   ioreturn.Code(le.Uint32(b[RefuseCodeOff:])),
		driver: versions{unpackVersion(le.Uint32(b[RefuseABIMinOff:])), unpackVersion(le.Uint32(b[RefuseABIMaxOff:]))},
		text:   text(string(b[RefuseTextOff:])),
	}, nil
}

// call is a CALL. bytes are those in the frame; size is how many there are in all,
// in the frame or in the memfd.
type call struct {
	selector      uint32
	in            []uint64
	bytes         []byte
	size          uint32
	out, outBytes uint32
}

func (f *call) append(buf []byte, id uint32, hasFD bool) []byte {
	b := begin(buf, FrameCall, id, hasFD, CallDataOff)
	le.PutUint32(b[CallSelectorOff:], f.selector)
	le.PutUint16(b[CallScalarsOff:], uint16(len(f.in)))
	le.PutUint16(b[CallOutOff:], uint16(f.out))
	le.PutUint32(b[CallBytesOff:], f.size)
	le.PutUint32(b[CallOutBytesOff:], f.outBytes)
	return finish(append(appendScalars(b, f.in), f.bytes...))
}

func parseCall(b []byte, hasFD bool) (f call, err error) {
	if err := fixedPart(b, FrameCall, CallDataOff, false); err != nil {
		return f, err
	}
	f = call{
		selector: le.Uint32(b[CallSelectorOff:]),
		size:     le.Uint32(b[CallBytesOff:]),
		out:      uint32(le.Uint16(b[CallOutOff:])),
		outBytes: le.Uint32(b[CallOutBytesOff:]),
	}
	n := int(le.Uint16(b[CallScalarsOff:]))
	if n > userclient.MaxScalars || f.out > userclient.MaxScalars || f.size > MaxBulk || f.outBytes > MaxBulk {
		return f, ioreturn.Broken(ioreturn.RuleFrameLimit, "CALL of selector %#x has %d and wants %d scalars, has %d and wants %d bytes",
			f.selector, n, f.out, f.size, f.outBytes)
	}
	inline := int(f.size)
	if hasFD {
		inline = 0
	}
	if err := fixedPart(b, FrameCall, CallDataOff+8*n+inline, true); err != nil {
		return f, err
	}
	f.in = scalars(b[CallDataOff:], n)
	f.bytes = b[CallDataOff+8*n:]
	return f, nil
}

type reply struct {
	code   ioreturn.Code
	out    []uint64
	bytes  []byte // in the frame
	size   uint32 // in all
	detail string
}

func (f *reply) append(buf []byte, id uint32, hasFD bool) []byte {
	detail := text(f.detail)
	b := begin(buf, FrameReply, id, hasFD, ReplyDataOff)
	le.PutUint32(b[ReplyCodeOff:], uint32(f.code))
	le.PutUint16(b[ReplyScalarsOff:], uint16(len(f.out)))
	le.PutUint16(b[ReplyDetailOff:], uint16(len(detail)))
	le.PutUint32(b[ReplyBytesOff:], f.size)
	return finish(append(append(appendScalars(b, f.out), f.bytes...), detail...))
}

func parseReply(b []byte, hasFD bool) (f reply, err error) {
	if err := fixedPart(b, FrameReply, ReplyDataOff, false); err != nil {
		return f, err
	}
	f = reply{code: ioreturn.Code(le.Uint32(b[ReplyCodeOff:])), size: le.Uint32(b[ReplyBytesOff:])}
	n, detail := int(le.Uint16(b[ReplyScalarsOff:])), int(le.Uint16(b[ReplyDetailOff:]))
	if err := zero(b, FrameReply, ReplyZeroOff); err != nil {
		return f, err
	}
	if n > userclient.MaxScalars || f.size > MaxBulk {
		return f, ioreturn.Broken(ioreturn.RuleFrameLimit, "REPLY has %d scalars and %d bytes", n, f.size)
	}
	if f.code != ioreturn.Success && (n != 0 || f.size != 0 || hasFD) {
		return f, ioreturn.Broken(ioreturn.RuleAnswer, "REPLY with code %#x has %d scalars and %d bytes", uint32(f.code), n, f.size)
	}
	inline := int(f.size)
	if hasFD {
		inline = 0
	}
	if err := fixedPart(b, FrameReply, ReplyDataOff+8*n+inline+detail, true); err != nil {
		return f, err
	}
	f.out = scalars(b[ReplyDataOff:], n)
	rest := b[ReplyDataOff+8*n:]
	f.bytes, f.detail = rest[:inline], text(string(rest[inline:]))
	return f, nil
}

func appendCancel(buf []byte, id uint32) []byte {
	return finish(begin(buf, FrameCancel, id, false, CancelSize))
}

func parseCancel(b []byte) error { return fixedPart(b, FrameCancel, CancelSize, true) }

type mapped struct {
	code                 ioreturn.Code
	arena                uint32
	offset, length, size uint64
	kind                 userclient.MemKind
	access               uint32
	detail               string
}

func (f *mapped) append(buf []byte, id uint32, hasFD bool) []byte {
	b := begin(buf, FrameMapped, id, hasFD, MappedTextOff)
	le.PutUint32(b[MappedCodeOff:], uint32(f.code))
	le.PutUint32(b[MappedArenaOff:], f.arena)
	le.PutUint64(b[MappedOffsetOff:], f.offset)
	le.PutUint64(b[MappedLengthOff:], f.length)
	le.PutUint64(b[MappedSizeOff:], f.size)
	le.PutUint32(b[MappedKindOff:], uint32(f.kind))
	le.PutUint32(b[MappedAccessOff:], f.access)
	return finish(append(b, text(f.detail)...))
}

func parseMapped(b []byte, hasFD bool) (f mapped, err error) {
	if err := fixedPart(b, FrameMapped, MappedTextOff, false); err != nil {
		return f, err
	}
	f = mapped{
		code:   ioreturn.Code(le.Uint32(b[MappedCodeOff:])),
		arena:  le.Uint32(b[MappedArenaOff:]),
		offset: le.Uint64(b[MappedOffsetOff:]),
		length: le.Uint64(b[MappedLengthOff:]),
		size:   le.Uint64(b[MappedSizeOff:]),
		kind:   userclient.MemKind(le.Uint32(b[MappedKindOff:])),
		access: le.Uint32(b[MappedAccessOff:]),
		detail: text(string(b[MappedTextOff:])),
	}
	if f.code != ioreturn.Success {
		if hasFD {
			return f, ioreturn.Broken(ioreturn.RuleFrameFDs, "MAPPED with code %#x carries a descriptor", uint32(f.code))
		}
		return f, nil
	}
	if f.length == 0 || f.offset > f.size || f.length > f.size-f.offset || f.access > AccessReadWrite {
		return f, ioreturn.Broken(ioreturn.RuleMemoryRange, "memory at %d of %d bytes leaves its arena of %d bytes, or has unknown access %d",
			f.offset, f.length, f.size, f.access)
	}
	return f, nil
}

// word is a frame with one number: a MAP, PORT or DROP.
func appendWord(buf []byte, frame uint16, id, v uint32, hasFD bool) []byte {
	b := begin(buf, frame, id, hasFD, MapSize)
	le.PutUint32(b[MapTypeOff:], v)
	return finish(b)
}

func parseWord(b []byte, frame uint16) (v uint32, err error) {
	if err := fixedPart(b, frame, MapSize, true); err != nil {
		return 0, err
	}
	return le.Uint32(b[MapTypeOff:]), zero(b, frame, MapZeroOff)
}

// The frames with one number are laid out alike.
const (
	_ = uint(MapTypeOff-PortTypeOff) + uint(PortTypeOff-MapTypeOff) + uint(MapTypeOff-DropArenaOff) + uint(DropArenaOff-MapTypeOff)
	_ = uint(MapSize-PortSize) + uint(PortSize-MapSize) + uint(MapSize-DropSize) + uint(DropSize-MapSize)
)

type bye struct {
	code ioreturn.Code
	text string
}

func (f *bye) append(buf []byte) []byte {
	b := begin(buf, FrameBye, 0, false, ByeTextOff)
	le.PutUint32(b[ByeCodeOff:], uint32(f.code))
	return finish(append(b, text(f.text)...))
}

func parseBye(b []byte) (f bye, err error) {
	if err := fixedPart(b, FrameBye, ByeTextOff, false); err != nil {
		return f, err
	}
	return bye{ioreturn.Code(le.Uint32(b[ByeCodeOff:])), text(string(b[ByeTextOff:]))}, zero(b, FrameBye, ByeZeroOff)
}
