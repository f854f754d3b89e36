// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestC11RingCountHoldsEveryBuffer(t *testing.T) {
	for _, tc := range []struct {
		buffers         int
		native, classic uint32
	}{
		{0, 16, 2}, {1, 16, 2}, {2, 16, 3}, {3, 16, 4}, {4, 16, 5}, {5, 16, 6}, {8, 16, 9}, {9, 32, 10},
		{1000, 2048, 1001}, {userclient.MaxBuffers, 1 << 17, 1<<16 + 1}, {math.MaxInt32, MaxCount, MaxCount/2 + 1},
	} {
		if n := RingCount(userclient.LayoutNative, tc.buffers); n != tc.native {
			t.Errorf("native ring for %d buffers has %d entries, want %d", tc.buffers, n, tc.native)
		}
		if n := RingCount(userclient.LayoutClassic, tc.buffers); n != tc.classic {
			t.Errorf("classic ring for %d buffers has %d entries, want %d", tc.buffers, n, tc.classic)
		}
	}
}

func TestRingSize(t *testing.T) {
	if n := RingSize(userclient.LayoutNative, 16); n != 256+16*32 {
		t.Errorf("native ring of 16 has %d bytes", n)
	}
	if n := RingSize(userclient.LayoutClassic, 9); n != 16+9*32 {
		t.Errorf("classic ring of 9 has %d bytes", n)
	}
	if n := RingSize(userclient.LayoutNative, MaxCount); int64(n) != min(256+MaxCount*32, math.MaxInt) {
		t.Errorf("the largest ring has %d bytes", n)
	}
}

// unhex decodes hexadecimal digits, in which spaces and line ends mean nothing.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// sample is an entry all of whose bytes differ.
var sample = Entry{
	Buffer: 0x13121110, DataOffset: 0x17161514, DataLength: 0x1b1a1918,
	ControlOffset: 0x1f1e1d1c, ControlLength: 0x23222120, Seq: 0x27262524, Stamp: 0x2f2e2d2c2b2a2928,
}

const sampleHex = `10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627 28292a2b2c2d2e2f`

// TestClassicBytes compares a classic queue with Apple's layout, byte for byte, in
// both roles: three entries, of which one was put and taken, and one is queued.
func TestClassicBytes(t *testing.T) {
	const zero = `00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000`
	for _, tc := range []struct {
		role   Role
		header string
	}{
		{HeadWrites, `03000000 02000000 01000000 00000000`}, // count, head, tail, reserved
		{TailWrites, `03000000 01000000 02000000 00000000`},
	} {
		t.Run(tc.role.String(), func(t *testing.T) {
			m := heap(t, userclient.LayoutClassic, 3)
			if want := unhex(t, `03000000 00000000 00000000 00000000`+zero+zero+zero); !bytes.Equal(m.Ring, want) {
				t.Fatalf("an empty queue is\n%s, want\n%s", hex.Dump(m.Ring), hex.Dump(want))
			}
			p, c := pair(t, m, Config{Layout: userclient.LayoutClassic, Roles: NewRoles(tc.role), Buffers: 2})
			must[Wake](t)(p.Put([]Entry{{Buffer: 0x01020304}, sample}))
			got := make([]Entry, 1)
			must[int](t)(c.Get(got))
			want := unhex(t, tc.header+`04030201 00000000 00000000 00000000 00000000 00000000 00000000 00000000`+sampleHex+zero)
			if !bytes.Equal(m.Ring, want) {
				t.Fatalf("the queue is\n%s, want\n%s", hex.Dump(m.Ring), hex.Dump(want))
			}
			must[Wake](t)(p.Put([]Entry{{}})) // slot 2; the index wraps to 0
			if i := binary.LittleEndian.Uint32(m.Ring[map[Role]int{HeadWrites: 4, TailWrites: 8}[tc.role]:]); i != 0 {
				t.Errorf("the writer's index after the last slot is %d", i)
			}
		})
	}
}

// TestNativeBytes compares a native queue with its layout, byte for byte.
func TestNativeBytes(t *testing.T) {
	m := heap(t, userclient.LayoutNative, 2)
	ring, reader := make([]byte, 256+64), make([]byte, 384)
	copy(ring, unhex(t, `01000ca1 02000000 00010000 20000000`))
	copy(reader, unhex(t, `01000da1`))
	copy(reader[256:], unhex(t, `ffffffff`))
	compare := func(when string) {
		t.Helper()
		if !bytes.Equal(m.Ring, ring) {
			t.Fatalf("%s the ring is\n%s, want\n%s", when, hex.Dump(m.Ring), hex.Dump(ring))
		}
		if !bytes.Equal(m.Reader, reader) {
			t.Fatalf("%s the reader's region is\n%s, want\n%s", when, hex.Dump(m.Reader), hex.Dump(reader))
		}
	}
	compare("empty,")
	p, c := pair(t, m, Config{Buffers: 1})
	must[Wake](t)(p.Put([]Entry{sample}))
	p.SetToken(0x0a0b0c0d)
	p.SetCPU(3)
	copy(ring[128:], unhex(t, `01000000 03000000 0d0c0b0a`))
	copy(ring[256:], unhex(t, sampleHex))
	compare("after a Put,")
	must[int](t)(c.Get(make([]Entry, 1)))
	c.SetCPU(2)
	must[bool](t)(c.Arm(1, SleepWord))
	copy(reader[128:], unhex(t, `01000000 02000000`))
	copy(reader[256:], unhex(t, `01000000 01000000`))
	compare("after Get and Arm,")
	if c.Token() != 0x0a0b0c0d || c.PeerCPU() != 3 || p.PeerCPU() != 2 {
		t.Errorf("token %#x, CPU hints %d and %d", c.Token(), c.PeerCPU(), p.PeerCPU())
	}
}

func TestFormatRefuses(t *testing.T) {
	const native, classic = userclient.LayoutNative, userclient.LayoutClassic
	b := make([]byte, 4096)
	for name, tc := range map[string]struct {
		m     Memory
		l     userclient.Layout
		count uint32
	}{
		"no layout":          {Memory{b, b}, 2, 4},
		"no entries":         {Memory{b, b}, native, 0},
		"no power of two":    {Memory{b, b}, native, 6},
		"too many":           {Memory{b, b}, native, 1 << 31},
		"short ring":         {Memory{b[:RingSize(native, 4)-1], b}, native, 4},
		"short reader":       {Memory{b, b[:ReaderSize-1]}, native, 4},
		"odd ring":           {Memory{b[4:], b}, native, 4},
		"odd reader":         {Memory{b, b[4:]}, native, 4},
		"classic one":        {Memory{Ring: b}, classic, 1},
		"classic short":      {Memory{Ring: b[:RingSize(classic, 4)-1]}, classic, 4},
		"classic too many":   {Memory{Ring: b}, classic, MaxCount + 1},
		"classic, all of it": {Memory{Ring: b}, classic, 1 << 30},
	} {
		if err := Format(tc.m, tc.l, tc.count); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			wantIs(t, err, ioreturn.ErrInvalid)
		}
	}
	if !bytes.Equal(b, make([]byte, len(b))) {
		t.Error("a refused Format wrote to memory")
	}
}

// TestC18HeaderIsChecked breaks each word of the headers in turn.
func TestC18HeaderIsChecked(t *testing.T) {
	const native, classic = userclient.LayoutNative, userclient.LayoutClassic
	put := func(off int, v uint32) func(m *Memory) {
		return func(m *Memory) { binary.LittleEndian.PutUint32(m.Ring[off:], v) }
	}
	for _, tc := range []struct {
		name   string
		layout userclient.Layout
		harm   func(m *Memory)
		cfg    Config
		want   ioreturn.Rule
	}{
		{"magic", native, put(RingMagicOff, 0), Config{}, ioreturn.RuleQueueMagic},
		{"version", native, put(RingMagicOff, RingMagic+1), Config{}, ioreturn.RuleQueueMagic},
		{"classic header", native, put(RingMagicOff, 8), Config{}, ioreturn.RuleQueueMagic},
		{"reader's magic", native, func(m *Memory) { m.Reader[0]++ }, Config{}, ioreturn.RuleQueueMagic},
		{"count 0", native, put(RingCountOff, 0), Config{}, ioreturn.RuleQueueGeometry},
		{"count odd", native, put(RingCountOff, 7), Config{}, ioreturn.RuleQueueGeometry},
		{"count beyond the memory", native, put(RingCountOff, 16), Config{}, ioreturn.RuleQueueGeometry},
		{"count whose size overflows", native, put(RingCountOff, 1<<27), Config{}, ioreturn.RuleQueueGeometry},
		{"count too large", native, put(RingCountOff, 1<<31), Config{}, ioreturn.RuleQueueGeometry},
		{"count not announced", native, put(RingCountOff, 4), Config{Count: 8}, ioreturn.RuleQueueGeometry},
		{"count below the buffers", native, put(RingCountOff, 4), Config{Buffers: 5}, ioreturn.RuleQueueGeometry},
		{"entries over the words", native, put(RingEntryOff, 128), Config{}, ioreturn.RuleQueueGeometry},
		{"entries misaligned", native, func(m *Memory) {
			m.Ring = append(m.Ring, make([]byte, 64)...)
			put(RingEntryOff, RingEntries+8)(m)
		}, Config{}, ioreturn.RuleQueueGeometry},
		{"entries beyond the memory", native, put(RingEntryOff, 0xffffffe0), Config{}, ioreturn.RuleQueueGeometry},
		{"entry size", native, put(RingSizeOff, 64), Config{}, ioreturn.RuleQueueGeometry},
		{"ring cut off", native, func(m *Memory) { m.Ring = m.Ring[:len(m.Ring)-1] }, Config{}, ioreturn.RuleQueueGeometry},
		{"no ring", native, func(m *Memory) { m.Ring = nil }, Config{}, ioreturn.RuleQueueGeometry},
		{"no reader", native, func(m *Memory) { m.Reader = nil }, Config{}, ioreturn.RuleQueueGeometry},
		{"misaligned", native, func(m *Memory) { m.Ring = m.Ring[4:] }, Config{}, ioreturn.RuleMemoryRange},
		{"too much unread", native, put(RingTailOff, 9), Config{}, ioreturn.RuleQueueIndex},
		{"head past tail", native, func(m *Memory) { m.Reader[ReaderHeadOff] = 1 }, Config{}, ioreturn.RuleQueueIndex},

		{"classic count 0", classic, put(0, 0), Config{}, ioreturn.RuleQueueGeometry},
		{"classic count 1", classic, put(0, 1), Config{}, ioreturn.RuleQueueGeometry},
		{"classic magic", classic, put(0, RingMagic), Config{}, ioreturn.RuleQueueGeometry},
		{"classic beyond the memory", classic, put(0, 9), Config{}, ioreturn.RuleQueueGeometry},
		{"classic below the buffers", classic, put(0, 8), Config{Buffers: 8}, ioreturn.RuleQueueGeometry},
		{"classic head", classic, put(ClassicHeadOff, 8), Config{}, ioreturn.RuleQueueIndex},
		{"classic tail", classic, put(ClassicTailOff, 0xffffffff), Config{}, ioreturn.RuleQueueIndex},
		{"no classic ring", classic, func(m *Memory) { m.Ring = nil }, Config{}, ioreturn.RuleQueueGeometry},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := heap(t, tc.layout, 8)
			tc.harm(&m)
			tc.cfg.Layout, tc.cfg.Name, tc.cfg.Roles = tc.layout, "output queue", NewRoles(HeadWrites)
			_, err := NewProducer(m, tc.cfg)
			wantRule(t, err, tc.want)
			_, err = NewConsumer(m, tc.cfg)
			wantRule(t, err, tc.want)
			if !strings.Contains(err.Error(), "output queue: ") {
				t.Errorf("the error does not name the queue: %v", err)
			}
		})
	}
}

// TestC18OtherOffset opens a ring whose header puts the entries elsewhere.
func TestC18OtherOffset(t *testing.T) {
	m := heap(t, userclient.LayoutNative, 8)
	m.Ring = append(m.Ring, make([]byte, 64)...)
	binary.LittleEndian.PutUint32(m.Ring[RingEntryOff:], RingEntries+64)
	p, c := pair(t, m, Config{Buffers: 4, Count: 8})
	must[Wake](t)(p.Put([]Entry{sample}))
	if b := m.Ring[RingEntries+64:][:EntrySize]; !bytes.Equal(b, unhex(t, sampleHex)) {
		t.Errorf("the entry is not where the header says: %x", b)
	}
	dst := make([]Entry, 2)
	if n := must[int](t)(c.Get(dst)); n != 1 || dst[0] != sample {
		t.Errorf("got %d entries, the first is %+v", n, dst[0])
	}
}

func TestConfigMistakes(t *testing.T) {
	m := heap(t, userclient.LayoutClassic, 8)
	_, err := NewProducer(m, Config{Layout: userclient.LayoutClassic})
	wantIs(t, err, ioreturn.ErrInvalid) // no Roles
	_, err = NewConsumer(m, Config{Layout: 7})
	wantIs(t, err, ioreturn.ErrInvalid)
}
