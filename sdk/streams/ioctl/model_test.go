// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// world is the memory of a caller of TRANSFER, and what it asks for.
type world struct {
	arg         transferArg
	argMem      []byte
	from, to    []byte
	transparent bool
	failAt      int // which copy fails, if it comes to that
	total       int // the limit
}

// expected is what the model says of a run.
type expected struct {
	errno  streams.Errno
	rval   int32
	to     []byte
	result transferResult
	ended  []bool
}

// model carries TRANSFER out in a few lines, without rounds.
func (w *world) model() expected {
	to := slices.Clone(w.to)
	copies := 0
	fails := func() bool { copies++; return copies-1 == w.failAt }
	refused := func(e streams.Errno, ended ...bool) expected { return expected{errno: e, to: to, ended: ended} }
	words := 2 * int(w.arg.Words)
	switch {
	case w.transparent && fails():
		return refused(streams.EFAULT)
	case w.arg.Bytes > 4096, words > 4096, 32+int(w.arg.Bytes)+words > w.total:
		return refused(streams.EMSGSIZE)
	case w.arg.Bytes > 0 && (fails() || int(w.arg.Bytes) > len(w.from)):
		return refused(streams.EFAULT)
	}
	data := slices.Clone(w.from[:w.arg.Bytes])
	slices.Reverse(data)
	data = data[:min(len(data), words)]
	if len(data) > 0 && (fails() || len(data) > len(to)) {
		return refused(streams.EFAULT, false)
	}
	copy(to, data)
	if w.transparent && fails() {
		return refused(streams.EFAULT, false) // what was stored stays stored
	}
	n := uint32(len(data))
	return expected{rval: int32(n), to: to, result: transferResult{n, w.arg.Bytes}, ended: []bool{true}}
}

// TestRunModel compares random transfers with the model: errors, bytes, what the
// function is told at the end.
func TestRunModel(t *testing.T) {
	d := &device{}
	tables := map[int]*Table{}
	for _, total := range []int{100, 1 << 18} {
		tables[total] = d.table(t, Config{Limits: Limits{Total: total}})
	}
	size := rapid.OneOf(rapid.IntRange(0, 40), rapid.SampledFrom([]int{100, 4096, 4097, 65535}))
	rapid.Check(t, func(rt *rapid.T) {
		w := world{
			arg: transferArg{
				From: 0x1000_0000, To: 0x2000_0000, Bytes: uint32(size.Draw(rt, "bytes")), Words: uint16(size.Draw(rt, "words")),
			},
			from:        rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(rt, "from"),
			to:          make([]byte, rapid.IntRange(0, 50).Draw(rt, "room")),
			transparent: rapid.Bool().Draw(rt, "transparent"),
			failAt:      rapid.IntRange(0, 8).Draw(rt, "failing copy"),
			total:       rapid.SampledFrom([]int{100, 1 << 18}).Draw(rt, "limit"),
		}
		want := w.model()
		w.argMem = bytesOf(t, w.arg)
		d.ends = nil
		mem := &Faulty{
			Memory: regions(t, Region{Addr: 0x10, Data: w.argMem}, Region{Addr: w.arg.From, Data: w.from}, Region{Addr: w.arg.To, Data: w.to}),
			Fail: func(n int, _ bool, _ uint64, _ int) error {
				if n == w.failAt {
					return streams.EFAULT
				}
				return nil
			},
		}
		req := Request{Command: cmdTransfer, Transparent: w.transparent, Arg: 0x10, Caller: everyone}
		if !w.transparent {
			req.Data = slices.Clone(w.argMem)
		}
		rval, data, err := Run(t.Context(), tables[w.total], req, mem)
		if streams.ErrnoOf(err) != want.errno || rval != want.rval {
			rt.Fatalf("%+v: got %d, %v, want %+v", w, rval, err, want)
		}
		if !bytes.Equal(w.to, want.to) || !slices.Equal(d.ends, want.ended) {
			rt.Fatalf("%+v: stored %v, ends %v, want %+v", w, w.to, d.ends, want)
		}
		if w.transparent {
			data = w.argMem
		}
		if want.errno == 0 && !bytes.Equal(data[:8], bytesOf(t, want.result)) {
			rt.Fatalf("%+v: result %v, want %+v", w, data, want.result)
		}
	})
}

// FuzzCall feeds a call whatever comes: every call ends within its rounds, what it asks
// for is within its limits, and a function's AtEnd is called once.
func FuzzCall(f *testing.F) {
	arg := func(a transferArg) []byte { return bytesOf(f, a) }
	f.Add(uint32(cmdTransfer), true, uint8(7), arg(transferArg{From: 1, To: 2, Bytes: 3, Words: 1}), []byte{1, 2, 2, 3, 3})
	f.Add(uint32(cmdTransfer), false, uint8(7), arg(transferArg{Bytes: 4096, Words: 2048}), []byte{1, 2, 3})
	f.Add(uint32(cmdTransfer), true, uint8(7), arg(transferArg{Bytes: 1 << 31, Words: 0xffff}), []byte{1, 2, 4})
	f.Add(uint32(cmdSetGain), true, uint8(3), []byte{1, 0, 0, 0, 9, 9, 9, 9}, []byte{1, 2})
	f.Add(uint32(cmdGrown)|0x200000, true, uint8(7), make([]byte, 48), []byte{1, 2, 3})
	f.Add(uint32(cmdGetStats), false, uint8(1), make([]byte, 16), []byte{1, 1})
	f.Add(uint32(cmdReset), true, uint8(4), []byte{}, []byte{1, 5})
	f.Add(uint32(cmdPanic), true, uint8(0), []byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, number uint32, transparent bool, rights uint8, data, events []byte) {
		d := &device{}
		req := Request{
			Command: streams.Command(number), Transparent: transparent, Arg: 0x1000,
			Caller: Caller{Read: rights&1 != 0, Write: rights&2 != 0, Privileged: rights&4 != 0},
		}
		if !transparent || rights&8 != 0 {
			req.Data = slices.Clone(data)
		}
		call, ok := d.table(t, Config{}).Call(req)
		if !ok {
			return
		}
		over, total, rounds := false, 0, 0
		want := 0
		for i := range len(events) + 1 {
			e := Event{Kind: Abandoned} // the last one
			if i < len(events) {
				e = Event{Kind: EventKind(events[i] & 7), Errno: streams.Errno(events[i])}
			}
			if e.Kind == CopiedIn {
				e.Data = make([]byte, want)
				copy(e.Data, data)
				if i < len(events) && events[i]&8 != 0 {
					e.Data = data
				}
			}
			n := call.Advance(context.Background(), e)
			switch {
			case over && n.Kind != Silent:
				t.Fatalf("after the end: %+v", n)
			case n.Kind == NeedIn || n.Kind == NeedOut:
				if n.Size <= 0 || n.Kind == NeedOut && n.Size != len(n.Data) {
					t.Fatalf("copy of %d bytes with %d", n.Size, len(n.Data))
				}
				rounds++
				total += n.Size
				want = n.Size
			case n.Kind == Nak && (n.Errno == 0 || n.Errno > streams.MaxErrno):
				t.Fatalf("refused with %d", n.Errno)
			case n.Kind == Ack && (transparent || len(n.Data) > len(req.Data)) && len(n.Data) > 0:
				t.Fatalf("answered with %d bytes for %d", len(n.Data), len(req.Data))
			default:
				over = true
			}
		}
		if !over || rounds > 4 || total > 262144 || len(d.ends) > 1 {
			t.Fatalf("over %v, rounds %d, bytes %d, ends %v", over, rounds, total, d.ends)
		}
	})
}
