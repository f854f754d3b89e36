// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func free(_ *streams.Queue, m *streams.Block) { m.Free() }

func pass(q *streams.Queue, m *streams.Block) { q.PassOn(m) }

func TestPayloadPassesModulesInPlace(t *testing.T) {
	var seen []userclient.PayloadInfo
	var said []string
	look := onUp("look", func(q *streams.Queue, m *streams.Block) {
		p, ok := m.Value().(userclient.Payload)
		if !ok || !m.Over(p) || m.Next() != nil || m.Shared() {
			t.Error("this is not an entry in its buffer")
		}
		seen, said = append(seen, p.Info()), append(said, string(m.Bytes()))
		q.PassOn(m)
	})
	f := flowing(t, setup{driver: iostream.DriverConfig{Metadata: true}, stack: []*streams.Module{onUp("pass", pass), look}})
	b, err := f.d.Take(f.ctx())
	f.must(err)
	f.must(f.d.PostEntry(b, iostream.Posting{Offset: 3, Length: copy(b.Data()[3:], "first"), Time: 1234, Flags: iostream.FlagKey}))
	f.post("second")
	f.read("first", 0)
	f.read("second", 1)
	if !slices.Equal(said, []string{"first", "second"}) || seen[0].Time != 1234 || seen[0].Flags != uint8(iostream.FlagKey|iostream.FlagTime) ||
		seen[0].Seq != 0 || seen[1].Seq != 1 || seen[1].Time == 0 || seen[0].Down {
		t.Errorf("the module saw %q with %+v", said, seen)
	}
	f.lost(nil)
	if st := f.d.Stats(); st.Copies != 0 || st.Posted != 2 {
		t.Errorf("counted %+v", st)
	}
	f.takeAll(8)
}

func TestPayloadGoesByModulesForCommands(t *testing.T) {
	f := flowing(t, setup{stack: []*streams.Module{onUp("drop", free)}, commands: true})
	f.post("a")
	f.read("a", 0)
	f.lost(nil)
}

func TestPayloadThatAModuleDrops(t *testing.T) {
	odd := onUp("odd", func(q *streams.Queue, m *streams.Block) {
		if m.Value().(userclient.Payload).Info().Seq%2 == 1 {
			m.Free()
			return
		}
		q.PutNext(m)
	})
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 2, Metadata: true}, stack: []*streams.Module{odd}})
	for i := range uint64(6) {
		f.post(fmt.Sprint(i))
		if i%2 == 0 {
			f.read(fmt.Sprint(i), i)
		}
	}
	f.lost(map[iostream.Cause]uint64{userclient.LossModule: 3})
	f.takeAll(2)
	last := f.d.Stats().Log
	if n := len(last); n != 3 || last[2].LastSeq != 5 || last[2].Cause != userclient.LossModule || last[2].Count != 1 {
		t.Errorf("the log of losses is %+v", last)
	}
	f.must(f.s.Stop(f.ctx()))
	if st := f.s.Stats(); !st.Given || st.LastGiven != 5 {
		t.Errorf("the client was told of number %d, %v", st.LastGiven, st.Given)
	}
}

func TestPayloadThatAModuleChanges(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 65)
	replace := func(b []byte, with any) func(q *streams.Queue, m *streams.Block) {
		return func(q *streams.Queue, m *streams.Block) {
			n, err := q.Arena().From(streams.MData, b)
			if with == nil && err == nil {
				err = n.SetValue(m.Value())
			}
			if err != nil {
				t.Error(err)
			}
			m.Free()
			q.PutNext(n)
		}
	}
	tail := func(text string) func(q *streams.Queue, m *streams.Block) {
		return func(q *streams.Queue, m *streams.Block) {
			n, err := q.Arena().From(streams.MData, []byte(text))
			if err != nil || m.Link(n) != nil {
				t.Error(err)
			}
			q.PutNext(m)
		}
	}
	for _, tc := range []struct {
		name   string
		fn     func(q *streams.Queue, m *streams.Block)
		want   string // nothing: it is lost
		copies uint64
	}{
		{"shorter", func(q *streams.Queue, m *streams.Block) {
			if m.Adjust(2) != nil || m.Adjust(-1) != nil {
				t.Error("the message is too short")
			}
			q.PutNext(m)
		}, "yloa", 0},
		{"longer in place", func(q *streams.Queue, m *streams.Block) {
			if err := m.Append([]byte("!")); err != nil {
				t.Error(err)
			}
			q.PutNext(m)
		}, "payload!", 0},
		{"copy", func(q *streams.Queue, m *streams.Block) {
			c, err := m.Copy()
			if err != nil {
				t.Error(err)
			}
			m.Free()
			q.PutNext(c)
		}, "payload", 1},
		{"copy and original", func(q *streams.Queue, m *streams.Block) {
			c, err := m.Copy()
			if err != nil {
				t.Error(err)
			}
			q.PutNext(c)
			q.PutNext(m)
		}, "payload", 1},
		{"duplicate and original", func(q *streams.Queue, m *streams.Block) {
			d, err := m.Dup()
			if err != nil || m.Adjust(3) != nil {
				t.Error(err)
			}
			q.PutNext(m)
			q.PutNext(d)
		}, "load", 0},
		{"linked with itself", func(q *streams.Queue, m *streams.Block) {
			d, err := m.Dup()
			if err != nil || m.Link(d) != nil {
				t.Error(err)
			}
			q.PutNext(m)
		}, "payloadpayload", 1},
		{"with a tail", tail(" and more"), "payload and more", 1},
		{"with a tail that does not fit", tail(string(long[:58])), "", 0},
		{"other bytes", replace([]byte("other"), nil), "other", 1},
		{"more bytes than there is room for", replace(long, nil), "", 0},
		{"no entry", replace([]byte("other"), 1), "", 0},
		{"another type", func(q *streams.Queue, m *streams.Block) {
			if err := m.SetType(streams.MProto); err != nil {
				t.Error(err)
			}
			q.PutNext(m)
		}, "", 0},
		{"with a block of another type", func(q *streams.Queue, m *streams.Block) {
			n, err := q.Arena().From(streams.MProto, []byte("x"))
			if err != nil || n.Link(m) != nil {
				t.Error(err)
			}
			q.PutNext(n)
		}, "", 0},
		{"the wrong end", func(q *streams.Queue, m *streams.Block) { q.Reply(m) }, "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 2}, stack: []*streams.Module{onUp("change", tc.fn)}})
			for i := range uint64(4) {
				f.post("payload")
				if tc.want != "" {
					f.read(tc.want, i)
				}
			}
			f.nothing()
			f.takeAll(2)
			want := map[iostream.Cause]uint64{}
			if tc.want == "" {
				want[userclient.LossModule] = 4
			}
			f.lost(want)
			if got := f.d.Stats().Copies; got != 4*tc.copies {
				t.Errorf("%d copies, want %d", got, 4*tc.copies)
			}
		})
	}
}

func TestPayloadThatAModuleHolds(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		for _, policy := range []iostream.Policy{iostream.Block, iostream.DropNewest, iostream.DropOldest, iostream.Fail} {
			t.Run(fmt.Sprintf("%v, deaf: %v", policy, deaf), func(t *testing.T) {
				k := &keeper{deaf: deaf}
				f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 3, Policy: policy}, stack: []*streams.Module{k.module("keep")}})
				f.post("a", "b", "c")
				f.nothing()
				f.takeAll(0)
				want := map[iostream.Cause]uint64{}
				switch policy {
				case iostream.DropNewest, iostream.DropOldest: // there is nothing in the backlog
					f.post("too much")
					want[userclient.LossDropNewest] = 1
				case iostream.Fail:
					if _, err := f.d.Take(f.ctx()); !errors.Is(err, ioreturn.ErrOverrun) {
						t.Errorf("Take: %v", err)
					}
					want[userclient.LossFail], want[userclient.LossStopped] = 1, 3
				}
				if policy != iostream.Fail {
					if st := f.d.Stats(); st.Backlogged != 3 {
						t.Errorf("%d entries are under way, want 3", st.Backlogged)
					}
					k.letGo(t)
					f.read("a", 0)
					f.read("b", 1)
					f.read("c", 2)
					f.post("d", "e")
					f.must(f.s.Stop(f.ctx()))
					want[userclient.LossStopped] = 2
				}
				f.lost(want)
				f.must(f.s.Start(f.ctx()))
				if deaf {
					f.takeAll(map[bool]int{true: 0, false: 1}[policy == iostream.Fail])
					k.letGo(t)
					f.nothing()
				}
				f.takeAll(3)
				f.post("again")
				k.letGo(t)
				f.read("again", f.d.Stats().LastSeq)
				f.post("held at the end") // what is left is freed by closing
			})
		}
	}
}

func TestPayloadHeldBeforeAFullModule(t *testing.T) {
	k := &keeper{}
	full := k.module("full")
	full.Read.HighWater = 1
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 3}, stack: []*streams.Module{full}})
	f.post("a", "b", "c")
	f.takeAll(0)
	k.letGo(t) // and those before it follow
	k.letGo(t)
	k.letGo(t)
	f.read("a", 0)
	f.read("b", 1)
	f.read("c", 2)
	f.post("d", "e", "f")
	f.must(f.s.Stop(f.ctx()))
	f.must(f.s.Start(f.ctx()))
	f.takeAll(3)
	f.lost(map[iostream.Cause]uint64{userclient.LossStopped: 3})
}

func TestPayloadKeepsItsOrderBehindADuplicate(t *testing.T) {
	var kept *streams.Block
	k := &keeper{}
	dup := k.module("dup")
	dup.Read = streams.Procedures{Put: data(func(q *streams.Queue, m *streams.Block) {
		if kept == nil {
			var err error
			if kept, err = m.Dup(); err != nil {
				t.Error(err)
			}
		}
		q.PutNext(m)
	})}
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 3}, stack: []*streams.Module{dup}})
	f.post("a", "b", "c")
	f.nothing() // somebody looks at a
	f.takeAll(0)
	k.inside(t, func() {
		if string(kept.Bytes()) != "a" {
			t.Errorf("the duplicate is %q", kept.Bytes())
		}
		kept.Free()
	})
	f.read("a", 0)
	f.read("b", 1)
	f.read("c", 2)
	f.lost(nil)
}

func TestPayloadThatIsOvertakenIsLost(t *testing.T) {
	var held *streams.Block
	swap := onUp("swap", func(q *streams.Queue, m *streams.Block) {
		if held == nil {
			held = m
			return
		}
		q.PutNext(m)
		q.PutNext(held)
		held = nil
	})
	f := flowing(t, setup{stack: []*streams.Module{swap}})
	f.post("a", "b", "c", "d")
	f.read("b", 1)
	f.read("d", 3)
	f.lost(map[iostream.Cause]uint64{userclient.LossModule: 2})
	f.takeAll(8)
}

func TestPayloadWithoutMemoryForMessages(t *testing.T) {
	fail := false
	f := flowing(t, setup{
		arena: streams.ArenaConfig{Fault: func(uint64, int) bool { return fail }}, stack: []*streams.Module{onUp("pass", pass)},
	})
	fail = true
	f.post("a", "b")
	fail = false
	f.post("c")
	f.read("c", 2)
	f.lost(map[iostream.Cause]uint64{userclient.LossModule: 2})
	f.takeAll(8)
}

func TestPayloadFollowsPushAndPop(t *testing.T) {
	k := &keeper{}
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 3}, pushable: []*streams.Module{k.module("keep"), onUp("drop", free)}})
	f.post("a")
	f.read("a", 0)
	f.must(remote.Push(f.ctx(), f.s.Conn(), "keep"))
	f.post("b", "c")
	f.nothing()
	k.letGo(t)
	f.read("b", 1)
	f.read("c", 2)
	f.post("d", "e")
	f.must(remote.Pop(f.ctx(), f.s.Conn())) // and what it has
	f.lost(map[iostream.Cause]uint64{userclient.LossModule: 2})
	f.post("f")
	f.read("f", 5)
	f.must(remote.Push(f.ctx(), f.s.Conn(), "drop"))
	f.post("g")
	f.nothing()
	f.must(remote.Pop(f.ctx(), f.s.Conn()))
	f.lost(map[iostream.Cause]uint64{userclient.LossModule: 3})
	f.takeAll(3)
}
