// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"encoding/binary"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

func dataMutants() []Mutant { return append(counterMutants(), echoMutants()...) }

// everyNth returns what is true each nth time that it is asked.
func everyNth(n int) func() bool {
	i := 0
	return func() bool {
		i++
		return i%n == 0
	}
}

func counterMutants() []Mutant {
	one := func(name, rule, wrong string, make func(m *moments) frameSpoiler) Mutant {
		return Mutant{Name: name, Rule: rule, Wrong: wrong, New: counting(name, make)}
	}
	return []Mutant{
		one("short-transfer", "DATA-01", "It posts the whole frame although its last word was not written.", func(*moments) frameSpoiler {
			return func(frame, before []byte, _ *uint64) bool {
				copy(frame[len(frame)-8:], before[len(frame)-8:])
				return true
			}
		}),
		one("wrong-bytes", "DATA-01", "It writes the words of every second frame with the most significant byte first.", func(*moments) frameSpoiler {
			second := everyNth(2)
			return func(frame, _ []byte, _ *uint64) bool {
				swap := second()
				for i := 0; swap && i < len(frame); i += 8 {
					binary.BigEndian.PutUint64(frame[i:], binary.LittleEndian.Uint64(frame[i:]))
				}
				return true
			}
		}),
		one("skips-frames", "DATA-02", "It drops every eighth frame and tells nobody.", func(*moments) frameSpoiler {
			eighth := everyNth(8)
			return func(_, _ []byte, _ *uint64) bool { return !eighth() }
		}),
		one("frame-twice", "DATA-02", "It sends every eighth frame twice.", func(*moments) frameSpoiler {
			eighth := everyNth(8)
			return func(frame, _ []byte, word *uint64) bool {
				if eighth() {
					*word -= uint64(len(frame) / 8)
				}
				return true
			}
		}),
		one("stale-start", "DATA-03", "Its first frame after a start is what the buffer held before.", func(m *moments) frameSpoiler {
			return func(frame, before []byte, _ *uint64) bool {
				if _, started := m.take(); started {
					copy(frame, before)
				}
				return true
			}
		}),
		one("stale-open", "DATA-04", "Its first frame for a client is the last one of the client before.", func(m *moments) frameSpoiler {
			var last []byte
			return func(frame, _ []byte, _ *uint64) bool {
				if opened, _ := m.take(); opened && last != nil {
					copy(frame, last)
				}
				last = append(last[:0], frame...)
				return true
			}
		}),
		{
			Name: "late-data", Rule: "DATA-05", Wrong: "It writes the end of a frame when it next hears from the client.",
			New: buggy("late-data", RawConfig{}, BugLateData),
		},
	}
}

func echoMutants() []Mutant {
	one := func(name, rule, wrong string, make func(m *moments) func(b *iostream.Buffer, p *iostream.Posting)) Mutant {
		return Mutant{Name: name, Rule: rule, Wrong: wrong, New: echoing(name, make)}
	}
	always := func(spoil func(p *iostream.Posting)) func(*moments) func(*iostream.Buffer, *iostream.Posting) {
		return func(*moments) func(*iostream.Buffer, *iostream.Posting) {
			return func(_ *iostream.Buffer, p *iostream.Posting) { spoil(p) }
		}
	}
	return []Mutant{
		one("rounds-down", "DATA-06", "It gives back whole words of four bytes only.", always(func(p *iostream.Posting) { p.Length -= p.Length % 4 })),
		one("forgets-offset", "DATA-06", "It takes every offset for 0.", always(func(p *iostream.Posting) { p.Offset = 0 })),
		{
			Name: "last-first", Rule: "DATA-07", Wrong: "Of several buffers that came in it answers the last one first.",
			New: buggy("last-first", RawConfig{Direction: iostream.BothWays}, BugLastFirst),
		},
		one("drops-control", "DATA-08", "It gives data back without the control part.", always(func(p *iostream.Posting) { p.ControlLength = 0 })),
		one("shortens-control", "DATA-08", "It cuts off the last byte of every control part.", always(func(p *iostream.Posting) { p.ControlLength -= min(p.ControlLength, 1) })),
		one("echoes-again", "DATA-09", "After a start it gives back once more what each buffer has carried before.", echoesAgain),
		one("full-of-nothing", "DATA-10", "It says of the empty buffers of a new client that they are full.", fullOfNothing),
	}
}

func echoesAgain(m *moments) func(*iostream.Buffer, *iostream.Posting) {
	before, again := map[uint32]iostream.Posting{}, map[uint32]bool{}
	return func(b *iostream.Buffer, p *iostream.Posting) {
		opened, started := m.take()
		if opened {
			clear(before)
		}
		for id := range before {
			again[id] = again[id] && !opened || started
		}
		if again[b.ID()] && p.Length == 0 {
			*p = before[b.ID()]
		}
		again[b.ID()] = false
		before[b.ID()] = *p
	}
}

func fullOfNothing(m *moments) func(*iostream.Buffer, *iostream.Posting) {
	used := map[uint32]bool{}
	return func(b *iostream.Buffer, p *iostream.Posting) {
		if opened, _ := m.take(); opened {
			clear(used)
		}
		if !used[b.ID()] {
			p.Length = len(b.Region())
		}
		used[b.ID()] = true
	}
}
