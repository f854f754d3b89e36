// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

func TestCopierTrustsNothing(t *testing.T) {
	lim := Limits{Size: 8, Total: 20, Rounds: 4}
	for _, tc := range []struct {
		name string
		asks []Next
		want []Event
	}{
		{"in", []Next{{Kind: NeedIn, Addr: 0x11, Size: 3}}, []Event{{Kind: CopiedIn, Data: []byte("bcd")}}},
		{"in, nothing (D28)", []Next{{Kind: NeedIn, Addr: 0x9999}}, []Event{{Kind: CopiedIn, Data: []byte{}}}},
		{"out", []Next{
			{Kind: NeedOut, Addr: 0x10, Size: 2, Data: []byte("XYZ")}, {Kind: NeedIn, Addr: 0x10, Size: 4},
		}, []Event{{Kind: CopiedOut}, {Kind: CopiedIn, Data: []byte("XYcd")}}},
		{"too large (D29)", []Next{{Kind: NeedIn, Addr: 0x10, Size: 9}}, []Event{{Kind: CopyFailed, Errno: streams.EMSGSIZE}}},
		{"negative", []Next{{Kind: NeedIn, Addr: 0x10, Size: -1}}, []Event{{Kind: CopyFailed, Errno: streams.EMSGSIZE}}},
		{"short (D30)", []Next{{Kind: NeedOut, Addr: 0x10, Size: 3, Data: []byte("ab")}}, []Event{{Kind: CopyFailed, Errno: streams.EMSGSIZE}}},
		{"no data (D31)", []Next{{Kind: NeedOut, Addr: 0x10, Size: 3}}, []Event{{Kind: CopyFailed, Errno: streams.EIO}}},
		{"elsewhere", []Next{{Kind: NeedIn, Addr: 0xf, Size: 2}}, []Event{{Kind: CopyFailed, Errno: streams.EFAULT}}},
		{"wraps", []Next{{Kind: NeedIn, Addr: math.MaxUint64, Size: 2}}, []Event{{Kind: CopyFailed, Errno: streams.EFAULT}}},
		{"read-only", []Next{{Kind: NeedOut, Addr: 0x20, Size: 1, Data: []byte("x")}}, []Event{{Kind: CopyFailed, Errno: streams.EFAULT}}},
		{"no copy", []Next{{Kind: Ack}}, []Event{{Kind: CopyFailed, Errno: streams.EPROTO}}},
		{"in all too much", []Next{
			{Kind: NeedIn, Addr: 0x10, Size: 8}, {Kind: NeedIn, Addr: 0x10, Size: 8}, {Kind: NeedIn, Addr: 0x10, Size: 5},
			{Kind: NeedIn, Addr: 0x10, Size: 1},
		}, []Event{
			{Kind: CopiedIn, Data: []byte("abcdefgh")}, {Kind: CopiedIn, Data: []byte("abcdefgh")}, {Kind: CopyFailed, Errno: streams.EMSGSIZE},
			{Kind: CopiedIn, Data: []byte("a")},
		}},
		{"once too often", []Next{
			{Kind: NeedIn}, {Kind: NeedIn}, {Kind: NeedIn}, {Kind: NeedIn}, {Kind: NeedIn},
		}, []Event{
			{Kind: CopiedIn, Data: []byte{}}, {Kind: CopiedIn, Data: []byte{}}, {Kind: CopiedIn, Data: []byte{}},
			{Kind: CopiedIn, Data: []byte{}}, {Kind: CopyFailed, Errno: streams.EPROTO},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := NewCopier(regions(t,
				Region{Addr: 0x10, Data: []byte("abcdefgh")}, Region{Addr: 0x20, Data: []byte("x"), ReadOnly: true},
			), lim)
			for i, n := range tc.asks {
				if got := c.Do(n); !reflect.DeepEqual(got, tc.want[i]) {
					t.Errorf("copy %d: got %+v, want %+v", i, got, tc.want[i])
				}
			}
		})
	}
}

// Without limits a size costs no more memory than the caller has.
func TestCopierWithoutLimits(t *testing.T) {
	none := Limits{Size: -1, Total: -1, Rounds: -1}
	big := bytes.Repeat([]byte("0123456789abcdef"), 3*piece/16)
	c := NewCopier(regions(t, Region{Addr: 8, Data: big}), none)
	if e := c.Do(Next{Kind: NeedIn, Addr: 8, Size: len(big) - 1}); e.Kind != CopiedIn || !bytes.Equal(e.Data, big[:len(big)-1]) {
		t.Errorf("got %d bytes, %v", len(e.Data), e.Errno)
	}
	// A first copy of all the address space that there is fails at the first piece
	// outside of the region, and a second one is over any sum.
	if e := c.Do(Next{Kind: NeedIn, Addr: 16, Size: math.MaxInt - len(big)}); e.Errno != streams.EFAULT {
		t.Errorf("got %+v", e.Errno)
	}
	if e := c.Do(Next{Kind: NeedIn, Size: math.MaxInt}); e.Errno != streams.EMSGSIZE {
		t.Errorf("got %v", e.Errno)
	}
}

func TestCopierPassesErrorsOn(t *testing.T) {
	c := NewCopier(&Faulty{Fail: func(int, bool, uint64, int) error { return errors.New("broken") }}, Limits{})
	for _, n := range []Next{{Kind: NeedIn, Size: 1}, {Kind: NeedOut, Size: 1, Data: []byte("x")}} {
		if e := c.Do(n); e.Kind != CopyFailed || e.Errno != streams.EIO {
			t.Errorf("%v: got %+v", n.Kind, e)
		}
	}
}

func TestNextKindNames(t *testing.T) {
	for k, want := range map[NextKind]string{Silent: "silent", NeedIn: "need-in", NeedOut: "need-out", Ack: "ack", Nak: "nak", Work: "work", 9: "NextKind(9)"} {
		if got := k.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestResult has the cases of an answer that may be a lie: D11, D12, D14 and D19.
func TestResult(t *testing.T) {
	str := Request{Data: make([]byte, 4)}
	for _, tc := range []struct {
		name string
		req  Request
		n    Next
		rval int32
		data string
		want streams.Errno
	}{
		{"D11 refused without a reason", str, Next{Kind: Nak}, 0, "", streams.EINVAL},
		{"D12 refused", str, Next{Kind: Nak, Errno: streams.E2BIG, Rval: 3, Data: []byte("x")}, 0, "", streams.E2BIG},
		{"refused with no errno", str, Next{Kind: Nak, Errno: 1 << 20}, 0, "", streams.EPROTO},
		{"D14 result", str, Next{Kind: Ack, Rval: 42}, 42, "", 0},
		{"data", str, Next{Kind: Ack, Rval: -1, Data: []byte("abcd")}, -1, "abcd", 0},
		{"more than there is room for", str, Next{Kind: Ack, Data: []byte("abcde")}, 0, "", streams.EMSGSIZE},
		{"D19 data of a transparent one", Request{Transparent: true}, Next{Kind: Ack, Rval: 1, Data: []byte("abcde")}, 1, "", 0},
		{"no answer", str, Next{}, 0, "", streams.EPROTO},
		{"a copy", str, Next{Kind: NeedIn}, 0, "", streams.EPROTO},
		{"unknown", str, Next{Kind: 77}, 0, "", streams.EPROTO},
	} {
		rval, data, err := Result(tc.req, tc.n)
		if rval != tc.rval || string(data) != tc.data || streams.ErrnoOf(err) != tc.want {
			t.Errorf("%s: %d, %q, %v", tc.name, rval, data, err)
		}
	}
}
