// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/checksum"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/framer"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/ratelimit"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/trace"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// made fails the test if a module could not be made.
func made(t testing.TB) func(*streams.Module, error) *streams.Module {
	return func(m *streams.Module, err error) *streams.Module {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

func TestPayloadThroughChecksums(t *testing.T) {
	var counts checksum.Counts
	add := made(t)(checksum.Module(checksum.Config{Name: "add", CheckDown: true}))
	spoil := onUp("spoil", func(q *streams.Queue, m *streams.Block) {
		if m.Value().(userclient.Payload).Info().Seq == 1 {
			m.Bytes()[0] ^= 1
		}
		q.PutNext(m)
	})
	check := made(t)(checksum.Module(checksum.Config{Counts: &counts}))
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 2}, stack: []*streams.Module{add, spoil, check}})
	f.post("zero")
	f.read("zero", 0)
	f.post("one")
	f.nothing()
	f.post("two")
	f.read("two", 2)
	f.lost(map[iostream.Cause]uint64{userclient.LossModule: 1})
	if g, b := counts.Good.Load(), counts.Bad.Load(); g != 2 || b != 1 {
		t.Errorf("%d good, %d bad", g, b)
	}
	if st := f.d.Stats(); st.Copies != 2 { // of what was checked, none of what was added
		t.Errorf("%d copies, want 2", st.Copies)
	}
	f.takeAll(2)
}

// A client can write to what it has sent; what was checked is what the driver gets, unless it
// writes again after that.
func TestPayloadThatAClientChangesWhileItIsChecked(t *testing.T) {
	var frame iostream.Frame
	check := made(t)(checksum.Module(checksum.Config{CheckDown: true}))
	change := onDown("change", func(q *streams.Queue, m *streams.Block) {
		frame.Region()[0] = 'X'
		q.PutNext(m)
	})
	f := flowing(t, setup{driver: iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 1}, stack: []*streams.Module{change, check}})
	sum := func(text string) string { // as the module at the other end of a line would
		a := streams.NewArena(nil)
		line := made(t)(checksum.Module(checksum.Config{}))
		got := ""
		bottom := &streams.Module{Name: "line", Write: streams.Procedures{Put: func(_ *streams.Queue, m *streams.Block) {
			got = string(m.Gather(100))
			m.Free()
		}}}
		s, err := streams.NewDomain(&streams.Config{Arena: a}).Open(bottom, &streams.Module{Name: "head"}, streams.OpenInfo{})
		f.must(err)
		p, err := s.Plumb(t.Context())
		f.must(err)
		f.must(p.Push(line, streams.OpenInfo{}))
		p.Release()
		m, err := a.From(streams.MData, []byte(text))
		f.must(err)
		f.must(s.Put(m))
		f.must(s.Close(t.Context(), 0))
		return got
	}
	for range 2 {
		var err error
		frame, err = f.s.Next(f.ctx())
		f.must(err)
		f.must(frame.Send(copy(frame.Region(), sum("hello"))))
		f.got("hello") // the copy that was checked is what the driver finds
	}
	f.discarded(0)
}

func TestPayloadAtALimitedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rate := made(t)(ratelimit.Module(ratelimit.Config{Up: 100, Burst: time.Millisecond}))
		f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 4, Policy: iostream.DropNewest}, stack: []*streams.Module{rate}})
		begin := time.Now()
		for range 10 { // of which 4 find a buffer, and the first passes at once
			f.post("0123456789")
		}
		for i := range uint64(4) {
			f.read("0123456789", i)
			if want := time.Duration(i) * 100 * time.Millisecond; time.Since(begin).Round(10*time.Millisecond) != want {
				t.Errorf("frame %d came after %v, want %v", i, time.Since(begin), want)
			}
		}
		f.lost(map[iostream.Cause]uint64{userclient.LossDropNewest: 6})
		f.post("0123456789", "0123456789")
		f.must(f.s.Stop(f.ctx()))
		f.must(f.s.Start(f.ctx()))
		f.takeAll(4)
		f.must(f.s.Close()) // inside the bubble, whose clock it needs
		f.must(f.d.Close())
	})
}

func TestPayloadOfRecords(t *testing.T) {
	var counts framer.Counts
	cut := made(t)(framer.Module(framer.Config{Counts: &counts}))
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 2}, stack: []*streams.Module{cut}})
	record := func(text string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) + text
	}
	whole := record("over two")
	f.post(whole[:6]) // none ends here
	f.nothing()
	f.post(whole[6:])
	f.read("over two", 1)
	f.post(record("a") + record("b"))
	f.read("a", 2)
	f.nothing()
	f.lost(map[iostream.Cause]uint64{userclient.LossModule: 1})
	if r, n := counts.Records.Load(), counts.NoEntry.Load(); r != 2 || n != 1 {
		t.Errorf("%d records, %d without an entry", r, n)
	}
	f.post(record("lost")[:5])
	f.must(f.s.Stop(f.ctx()))
	f.must(f.s.Start(f.ctx()))
	f.post(record("begins anew"))
	f.read("begins anew", 4)
	f.takeAll(2)
}

func TestPayloadDownAsRecords(t *testing.T) {
	cut := made(t)(framer.Module(framer.Config{}))
	f := flowing(t, setup{driver: iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: 1}, stack: []*streams.Module{cut}})
	f.send("text")
	f.got("\x00\x00\x00\x04text")
	f.send(strings.Repeat("x", 61)) // there is no room for the length
	f.idle()
	f.discarded(1)
}

func TestPayloadInATrace(t *testing.T) {
	var lines []string
	look := made(t)(trace.Module(trace.Config{Hook: func(e trace.Event) { lines = append(lines, e.String()) }}))
	f := flowing(t, setup{stack: []*streams.Module{look}})
	f.post("zero", "first")
	f.read("zero", 0)
	f.read("first", 1)
	if len(lines) != 2 || lines[1] != "up   M_DATA 5 bytes, entry 1" {
		t.Errorf("the trace says %q", lines)
	}
}
