// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func clockMutants() []Mutant {
	raw := func(rule, wrong string, bug Bug) Mutant {
		return Mutant{Name: string(bug), Rule: rule, Wrong: wrong, New: buggy(string(bug), RawConfig{}, bug)}
	}
	correlates := func(name, rule, wrong string, change func(out []uint64)) Mutant {
		return Mutant{Name: name, Rule: rule, Wrong: wrong, New: hooked(name, scalars(userclient.SelCorrelate,
			func(_ *Session, out []uint64) { change(out) }))}
	}
	describes := func(name, rule, wrong string, change func(*userclient.Clock)) Mutant {
		return Mutant{Name: name, Rule: rule, Wrong: wrong, New: hooked(name, rewriting(userclient.SelDescribe,
			func(_ *Session, d *userclient.Description) { change(&d.Clock) }))}
	}
	return []Mutant{
		raw("CLOCK-01", "It stamps every fourth entry with a time before that of the entry before it.", BugTimeBack),
		raw("CLOCK-02", "It stamps entries with the host's time instead of the stream's.", BugHostTime),
		raw("CLOCK-03", "It stamps entries and does not say that the stamps are valid.", BugNoTimeFlag),
		correlates("correlate-unsure", "CLOCK-04", "It answers correlate with an uncertainty of an hour.",
			func(out []uint64) { out[2] = uint64(time.Hour) }),
		correlates("correlate-wall", "CLOCK-05", "It answers correlate with the wall clock.",
			func(out []uint64) { out[1] = uint64(time.Now().UnixNano()) }),
		correlates("correlate-ticks", "CLOCK-06", "It answers correlate with ticks of half a nanosecond.",
			func(out []uint64) { out[0] *= 2 }),
		describes("epoch-moves", "CLOCK-07", "It describes the moment of the call as the epoch.",
			func(c *userclient.Clock) { c.Epoch = monotime.Now() }),
		describes("epoch-off", "CLOCK-08", "It describes an epoch that is a second too early.",
			func(c *userclient.Clock) { c.Epoch -= int64(time.Second) }),
		describes("no-resolution", "CLOCK-09", "It describes a clock without a resolution.",
			func(c *userclient.Clock) { c.Resolution = 0 }),
	}
}
