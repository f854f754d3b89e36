// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Pullup and Adjust against a model: the bytes, and where the types change.
func TestPullupAdjustModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewArena(&ArenaConfig{NoReuse: true})
		var m *Block
		for i := range rapid.IntRange(1, 6).Draw(t, "blocks") {
			typ := rapid.SampledFrom([]Type{MData, MData, MProto}).Draw(t, "type")
			b, _ := a.From(typ, []byte("abcdefgh")[:rapid.IntRange(0, 4).Draw(t, "len")])
			if i == 0 {
				m = b
			} else {
				m.Link(b)
			}
		}
		if rapid.Bool().Draw(t, "shared") {
			d, _ := m.Dup()
			defer d.Free()
		}
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			n := rapid.IntRange(-8, 8).Draw(t, "n")
			before := flat(m)
			if rapid.Bool().Draw(t, "pullup") {
				all, _ := m.run()
				err := m.Pullup(n)
				if n == -1 {
					n = all
				}
				if (err == nil) != (n >= 0 && n <= all) || flat(m) != before || err == nil && m.Len() < n {
					t.Fatalf("pullup %d of %q: %v, %q", n, before, err, show(m))
				}
				continue
			}
			want, ok := adjusted(m, n)
			if err := m.Adjust(n); (err == nil) != ok || flat(m) != want {
				t.Fatalf("adjust %d of %q: %v, %q, want %q", n, before, err, flat(m), want)
			}
		}
		m.Free()
	})
}

// flat is a message as its bytes, each in the case of its type.
func flat(m *Block) string {
	s := ""
	for ; m != nil; m = m.Next() {
		if m.Type() == MProto {
			s += strings.ToUpper(string(m.Bytes()))
		} else {
			s += string(m.Bytes())
		}
	}
	return s
}

// adjusted returns what Adjust should make of a flat message, and whether it should: only
// bytes of the first, or the last, block's type may go.
func adjusted(m *Block, n int) (string, bool) {
	flat, types := flat(m), []Type(nil)
	var lens []int
	for b := m; b != nil; b = b.Next() {
		types, lens = append(types, b.Type()), append(lens, b.Len())
	}
	if n < 0 {
		slices.Reverse(types)
		slices.Reverse(lens)
	}
	may := 0
	for i := 0; i < len(types) && types[i] == types[0]; i++ {
		may += lens[i]
	}
	switch {
	case n > may, -n > may:
		return flat, false
	case n >= 0:
		return flat[n:], true
	}
	return flat[:len(flat)+n], true
}

// Allocation failure at every allocation leaves the message as it was.
func TestAllocationFailsAnywhere(t *testing.T) {
	for name, do := range map[string]func(m *Block) (*Block, error){
		"dup":        (*Block).Dup,
		"copy":       (*Block).Copy,
		"pullup":     func(m *Block) (*Block, error) { return nil, m.Pullup(4) },
		"pullupcopy": func(m *Block) (*Block, error) { return m.PullupCopy(-1) },
	} {
		for fail := uint64(1); ; fail++ {
			start, failed := uint64(1<<32), false
			a := NewArena(&ArenaConfig{NoReuse: true, Fault: func(n uint64, _ int) bool {
				failed = failed || n == start+fail
				return n == start+fail
			}})
			m := build(t, a, "D:ab", "D:cd", "P:e", "D:f")
			start = 4
			c, err := do(m)
			if failed != (err != nil) || failed && !errors.Is(err, ENOSR) {
				t.Errorf("%s, failure %d: %v", name, fail, err)
			}
			if failed && show(m) != "D:ab D:cd P:e D:f" {
				t.Errorf("%s, failure %d: left %q", name, fail, show(m))
			}
			m.Free()
			c.Free()
			if u := a.Usage(); u.Blocks != 0 || u.Buffers != 0 || u.Bytes != 0 || u.Misuses != 0 {
				t.Errorf("%s, failure %d: left %+v", name, fail, u)
			}
			if !failed {
				break
			}
		}
	}
}
