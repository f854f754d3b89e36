// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// A driver that damages its queues breaks nearly every rule. Then the report names the
// one that is about the damage.

// about lists the rules that are about a breach of the protocol.
var about = map[ioreturn.Rule][]string{
	ioreturn.RuleQueueMagic:    {"QUEUE-01"},
	ioreturn.RuleQueueGeometry: {"QUEUE-02", "CLASSIC-01"},
	ioreturn.RuleQueueIndex:    {"QUEUE-12", "QUEUE-13", "CLASSIC-03", "CLASSIC-04"},
	ioreturn.RuleQueueFull:     {"QUEUE-15", "OWN-01"},
	ioreturn.RuleEntryBuffer:   {"QUEUE-10"},
	ioreturn.RuleEntryRange:    {"QUEUE-10"},
	ioreturn.RuleEntryOwner:    {"OWN-01"},
	ioreturn.RuleQueueRoles:    {"CLASSIC-02", "CLASSIC-05"},
	ioreturn.RuleEntrySeq:      {"SEQ-03"},
	ioreturn.RuleDescribe:      {"DESC-01"},
	ioreturn.RuleMemoryRange:   {"BUF-05", "BUF-04"},
}

// manyRules is how many rules must tell of the same breach before it is called the cause.
const manyRules = 3

// cause finds the breach of the protocol that most rules tell of, and the first broken
// rule that is about it.
func (r *Report) cause() (breach ioreturn.Rule, told int, first *RuleResult) {
	count := map[ioreturn.Rule]int{}
	for i := range r.Rules {
		res := &r.Rules[i]
		if res.Verdict != Fail && res.Verdict != Error {
			continue
		}
		said := strings.Join(res.Messages, " ") + strings.Join(res.Notes, " ")
		for b := range about {
			if strings.Contains(said, "("+b.ID()+")") {
				count[b]++
			}
		}
	}
	for _, b := range slices.SortedFunc(maps.Keys(count), func(a, b ioreturn.Rule) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	}) {
		if count[b] < manyRules {
			break
		}
		for _, id := range about[b] {
			at := slices.IndexFunc(r.Rules, func(res RuleResult) bool { return res.ID == id && res.Verdict == Fail })
			if at >= 0 {
				return b, count[b], &r.Rules[at]
			}
		}
	}
	return 0, 0, nil
}

// where says with which rule to begin.
func (r *Report) where(broken []*RuleResult) string {
	if breach, told, first := r.cause(); first != nil && slices.Contains(broken, first) {
		return fmt.Sprintf("Begin with %s: %d rules tell of the same mistake, which is its subject (%s, %s).",
			first.ID, told, breach, breach.ID())
	}
	return "Begin with the first: those below it often have the same cause."
}
