// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// rig is a module's write queue between one above that can wait and one below.
type rig struct {
	t           *testing.T
	d           *Domain
	s           *Stream
	q           *Queue // the queue under test: no procedure takes anything out
	aboveServed int    // runs of the service procedure of the module above
	served      int    // and of the one under test
}

func newRig(t *testing.T, high, low int) *rig {
	r := &rig{t: t, d: testDomain(t, 1)}
	under := &Module{Name: "under", Write: Procedures{
		Put: (*Queue).Putq, Service: func(*Queue) { r.served++ }, HighWater: high, LowWater: low,
	}}
	above := &Module{Name: "above", Write: Procedures{Service: func(*Queue) { r.aboveServed++ }}}
	r.s = testStream(t, r.d, echo(), head(new([]string)), under, pass("between"), above)
	r.s.Do(func(h *Queue) { r.q = h.Partner().next.next.next })
	settle(t, r.d)
	r.aboveServed, r.served = 0, 0
	return r
}

// put puts messages such as "D:a" or "2D:a", in band 2, with putq or putbq.
func (r *rig) put(put func(*Queue, *Block), msgs ...string) {
	r.s.Do(func(*Queue) {
		for _, s := range msgs {
			put(r.q, r.msg(s))
		}
	})
}

func (r *rig) msg(s string) *Block {
	r.t.Helper()
	band := uint8(0)
	if s[0] >= '0' && s[0] <= '9' {
		band, s = s[0]-'0', s[1:]
	}
	m := build(r.t, r.d.Arena(), strings.Fields(s)...)
	m.SetBand(band)
	return m
}

func (r *rig) want(what string, msgs ...string) {
	r.t.Helper()
	if got := contents(r.q); !slices.Equal(got, msgs) {
		r.t.Errorf("%s: the queue has %q, want %q", what, got, msgs)
	}
}

// runs steps and returns whether the two service procedures ran.
func (r *rig) runs() (under, above bool) {
	r.t.Helper()
	r.served, r.aboveServed = 0, 0
	r.s.Do(func(*Queue) {}) // the test used the queue without being inside
	settle(r.t, r.d)
	return r.served > 0, r.aboveServed > 0
}

func TestQueueOrder(t *testing.T) {
	r := newRig(t, 0, 0)
	r.put((*Queue).Putq, "D:a", "2D:b", "H:c", "1D:d", "2D:e", "D:f", "3H:g")
	r.want("putq", "H:c", "H:g", "2D:b", "2D:e", "1D:d", "D:a", "D:f")
	r.put((*Queue).Putbq, "D:1", "2D:2", "1D:3", "H:4", "3D:5")
	r.want("putbq", "H:4", "H:c", "H:g", "3D:5", "2D:2", "2D:b", "2D:e", "1D:3", "1D:d", "D:1", "D:a", "D:f")
	r.put((*Queue).Putq, "3D:6", "H:7", "1D:8")
	r.want("putq again", "H:4", "H:c", "H:g", "H:7", "3D:5", "3D:6", "2D:2", "2D:b", "2D:e", "1D:3", "1D:d", "1D:8", "D:1", "D:a", "D:f")
}

func TestInsqAndRmvq(t *testing.T) {
	r := newRig(t, 0, 0)
	r.put((*Queue).Putq, "H:a", "2D:b", "D:c")
	at := map[string]*Block{"": nil}
	for m := r.q.First(); m != nil; m = r.q.After(m) {
		at[string(m.Bytes())] = m
	}
	for _, tc := range []struct {
		before, give string
		err          error
	}{
		{"a", "D:x", EINVAL}, {"a", "2D:x", EINVAL}, {"a", "H:1", nil},
		{"b", "D:x", EINVAL}, {"b", "2D:2", nil}, {"b", "H:x", EINVAL}, {"b", "1D:x", EINVAL},
		{"c", "1D:3", nil}, {"c", "D:4", nil}, {"c", "3D:x", EINVAL},
		{"", "D:5", nil}, {"", "H:x", EINVAL}, {"", "1D:x", EINVAL},
	} {
		m := r.msg(tc.give)
		err := r.q.Insq(at[tc.before], m)
		if !errors.Is(err, tc.err) {
			t.Errorf("%s before %q: %v, want %v", tc.give, tc.before, err, tc.err)
		}
		if err != nil {
			m.Free()
		}
	}
	r.want("insq", "H:1", "H:a", "2D:2", "2D:b", "1D:3", "D:4", "D:c", "D:5")
	stranger := r.msg("D:x")
	if r.q.Insq(stranger, at["c"]) == nil || r.q.Rmvq(stranger) == nil || r.q.Rmvq(nil) == nil {
		t.Error("a message of no queue was taken for one of this")
	}
	stranger.Free()
	for _, s := range []string{"b", "a", "c"} {
		if err := r.q.Rmvq(at[s]); err != nil {
			t.Error(err)
		}
		at[s].Free()
	}
	r.want("rmvq", "H:1", "2D:2", "1D:3", "D:4", "D:5")
	r.put((*Queue).Putq, "2D:y", "H:z")
	r.want("putq after rmvq", "H:1", "H:z", "2D:2", "2D:y", "1D:3", "D:4", "D:5")
}

// A message is in one queue at most, and not freed while it is there.
func TestQueueMisuse(t *testing.T) {
	a := NewArena(&ArenaConfig{NoReuse: true})
	d := NewDomain(&Config{Arena: a, Stepper: NewStepper(1)})
	s := testStream(t, d, echo(), head(new([]string)), shaper("m", 0, 0))
	s.Do(func(h *Queue) {
		q := h.Partner().next
		m, _ := a.From(MData, []byte("x"))
		q.Putq(m)
		q.Putq(m)
		q.Partner().Putbq(m)
		m.Free()
		q.Putq(nil)
		if got := contents(q); !slices.Equal(got, []string{"D:x"}) {
			t.Errorf("the queue has %q", got)
		}
		q.Getq().Free()
		q.Putq(m) // it is freed
		if q.First() != nil || a.Usage().Misuses != 4 {
			t.Errorf("the queue has %q; %+v", contents(q), a.Usage())
		}
	})
}

func TestQueueCountsAndFlow(t *testing.T) {
	r := newRig(t, 4, 2)
	if !r.q.CanPut(0) || !r.q.CanPut(3) {
		t.Error("an empty queue is full")
	}
	r.put((*Queue).Putq, "D:ab D:c")
	if n, _ := r.q.Field(QCount, 0); n != 3 || !r.q.CanPut(0) {
		t.Errorf("count %d, below the high-water mark", n)
	}
	r.put((*Queue).Putq, "D:d")
	if n, _ := r.q.Field(QCount, 0); n != 4 || r.q.Flags()&QFull == 0 {
		t.Errorf("count %d is not full", n)
	}
	// canput looks through queues without a service procedure, and remembers who asked.
	between := r.q.behind()
	if between.service != nil || between.CanPut(0) || r.q.Flags()&QWantW == 0 {
		t.Error("canput did not see the full queue")
	}
	if !between.CanPut(1) {
		t.Error("a band without messages has no room")
	}
	settle(t, r.d)
	r.q.Getq().Free() // one byte, one block left: below both marks
	if r.q.Flags()&(QFull|QWantW) != 0 {
		t.Errorf("flags %x after draining", r.q.Flags())
	}
	if _, above := r.runs(); !above {
		t.Error("the one who waited was not enabled")
	}
	if up := between.behind(); !up.BackEnabled(0) || up.BackEnabled(0) {
		t.Error("want the back-enabling of band 0 to be told once")
	}
}

func TestQueueFullByBlocks(t *testing.T) {
	r := newRig(t, 3, 2)
	r.put((*Queue).Putq, "D:", "D: D:")
	if r.q.CanPut(0) {
		t.Error("three empty blocks do not fill a queue with high-water mark 3")
	}
	settle(t, r.d)
	r.q.Getq().Free()
	if _, above := r.runs(); above || r.q.Flags()&QFull != 0 {
		t.Errorf("with two blocks: enabled %t, flags %x", above, r.q.Flags())
	}
	r.q.Getq().Free()
	if _, above := r.runs(); !above {
		t.Error("not enabled with no block")
	}
}

// Between the marks a queue is not full, and who waits goes on waiting.
func TestLowWater(t *testing.T) {
	r := newRig(t, 4, 2)
	r.put((*Queue).Putq, "D:a", "D:b", "D:c", "D:d")
	if r.q.CanPut(0) {
		t.Error("not full")
	}
	settle(t, r.d)
	for left := 3; left >= 0; left-- {
		r.q.Getq().Free()
		_, above := r.runs()
		if want := left == 1; above != want {
			t.Errorf("%d left: enabled %t, want %t", left, above, want)
		}
		if r.q.Flags()&QFull != 0 {
			t.Errorf("%d left: full", left)
		}
	}
	r.q.SetField(QLoWat, 0, 0)
	r.put((*Queue).Putq, "D:aaaa", "D:b")
	r.q.CanPut(0)
	settle(t, r.d)
	r.q.Getq().Free()
	if _, above := r.runs(); !above {
		t.Error("low-water mark 0: not enabled when the first message left")
	}
}

func TestBandsAreApart(t *testing.T) {
	r := newRig(t, 4, 2)
	r.put((*Queue).Putq, "2D:abcd")
	if !r.q.CanPut(0) || !r.q.CanPut(1) || r.q.CanPut(2) || !r.q.CanPut(3) {
		t.Error("want band 2 full, and only that")
	}
	if n, _ := r.q.Field(QCount, 0); n != 0 {
		t.Errorf("band 2 counts %d for band 0", n)
	}
	if high, _ := r.q.Field(QHiWat, 1); high != 4 {
		t.Errorf("band 1 got high-water mark %d", high)
	}
	r.q.SetField(QHiWat, 3, 100)
	r.put((*Queue).Putq, "3D:abcdefgh")
	if !r.q.CanPut(3) {
		t.Error("band 3 does not have marks of its own")
	}
	settle(t, r.d)
	m := r.q.First()
	r.q.Rmvq(m) // nobody waits for band 3
	m.Free()
	m = r.q.First()
	if _, above := r.runs(); above {
		t.Error("enabled for a band that nobody waits for")
	}
	r.q.Rmvq(m)
	m.Free()
	if _, above := r.runs(); !above || !r.q.behind().behind().BackEnabled(2) {
		t.Error("not enabled for band 2")
	}
}

func TestEnabling(t *testing.T) {
	for _, tc := range []struct {
		name     string
		noEnable bool
		wanted   bool // a getq found the queue empty
		put      func(*Queue, *Block)
		msg      string
		want     bool
	}{
		{"putq, wanted", false, true, (*Queue).Putq, "D:a", true},
		{"putq, not wanted", false, false, (*Queue).Putq, "D:a", false},
		{"putq, band, not wanted", false, false, (*Queue).Putq, "1D:a", true},
		{"putq, high, not wanted", false, false, (*Queue).Putq, "H:a", true},
		{"putq, noenable", true, true, (*Queue).Putq, "D:a", false},
		{"putq, band, noenable", true, true, (*Queue).Putq, "1D:a", false},
		{"putq, high, noenable", true, true, (*Queue).Putq, "H:a", true},
		{"putbq, wanted", false, true, (*Queue).Putbq, "D:a", true},
		{"putbq, not wanted", false, false, (*Queue).Putbq, "D:a", false},
		{"putbq, band, not wanted", false, false, (*Queue).Putbq, "1D:a", false},
		{"putbq, high, noenable", true, false, (*Queue).Putbq, "H:a", true},
		{"putbq, noenable", true, true, (*Queue).Putbq, "D:a", false},
		{"qenable, noenable", true, false, func(q *Queue, m *Block) { m.Free(); q.Enable() }, "D:a", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, 0, 0)
			r.put((*Queue).Putq, "D:x")
			r.q.Getq().Free()
			if tc.wanted && r.q.Getq() != nil {
				t.Fatal("not empty")
			}
			settle(t, r.d)
			if tc.noEnable {
				r.q.NoEnable()
			}
			r.put(tc.put, tc.msg)
			if under, _ := r.runs(); under != tc.want {
				t.Errorf("served %t, want %t", under, tc.want)
			}
			if r.q.EnableOK(); r.q.Flags()&QNoEnb != 0 {
				t.Error("still not enabled by putq")
			}
		})
	}
}

// A queue that is enabled while it is served is served again, and one that is enabled
// twice before is served once.
func TestEnableWhileServed(t *testing.T) {
	d := testDomain(t, 1)
	runs := 0
	m := &Module{Name: "m", Write: Procedures{Service: func(q *Queue) {
		if runs++; runs == 1 {
			q.Enable()
		}
	}}}
	s := testStream(t, d, echo(), head(new([]string)), m)
	s.Do(func(h *Queue) {
		h.Partner().next.Enable()
		h.Partner().next.Enable()
		h.Partner().Enable() // no service procedure
	})
	if settle(t, d); runs != 2 {
		t.Errorf("served %d times, want 2", runs)
	}
}

func TestFlush(t *testing.T) {
	for _, tc := range []struct {
		name  string
		flush func(q *Queue)
		want  []string
		above bool // who waited for bands 0 to 2 is enabled
	}{
		{"data", func(q *Queue) { q.Flush(FlushData) }, []string{"F:1", "1C:c", "B:e"}, true},
		{"all", func(q *Queue) { q.Flush(FlushAll) }, []string{}, true},
		{"band 1, data", func(q *Queue) { q.FlushBand(1, FlushData) }, []string{"H:h", "F:1", "2D:2", "1C:c", "D:a", "P:p", "B:e", "Y:d"}, false},
		{"band 1, all", func(q *Queue) { q.FlushBand(1, FlushAll) }, []string{"H:h", "F:1", "2D:2", "D:a", "P:p", "B:e", "Y:d"}, true},
		{"band 0, data", func(q *Queue) { q.FlushBand(0, FlushData) }, []string{"H:h", "F:1", "2D:2", "1D:1", "1C:c", "B:e"}, false},
		{"band 0, all", func(q *Queue) { q.FlushBand(0, FlushAll) }, []string{"H:h", "F:1", "2D:2", "1D:1", "1C:c"}, false},
		{"band 9", func(q *Queue) { q.FlushBand(9, FlushAll) }, []string{"H:h", "F:1", "2D:2", "1D:1", "1C:c", "D:a", "P:p", "B:e", "Y:d"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, 1, 1)
			r.put((*Queue).Putq, "D:a", "1D:1", "H:h", "P:p", "1C:c", "2D:2", "B:e", "F:1", "Y:d")
			for band := range uint8(3) {
				r.q.CanPut(band)
			}
			settle(t, r.d)
			tc.flush(r.q)
			r.want("flushed", tc.want...)
			if _, above := r.runs(); above != tc.above {
				t.Errorf("who waited was enabled: %t, want %t", above, tc.above)
			}
		})
	}
}
