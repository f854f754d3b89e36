// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func seqMutants() []Mutant {
	raw := func(rule, wrong string, cfg RawConfig, bug Bug) Mutant {
		return Mutant{Name: string(bug), Rule: rule, Wrong: wrong, New: buggy(string(bug), cfg, bug)}
	}
	return []Mutant{
		raw("SEQ-01", "It numbers the first entry 1.", RawConfig{}, BugSeqFromOne),
		raw("SEQ-02", "It leaves every fifth number out although nothing was lost.", RawConfig{}, BugSeqSkips),
		raw("SEQ-03", "It gives every fifth number twice.", RawConfig{}, BugSeqRepeats),
		raw("SEQ-04", "It goes on with its numbers when the stream is closed and opened again.", RawConfig{}, BugSeqOverOpen),
		raw("SEQ-05", "It begins to number anew after each stop.", RawConfig{}, BugSeqOverStop),
		raw("SEQ-06", "It begins to number anew after each suspend.", RawConfig{}, BugSeqOverPause),
		{
			Name: "stop-number", Rule: "SEQ-07", Wrong: "It answers stop with the number that comes next instead of the last one.",
			New: changed("stop-number", CounterConfig(), Count, scalars(userclient.SelStop, func(_ *Session, out []uint64) {
				if len(out) > 0 {
					out[0]++
				}
			})),
		},
		{
			Name: "stop-zero", Rule: "SEQ-08", Wrong: "It answers stop with the number 0 when it has numbered nothing.",
			New: hooked("stop-zero", onCall(userclient.SelStop, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				err := next()
				if err == nil && a.NOut == 0 && len(a.Out) > 0 {
					a.Out[0], a.NOut = 0, 1
				}
				return err
			})),
		},
		raw("SEQ-09", "It sets the end flag on the third entry and goes on.", RawConfig{}, BugEarlyEnd),
		raw("SEQ-10", "It writes the number of the next entry into the header.", RawConfig{Metadata: true}, BugHeaderNumber),
		{
			Name: "stats-behind", Rule: "SEQ-11", Wrong: "Its counters leave the newest entry out.",
			New: changed("stats-behind", CounterConfig(), Count, rewriting(userclient.SelStats, func(_ *Session, st *userclient.Stats) {
				if st.LastSeq > 0 && st.Posted > 0 {
					st.LastSeq--
					st.Posted--
				}
			})),
		},
	}
}
