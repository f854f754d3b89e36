// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// clean fails the test at its end if messages of the arena are left, or were misused.
func clean(t testing.TB, a *Arena) *Arena {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		u := a.Usage()
		// A goroutine that a stream was handed to, or a put that came with the close, may be
		// just freeing.
		for end := time.Now().Add(20 * time.Second); u.Blocks+u.Buffers != 0 && time.Now().Before(end); u = a.Usage() {
			runtime.Gosched()
		}
		u.Failures = 0
		if u != (Usage{}) {
			t.Errorf("left behind: %+v", u)
		}
	})
	return a
}

func testArena(t testing.TB) *Arena {
	t.Helper()
	return clean(t, NewArena(&ArenaConfig{NoReuse: true}))
}

// build makes a message of parts such as "D:abc", a letter for the type and the bytes.
func build(t testing.TB, a *Arena, parts ...string) *Block {
	t.Helper()
	types := map[byte]Type{'D': MData, 'P': MProto, 'C': MCtl, 'H': MPCProto, 'F': MFlush, 'B': MBreak, 'Y': MDelay}
	var m *Block
	for _, p := range parts {
		b, err := a.From(types[p[0]], []byte(p[2:]))
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			m = b
		} else if err := m.Link(b); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// show is the reverse of build.
func show(m *Block) string {
	letters := map[Type]string{MData: "D", MProto: "P", MCtl: "C", MPCProto: "H", MFlush: "F", MBreak: "B", MHangup: "X", MDelay: "Y"}
	var parts []string
	for ; m != nil; m = m.Next() {
		letter, ok := letters[m.Type()]
		if !ok {
			letter = m.Type().String()
		}
		parts = append(parts, letter+":"+string(m.Bytes()))
	}
	return strings.Join(parts, " ")
}

func TestTypeNames(t *testing.T) {
	for typ, want := range map[Type]string{
		MData: "M_DATA", MIoctl: "M_IOCTL", MRse: "M_RSE", MIocAck: "M_IOCACK", MCmd: "M_CMD",
		3: "Type(0x3)", 0x12: "Type(0x12)", 0x80: "Type(0x80)", 0xff: "Type(0xff)",
	} {
		if got := typ.String(); got != want {
			t.Errorf("0x%x is %q, want %q", uint8(typ), got, want)
		}
	}
}

func TestTypeChange(t *testing.T) {
	user := []Type{MData, MProto, MPCProto}
	family := []Type{MIoctl, MIocAck, MIocNak, MCopyIn, MCopyOut, MIocData}
	for from := range 256 {
		for to := range 256 {
			f, u := Type(from), Type(to)
			want := f == u || slices.Contains(user, f) == slices.Contains(user, u) &&
				slices.Contains(family, f) == slices.Contains(family, u)
			if got := f.MayBecome(u); got != want {
				t.Errorf("%v to %v: %t, want %t", f, u, got, want)
			}
		}
	}
	a := testArena(t)
	m := build(t, a, "D:abc")
	defer m.Free()
	if err := m.SetType(MProto); err != nil || m.Type() != MProto {
		t.Errorf("M_DATA to M_PROTO: %v, is %v", err, m.Type())
	}
	if err := m.SetType(MIocAck); !errors.Is(err, ErrType) || !errors.Is(err, EINVAL) {
		t.Errorf("M_PROTO to M_IOCACK: %v", err)
	}
	d, _ := m.Dup()
	if err := m.SetType(MData); !errors.Is(err, ErrShared) {
		t.Errorf("shared: %v", err)
	}
	if err := m.Append([]byte{1}); !errors.Is(err, ErrShared) {
		t.Errorf("append to shared: %v", err)
	}
	d.Free()
	if err := m.SetType(MData); err != nil {
		t.Errorf("no longer shared: %v", err)
	}
}

// same is for what changes a message in place.
func same(do func(*Block) error) func(*Block) (*Block, error) {
	return func(m *Block) (*Block, error) {
		err := do(m)
		return m, err
	}
}

// Each row of the reference's table of primitives that makes, links and trims messages.
func TestPrimitives(t *testing.T) {
	for _, tc := range []struct {
		name string
		give []string
		do   func(m *Block) (*Block, error) // returns the message after it
		want string
		err  error
	}{
		{"linkb", []string{"D:ab"}, func(m *Block) (*Block, error) {
			tail, _ := m.Arena().From(MProto, []byte("x"))
			err := m.Link(tail)
			return m, err
		}, "D:ab P:x", nil},
		{"linkb itself", []string{"D:ab"}, same(func(m *Block) error { return m.Link(m) }), "D:ab", ErrMessage},
		{"linkb a part of it", []string{"D:ab", "D:c"}, same(func(m *Block) error { return m.Link(m.Next()) }), "D:ab D:c", ErrMessage},
		{"unlinkb", []string{"D:ab", "P:c", "D:d"}, func(m *Block) (*Block, error) {
			rest := m.Unlink()
			m.Free()
			return rest, nil
		}, "P:c D:d", nil},
		{"rmvb first", []string{"D:ab", "P:c"}, func(m *Block) (*Block, error) {
			rest, err := m.Remove(m)
			m.Free()
			return rest, err
		}, "P:c", nil},
		{"rmvb last", []string{"D:ab", "P:c"}, func(m *Block) (*Block, error) {
			c := m.Next()
			rest, err := m.Remove(c)
			c.Free()
			return rest, err
		}, "D:ab", nil},
		{"rmvb all", []string{"D:ab"}, func(m *Block) (*Block, error) {
			rest, err := m.Remove(m)
			m.Free()
			return rest, err
		}, "", nil},
		{"rmvb absent", []string{"D:ab"}, func(m *Block) (*Block, error) {
			c, _ := m.Arena().Alloc(MData, 0)
			defer c.Free()
			return m.Remove(c)
		}, "D:ab", ErrMessage},
		{"pullupmsg none needed", []string{"D:ab", "D:c"}, same(func(m *Block) error { return m.Pullup(2) }), "D:ab D:c", nil},
		{"pullupmsg part", []string{"D:ab", "D:cde", "P:f"}, same(func(m *Block) error { return m.Pullup(4) }), "D:abcd D:e P:f", nil},
		{"pullupmsg all of one type", []string{"D:ab", "D:", "D:c", "P:d", "D:e"}, same(func(m *Block) error { return m.Pullup(-1) }), "D:abc P:d D:e", nil},
		{"pullupmsg too short", []string{"D:ab", "P:cd"}, same(func(m *Block) error { return m.Pullup(3) }), "D:ab P:cd", ErrSpace},
		{"pullupmsg negative", []string{"D:ab"}, same(func(m *Block) error { return m.Pullup(-2) }), "D:ab", ErrSpace},
		{"msgpullup", []string{"D:ab", "D:cd", "P:e"}, func(m *Block) (*Block, error) {
			n, err := m.PullupCopy(3)
			if show(m) != "D:ab D:cd P:e" {
				return n, errors.New("the original changed")
			}
			m.Free()
			return n, err
		}, "D:abcd P:e", nil},
		{"msgpullup too short", []string{"D:ab", "P:e"}, func(m *Block) (*Block, error) {
			_, err := m.PullupCopy(3)
			return m, err
		}, "D:ab P:e", ErrSpace},
		{"adjmsg head", []string{"D:ab", "D:cd", "D:ef"}, same(func(m *Block) error { return m.Adjust(5) }), "D: D:f", nil},
		{"adjmsg head, other type", []string{"D:ab", "P:cd"}, same(func(m *Block) error { return m.Adjust(3) }), "D:ab P:cd", ErrSpace},
		{"adjmsg tail", []string{"D:ab", "D:cd", "D:ef"}, same(func(m *Block) error { return m.Adjust(-3) }), "D:ab D:c", nil},
		{"adjmsg tail all", []string{"D:ab", "D:cd"}, same(func(m *Block) error { return m.Adjust(-4) }), "D:", nil},
		{"adjmsg tail of the last type", []string{"P:ab", "D:cd"}, same(func(m *Block) error { return m.Adjust(-2) }), "P:ab", nil},
		{"adjmsg tail too long", []string{"P:ab", "D:cd"}, same(func(m *Block) error { return m.Adjust(-3) }), "P:ab D:cd", ErrSpace},
		{"adjmsg smallest int", []string{"D:cd"}, same(func(m *Block) error { return m.Adjust(math.MinInt) }), "D:cd", ErrSpace},
		{"adjmsg nothing", []string{"D:ab"}, same(func(m *Block) error { return m.Adjust(0) }), "D:ab", nil},
		{"append", []string{"D:ab"}, same(func(m *Block) error { return m.Append([]byte("c")) }), "D:ab", ErrSpace},
		{"resize", []string{"D:abcd"}, same(func(m *Block) error { return m.Resize(1, -1) }), "D:bc", nil},
		{"resize past the end", []string{"D:abcd"}, same(func(m *Block) error { return m.Resize(0, 1) }), "D:abcd", ErrSpace},
		{"resize crossed", []string{"D:abcd"}, same(func(m *Block) error { return m.Resize(3, -2) }), "D:abcd", ErrSpace},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := testArena(t)
			m, err := tc.do(build(t, a, tc.give...))
			if got := show(m); got != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, tc.want, tc.err)
			}
			m.Free()
		})
	}
}

func TestSizes(t *testing.T) {
	a := testArena(t)
	m := build(t, a, "P:abc", "D:de", "D:", "C:f", "D:ghij")
	defer m.Free()
	n, blocks := m.Total()
	if m.Size() != 6 || n != 10 || blocks != 5 {
		t.Errorf("size %d, total %d in %d blocks; want 6, 10, 5", m.Size(), n, blocks)
	}
}

func TestDupSharesAndCopyDoesNot(t *testing.T) {
	a := testArena(t)
	m := build(t, a, "P:ab", "D:cd")
	m.SetBand(7)
	m.SetFlags(MsgDelim)
	d, err1 := m.Dup()
	c, err2 := m.Copy()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	m.Next().Bytes()[0] = 'X' // not allowed while shared, and so it shows
	if show(d) != "P:ab D:Xd" || show(c) != "P:ab D:cd" || !m.Shared() || c.Shared() {
		t.Errorf("duplicate %q, copy %q", show(d), show(c))
	}
	if d.Band() != 7 || c.Band() != 7 || d.Flags() != MsgDelim || c.Flags() != MsgDelim {
		t.Error("band or flags are lost")
	}
	m.Free()
	if d.Shared() || show(d) != "P:ab D:Xd" {
		t.Errorf("the last reference is %q, shared %t", show(d), d.Shared())
	}
	d.Free()
	c.Free()
}

func TestReferenceLimit(t *testing.T) {
	a := testArena(t)
	m := build(t, a, "D:a")
	dups := []*Block{m}
	for range maxReferences - 1 {
		d, err := m.DupBlock()
		if err != nil {
			t.Fatal(err)
		}
		dups = append(dups, d)
	}
	if _, err := m.Dup(); !errors.Is(err, ErrReferences) || !errors.Is(err, ENOSR) {
		t.Errorf("reference 256: %v", err)
	}
	for _, d := range dups {
		d.Free()
	}
}

func TestZeroedMemory(t *testing.T) {
	a := clean(t, NewArena(nil))
	for _, size := range []int{0, 1, 64, 65, 1024, 70000} {
		for range 3 {
			m, err := a.Alloc(MData, size)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Resize(0, size); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.Bytes(), make([]byte, size)) {
				t.Fatalf("%d bytes are not zero", size)
			}
			for i := range m.Bytes() {
				m.Bytes()[i] = 0xaa
			}
			m.Free()
		}
	}
}

func TestAllocRefuses(t *testing.T) {
	a := testArena(t)
	if _, err := a.Alloc(MData, -1); !errors.Is(err, EINVAL) {
		t.Errorf("negative size: %v", err)
	}
	if _, err := a.Alloc(MIocAck, 0); !errors.Is(err, ErrType) {
		t.Errorf("ioctl family: %v", err)
	}
	if _, err := a.Alloc(MData, DefaultMaxBlock+1); !errors.Is(err, ErrSpace) || a.Fits(DefaultMaxBlock+1) {
		t.Errorf("a size that no stream needs: %v", err)
	}
	if _, err := a.External(nil, FreeFunc(func([]byte) {})); !errors.Is(err, EINVAL) {
		t.Errorf("no memory: %v", err)
	}
	if _, err := a.External([]byte{1}, nil); !errors.Is(err, EINVAL) {
		t.Errorf("no routine: %v", err)
	}
	limited := clean(t, NewArena(&ArenaConfig{MaxBlocks: 2, MaxBytes: 100}))
	m, _ := limited.Alloc(MData, 60)
	if _, err := limited.Alloc(MData, 41); !errors.Is(err, ENOSR) {
		t.Errorf("above the bytes: %v", err)
	}
	d, _ := m.Dup()
	if _, err := limited.Alloc(MData, 1); !errors.Is(err, ENOSR) {
		t.Errorf("above the blocks: %v", err)
	}
	if limited.Fits(0) || !a.Fits(100) || a.Fits(-1) {
		t.Error("testb is wrong")
	}
	if u := limited.Usage(); u != (Usage{Blocks: 2, Buffers: 1, Bytes: 60, Failures: 2}) {
		t.Errorf("usage %+v", u)
	}
	m.Free()
	d.Free()
}

func TestMisuseIsCounted(t *testing.T) {
	a := NewArena(&ArenaConfig{NoReuse: true})
	m := build(t, a, "D:ab")
	m.Free()
	m.Free()
	if _, err := m.Dup(); err == nil {
		t.Error("a freed block was duplicated")
	}
	if _, err := m.Copy(); err == nil {
		t.Error("a freed block was copied")
	}
	if m.Append([]byte{1}) == nil || m.SetType(MProto) == nil || m.SetValue(1) == nil || m.Len() != 0 {
		t.Error("a freed block was used")
	}
	if u := a.Usage(); u != (Usage{Misuses: 1}) {
		t.Errorf("usage %+v", u)
	}
}

func TestExternal(t *testing.T) {
	a := testArena(t)
	mem := []byte("hello, world")
	var freed [][]byte
	m, err := a.External(mem, FreeFunc(func(b []byte) {
		freed = append(freed, b)
		if u := a.Usage(); u.External == 0 {
			t.Error("the memory is not counted while its routine runs")
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if before, behind := m.Room(); m.Len() != 0 || before != 0 || behind != len(mem) {
		t.Errorf("%d bytes written, room for %d and %d", m.Len(), before, behind)
	}
	m.Resize(0, 5)
	d, _ := m.Dup()
	m.Free()
	if len(freed) != 0 || show(d) != "D:hello" {
		t.Fatalf("freed %d times while %q refers to it", len(freed), show(d))
	}
	d.Free()
	if len(freed) != 1 || &freed[0][0] != &mem[0] || len(freed[0]) != len(mem) {
		t.Errorf("freed %q", freed)
	}
}
