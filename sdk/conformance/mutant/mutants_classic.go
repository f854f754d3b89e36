// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// deafBell swallows some rings.
type deafBell struct {
	userclient.Bell
	swallows func() bool
}

func (b deafBell) Ring() error {
	if b.swallows() {
		return nil
	}
	return b.Bell.Ring()
}

// missingRings makes hooks that lose every nth ring of one port.
func missingRings(typ uint32, nth uint32) func() Hooks {
	return func() Hooks {
		return Hooks{Notify: func(_ *Session, t uint32, b userclient.Bell) userclient.Bell {
			if t != typ {
				return b
			}
			var rings atomic.Uint32
			return deafBell{b, func() bool { return rings.Add(1)%nth == 0 }}
		}}
	}
}

func classicMutants() []Mutant {
	cfg := RawConfig{Layouts: 1 << userclient.LayoutClassic}
	return []Mutant{
		{
			Name: "classic-short", Rule: "CLASSIC-01", Wrong: "Its queues have as many entries as there are buffers, and so place for one less.",
			New: spoiled("classic-short", userclient.SelOpen, func(s *Session) {
				if !s.native() {
					s.set(userclient.MemOutputQueue, queue.ClassicCountOff, 4)
				}
			}),
		},
		{
			Name: "both-move", Rule: "CLASSIC-02", Wrong: "With its first entry it moves both indices of the output queue.",
			New: buggy("both-move", cfg, BugBothMove),
		},
		{
			Name: "classic-reset", Rule: "CLASSIC-03", Wrong: "Its stop resets the client's index of the input queue.",
			New: spoiled("classic-reset", userclient.SelStop, func(s *Session) {
				if !s.native() {
					s.set(userclient.MemInputQueue, queue.ClassicHeadOff, 0)
				}
			}),
		},
		{
			Name: "late-wrap", Rule: "CLASSIC-04", Wrong: "Its index reaches the entry count before it begins again at 0.",
			New: buggy("late-wrap", cfg, BugLateWrap),
		},
		{
			Name: "roles-swapped", Rule: "CLASSIC-05", Wrong: "On the output queue the head is the writer's, on the input queue the tail.",
			New: buggy("roles-swapped", cfg, BugRolesSwapped),
		},
		{
			Name: "classic-lost-ring", Rule: "CLASSIC-06", Wrong: "Every seventh of its rings is lost.",
			New: hooked("classic-lost-ring", missingRings(userclient.PortOutput, 7)),
		},
		{
			Name: "classic-pedantic", Rule: "CLASSIC-07", Wrong: "It hangs up when a reserved word is not zero.",
			New: buggy("classic-pedantic", cfg, BugPedantic),
		},
		{
			Name: "classic-wrap-lost", Rule: "CLASSIC-08", Wrong: "Of a batch that crosses the end of the ring it takes only the first part.",
			New: buggy("classic-wrap-lost", cfg, BugWrapLost),
		},
	}
}
