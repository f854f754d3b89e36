// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkBadFormats(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	good, err := t.Describe().Format.AppendBinary(nil)
	l.must("encode the format", err)
	random := make([]byte, 64)
	for i := range random {
		random[i] = byte(t.Rand().Uint32())
	}
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge, 0xffffffff)
	longField := bytes.Clone(good)
	if len(longField) >= 12 {
		binary.LittleEndian.PutUint32(longField[8:], 0xfffffff0)
	}
	l.changesNothing("set format with rubbish", func() {
		for _, c := range []struct {
			what string
			b    []byte
		}{
			{"no bytes at all", nil},
			{"a single byte", good[:1]},
			{"a format that is cut off", good[:len(good)-1]},
			{"a byte behind the format", append(bytes.Clone(good), 0)},
			{"a record that claims to be 4 GiB long", huge},
			{"a field that claims to be 4 GiB long", longField},
			{"64 random bytes", random},
			{"64 KiB of zeros", make([]byte, userclient.MaxInline)},
		} {
			err := l.do(&userclient.Args{Selector: userclient.SelSetFormat, InBytes: c.b, OutBytes: make([]byte, userclient.MaxInline)})
			l.turnedDown("set format with "+c.what, err, ioreturn.BadArgument, ioreturn.Unsupported, ioreturn.MessageTooLarge)
		}
	})
}

// record is a method that answers with one.
type recordMethod struct {
	sel   uint32
	name  string
	needs Capability
}

func recordMethods() []recordMethod {
	return []recordMethod{
		{userclient.SelDescribe, "describe", CapDescribe},
		{userclient.SelMemoryMap, "memory map", CapMemoryMap},
		{userclient.SelStats, "stats", CapStats},
		{userclient.SelGetFormat, "get format", CapFormat},
		{userclient.SelObserve, "observe", CapObserve},
	}
}

func checkSmallRoom(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	for _, m := range recordMethods() {
		if !t.Claims(m.needs) {
			continue
		}
		whole, err := l.bytes(m.sel)
		l.must(m.name, err)
		if len(whole) == 0 {
			t.abortf("%s answered no bytes", m.name)
		}
		for _, room := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
			a := userclient.Args{Selector: m.sel, Out: make([]uint64, userclient.MaxScalars), OutBytes: make([]byte, room)}
			l.refused(fmt.Sprintf("%s with room for %d of %d bytes", m.name, room, len(whole)), l.do(&a), ioreturn.NoSpace)
		}
		a := userclient.Args{Selector: m.sel, OutBytes: make([]byte, len(whole))}
		l.accepted(fmt.Sprintf("%s with room for exactly its %d bytes", m.name, len(whole)), l.do(&a))
	}
}

func checkNoRoom(t *T) {
	l := t.link()
	l.reach(userclient.StateRunning)
	type question struct {
		sel  uint32
		name string
		in   []uint64
		out  int // scalars that it has to tell
	}
	questions := []question{
		{userclient.SelGetMode, "get mode", nil, 1},
		{userclient.SelGetBufferCount, "get buffer count", nil, 1},
		{userclient.SelStop, "stop", nil, 1},
	}
	if t.Claims(CapCorrelate) {
		questions = append(questions, question{userclient.SelCorrelate, "correlate", nil, 3})
	}
	if t.Claims(CapInputSync) {
		questions = append(questions, question{userclient.SelInputSync, "input sync", []uint64{1}, 1})
	}
	for _, q := range questions {
		for room := range q.out {
			a := userclient.Args{Selector: q.sel, In: q.in, Out: make([]uint64, room)}
			err := l.do(&a)
			l.answeredOr(fmt.Sprintf("%s with room for %d of its %d scalars", q.name, room, q.out), err, ioreturn.NoSpace, ioreturn.BadArgument)
			if err == nil && a.NOut > room {
				t.Errorf("%s answered %d scalars where there was room for %d", q.name, a.NOut, room)
			}
		}
	}
}
