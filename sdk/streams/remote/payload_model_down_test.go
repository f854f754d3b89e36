// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"encoding/binary"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"pgregory.net/rapid"
)

// TestPayloadDownModel has a client that sends through a whimsical module. Each entry must come
// to the driver once, with its bytes, or be counted as discarded; and in the end every
// buffer is with the client again.
func TestPayloadDownModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		buffers := rapid.IntRange(1, 5).Draw(rt, "buffers")
		w := drawWhims(rt)
		f := flowing(t, setup{
			driver:   iostream.DriverConfig{Direction: iostream.ToDevice, Buffers: buffers},
			pushable: []*streams.Module{w.module("0")},
		})
		defer f.end()
		ok := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		var frames []iostream.Frame
		var taken []*iostream.Buffer
		var sent, got, empty uint64
		seen := map[uint64]bool{}
		pushed := false
		take := func() bool {
			b, err := f.d.TryTake()
			if err != nil {
				return false
			}
			taken = append(taken, b)
			if b.Flags()&iostream.FlagFlushed != 0 {
				empty--
				return true
			}
			n := binary.LittleEndian.Uint64(b.Filled())
			if n >= sent || seen[n] {
				rt.Fatalf("entry %d came, %d were sent, seen before: %v", n, sent, seen[n])
			}
			seen[n] = true
			got++
			return true
		}
		next := func() bool {
			fr, there, err := f.s.TryNext()
			if err == nil && there {
				frames = append(frames, fr)
			}
			return err == nil && there
		}
		post := func() {
			ok(f.d.Post(taken[0], 0))
			taken = taken[1:]
		}
		pop := func() {
			ok(remote.Pop(rt.Context(), f.s.Conn()))
			pushed = false
		}
		skipUnless := func(can bool) {
			if !can {
				rt.Skip("not now")
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				if st := f.d.Stats(); got+st.Discarded > sent || st.TotalLost() != 0 || st.Numbered {
					rt.Fatalf("%d were sent, %d came, and the driver counts %+v", sent, got, st)
				}
			},
			"next": func(*rapid.T) { next() },
			"take": func(*rapid.T) { take() },
			"send": func(rt *rapid.T) {
				skipUnless(len(frames) > 0)
				fr := frames[0]
				frames = frames[1:]
				if rapid.Bool().Draw(rt, "empty") {
					empty++
					ok(fr.Release())
					return
				}
				binary.LittleEndian.PutUint64(fr.Region()[8:], sent)
				sent++
				ok(fr.SendEntry(iostream.Posting{Offset: 8, Length: 8}))
			},
			"post": func(*rapid.T) { skipUnless(len(taken) > 0); post() },
			"push": func(rt *rapid.T) {
				skipUnless(!pushed)
				ok(remote.Push(rt.Context(), f.s.Conn(), "0"))
				pushed = true
			},
			"pop":   func(*rapid.T) { skipUnless(pushed); pop() },
			"letGo": func(*rapid.T) { skipUnless(pushed); ok(w.passOn()) },
			"restart": func(rt *rapid.T) {
				ok(f.s.Stop(rt.Context()))
				ok(f.s.Start(rt.Context()))
			},
		})
		for pushed || take() || len(taken) > 0 || next() { // everything that is under way
			if pushed {
				take() // lets it into the module
				pop()
			}
			for len(taken) > 0 {
				post()
			}
		}
		if st := f.d.Stats(); got+st.Discarded != sent || empty != 0 {
			rt.Fatalf("%d were sent, %d came, %d empty ones did not, and the driver counts %+v", sent, got, empty, st)
		}
		if len(frames) != buffers {
			rt.Fatalf("the client has %d of %d buffers", len(frames), buffers)
		}
		ok(f.s.ReleaseBatch(frames))
		if st := f.d.Stats(); st.Lost[userclient.LossModule] != 0 {
			rt.Fatalf("counted %+v", st)
		}
	})
}
