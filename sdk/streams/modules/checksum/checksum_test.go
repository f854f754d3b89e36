// SPDX-License-Identifier: Apache-2.0

package checksum_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/checksum"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/internal/modtest"
)

// 123456789 has this CRC-32C, lowest byte first.
const digits, digitsSum = "123456789", "\x83\x92\x06\xe3"

func open(t *testing.T, down bool, counts *checksum.Counts) *modtest.Rig {
	t.Helper()
	m, err := checksum.Module(checksum.Config{CheckDown: down, Counts: counts})
	if err != nil {
		t.Fatal(err)
	}
	return modtest.Open(t, m, nil)
}

func wantCounts(t *testing.T, c *checksum.Counts, good, bad, noMemory uint64) {
	t.Helper()
	if g, b, n := c.Good.Load(), c.Bad.Load(), c.NoMemory.Load(); g != good || b != bad || n != noMemory {
		t.Errorf("counted %d good, %d bad, %d without memory, want %d, %d, %d", g, b, n, good, bad, noMemory)
	}
}

func TestAddAndCheck(t *testing.T) {
	var c checksum.Counts
	r := open(t, false, &c)
	r.SendDown(r.Message(streams.MData, digits[:4], "", digits[4:]))
	r.SendDown(r.Message(streams.MData, ""))
	r.SendDown(r.Message(streams.MProto, "control"))
	r.Want(r.Down(), digits+digitsSum, "\x00\x00\x00\x00", "M_PROTO control")
	r.SendUp(r.Message(streams.MData, digits[:4], digits[4:]+digitsSum[:1], digitsSum[1:]))
	r.SendUp(r.Message(streams.MData, "\x00\x00\x00\x00"))
	r.SendUp(r.Message(streams.MProto, "control"))
	r.Want(r.Up(), digits, "", "M_PROTO control")
	for _, bad := range []string{"", "abc", digits, digits + "\x83\x92\x06\xe2", "0" + digits + digitsSum} {
		r.SendUp(r.Message(streams.MData, bad))
	}
	mixed := r.Message(streams.MData, digits+digitsSum)
	if err := mixed.Link(r.Message(streams.MProto, "x")); err != nil {
		t.Fatal(err)
	}
	r.SendUp(mixed)
	r.Want(r.Up())
	wantCounts(t, &c, 2, 6, 0)
}

// TestChecksACopy has somebody write to the memory of a message that was passed on: the
// next module does not see it.
func TestChecksACopy(t *testing.T) {
	var c checksum.Counts
	m, err := checksum.Module(checksum.Config{CheckDown: true, Counts: &c})
	if err != nil {
		t.Fatal(err)
	}
	shared := []byte(digits + digitsSum)
	freed := 0
	var kept *streams.Block
	driver := &streams.Module{Name: "driver", Write: streams.Procedures{Put: func(_ *streams.Queue, m *streams.Block) { kept = m }}}
	arena := streams.NewArena(nil)
	s, err := streams.NewDomain(&streams.Config{Arena: arena}).Open(driver, &streams.Module{Name: "head"}, streams.OpenInfo{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plumb(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Push(m, streams.OpenInfo{}); err != nil {
		t.Fatal(err)
	}
	p.Release()
	ext, err := arena.External(shared, streams.FreeFunc(func([]byte) { freed++ }))
	if err == nil {
		err = ext.Resize(0, len(shared))
	}
	if err == nil {
		err = s.Put(ext)
	}
	if err != nil {
		t.Fatal(err)
	}
	clear(shared) // a hostile client, after the check
	if kept == nil || !bytes.Equal(kept.Bytes(), []byte(digits)) || freed != 1 {
		t.Errorf("the driver got %v, the memory was freed %d times", kept, freed)
	}
	kept.Free()
	if err := s.Close(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if u := arena.Usage(); u != (streams.Usage{}) {
		t.Errorf("leaked: %+v", u)
	}
	wantCounts(t, &c, 1, 0, 0)
}

func TestNoMemory(t *testing.T) {
	var c checksum.Counts
	m, err := checksum.Module(checksum.Config{Counts: &c})
	if err != nil {
		t.Fatal(err)
	}
	fail := false
	r := modtest.Open(t, m, &streams.ArenaConfig{Fault: func(uint64, int) bool { return fail }})
	down, up := r.Message(streams.MData, digits), r.Message(streams.MData, digits+digitsSum)
	fail = true
	r.SendDown(down)
	r.SendUp(up)
	r.Want(r.Down())
	r.Want(r.Up())
	wantCounts(t, &c, 0, 0, 2)
}

// TestEveryFlip changes one bit of a protected message, which is always found.
func TestEveryFlip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var c checksum.Counts
		data := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(rt, "data")
		down := open(t, true, &c)
		add := open(t, false, nil)
		add.SendDown(add.Message(streams.MData, string(data)))
		sent := []byte(add.Down()[0])
		down.SendDown(down.Message(streams.MData, string(sent)))
		down.Want(down.Down(), string(data))
		bit := rapid.IntRange(0, 8*len(sent)-1).Draw(rt, "bit")
		sent[bit/8] ^= 1 << (bit % 8)
		down.SendDown(down.Message(streams.MData, string(sent)))
		down.Want(down.Down())
		wantCounts(t, &c, 1, 1, 0)
	})
}

func TestRefuses(t *testing.T) {
	if m, err := checksum.Module(checksum.Config{Name: "ninebytes"}); m != nil || err == nil {
		t.Errorf("%v, %v", m, err)
	}
}
