// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// An M_ERROR flushes the sides that it names, unless all of them were in error before, and
// needs no memory for it.
func TestErrorFlushes(t *testing.T) {
	const same = streams.ErrorUnchanged
	eio, eproto := byte(streams.EIO), byte(streams.EPROTO)
	for name, tc := range map[string]struct {
		errors [][]byte
		want   []streams.FlushFlags
	}{
		"one byte is both sides":         {[][]byte{{eio}}, []streams.FlushFlags{streams.FlushRW}},
		"reading":                        {[][]byte{{eio, same}}, []streams.FlushFlags{streams.FlushR}},
		"writing":                        {[][]byte{{same, eio}}, []streams.FlushFlags{streams.FlushW}},
		"neither":                        {[][]byte{{same, same}, {0}, {}}, nil},
		"again":                          {[][]byte{{eio}, {eproto, same}, {eio, eio}}, []streams.FlushFlags{streams.FlushRW}},
		"one side was in error before":   {[][]byte{{eio, same}, {eproto, eio}}, []streams.FlushFlags{streams.FlushR, streams.FlushRW}},
		"one side is cleared by another": {[][]byte{{eio, eio}, {0, eproto}}, []streams.FlushFlags{streams.FlushRW}},
		"cleared and set again":          {[][]byte{{eio}, {0, 0}, {eio}}, []streams.FlushFlags{streams.FlushRW, streams.FlushRW}},
	} {
		t.Run(name, func(t *testing.T) {
			var empty atomic.Bool
			arena := streams.NewArena(&streams.ArenaConfig{Fault: func(uint64, int) bool { return empty.Load() }})
			var port *streams.Port
			var got []streams.FlushFlags
			driver := &streams.Module{
				Name: "driver",
				Open: func(q *streams.Queue, _ streams.OpenInfo) (err error) {
					port, err = q.Port()
					return err
				},
				Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
					if flags, _ := m.FlushRequest(); m.Type() == streams.MFlush {
						if m.Len() != 1 || m.Flags() != 0 {
							t.Errorf("M_FLUSH of %d bytes with the flags %v", m.Len(), m.Flags())
						}
						got = append(got, flags)
					}
					q.PassOn(m)
				}},
			}
			h, err := head.Open(streams.NewDomain(&streams.Config{Arena: arena}), driver, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range tc.errors {
				m, err := arena.From(streams.MError, b)
				if err != nil {
					t.Fatal(err)
				}
				m.SetFlags(streams.MsgNoLoop)
				empty.Store(true)
				if err := port.Put(nil, m); err != nil {
					t.Fatal(err)
				}
				empty.Store(false)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("the driver was told to flush %v, want %v", got, tc.want)
			}
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if u := arena.Usage(); u.Blocks != 0 || u.Buffers != 0 || u.Misuses != 0 {
				t.Errorf("leaked: %+v", u)
			}
		})
	}
}
