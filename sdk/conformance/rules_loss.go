// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"time"
)

// lossTimeout is for rules that fill every buffer before they begin.
const lossTimeout = 20 * time.Second

// lossRules are about entries that are lost: each is counted under one cause, and each
// is a gap in the numbers (C14).
func lossRules() []Rule {
	rules := slices.Concat(lossAccountRules(), lossPolicyRules())
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Since, r.Timeout = Streaming, Must, "0.1.0", lossTimeout
		if r.Origin == "" {
			r.Origin = HostLibrary
		}
	}
	return rules
}

// lossAccountRules are about what is told of losses.
func lossAccountRules() []Rule {
	numbers := []Capability{CapStats, CapSequence, CapNative}
	return []Rule{
		{
			ID: "LOSS-01", Needs: []Capability{CapStats},
			Title: "The counters add up at any moment",
			What: "In every answer to stats, while the stream runs and while it is stopped, the last number plus one equals the entries posted, " +
				"the entries lost and the entries in the backlog together.",
			Why:    "It is the one equation by which a client can prove that nothing was lost in silence.",
			Remedy: "Change number and counters under one lock, and take the answer under the same lock.",
			Check:  checkBalance,
		},
		{
			ID: "LOSS-02", Needs: []Capability{CapStats},
			Title: "The counters add up while entries are lost",
			What: "The last number plus one equals posted, lost and backlogged entries together also in every answer that is given while the client " +
				"holds all buffers and the driver runs over.",
			Why:    "Losses are rare, so this is the path that nobody has looked at; an entry that is lost and not counted is what this project is there to prevent.",
			Remedy: "Count a lost entry where it gets its number, in the same locked section.",
			Check:  checkBalanceInOverrun,
		},
		{
			ID: "LOSS-03", Needs: numbers,
			Title: "What is missing is what was counted as lost",
			What: "After an overrun, and when everything on the queue was read, the entries received are those counted as posted, and the numbers " +
				"missing among them are as many as the causes of loss add up to.",
			Why:    "If the sums differ, either frames vanish without a trace or a client throws good recordings away.",
			Remedy: "Count an entry as posted when it is published, and as lost otherwise; never both, never neither.",
			Check:  checkGapsAreCauses,
		},
		{
			ID: "LOSS-04", Needs: []Capability{CapStats},
			Title: "A loss has the cause that the policy gives it",
			What: "Entries lost because no buffer was free are counted under the driver's overrun policy, and under no cause that did not happen, " +
				"such as a flush or a stop.",
			Why:    "Whoever tunes a system by these counters looks in the wrong place.",
			Remedy: "Choose the cause where the entry is given up, by the reason there.",
			Check:  checkCause,
		},
		{
			ID: "LOSS-05", Needs: numbers,
			Title: "The first entry after a loss says so",
			What: "Each entry whose number is not the one before it plus one carries the discontinuity flag, in the order in which the client reads " +
				"the entries.",
			Why: "Decoders and recorders look at the flag, not at the numbers. Without it they join frames that do not belong together.",
			Remedy: "Set the flag on the entry that follows the gap on the queue. Under drop-oldest that is the next one of the backlog, " +
				"which has its number already, and not the one that is posted next.",
			Check: checkDiscontinuity,
		},
		{
			ID: "LOSS-06", Needs: []Capability{CapStats},
			Title: "The loss log agrees with the counters",
			What: "For each cause the records of the loss log add up to the counter, or to less once the log is full (64 records); no record is of " +
				"no entries, of a number that was not given, or tells of more buffers than there are.",
			Why:    "The log is where one looks for who was late. One that differs from the counters is worse than none.",
			Remedy: "Write the record in the function that counts, with the same count and cause.",
			Check:  checkLossLog,
		},
		{
			ID: "LOSS-07", Needs: numbers,
			Title: "The loss log names the numbers that are missing",
			What: "No entry that the client received has a number that the loss log tells as lost (last number and count of each record), and as " +
				"long as the log is complete it tells every number that is missing.",
			Why:    "Only so can a recording be repaired from another source.",
			Remedy: "Record the number of the last entry that was lost, not of the entry before or after it.",
			Check:  checkLogNumbers,
		},
		{
			ID: "LOSS-08", Needs: []Capability{CapStats, CapEvents},
			Title: "An overrun is told when it begins and when it ends",
			What: "When the driver begins to lose entries because no buffer is free, the client gets the event overrun-began with the last number " +
				"before the loss; when a buffer is free again, overrun-ended with how many were lost. The two take turns, and the ends add up to the losses.",
			Why:    "An operator's display shows overruns from these events. Without the end it stays red, without the beginning it never is.",
			Remedy: "Emit began with the first loss of a row, ended when the driver next finds a free buffer.",
			Check:  checkOverrunEvents,
		},
		{
			ID: "LOSS-09", Needs: []Capability{CapStats},
			Title:  "Counters never shrink within a session",
			What:   "Between open and close no counter of stats gets smaller, over start, stop, suspend and losses.",
			Why:    "Monitors compute rates from differences; a counter that begins anew shows as billions, or hides what was before.",
			Remedy: "Clear counters in open only.",
			Check:  checkCountersGrow,
		},
	}
}

// lossPolicyRules are about what the overrun policies mean.
func lossPolicyRules() []Rule {
	return []Rule{
		{
			ID: "LOSS-10", Origin: Both, Needs: []Capability{CapBlock, CapStats, CapSequence, CapNative},
			Title: "Under block nothing is lost for want of a buffer",
			What: "A driver whose policy is block waits while the client holds all buffers: nothing is counted under the other policies, and the " +
				"numbers go on without a step when the client gives buffers back.",
			Why:    "Clients choose such a stream because they can't afford a loss, and look for none.",
			Remedy: "Let the device wait. If it can't, the policy is another one: say drop-newest, drop-oldest or fail in the description.",
			Check:  checkBlock,
		},
		{
			ID: "LOSS-11", Origin: HostLibrary, Needs: []Capability{CapDropOldest, CapStats, CapSequence, CapNative},
			Title: "Under drop-oldest a late client sees the newest",
			What: "While the client does not read, at most W entries (backlog in the description) wait on the queue. After them it sees the newest " +
				"ones: none that is older than an entry that was dropped.",
			Why:    "A display that was stalled would replay old pictures, and be late from then on.",
			Remedy: "Post at most W entries ahead of the client, keep the rest back, and when a buffer is needed take that of the oldest entry kept back.",
			Check:  checkDropOldest,
		},
		{
			ID: "LOSS-12", Origin: HostLibrary, Needs: []Capability{CapDropNewest, CapStats, CapSequence, CapNative},
			Title: "Under drop-newest a late client sees the oldest",
			What: "While the stream runs, every entry is put on the queue at once or lost: none is kept back. What was on the queue when the overrun " +
				"began stays there, without a gap up to the first loss.",
			Why:    "A recorder wants the beginning of what happened; an entry that it could have had must not make way for a later one.",
			Remedy: "Publish each entry when it is posted; when no buffer is free, lose the new entry and none that waits.",
			Check:  checkDropNewest,
		},
		{
			ID: "LOSS-13", Origin: HostLibrary, Needs: []Capability{CapFail, CapStats, CapSequence, CapNative},
			Title: "Under fail an overrun stops the stream and says why",
			What: "When the client holds all buffers, the driver stops: the status word of the output queue says overrun, what was posted can be " +
				"read, the lost entry is counted under fail, nothing more comes, and start goes on with the next number.",
			Why:    "Clients choose this policy to be stopped at the first loss. One that goes on gives them data with a hole.",
			Remedy: "Leave the state running at the first entry without a buffer, write kIOReturnOverrun to the status word and ring.",
			Check:  checkFailPolicy,
		},
		{
			ID: "LOSS-14", Origin: HostLibrary, Needs: []Capability{CapFlush, CapStats},
			Title: "Flush says how much it discarded, and counts it",
			What: "Flush of a suspended stream answers how many entries it discarded from the backlog; the cause flushed grows by exactly as many, " +
				"the backlog is empty, and nothing that is on the queue already is touched.",
			Why:    "What a client throws away by intent must not look like a fault, and must not vanish either.",
			Remedy: "Discard the backlog only, count each entry as flushed, and answer the number.",
			Check:  checkFlush,
		},
	}
}
