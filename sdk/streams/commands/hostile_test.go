// SPDX-License-Identifier: Apache-2.0

package commands_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// foreign is private state of somebody else's.
type foreign struct{ released *int }

func (f foreign) Release() { *f.released++ }

// hostile is a stream whose head does everything wrong: D61 of the STREAMS case list, as
// far as a module sees it.
type hostile struct {
	t        *testing.T
	dice     []byte // what it does
	s        *streams.Stream
	came     []*streams.Block // what came up, not answered yet
	id       uint64
	foreign  int // private states made
	released int
}

// TestD61Hostile sends requests and answers in any order, size and number, and closes at
// any time. Every block is freed, every call ends once, and nothing panics.
func TestD61Hostile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dice := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(rt, "dice")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = (&hostile{t: t, dice: dice}).run() })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// run returns what was wrong at the end.
func (h *hostile) run() string {
	d := newDevice(h.t)
	arena := streams.NewArena(nil)
	top := &streams.Module{Name: "top", Read: streams.Procedures{Put: func(_ *streams.Queue, m *streams.Block) { h.came = append(h.came, m) }}}
	var err error
	if h.s, err = streams.NewDomain(&streams.Config{Arena: arena}).Open(d.module(nil), top, streams.OpenInfo{}); err != nil {
		return err.Error()
	}
	for len(h.dice) > 0 {
		switch h.roll(8) {
		case 0, 1:
			h.send()
		case 2:
			h.invent()
		case 3:
			synctest.Wait()
		default:
			h.answer()
		}
	}
	if err := h.s.Close(h.t.Context(), 0); err != nil {
		return err.Error()
	}
	synctest.Wait() // for functions
	for _, m := range h.came {
		m.Free()
	}
	switch u := arena.Usage(); {
	case u != streams.Usage{}:
		return fmt.Sprintf("leaked: %+v", u)
	case h.released != h.foreign:
		return fmt.Sprintf("%d of %d private states of others were released", h.released, h.foreign)
	case len(d.ends) != d.runs:
		return fmt.Sprintf("%d functions have run, %d calls have ended", d.runs, len(d.ends))
	}
	return ""
}

// roll returns 0 to n-1.
func (h *hostile) roll(n int) int {
	if len(h.dice) == 0 {
		return 0
	}
	v := int(h.dice[0])
	h.dice = h.dice[1:]
	return v % n
}

// put sends a message down, in any case.
func (h *hostile) put(m *streams.Block) {
	if err := h.s.Put(m); err != nil {
		m.Free()
	}
}

// block returns a block with b.
func (h *hostile) block(b []byte) *streams.Block {
	m, err := h.s.Arena().From(streams.MData, b)
	h.must(err)
	return m
}

func (h *hostile) must(err error) {
	if err != nil {
		h.t.Fatal(err)
	}
}

// send sends a request that may lack some of its data.
func (h *hostile) send() {
	x := streams.Ioctl{
		Cmd: []streams.Command{cmdDouble, cmdSwap, cmdSwap, cmdSwap, cmdPanic, cmdUnknown}[h.roll(6)],
		ID:  h.id, Transparent: h.roll(2) == 0,
		Arg: streams.Addr(h.roll(3)),
	}
	h.id += uint64(h.roll(2))
	var data *streams.Block
	if !x.Transparent {
		arg := encode(h.t, buffers{In: 1, InLen: 3, Out: 1, OutLen: 3})
		if x.Cmd == cmdDouble {
			arg = arg[:8]
		}
		data = h.block(arg)
	}
	m, err := h.s.Arena().Ioctl(x, data)
	h.must(err)
	if data != nil && h.roll(5) == 0 {
		h.must(data.Resize(0, -h.roll(data.Len()+1)))
	}
	h.put(m)
}

// answer does something with a message that came.
func (h *hostile) answer() {
	synctest.Wait()
	if len(h.came) == 0 {
		return
	}
	m := h.came[0]
	h.came = h.came[1:]
	r, copies := m.CopyRequest()
	if !copies {
		m.Free()
		return
	}
	size, errno := r.Size, streams.Errno(0)
	switch h.roll(12) {
	case 0:
		size = h.roll(64)
	case 1:
		errno = streams.Errno(1 + h.roll(256)<<h.roll(24))
	case 2:
		m.Free()
		return
	case 3:
		double, err := m.Dup()
		h.must(err)
		defer double.Free()
	}
	var data *streams.Block
	if errno == 0 && m.Type() == streams.MCopyIn {
		b := make([]byte, size)
		copy(b, encode(h.t, buffers{In: 1, InLen: 3, Out: 1, OutLen: 3}))
		data = h.block(b)
	}
	if m.CopyDone(errno, data) != nil { // it is shared
		data.Free()
		m.Free()
		return
	}
	h.put(m)
}

// invent sends an answer that nobody has asked for.
func (h *hostile) invent() {
	m, err := h.s.Arena().Ioctl(streams.Ioctl{Cmd: cmdSwap, ID: h.id, Transparent: true, Arg: 1}, nil)
	h.must(err)
	var state streams.Private
	if h.roll(2) == 0 {
		h.foreign++
		state = foreign{&h.released}
	}
	h.must(m.CopyIn(state, 1, 1))
	h.must(m.CopyDone(0, h.block(make([]byte, h.roll(32)))))
	h.put(m)
}
