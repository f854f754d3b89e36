// SPDX-License-Identifier: Apache-2.0

package ioreturn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// published are the codes as the system's header has them: number and name.
// They are written out once more, so that a slip in the constants is seen.
const published = `
00000000 Success
e0000001 Invalid
e00002bc Error NoMemory NoResources IPCError NoDevice NotPrivileged BadArgument LockedRead LockedWrite ExclusiveAccess BadMessageID Unsupported VMError InternalError IOError
e00002cc CannotLock NotOpen NotReadable NotWritable NotAligned BadMedia StillOpen RLDError DMAError Busy Timeout Offline NotReady NotAttached NoChannels NoSpace
e00002dd PortExists CannotWire NoInterrupt NoFrames MessageTooLarge NotPermitted NoPower NoMedia UnformattedMedia UnsupportedMode Underrun Overrun DeviceError NoCompletion Aborted NoBandwidth NotResponding IsoTooOld IsoTooNew NotFound
`

func TestC50IOReturns(t *testing.T) {
	var n int
	for line := range strings.Lines(strings.TrimSpace(published)) {
		var first Code
		words := strings.Fields(line)
		if _, err := fmt.Sscanf(words[0], "%x", &first); err != nil {
			t.Fatal(err)
		}
		for i, name := range words[1:] {
			n++
			if got := (first + Code(i)).Name(); got != "kIOReturn"+name {
				t.Errorf("%#x is %q, want kIOReturn%s", uint32(first)+uint32(i), got, name)
			}
		}
	}
	if n != len(ioReturns) {
		t.Errorf("the test has %d codes, the table %d", n, len(ioReturns))
	}
}

func TestC50MachCodes(t *testing.T) {
	for _, tc := range []struct {
		code Code
		name string
		id   string
		is   error
	}{
		{MachSendInvalidDest, "MACH_SEND_INVALID_DEST", "IOSK-E2003", ErrGone},
		{MachSendTooLarge, "MACH_SEND_TOO_LARGE", "IOSK-E200E", ErrInvalid},
		{MachRcvTimedOut, "MACH_RCV_TIMED_OUT", "IOSK-E2103", ErrTimeout},
		{MachRcvInterrupted, "MACH_RCV_INTERRUPTED", "IOSK-E2105", ErrOutcomeUnknown},
		{MachRcvInSet, "MACH_RCV_IN_SET", "IOSK-E210A", ErrState},
		{MIGTypeError, "MIG_TYPE_ERROR", "IOSK-E2200", ErrProtocol},
		{MIGServerDied, "MIG_SERVER_DIED", "IOSK-E2208", ErrGone},
		{MIGTrailerError, "MIG_TRAILER_ERROR", "IOSK-E2209", ErrProtocol},
	} {
		if tc.code.Name() != tc.name || tc.code.ID() != tc.id || !errors.Is(tc.code, tc.is) {
			t.Errorf("%#x: %s, %s, %v", uint32(tc.code), tc.code.Name(), tc.code.ID(), tc.code)
		}
	}
	for i, c := range []Code{
		MIGTypeError, MIGReplyMismatch, MIGRemoteError, MIGBadID, MIGBadArguments, MIGNoReply, MIGException,
		MIGArrayTooLarge, MIGServerDied, MIGTrailerError,
	} {
		if int32(c) != int32(-300-i) {
			t.Errorf("%s is %d, want %d", c.Name(), int32(c), -300-i)
		}
	}
}

// TestC50EveryCode checks that no code lacks a part, that the table is in the
// order that its search needs, and that no stable code is given twice.
func TestC50EveryCode(t *testing.T) {
	id := regexp.MustCompile(`^IOSK-E[0-9A-F]{4}$`)
	owner := map[string]string{}
	for r := range Rules() {
		owner[r.Rule.ID()] = r.Name
	}
	last := int64(-1)
	for c := range Codes() {
		if int64(c.Code) <= last {
			t.Errorf("%s is out of order", c.Name)
		}
		last = int64(c.Code)
		if got, ok := c.Code.Text(); !ok || got != c {
			t.Errorf("%s is not found by its number", c.Name)
		}
		if c.Text == "" || !strings.HasSuffix(c.Remedy, ".") || c.Name == "" {
			t.Errorf("%+v lacks a text, a remedy or a name", c)
		}
		if c.Code == Success {
			if c.Code.ID() != "" || c.Code.Err() != nil || c.Meaning != nil {
				t.Errorf("success looks like an error: %+v", c)
			}
			continue
		}
		if other, dup := owner[c.Code.ID()]; dup || !id.MatchString(c.Code.ID()) {
			t.Errorf("%s has the stable code %q, which is %q's", c.Name, c.Code.ID(), other)
		}
		owner[c.Code.ID()] = c.Name
		if c.Meaning == nil || !errors.Is(c.Code, c.Meaning) || !errors.Is(c.Code.Err(), c.Meaning) {
			t.Errorf("%s has no meaning", c.Name)
		}
		text := c.Code.Error()
		for _, part := range []string{c.Text, c.Name, fmt.Sprintf("0x%08x", uint32(c.Code))} {
			if !strings.Contains(text, part) {
				t.Errorf("%s reads %q, without %q", c.Name, text, part)
			}
		}
	}
}

func TestCodesStops(t *testing.T) {
	n := 0
	for range Codes() {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d codes", n)
	}
}

func TestCodeWithoutText(t *testing.T) {
	for _, tc := range []struct {
		code      Code
		text, sub string
	}{
		{0xe00002cb, "driver status 0xe00002cb (code 0x2cb of IOKit's common)", "common"},
		{0xe0004001, "driver status 0xe0004001 (code 0x1 of IOKit's usb)", "usb"},
		{0xe3ff8007, "driver status 0xe3ff8007 (code 0x7 of IOKit's vendor_specific)", "vendor_specific"},
		{0xe0114000, "driver status 0xe0114000 (code 0x0 of IOKit's audio_video)", "audio_video"},
		{0xe000c001, "driver status 0xe000c001 (code 0x1 of IOKit's subsystem 0x3)", "subsystem 0x3"},
		{0x10000001, "driver status 0x10000001", ""},
		{0x00000005, "driver status 0x00000005", ""},
		{0xe0001003, "driver status 0xe0001003 (code 0x1003 of IOKit's common)", "common"}, // not rule 1003
	} {
		if tc.code.Error() != tc.text || tc.code.Subsystem() != tc.sub {
			t.Errorf("got %q, %q, want %q, %q", tc.code.Error(), tc.code.Subsystem(), tc.text, tc.sub)
		}
		if tc.code.ID() != "" || tc.code.Name() != "" || errors.Is(tc.code, ErrIO) {
			t.Errorf("%v has an ID, a name or a meaning", tc.code)
		}
	}
}

// TestOfStatusRoundTrip sends every code to the other side and back.
func TestOfStatusRoundTrip(t *testing.T) {
	codes := slices.Collect(Codes())
	codes = append(codes, CodeText{Code: 0xe0004001}, CodeText{Code: 1}, CodeText{Code: 0xffffffff})
	for _, c := range codes {
		if c.Code == Success {
			continue
		}
		for _, tc := range []struct {
			err    error
			detail string
		}{
			{c.Code, ""},
			{&StatusError{Code: c.Code}, ""},
			{&StatusError{Code: c.Code, Detail: "the tuner is hot"}, "the tuner is hot"},
			{Op("start", "acme/cam0/video", c.Code), "start acme/cam0/video: " + c.Code.Error()},
			{Op("start", "", &StatusError{Code: c.Code, Detail: "no lock"}), "no lock"},
		} {
			code, detail := Status(tc.err)
			if code != c.Code || detail != tc.detail || Of(tc.err) != c.Code {
				t.Errorf("%v travels as %v, %q, want %q", tc.err, code, detail, tc.detail)
			}
			back := error(&StatusError{Code: code, Detail: detail})
			if c.Meaning != nil && !errors.Is(back, c.Meaning) {
				t.Errorf("%v lost its meaning", tc.err)
			}
		}
	}
}

func TestOfMeanings(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want Code
	}{
		{nil, Success},
		{errors.New("anything"), Error},
		{ErrBusy, Busy}, {ErrGone, NoDevice}, {ErrClosed, NotOpen}, {ErrState, NotReady},
		{ErrPermission, NotPermitted}, {ErrNotFound, NotFound}, {ErrInvalid, BadArgument},
		{ErrUnsupported, Unsupported}, {ErrProtocol, IPCError}, {ErrOverrun, Overrun}, {ErrUnderrun, Underrun},
		{ErrNoMemory, NoMemory}, {ErrAborted, Aborted}, {ErrTimeout, Timeout}, {ErrIO, IOError},
		{context.Canceled, Aborted}, {context.DeadlineExceeded, Timeout},
		{os.ErrNotExist, NotFound}, {&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}, NotPermitted},
		{Broken(RuleAnswer, "x"), IPCError},
		{fmt.Errorf("wrapped: %w", ErrBusy), Busy},
		{errors.Join(context.Canceled, ErrOutcomeUnknown), Error}, // not Aborted: it may have had its effect
		{Success, Error}, // an error never travels as success
		{&StatusError{Detail: "forgot the code"}, Error},
	} {
		if got := Of(tc.err); got != tc.want {
			t.Errorf("Of(%v) = %v, want %v", tc.err, got, tc.want)
		}
	}
}

func TestStatusDetailBelongsToItsCode(t *testing.T) {
	err := errors.Join(Busy, &StatusError{Code: NotFound, Detail: "no such antenna"})
	if code, detail := Status(err); code != Busy || detail == "no such antenna" {
		t.Errorf("travels as %v, %q", code, detail)
	}
	if code, detail := Status(nil); code != Success || detail != "" {
		t.Errorf("nil travels as %v, %q", code, detail)
	}
}

func FuzzCodeError(f *testing.F) {
	for c := range Codes() {
		f.Add(uint32(c.Code))
	}
	f.Add(uint32(0xe0004001))
	f.Fuzz(func(t *testing.T, n uint32) {
		c := Code(n)
		if !strings.Contains(c.Error(), fmt.Sprintf("0x%08x", n)) {
			t.Errorf("%q does not show the number %#x", c.Error(), n)
		}
		_, known := c.Text()
		if (c.ID() != "") != (known && c != Success) || (c.Name() != "") != known {
			t.Errorf("%#x: known %v, ID %q, name %q", n, known, c.ID(), c.Name())
		}
		if (c.Err() == nil) != (c == Success) || c != Success && Of(c) != c {
			t.Errorf("%#x does not travel", n)
		}
	})
}
