// SPDX-License-Identifier: Apache-2.0

package streams

import "testing"

// carried counts who carries it.
type carried struct{ now, ever int }

func (c *carried) Carry() { c.now, c.ever = c.now+1, c.ever+1 }
func (c *carried) Drop()  { c.now-- }

func TestValueKnowsWhoCarriesIt(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name string
		then func(a *Arena, m *Block) *Block // another message, or nil
		now  int                             // blocks that carry it then
	}{
		{"duplicate", func(_ *Arena, m *Block) *Block { d, err := m.Dup(); must(err); return d }, 1},
		{"copy", func(_ *Arena, m *Block) *Block { c, err := m.Copy(); must(err); return c }, 2},
		{"copy in one piece", func(_ *Arena, m *Block) *Block { c, err := m.PullupCopy(-1); must(err); return c }, 2},
		{"pull up", func(_ *Arena, m *Block) *Block { must(m.Pullup(-1)); return nil }, 1},
		{"another value", func(_ *Arena, m *Block) *Block { must(m.SetValue("other")); return nil }, 0},
		{"the same value", func(_ *Arena, m *Block) *Block { must(m.SetValue(m.Value())); return nil }, 1},
		{"another message", func(a *Arena, m *Block) *Block {
			n, err := a.From(MData, nil)
			must(err)
			must(n.SetValue(m.Value()))
			return n
		}, 2},
		{"reuse", func(_ *Arena, m *Block) *Block {
			if !m.reuse(MProto, 1) {
				t.Fatal("the message can't be used again")
			}
			return nil
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := NewArena(nil)
			m, err := a.From(MData, []byte("first"))
			must(err)
			more, err := a.From(MData, []byte("more"))
			must(err)
			must(m.Link(more))
			v := &carried{}
			must(m.SetValue(v))
			if v.now != 1 {
				t.Errorf("%d blocks carry it at first", v.now)
			}
			other := tc.then(a, m)
			if v.now != tc.now {
				t.Errorf("%d blocks carry it, want %d", v.now, tc.now)
			}
			m.Free()
			other.Free()
			if v.now != 0 || v.ever == 0 {
				t.Errorf("%d blocks carry it in the end, %d ever did", v.now, v.ever)
			}
			if u := a.Usage(); u != (Usage{}) {
				t.Errorf("leaked %+v", u)
			}
		})
	}
}

func TestBlockKnowsItsMemory(t *testing.T) {
	a := NewArena(nil)
	mine, other := &keepBuf{}, &keepBuf{}
	buf := make([]byte, 8)
	m, err := a.External(buf, mine)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Copy()
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Dup()
	if err != nil {
		t.Fatal(err)
	}
	if !m.Over(mine) || m.Over(other) || c.Over(mine) || !d.Over(mine) {
		t.Errorf("message %v, another owner %v, copy %v, duplicate %v", m.Over(mine), m.Over(other), c.Over(mine), d.Over(mine))
	}
	for _, b := range []*Block{m, c, d} {
		b.Free()
	}
	if len(mine.got) != 8 || m.Over(mine) {
		t.Errorf("the memory came back as %d bytes; the freed block is over it: %v", len(mine.got), m.Over(mine))
	}
}

type keepBuf struct{ got []byte }

func (k *keepBuf) FreeBuffer(buf []byte) { k.got = buf }
