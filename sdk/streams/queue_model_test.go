// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// modelMsg is a message as the model has it.
type modelMsg struct {
	m     *Block
	class int
	bytes int // and as many blocks as parts
	parts int
}

// modelLevel is one band in the model, told in words of the reference.
type modelLevel struct {
	high, low  int
	full, want bool
}

// queueModel is a queue as the reference describes it: a list, searched from its begin.
type queueModel struct {
	list    []modelMsg
	levels  map[int]*modelLevel
	wantR   bool
	noEnab  bool
	enabled bool         // the queue's own service procedure will run
	woken   map[int]bool // bands for which the queue above was enabled
}

func (q *queueModel) level(class int) *modelLevel {
	band := class % 256
	for b := 0; b <= band; b++ {
		if q.levels[b] == nil {
			q.levels[b] = &modelLevel{high: q.levels[0].high, low: q.levels[0].low}
		}
	}
	return q.levels[band]
}

func (q *queueModel) count(class int) (bytes, blocks int) {
	for _, m := range q.list {
		if m.class%256 == class%256 {
			bytes += m.bytes
			blocks += m.parts
		}
	}
	return bytes, blocks
}

func (q *queueModel) insert(at int, m modelMsg, always bool) {
	q.list = slices.Insert(q.list, at, m)
	l := q.level(m.class)
	bytes, blocks := q.count(m.class)
	if bytes >= l.high || blocks >= l.high {
		l.full = true
	}
	if m.class == 256 || !q.noEnab && (always || q.wantR) {
		q.enabled = true
	}
}

func (q *queueModel) remove(at int) {
	class := q.list[at].class
	q.list = slices.Delete(q.list, at, at+1)
	l := q.level(class)
	bytes, blocks := q.count(class)
	if bytes < l.high && blocks < l.high || len(q.list) == 0 {
		l.full = false
	}
	if l.want && (l.low == 0 || bytes < l.low && blocks < l.low) {
		l.want = false
		q.woken[class%256] = true
	}
}

// first returns where a message of the class goes that is put in front of its class, and
// behind where it goes that is put behind it.
func (q *queueModel) first(class int) int {
	return len(q.list) - len(slices.DeleteFunc(slices.Clone(q.list), func(m modelMsg) bool { return m.class > class }))
}

func (q *queueModel) behind(class int) int {
	return len(q.list) - len(slices.DeleteFunc(slices.Clone(q.list), func(m modelMsg) bool { return m.class >= class }))
}

// A queue and the model do the same under any sequence of calls.
func TestQueueModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := NewArena(&ArenaConfig{NoReuse: true})
		d := NewDomain(&Config{Arena: a, Stepper: NewStepper(1)})
		served := 0
		high, low := rapid.IntRange(0, 6).Draw(rt, "high"), rapid.IntRange(0, 6).Draw(rt, "low")
		under := &Module{Name: "under", Write: Procedures{Service: func(*Queue) { served++ }, HighWater: 1}}
		above := &Module{Name: "above", Write: Procedures{Service: func(*Queue) {}}}
		s, err := d.Open(echo(), head(new([]string)), OpenInfo{})
		if err != nil {
			rt.Fatal(err)
		}
		push1(t, s, under)
		push1(t, s, above)
		d.stepper.Run(100)
		var q *Queue
		s.Do(func(h *Queue) { q = h.Partner().next.next })
		up := q.behind()
		q.SetField(QHiWat, 0, high)
		q.SetField(QLoWat, 0, low)
		model := &queueModel{levels: map[int]*modelLevel{0: {high: high, low: low}}, wantR: true, woken: map[int]bool{}}
		up.back, served = bandSet{}, 0

		message := func() modelMsg {
			class := rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5, 256}).Draw(rt, "class")
			typ, parts := MData, rapid.IntRange(1, 3).Draw(rt, "parts")
			if class == 256 {
				typ = MPCProto
			}
			var m *Block
			bytes := 0
			for range parts {
				n := rapid.IntRange(0, 2).Draw(rt, "bytes")
				b, _ := a.From(typ, make([]byte, n))
				bytes += n
				if m == nil {
					m = b
				} else {
					m.Link(b)
				}
			}
			m.SetBand(uint8(class % 256))
			return modelMsg{m, class, bytes, parts}
		}
		steps := map[string]func(*rapid.T){
			"putq": func(*rapid.T) {
				m := message()
				model.insert(model.behind(m.class), m, m.class > 0)
				q.Putq(m.m)
			},
			"putbq": func(*rapid.T) {
				m := message()
				model.insert(model.first(m.class), m, false)
				q.Putbq(m.m)
			},
			"insq": func(*rapid.T) {
				m, at := message(), rapid.IntRange(0, len(model.list)).Draw(rt, "at")
				var before *Block
				if at < len(model.list) {
					before = model.list[at].m
				}
				ok := at >= model.first(m.class) && at <= model.behind(m.class)
				if err := q.Insq(before, m.m); (err == nil) != ok {
					rt.Fatalf("insq: %v, want %t", err, ok)
				}
				if !ok {
					m.m.Free()
					return
				}
				model.insert(at, m, false)
			},
			"getq": func(*rapid.T) {
				m := q.Getq()
				if model.wantR = len(model.list) == 0; model.wantR {
					if m != nil {
						rt.Fatal("got a message of an empty queue")
					}
					return
				}
				if m != model.list[0].m {
					rt.Fatalf("got %q", show(m))
				}
				model.remove(0)
				m.Free()
			},
			"rmvq": func(*rapid.T) {
				if len(model.list) > 0 {
					at := rapid.IntRange(0, len(model.list)-1).Draw(rt, "at")
					m := model.list[at].m
					if err := q.Rmvq(m); err != nil {
						rt.Fatal(err)
					}
					model.remove(at)
					m.Free()
				}
			},
			"canput": func(*rapid.T) {
				band := rapid.SampledFrom([]int{0, 1, 2, 5, 9}).Draw(rt, "band")
				l := model.levels[band]
				full := l != nil && l.full
				if q.CanPut(uint8(band)) == full {
					rt.Fatalf("canput of band %d: %t", band, !full)
				}
				if full {
					l.want = true
				}
			},
			"flushband": func(*rapid.T) {
				band := rapid.SampledFrom([]int{0, 1, 2, 5, 9}).Draw(rt, "band")
				q.FlushBand(uint8(band), FlushData)
				for at := 0; at < len(model.list); {
					if model.list[at].class == band {
						model.remove(at)
					} else {
						at++
					}
				}
			},
			"noenable": func(*rapid.T) {
				if model.noEnab = !model.noEnab; model.noEnab {
					q.NoEnable()
				} else {
					q.EnableOK()
				}
			},
			"serve": func(*rapid.T) {
				s.Do(func(*Queue) {})
				served = 0
				d.stepper.Run(100)
				if (served > 0) != model.enabled {
					rt.Fatalf("served %d times, want %t", served, model.enabled)
				}
				model.enabled = false
				for band := range 10 {
					if up.BackEnabled(uint8(band)) != model.woken[band] {
						rt.Fatalf("band %d back-enabled: %t", band, !model.woken[band])
					}
				}
				clear(model.woken)
			},
		}
		steps[""] = func(*rapid.T) {
			var want []*Block
			for _, m := range model.list {
				want = append(want, m.m)
			}
			var got []*Block
			for m := q.First(); m != nil; m = q.After(m) {
				got = append(got, m)
			}
			if !slices.Equal(got, want) {
				rt.Fatalf("the queue has %q", contents(q))
			}
			for band, l := range model.levels {
				bytes, blocks := model.count(band)
				g := q.level(uint8(band))
				if g == nil || g.bytes != bytes || g.blocks != blocks || g.full != l.full || g.want != l.want || g.high != l.high {
					rt.Fatalf("band %d is %+v; want %d bytes, %d blocks, %+v", band, g, bytes, blocks, l)
				}
			}
		}
		rt.Repeat(steps)
		if err := s.Close(t.Context(), 0); err != nil {
			rt.Fatal(err)
		}
		if u := a.Usage(); u != (Usage{}) {
			rt.Fatalf("left behind: %+v", u)
		}
	})
}
