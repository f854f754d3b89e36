// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// TestCallForms runs each command in each form and compares every step.
func TestCallForms(t *testing.T) {
	arg := bytesOf(t, gain{2, -3})
	counts := bytesOf(t, stats{0x0102, 3})
	for _, tc := range []struct {
		name   string
		req    Request
		events []Event
		want   []Next
		ends   string
	}{
		{
			"in, I_STR", Request{Command: cmdSetGain, Data: arg},
			[]Event{{Kind: Begin}}, []Next{{Kind: Ack, Rval: 7}}, "[true]",
		},
		{
			"in, transparent", Request{Command: cmdSetGain, Transparent: true, Arg: 0x500},
			[]Event{{Kind: Begin}, {Kind: CopiedIn, Data: arg}},
			[]Next{{Kind: NeedIn, Addr: 0x500, Size: 8}, {Kind: Ack, Rval: 7}}, "[true]",
		},
		{
			"out, I_STR", Request{Command: cmdGetStats, Data: make([]byte, 16)},
			[]Event{{Kind: Begin}}, []Next{{Kind: Ack, Data: counts}}, "[true]",
		},
		{
			"out, transparent", Request{Command: cmdGetStats, Transparent: true, Arg: 0x500},
			[]Event{{Kind: Begin}, {Kind: CopiedOut}},
			[]Next{{Kind: NeedOut, Addr: 0x500, Size: 16, Data: counts}, {Kind: Ack}}, "[true]",
		},
		{
			"word", Request{Command: cmdReset, Transparent: true, Arg: 99},
			[]Event{{Kind: Begin}}, []Next{{Kind: Ack}}, "[true]",
		},
		{"word, I_STR", Request{Command: cmdReset, Data: make([]byte, 8)}, []Event{{Kind: Begin}}, []Next{{Kind: Nak, Errno: streams.EINVAL}}, "[]"},
		{"too little", Request{Command: cmdSetGain, Data: arg[:7]}, []Event{{Kind: Begin}}, []Next{{Kind: Nak, Errno: streams.EINVAL}}, "[]"},
		{"too much", Request{Command: cmdSetGain, Data: make([]byte, 9)}, []Event{{Kind: Begin}}, []Next{{Kind: Nak, Errno: streams.EINVAL}}, "[]"},
		{"no room for the result", Request{Command: cmdGetStats}, []Event{{Kind: Begin}}, []Next{{Kind: Nak, Errno: streams.EINVAL}}, "[]"},
		{
			"data with a transparent request", Request{Command: cmdSetGain, Transparent: true, Data: arg},
			[]Event{{Kind: Begin}}, []Next{{Kind: Nak, Errno: streams.EINVAL}}, "[]",
		},
		{
			"wrong length copied", Request{Command: cmdSetGain, Transparent: true, Arg: 0x500},
			[]Event{{Kind: Begin}, {Kind: CopiedIn, Data: arg[:4]}}, []Next{{Kind: NeedIn, Addr: 0x500, Size: 8}, {Kind: Nak, Errno: streams.EPROTO}}, "[]",
		},
		{
			"wrong event", Request{Command: cmdGetStats, Transparent: true, Arg: 0x500},
			[]Event{{Kind: Begin}, {Kind: CopiedIn}}, []Next{{Kind: NeedOut, Addr: 0x500, Size: 16, Data: counts}, {Kind: Nak, Errno: streams.EPROTO}}, "[false]",
		},
		{"no begin", Request{Command: cmdSetGain, Data: arg}, []Event{{Kind: CopiedOut}, {Kind: Begin}}, []Next{{Kind: Nak, Errno: streams.EPROTO}, {}}, "[]"},
		{
			"begins twice", Request{Command: cmdSetGain, Transparent: true, Arg: 0x500},
			[]Event{{Kind: Begin}, {Kind: Begin}}, []Next{{Kind: NeedIn, Addr: 0x500, Size: 8}, {Kind: Nak, Errno: streams.EPROTO}}, "[]",
		},
		{
			"result can't be stored", Request{Command: cmdGetStats, Transparent: true, Arg: 0x500},
			[]Event{{Kind: Begin}, {Kind: CopyFailed, Errno: streams.EFAULT}, {Kind: CopiedOut}},
			[]Next{{Kind: NeedOut, Addr: 0x500, Size: 16, Data: counts}, {}, {}}, "[false]",
		},
		{"abandoned before", Request{Command: cmdSetGain, Data: arg}, []Event{{Kind: Abandoned}, {Kind: Begin}}, []Next{{}, {}}, "[]"},
		{"abandoned after", Request{Command: cmdSetGain, Data: arg}, []Event{{Kind: Begin}, {Kind: Abandoned}}, []Next{{Kind: Ack, Rval: 7}, {}}, "[true]"},
		{"no address", Request{Command: cmdGetStats, Transparent: true}, []Event{{Kind: Begin}}, []Next{{Kind: Nak, Errno: streams.EFAULT}}, "[]"},
		{"nothing known", Request{Command: cmdSetGain, Data: arg}, []Event{{}}, []Next{{Kind: Nak, Errno: streams.EPROTO}}, "[]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &device{}
			tc.req.Caller = everyone
			call, ok := d.table(t, Config{}).Call(tc.req)
			if !ok {
				t.Fatal("unknown")
			}
			for i, e := range tc.events {
				if got := call.Advance(t.Context(), e); !reflect.DeepEqual(got, tc.want[i]) {
					t.Fatalf("step %d: got %+v, want %+v", i, got, tc.want[i])
				}
			}
			if got := fmt.Sprint(d.ends); got != tc.ends {
				t.Errorf("ends %s, want %s", got, tc.ends)
			}
		})
	}
}

func TestCallAccess(t *testing.T) {
	arg := bytesOf(t, gain{})
	for _, tc := range []struct {
		req    Request
		caller Caller
		want   streams.Errno
	}{
		{Request{Command: cmdSetGain, Data: arg}, Caller{Read: true}, streams.EACCES},
		{Request{Command: cmdSetGain, Data: arg}, Caller{Write: true}, 0},
		{Request{Command: cmdGetStats, Data: make([]byte, 16)}, Caller{Write: true}, streams.EACCES},
		{Request{Command: cmdGetStats, Data: make([]byte, 16)}, Caller{Read: true}, 0},
		{Request{Command: cmdReset, Transparent: true}, Caller{Read: true, Write: true}, streams.EPERM},
		{Request{Command: cmdReset, Transparent: true}, Caller{Privileged: true}, 0},
	} {
		d := &device{}
		tc.req.Caller = tc.caller
		_, _, err := Run(t.Context(), d.table(t, Config{}), tc.req, regions(t))
		if streams.ErrnoOf(err) != tc.want {
			t.Errorf("%+v: %v, want %v", tc.req, err, tc.want)
		}
	}
}

// threeLegs is a request that needs a copy of its argument, one in and two out.
func threeLegs(t testing.TB) (Request, transferArg, *Regions, []byte, []byte) {
	arg := transferArg{From: 0x2000, To: 0x3000, Bytes: 5, Words: 2}
	argMem, to := bytesOf(t, arg), make([]byte, 6)
	m := regions(t, Region{Addr: 0x1000, Data: argMem}, Region{Addr: 0x2000, Data: []byte("hello"), ReadOnly: true}, Region{Addr: 0x3000, Data: to})
	return Request{Command: cmdTransfer, Transparent: true, Arg: 0x1000, Caller: everyone}, arg, m, argMem, to
}

// D25: a bidirectional command copies in twice and out, and returns the bytes moved.
func TestD25ThreeLegs(t *testing.T) {
	req, _, m, argMem, to := threeLegs(t)
	d := &device{}
	var asked []string
	mem := &Faulty{Memory: m, Fail: func(_ int, write bool, addr uint64, size int) error {
		asked = append(asked, fmt.Sprintf("%v %#x %d", write, addr, size))
		return nil
	}}
	rval, _, err := Run(t.Context(), d.table(t, Config{}), req, mem)
	if err != nil || rval != 4 || string(to) != "olle\x00\x00" {
		t.Errorf("got %d, %v, %q", rval, err, to)
	}
	if want := "[false 0x1000 24 false 0x2000 5 true 0x3000 4 true 0x1000 8]"; fmt.Sprint(asked) != want {
		t.Errorf("copies %v, want %s", asked, want)
	}
	if want := bytesOf(t, transferResult{4, 5}); !bytes.Equal(argMem[:8], want) {
		t.Errorf("result %v, want %v", argMem[:8], want)
	}
	if fmt.Sprint(d.ends) != "[true]" {
		t.Errorf("ends %v", d.ends)
	}
}

// D26: a failure in any leg ends the call; what the function left is released once.
func TestD26FailureInEachLeg(t *testing.T) {
	for leg, ends := range []string{"[]", "[]", "[false]", "[false]"} {
		req, _, m, _, _ := threeLegs(t)
		d := &device{}
		mem := &Faulty{Memory: m, Fail: func(n int, _ bool, _ uint64, _ int) error {
			if n == leg {
				return streams.EFAULT
			}
			return nil
		}}
		rval, data, err := Run(t.Context(), d.table(t, Config{}), req, mem)
		if !errors.Is(err, streams.EFAULT) || rval != 0 || data != nil {
			t.Errorf("leg %d: %d, %v, %v", leg, rval, data, err)
		}
		if got := fmt.Sprint(d.ends); got != ends {
			t.Errorf("leg %d: ends %s, want %s", leg, got, ends)
		}
	}
}

func TestRangeOverItsMaximum(t *testing.T) {
	for _, tc := range []struct {
		name   string
		arg    transferArg
		limits Limits
		want   streams.Errno
	}{
		{"bytes", transferArg{Bytes: 4097}, Limits{}, streams.EMSGSIZE},
		{"bytes, huge", transferArg{Bytes: 0xffffffff}, Limits{}, streams.EMSGSIZE},
		{"words", transferArg{Words: 2049}, Limits{}, streams.EMSGSIZE},
		{"all together", transferArg{From: 1, To: 1, Bytes: 4096, Words: 2048}, Limits{Total: 24 + 8 + 8192 - 1}, streams.EMSGSIZE},
		{"exactly", transferArg{From: 1, To: 1, Bytes: 4096, Words: 2048}, Limits{Total: 24 + 8 + 8192}, streams.EFAULT},
		{"no address", transferArg{Bytes: 1}, Limits{}, streams.EFAULT},
		{"no address to store at", transferArg{Words: 1}, Limits{}, streams.EFAULT},
		{"nothing", transferArg{}, Limits{}, 0}, // D28: empty ranges need no memory
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &device{}
			req := Request{Command: cmdTransfer, Data: bytesOf(t, tc.arg), Caller: everyone}
			_, data, err := Run(t.Context(), d.table(t, Config{Limits: tc.limits}), req, regions(t))
			if streams.ErrnoOf(err) != tc.want || err == nil && !bytes.Equal(data, make([]byte, 8)) {
				t.Errorf("got %v, %v, want %v", data, err, tc.want)
			}
			if ran := len(d.ends) > 0; ran != (tc.want == 0) {
				t.Errorf("the function ran: %v", ran)
			}
		})
	}
}

func TestReservedBytesAreChecked(t *testing.T) {
	d := &device{}
	arg := bytesOf(t, transferArg{})
	arg[len(arg)-1] = 1
	_, _, err := Run(t.Context(), d.table(t, Config{}), Request{Command: cmdTransfer, Data: arg, Caller: everyone}, regions(t))
	if !errors.Is(err, streams.EINVAL) || len(d.ends) > 0 {
		t.Errorf("got %v, ran %v", err, d.ends)
	}
}

// TestGrownStructure plays a caller that is older and one that is newer than the table.
func TestGrownStructure(t *testing.T) {
	full := bytesOf(t, grown{1, 2, 3})
	newer := append(slices.Clone(full), make([]byte, 16)...)
	for _, tc := range []struct {
		name  string
		arg   []byte
		in    grown
		out   []byte
		errno streams.Errno
	}{
		{"older", full[:8], grown{1, 2, 0}, bytesOf(t, grown{2, 3, 1})[:8], 0},
		{"half a field", full[:10], grown{1, 2, 3}, bytesOf(t, grown{2, 3, 4})[:10], 0},
		{"same", full, grown{1, 2, 3}, bytesOf(t, grown{2, 3, 4}), 0},
		{"newer", newer, grown{1, 2, 3}, append(bytesOf(t, grown{2, 3, 4}), make([]byte, 16)...), 0},
		{"newer, used", append(slices.Clone(full), 0, 0, 1), grown{}, nil, streams.E2BIG},
		{"too old", full[:7], grown{}, nil, streams.EINVAL},
		{"too new", append(slices.Clone(newer), 0), grown{}, nil, streams.EINVAL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, transparent := range []bool{false, true} {
				d := &device{}
				mem := slices.Clone(tc.arg)
				req := Request{Command: cmdGrown&^0x3fff0000 | streams.Command(len(mem)<<16), Transparent: transparent, Caller: everyone}
				if transparent {
					req.Arg = 0x100
				} else {
					req.Data = slices.Clone(mem)
				}
				_, data, err := Run(t.Context(), d.table(t, Config{}), req, regions(t, Region{Addr: 0x100, Data: mem}))
				if streams.ErrnoOf(err) != tc.errno {
					t.Fatalf("transparent %v: %v, want %v", transparent, err, tc.errno)
				}
				if err != nil {
					continue
				}
				if len(d.grown) != 1 || d.grown[0] != tc.in {
					t.Errorf("transparent %v: the function got %+v, want %+v", transparent, d.grown, tc.in)
				}
				if !transparent {
					copy(mem, data)
				}
				if !bytes.Equal(mem, tc.out) {
					t.Errorf("transparent %v: %v, want %v", transparent, mem, tc.out)
				}
			}
		})
	}
}
