// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// The cases of copies: D13, D16 and D22 to D31 of the STREAMS case list.

// leg is one step of a driver: what it asks for when a message comes.
type leg func(r *rig, m *streams.Block) error

// legs is a driver that takes one step for each message of an ioctl, and is silent once a
// copy has failed.
func legs(all ...leg) (fn onIoctl, failures *[]streams.Errno) {
	next, failures := 0, new([]streams.Errno)
	return func(r *rig, q *streams.Queue, m *streams.Block) {
		if resp, ok := m.CopyResponse(); ok && resp.Error != 0 {
			*failures = append(*failures, resp.Error)
			m.Free()
			return
		}
		if next == len(all) {
			r.t.Errorf("%v came after the last step", m.Type())
			m.Free()
			return
		}
		r.must(all[next](r, m))
		next++
		q.Reply(m)
	}, failures
}

func in(size int, addr streams.Addr) leg {
	return func(_ *rig, m *streams.Block) error { return m.CopyIn(nil, size, addr) }
}

func out(data string, addr streams.Addr) leg {
	return func(r *rig, m *streams.Block) error { return m.CopyOut(nil, len(data), addr, r.block(data)) }
}

func done(rval int) leg { return func(_ *rig, m *streams.Block) error { return m.Ack(0, rval) } }

func refuse(why streams.Errno) leg {
	return func(_ *rig, m *streams.Block) error { return m.Nak(why) }
}

func TestD22toD31Copies(t *testing.T) {
	const at = 0x1000
	for _, tc := range []struct {
		name   string
		legs   []leg
		want   streams.Errno
		told   []streams.Errno // what the driver is told of a copy
		memory string          // afterwards
	}{
		{"in and out", []leg{in(8, at), out("abcd", at+4), done(7)}, 0, nil, "0123abcd89"},
		{"the argument's own address", []leg{in(10, 0), out("a", 0), done(7)}, 0, nil, "a123456789"},
		{"D22 bad address in", []leg{in(11, at)}, streams.EFAULT, []streams.Errno{streams.EFAULT}, "0123456789"},
		{"D22 an address that wraps", []leg{in(10, ^streams.Addr(0))}, streams.EFAULT, []streams.Errno{streams.EFAULT}, "0123456789"},
		{"D23 bad address out", []leg{out("x", at+10)}, streams.EFAULT, []streams.Errno{streams.EFAULT}, "0123456789"},
		{"D24 out, then refused", []leg{out("xy", at), refuse(streams.EIO)}, streams.EIO, nil, "xy23456789"},
		{"D24 out, then a bad copy", []leg{out("xy", at), in(1, at+10)}, streams.EFAULT, []streams.Errno{streams.EFAULT}, "xy23456789"},
		{"D28 nothing", []leg{in(0, at), done(7)}, 0, nil, "0123456789"},
		{"D29 too large", []leg{in(65537, at)}, streams.EMSGSIZE, []streams.Errno{streams.EMSGSIZE}, "0123456789"},
		{"D29 huge", []leg{in(math.MaxInt, at)}, streams.EMSGSIZE, []streams.Errno{streams.EMSGSIZE}, "0123456789"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fn, told := legs(tc.legs...)
			r := open(t, nil, fn)
			buf := []byte("0123456789")
			rval, err := r.h.Transparent(t.Context(), cmdOne, at, region(t, at, buf))
			wantErr(t, err, tc.want)
			if want := 0; tc.want == 0 && rval != 7 || tc.want != 0 && rval != want {
				t.Errorf("returned %d", rval)
			}
			if !slices.Equal(*told, tc.told) || string(buf) != tc.memory {
				t.Errorf("the driver was told %v, the memory is %q", *told, buf)
			}
		})
	}
}

// Without memory of the caller's a driver reaches none, whatever it asks for.
func TestUnregisteredMemory(t *testing.T) {
	for _, l := range []leg{in(1, 0x1000), out("x", 0x1000), in(1, head.DataAddr+4)} {
		fn, told := legs(l)
		r := open(t, nil, fn)
		if _, err := r.h.Transparent(t.Context(), cmdOne, 0x1000, nil); !errors.Is(err, streams.EFAULT) {
			t.Error(err)
		}
		if !slices.Equal(*told, []streams.Errno{streams.EFAULT}) {
			t.Errorf("the driver was told %v", *told)
		}
	}
	fn, _ := legs(in(5, head.DataAddr))
	r := open(t, nil, fn)
	_, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne, Data: []byte("data")})
	wantErr(t, err, streams.EFAULT)
}

// thief is a module that takes the data off what comes up.
func thief(keep int) *streams.Module {
	return &streams.Module{Name: "thief", Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if rest := m.Unlink(); rest != nil {
			if n := rest.Len(); keep > 0 && n > keep {
				_ = rest.Resize(0, keep-n)
				_ = m.Link(rest)
			} else {
				rest.Free()
			}
		}
		q.PutNext(m)
	}}}
}

// A module that takes data away on the way up is caught, in the answer (D16) and in a copy
// (D30, D31), and the caller's memory stays as it is.
func TestD16D30D31DataMissing(t *testing.T) {
	for keep, want := range map[int]streams.Errno{0: streams.EIO, 2: streams.EMSGSIZE} {
		for profile, stored := range map[streams.Profile]string{streams.Strict: "1234", streams.OpenSS7: "1234", streams.Solaris: "abcd"[:keep] + "1234"[keep:]} {
			t.Run(fmt.Sprintf("%d bytes are left, %v", keep, profile), func(t *testing.T) {
				for _, copied := range []bool{false, true} {
					fn, _ := legs(out("abcd", head.DataAddr), done(0))
					if !copied {
						fn, _ = legs(func(r *rig, m *streams.Block) error { return m.AckData(r.block("abcd"), 4, 0) })
					}
					r := open(t, &head.Config{Profile: profile}, fn, thief(keep))
					r.must(r.h.Push(t.Context(), "thief"))
					s := head.Str{Command: cmdOne, Data: []byte("1234")}
					_, err := r.h.Str(t.Context(), &s)
					if profile != streams.Solaris { // which stops short and tells nobody
						wantErr(t, err, want)
					} else if err != nil {
						t.Error(err)
					}
					if string(s.Data) != stored {
						t.Errorf("copied out %v: the caller has %q, not %q", copied, s.Data, stored)
					}
				}
			})
		}
	}
}

func TestCopyLimits(t *testing.T) {
	tun := streams.Strict.Tunables()
	tun.CopyRounds, tun.CopyTotal = 3, 20
	buf := make([]byte, 32)
	for name, tc := range map[string]struct {
		legs []leg
		want streams.Errno
	}{
		"as many as may be": {[]leg{in(1, 0), in(1, 0), in(1, 0), done(0)}, 0},
		"one too many":      {[]leg{in(1, 0), in(1, 0), in(1, 0), in(1, 0)}, streams.EPROTO},
		"as much as may be": {[]leg{in(10, 0), in(10, 0), done(0)}, 0},
		"one byte too many": {[]leg{in(10, 0), in(11, 0)}, streams.EMSGSIZE},
	} {
		t.Run(name, func(t *testing.T) {
			fn, _ := legs(tc.legs...)
			r := open(t, &head.Config{Tunables: &tun}, fn)
			_, err := r.h.Transparent(t.Context(), cmdOne, 0x10, region(t, 0x10, buf))
			wantErr(t, err, tc.want)
		})
	}
}

// three is a driver for D25 and D26: the argument holds two lengths and addresses.
type three struct {
	freed int
	state string
}

func (s *three) Release() { s.freed++ }

func TestD25D26ThreeLegs(t *testing.T) {
	for fail := range 4 { // the copy that fails, and none
		t.Run(fmt.Sprint("copy ", fail, " fails"), func(t *testing.T) {
			s, states := &three{}, []string(nil)
			r := open(t, nil, func(r *rig, q *streams.Queue, m *streams.Block) {
				if resp, ok := m.CopyResponse(); ok && resp.Error != 0 {
					m.Free() // and the state with it
					return
				}
				switch m.Type() {
				case streams.MIoctl:
					s.state = "GETSTRUCT"
					r.must(m.CopyIn(s, 8, 0))
				default:
					p, _ := m.TakePrivate().(*three)
					switch p.state {
					case "GETSTRUCT":
						p.state = "GETINDATA"
						r.must(m.CopyIn(p, 4, 0x200))
					case "GETINDATA":
						p.state = "PUTOUTDATA"
						text := string(m.Next().Bytes())
						r.must(m.CopyOut(p, 4, 0x300, r.block(text)))
					case "PUTOUTDATA":
						p.Release()
						r.must(m.Ack(0, 4))
					}
				}
				states = append(states, s.state)
				q.Reply(m)
			})
			mem, err := ioctl.NewRegions(
				ioctl.Region{Addr: 0x100, Data: make([]byte, 8)},
				ioctl.Region{Addr: 0x200, Data: []byte("data")},
				ioctl.Region{Addr: 0x300, Data: make([]byte, 4)},
			)
			r.must(err)
			faulty := &ioctl.Faulty{Memory: mem, Fail: func(n int, _ bool, _ uint64, _ int) error {
				if n == fail {
					return streams.EFAULT
				}
				return nil
			}}
			rval, err := r.h.Transparent(t.Context(), cmdOne, 0x100, faulty)
			want := []string{"GETSTRUCT", "GETINDATA", "PUTOUTDATA", "PUTOUTDATA"}[:min(fail+1, 4)]
			if !slices.Equal(states, want) || s.freed != 1 {
				t.Errorf("states %v, released %d times", states, s.freed)
			}
			if fail < 3 {
				wantErr(t, err, streams.EFAULT)
				return
			}
			back := make([]byte, 4)
			r.must(mem.ReadAt(back, 0x300))
			if rval != 4 || err != nil || string(back) != "data" {
				t.Errorf("%d, %v, %q", rval, err, back)
			}
		})
	}
}
