// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// TestAboutNamesRules checks the table of causes against the rules.
func TestAboutNamesRules(t *testing.T) {
	for breach, ids := range about {
		for _, id := range ids {
			if !slices.ContainsFunc(Rules(), func(r Rule) bool { return r.ID == id }) {
				t.Errorf("%s is said to be the subject of %s, which does not exist", breach, id)
			}
		}
	}
}

// TestBeginWithTheCause reads a report of a driver that damages its queues.
func TestBeginWithTheCause(t *testing.T) {
	told := func(id string, v Verdict) RuleResult {
		return RuleResult{ID: id, Level: Must, Verdict: v, Messages: []string{
			fmt.Sprintf("no entry came: rule %s broken (%s)", ioreturn.RuleQueueRoles, ioreturn.RuleQueueRoles.ID()),
		}}
	}
	for _, tc := range []struct {
		name  string
		rules RuleResults
		want  string
	}{
		{
			"the subject failed",
			RuleResults{told("LIFE-01", Fail), told("LIFE-02", Fail), told("OWN-01", Error), told("CLASSIC-02", Fail)},
			"Begin with CLASSIC-02: 4 rules tell of the same mistake, which is its subject (QUEUE-ROLES, IOSK-E1008).",
		},
		{
			"the subject passed",
			RuleResults{told("LIFE-01", Fail), told("LIFE-02", Fail), told("LIFE-03", Fail), told("CLASSIC-02", Pass)},
			"Begin with the first",
		},
		{
			"few tell of it",
			RuleResults{
				{ID: "LIFE-01", Level: Must, Verdict: Fail, Messages: []string{"open was refused"}},
				{ID: "LIFE-02", Level: Must, Verdict: Fail, Messages: []string{"open was refused"}},
				told("CLASSIC-02", Fail),
			},
			"Begin with the first",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b strings.Builder
			if err := (&Report{Rules: tc.rules}).WriteText(&b); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), tc.want) { // however it is wrapped
				t.Errorf("want %q in\n%s", tc.want, b.String())
			}
		})
	}
}
