// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// fence is what stands before and after memory that a peer has written, to see
// whether anything is written beside it.
var fence = bytes.Repeat([]byte{0xa5}, 64)

// fenced returns a copy of b between two fences, and a check of them.
func fenced(b []byte) (inner []byte, intact func() bool) {
	whole := bytes.Join([][]byte{fence, b, fence}, nil)
	end := len(fence) + len(b)
	return whole[len(fence):end:end], func() bool {
		return bytes.Equal(whole[:len(fence)], fence) && bytes.Equal(whole[end:], fence)
	}
}

// fuzzBounds are those of the buffers of the fuzzed sessions.
var fuzzBounds = []Bound{{64, 8}, {64, 8}, {64, 0}, {0xffffffff, 8}}

// fuzzScript receives, sends, arms, changes a word, and tries again.
var fuzzScript = []byte{1, 2, 2, 2, 3, 1, 4, 0, 1, 9, 0, 32, 0xff, 0xff, 0xff, 0xff, 2, 1, 1, 9}

// queuedBytes returns the memory of a queue of eight entries in which some are unread,
// good ones first.
func queuedBytes(tb testing.TB, l userclient.Layout) Memory {
	m := heap(tb, l, 8)
	p, _ := pair(tb, m, Config{Layout: l})
	must[Wake](tb)(p.Put([]Entry{{Buffer: 1, DataLength: 5}, {Buffer: 2}, {Buffer: 0}, {Buffer: 2}, {Buffer: 9}}))
	return m
}

// FuzzHostileMemory makes an End on memory of the fuzzer's making. Whatever stands
// there: no panic, no access beside it, and what is accepted is in range and was
// not owned.
func FuzzHostileMemory(f *testing.F) {
	for _, l := range []userclient.Layout{userclient.LayoutNative, userclient.LayoutClassic} {
		m := queuedBytes(f, l)
		for role := range byte(3) {
			f.Add(uint8(l), role, m.Ring, m.Reader, fuzzScript)
		}
	}
	f.Fuzz(func(t *testing.T, layout, role uint8, ring, reader, script []byte) {
		runHostile(t, userclient.Layout(layout), role, Memory{ring, reader}, Memory{ring, reader}, script)
	})
}

// FuzzHostileWords starts with memory that is right, so that the fuzzer gets at
// once to what changes while the queues are in use.
func FuzzHostileWords(f *testing.F) {
	for l := range uint8(2) {
		for role := range byte(3) {
			f.Add(l, role, fuzzScript)
			f.Add(l, role|128, fuzzScript)
		}
	}
	f.Fuzz(func(t *testing.T, layout, role uint8, script []byte) {
		l := userclient.Layout(layout % 2)
		runHostile(t, l, role, queuedBytes(t, l), heap(t, l, 8), script)
	})
}

// runHostile runs an End on copies of the memory of its two queues, which change
// as the script says. The driver, who owns all buffers at first, has a role of 128
// or more.
func runHostile(t *testing.T, l userclient.Layout, role uint8, in, out Memory, script []byte) {
	var intact [4]func() bool
	size := uint64(len(in.Ring))
	in.Ring, intact[0] = fenced(in.Ring)
	in.Reader, intact[1] = fenced(in.Reader)
	out.Ring, intact[2] = fenced(out.Ring)
	out.Reader, intact[3] = fenced(out.Reader)
	cfg := Config{Layout: l, Name: "queue", Buffers: 4, Roles: NewRoles(Role(role % 128 % 3))}
	c, err := NewConsumer(in, cfg)
	if err != nil {
		return
	}
	if need := uint64(RingSize(l, uint32(len(c.slots)))); need > size {
		t.Fatalf("accepted a ring of %d entries in %d bytes", len(c.slots), size)
	}
	p, err := NewProducer(out, cfg)
	if err != nil {
		return
	}
	h := hostileRun{t: t, end: NewEnd(c, p, fuzzBounds, role >= 128), bounds: fuzzBounds, script: script}
	h.memory = [][]byte{in.Ring, in.Reader, out.Ring, out.Reader}
	for id := range fuzzBounds {
		h.mine = append(h.mine, role >= 128)
		if h.end.Owns(uint32(id)) != h.mine[id] {
			t.Fatalf("buffer %d belongs to the wrong side", id)
		}
	}
	h.run()
	for i, ok := range intact {
		if !ok() {
			t.Fatalf("wrote beside memory %d", i)
		}
	}
}

// hostileRun reads a script of calls and of changes to memory.
type hostileRun struct {
	t      *testing.T
	end    *End
	bounds []Bound
	mine   []bool // what the End must say about its ownership
	memory [][]byte
	script []byte
}

func (h *hostileRun) next() (b byte) {
	if len(h.script) > 0 {
		b, h.script = h.script[0], h.script[1:]
	}
	return b
}

func (h *hostileRun) run() {
	for len(h.script) > 0 {
		var err error
		switch h.next() % 8 {
		case 0, 7:
			h.poke()
		case 1:
			err = h.receive(int(h.next() % 12))
		case 2:
			err = h.send(int(h.next() % 5))
		case 3:
			_, err = h.end.Arm(uint32(h.next()), Sleep(h.next()))
		case 4:
			_, err = h.end.Queued()
		case 5:
			_, err = h.end.Len()
		case 6:
			h.end.Disarm()
			h.end.Poll()
			h.end.Look(2)
			h.end.Prepare(1)
			h.end.SetToken(1)
			h.end.SetCPU(uint32(h.next()))
		}
		if err != nil && !errors.Is(err, ioreturn.ErrProtocol) && !errors.Is(err, ioreturn.ErrState) {
			h.t.Fatalf("unexpected error: %v", err)
		}
		if errors.Is(err, ioreturn.ErrProtocol) != (h.end.Err() != nil) && err != nil {
			h.t.Fatalf("%v, but the end says %v", err, h.end.Err())
		}
		for id, want := range h.mine {
			if h.end.Owns(uint32(id)) != want {
				h.t.Fatalf("buffer %d: owned is not %v", id, want)
			}
		}
	}
}

// poke changes four bytes of shared memory.
func (h *hostileRun) poke() {
	b := h.memory[h.next()%4]
	off := int(h.next()) * 4
	var v [4]byte
	for i := range v {
		v[i] = h.next()
	}
	if off+4 <= len(b) {
		binary.LittleEndian.PutUint32(b[off:], binary.LittleEndian.Uint32(v[:]))
	}
}

func (h *hostileRun) receive(room int) error {
	if h.next()%2 == 1 {
		return h.receiveBuffers(room)
	}
	dst := make([]Entry, room)
	n, err := h.end.Receive(dst)
	for i := range dst[:n] {
		e := &dst[i]
		if uint64(e.Buffer) >= uint64(len(h.bounds)) || h.mine[e.Buffer] {
			h.t.Fatalf("accepted buffer %d", e.Buffer)
		}
		b := h.bounds[e.Buffer]
		if uint64(e.DataOffset)+uint64(e.DataLength) > uint64(b.Data) || uint64(e.ControlOffset)+uint64(e.ControlLength) > uint64(b.Control) {
			h.t.Fatalf("accepted a range that leaves the buffer: %+v", e)
		}
		h.mine[e.Buffer] = true
	}
	if n > 0 && err != nil {
		h.t.Fatalf("%d entries and %v", n, err)
	}
	return err
}

func (h *hostileRun) receiveBuffers(room int) error {
	ids := make([]uint32, room)
	n, err := h.end.ReceiveBuffers(ids)
	for _, id := range ids[:n] {
		if uint64(id) >= uint64(len(h.bounds)) || h.mine[id] {
			h.t.Fatalf("accepted buffer %d", id)
		}
		h.mine[id] = true
	}
	if n > 0 && err != nil {
		h.t.Fatalf("%d buffers and %v", n, err)
	}
	return err
}

// send sends up to n buffers that the End owns.
func (h *hostileRun) send(n int) error {
	var es []Entry
	for id := range h.mine {
		if h.mine[id] && len(es) < n {
			es = append(es, Entry{Buffer: uint32(id)})
		}
	}
	var err error
	switch h.next() % 3 {
	case 0:
		_, err = h.end.Send(es)
	case 1:
		_, err = h.end.SendChecked(es)
	case 2:
		_, err = sendBuffers(h.end, idsOf(es), 1)
	}
	if err == nil {
		for _, e := range es {
			h.mine[e.Buffer] = false
		}
	}
	return err
}
