// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// losing is a raw driver whose device makes a frame each millisecond.
func losing(p iostream.Policy) RawConfig { return RawConfig{Policy: p, Period: time.Millisecond} }

func lossMutants() []Mutant {
	raw := func(rule, wrong string, p iostream.Policy, bug Bug) Mutant {
		return Mutant{Name: string(bug), Rule: rule, Wrong: wrong, New: buggy(string(bug), losing(p), bug)}
	}
	return []Mutant{
		{
			Name: "posted-twice", Rule: "LOSS-01", Wrong: "It counts the first entry as posted twice.",
			New: hooked("posted-twice", rewriting(userclient.SelStats, func(_ *Session, st *userclient.Stats) {
				if st.Numbered {
					st.Posted++
				}
			})),
		},
		raw("LOSS-02", "It does not count what it drops.", iostream.DropNewest, BugSilentLoss),
		raw("LOSS-03", "It counts what it drops as posted.", iostream.DropNewest, BugLostAsPosted),
		raw("LOSS-04", "It counts what it drops as flushed.", iostream.DropNewest, BugWrongCause),
		raw("LOSS-05", "It does not set the discontinuity flag after a loss.", iostream.DropNewest, BugNoDiscontinuity),
		{
			Name: string(BugLateDiscontinuity), Rule: "LOSS-05",
			Wrong: "It sets the discontinuity flag on the entry that it posts next, and not on the one that the client reads next.",
			New: buggy(string(BugLateDiscontinuity),
				RawConfig{Policy: iostream.DropOldest, Period: 20 * time.Millisecond, Buffers: 16}, BugLateDiscontinuity),
		},
		raw("LOSS-06", "It writes each loss into the log with twice its count.", iostream.DropNewest, BugLogCount),
		raw("LOSS-07", "It writes the number before the one that was lost into the log.", iostream.DropNewest, BugLogNumber),
		raw("LOSS-08", "It does not tell the end of an overrun.", iostream.DropNewest, BugNoOverrunEnd),
		raw("LOSS-08", "It tells one loss too few when an overrun has ended.", iostream.DropNewest, BugOverrunTotal),
		raw("LOSS-09", "It clears its counters with each start.", iostream.Block, BugCountersReset),
		raw("LOSS-10", "It drops frames although its policy is to wait.", iostream.Block, BugBlockDrops),
		raw("LOSS-11", "It posts everything at once, so that nothing is left to be dropped as the oldest.", iostream.DropOldest, BugNoBacklogLimit),
		raw("LOSS-11", "It drops the newest entries although its policy is drop-oldest.", iostream.DropOldest, BugDropsNewest),
		raw("LOSS-12", "It drops the oldest entries although its policy is drop-newest.", iostream.DropNewest, BugDropsOldest),
		raw("LOSS-13", "It goes on after an overrun although its policy is fail.", iostream.Fail, BugFailGoesOn),
		raw("LOSS-13", "It stops after an overrun as if the client had stopped it.", iostream.Fail, BugFailQuiet),
		{
			Name: "flush-number", Rule: "LOSS-14", Wrong: "It answers flush with one entry more than it discarded.",
			New: hooked("flush-number", scalars(userclient.SelFlush, func(_ *Session, out []uint64) { out[0]++ })),
		},
	}
}
