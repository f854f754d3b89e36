// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

func TestNumbers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		coding Coding
		number streams.Command
		parts  Parts
	}{
		// Published numbers of each system.
		{"linux TCGETS2", Linux, 0x802c542a, Parts{Out, 'T', 0x2a, 44}},
		{"linux TUNSETIFF", Linux, 0x400454ca, Parts{In, 'T', 202, 4}},
		{"linux VIDIOC_S_FMT", Linux, 0xc0d05605, Parts{In | Out, 'V', 5, 208}},
		{"linux I_PUSH", Linux, streams.CmdPush, Parts{0, 'S', 2, 0}},
		{"solaris FIONREAD", Solaris, streams.CmdFIONRead, Parts{Out, 'f', 127, 4}},
		{"solaris FIORDCHK", Solaris, streams.CmdFIORdChk, Parts{0, 'f', 3, 0}},
		{"freebsd FIONBIO", FreeBSD, 0x8004667e, Parts{In, 'f', 126, 4}},
		{"freebsd in and out, large", FreeBSD, 0xdfff4101, Parts{In | Out, 'A', 1, 8191}},
		{"freebsd number in the word", FreeBSD, 0x20044101, Parts{0, 'A', 1, 4}},
		{"linux largest", Linux, 0xffffffff, Parts{In | Out, 255, 255, 16383}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if n, err := tc.coding.Encode(tc.parts); err != nil || n != tc.number {
				t.Errorf("encoded as %#x, %v, want %#x", uint32(n), err, uint32(tc.number))
			}
			if p, ok := tc.coding.Decode(tc.number); !ok || p != tc.parts {
				t.Errorf("decoded as %+v, %v, want %+v", p, ok, tc.parts)
			}
		})
	}
}

func TestNumbersRefused(t *testing.T) {
	for _, tc := range []struct {
		coding Coding
		parts  Parts
	}{
		{Linux, Parts{Size: 16384}},
		{Linux, Parts{Size: -1}},
		{Solaris, Parts{Dir: Out, Size: 256}},
		{FreeBSD, Parts{Dir: Out, Size: 8192}},
		{Linux, Parts{Dir: 4}},
	} {
		if n, err := tc.coding.Encode(tc.parts); err == nil {
			t.Errorf("%+v became %#x", tc.parts, uint32(n))
		}
	}
	for _, tc := range []struct {
		coding Coding
		number streams.Command
	}{
		{Solaris, streams.CmdPush},
		{Solaris, 0x61004101}, // a bit outside of the size
		{Solaris, 0xa0044101}, // void and in
		{FreeBSD, 0xe0044101}, // void, in and out
	} {
		if p, ok := tc.coding.Decode(tc.number); ok || p.Nr != byte(tc.number) || p.Group != byte(tc.number>>8) {
			t.Errorf("%#x is taken for %+v, %v", uint32(tc.number), p, ok)
		}
	}
}

func TestArgument(t *testing.T) {
	data := []byte("0123456789abcdefgh")
	for _, tc := range []struct {
		number   streams.Command
		size     int
		readOnly bool
	}{{cmdSetGain, 8, true}, {cmdGetStats, 16, false}, {streams.CmdPush, 0, true}, {0x00047801, 0, true}} {
		r, err := Linux.Argument(tc.number, 0x500, data)
		if err != nil || r.Addr != 0x500 || len(r.Data) != tc.size || cap(r.Data) != tc.size || r.ReadOnly != tc.readOnly {
			t.Errorf("%v: %+v, %v", tc.number, r, err)
		}
	}
	if r, err := Linux.Argument(cmdGetStats, 0x500, data[:15]); !errors.Is(err, streams.EINVAL) {
		t.Errorf("too few bytes: %+v, %v", r, err)
	}
}

func TestDirNames(t *testing.T) {
	for d, want := range map[Dir]string{0: "none", In: "in", Out: "out", In | Out: "in and out", 9: "Dir(9)"} {
		if got := d.String(); got != want {
			t.Errorf("%d is %q, want %q", d, got, want)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, n := range []uint32{0, 0x5302, 0x4004667f, 0x20006603, 0xc0d05605, 0xffffffff} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n uint32) {
		for _, c := range []Coding{Linux, Solaris, FreeBSD} {
			p, ok := c.Decode(streams.Command(n))
			back, err := c.Encode(p)
			if ok && (err != nil || back != streams.Command(n)) {
				t.Errorf("coding %d: %#x is %+v, and that %#x, %v", c, n, p, uint32(back), err)
			}
			if !ok && (p.Dir != 0 || p.Size != 0) {
				t.Errorf("coding %d: %#x isn't coded and says %+v", c, n, p)
			}
		}
	})
}
