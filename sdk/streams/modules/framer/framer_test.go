// SPDX-License-Identifier: Apache-2.0

package framer_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/framer"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/internal/modtest"
)

func open(t *testing.T, cfg framer.Config, arena *streams.ArenaConfig) *modtest.Rig {
	t.Helper()
	m, err := framer.Module(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return modtest.Open(t, m, arena)
}

// wire returns records as they are on the line.
func wire(records ...string) string {
	var b []byte
	for _, r := range records {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(r))), r...)
	}
	return string(b)
}

func wantCounts(t *testing.T, c *framer.Counts, records, tooLong, noMemory uint64) {
	t.Helper()
	if r, l, n := c.Records.Load(), c.TooLong.Load(), c.NoMemory.Load(); r != records || l != tooLong || n != noMemory {
		t.Errorf("counted %d records, %d too long, %d without memory, want %d, %d, %d", r, l, n, records, tooLong, noMemory)
	}
}

func TestDown(t *testing.T) {
	var c framer.Counts
	r := open(t, framer.Config{Max: 8, Counts: &c}, nil)
	r.SendDown(r.Message(streams.MData, "two ", "part"))
	r.SendDown(r.Message(streams.MData, ""))
	r.SendDown(r.Message(streams.MData, "too long!"))
	r.SendDown(r.Message(streams.MProto, "another type"))
	r.Want(r.Down(), wire("two part"), wire(""), "M_PROTO another type")
	wantCounts(t, &c, 0, 1, 0)
}

// TestAnyDivision sends a line's bytes up, divided in any way among messages and blocks.
func TestAnyDivision(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := rapid.SliceOfN(rapid.StringN(0, 40, 40), 0, 8).Draw(rt, "records")
		var c framer.Counts
		r := open(t, framer.Config{Max: 40, Counts: &c}, nil)
		for line := wire(records...); line != ""; {
			var parts []string
			for range rapid.IntRange(1, 3).Draw(rt, "blocks") {
				n := rapid.IntRange(0, min(len(line), 50)).Draw(rt, "bytes")
				parts, line = append(parts, line[:n]), line[n:]
			}
			r.SendUp(r.Message(streams.MData, parts...))
		}
		r.Want(r.Up(), records...)
		wantCounts(t, &c, uint64(len(records)), 0, 0)
	})
}

// TestTooLong is a length that can't be: nothing behind it counts, until a flush.
func TestTooLong(t *testing.T) {
	for _, flush := range []func(*modtest.Rig){
		func(r *modtest.Rig) { r.SendUp(r.Message(streams.MFlush, "\x01")) },
		func(r *modtest.Rig) { r.SendDown(r.Message(streams.MFlush, "\x03")) },
	} {
		var c framer.Counts
		r := open(t, framer.Config{Max: 8, Counts: &c}, nil)
		r.SendUp(r.Message(streams.MData, wire("good"), wire("too long!"), wire("x")))
		r.SendUp(r.Message(streams.MData, wire("y")))
		r.SendUp(r.Message(streams.MFlush, "\x02")) // not of this side
		r.SendUp(r.Message(streams.MData, wire("z")))
		r.Want(r.Up(), "good", "M_ERROR "+string([]byte{byte(streams.EPROTO)}), "M_FLUSH \x02")
		flush(r)
		r.Up()
		r.SendUp(r.Message(streams.MData, wire("again")[:7]))
		r.SendUp(r.Message(streams.MFlush, "\x01")) // in the middle of one
		r.SendUp(r.Message(streams.MData, wire("new")))
		r.Want(r.Up(), "M_FLUSH \x01", "new")
		wantCounts(t, &c, 2, 1, 0)
	}
}

// TestCloseFrees leaves a record incomplete; the rig looks for what is left.
func TestCloseFrees(t *testing.T) {
	r := open(t, framer.Config{}, nil)
	r.SendUp(r.Message(streams.MData, wire(strings.Repeat("x", 1000))[:500]))
	if u := r.Arena.Usage(); u.Blocks != 1 || u.Bytes != 1000 {
		t.Errorf("kept: %+v", u)
	}
}

// TestNoMemory loses the records that there is no memory for, and no others.
func TestNoMemory(t *testing.T) {
	var c framer.Counts
	fail := false
	r := open(t, framer.Config{Counts: &c}, &streams.ArenaConfig{Fault: func(uint64, int) bool { return fail }})
	up := [...]*streams.Block{r.Message(streams.MData, wire("a", "b")), r.Message(streams.MData, wire("cd")[:5])}
	down := r.Message(streams.MData, "down")
	last := r.Message(streams.MData, wire("cd")[5:]+wire("e"))
	fail = true
	r.SendUp(up[0])
	r.SendUp(up[1])
	r.SendDown(down)
	fail = false
	r.SendUp(last)
	r.Want(r.Up(), "e")
	r.Want(r.Down())
	wantCounts(t, &c, 1, 0, 4)
}

func TestRefuses(t *testing.T) {
	for _, cfg := range []framer.Config{{Max: -1}, {Name: "ninebytes"}} {
		if m, err := framer.Module(cfg); m != nil || err == nil {
			t.Errorf("%+v: %v, %v", cfg, m, err)
		}
	}
}

func FuzzUp(f *testing.F) {
	f.Add([]byte(wire("one", "two")), 3)
	f.Add([]byte("\xff\xff\xff\xff"), 1)
	f.Fuzz(func(t *testing.T, line []byte, piece int) {
		if piece < 1 {
			piece = 1
		}
		r := open(t, framer.Config{Max: 64}, nil)
		for len(line) > 0 {
			n := min(piece, len(line))
			r.SendUp(r.Message(streams.MData, string(line[:n])))
			line = line[n:]
		}
		if u := r.Arena.Usage(); u.Bytes > 64 || u.Blocks > 1 {
			t.Errorf("kept: %+v", u)
		}
	})
}
