// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"strings"
	"testing"
)

func TestVerdictOfAnOutcome(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    outcome
		want Verdict
		says string
	}{
		{"returned", outcome{returned: true}, Pass, ""},
		{"nothing known", outcome{}, Error, "without a verdict"},
		{"breach", outcome{returned: true, failed: true}, Fail, ""},
		{"breach, then skip", outcome{failed: true, skipped: true}, Fail, ""},
		{"breach, then panic", outcome{failed: true, panicked: "x"}, Fail, ""},
		{"breach, then hung", outcome{failed: true, hung: true}, Fail, ""},
		{"skip", outcome{skipped: true}, Skip, ""},
		{"skip in a goroutine, check hung", outcome{skipped: true, hung: true}, Error, "did not return"},
		{"skip, then panic", outcome{skipped: true, panicked: "boom"}, Error, "boom"},
		{"does not apply", outcome{unfit: true}, NotClaimed, ""},
		{"breach, then does not apply", outcome{failed: true, unfit: true}, Fail, ""},
		{"not prepared", outcome{aborted: true}, Error, "prepared"},
		{"run ended", outcome{returned: true, stopped: context.Canceled}, Error, "canceled"},
		{"untidy", outcome{returned: true, untidy: "a leak"}, Error, "a leak"},
		{"panic", outcome{panicked: "boom"}, Error, "boom"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, reason := tc.o.verdict()
			if v != tc.want || !strings.Contains(reason, tc.says) || tc.says == "" && reason != "" {
				t.Errorf("got %s (%q), want %s (…%s…)", v, reason, tc.want, tc.says)
			}
		})
	}
}

// A skip is never a pass, and only passes make a driver conformant.
func TestJudge(t *testing.T) {
	must := func(v Verdict) RuleResult { return RuleResult{Level: Must, Verdict: v} }
	should := func(v Verdict) RuleResult { return RuleResult{Level: Should, Verdict: v} }
	waived := func(v Verdict) RuleResult { return RuleResult{Level: Must, Verdict: v, Waiver: &Waiver{}} }
	for _, tc := range []struct {
		name  string
		rules []RuleResult
		want  Result
		code  int
	}{
		{"nothing", nil, Incomplete, 3},
		{"pass", []RuleResult{must(Pass)}, Conformant, 0},
		{"not claimed alone", []RuleResult{must(NotClaimed)}, Incomplete, 3},
		{"pass and not claimed", []RuleResult{must(Pass), must(NotClaimed)}, Conformant, 0},
		{"skip", []RuleResult{must(Pass), must(Skip)}, Incomplete, 3},
		{"error", []RuleResult{must(Pass), must(Error)}, Incomplete, 3},
		{"fail", []RuleResult{must(Pass), must(Fail)}, NotConformant, 1},
		{"skip, then fail", []RuleResult{must(Skip), must(Fail)}, NotConformant, 1},
		{"waived fail", []RuleResult{must(Pass), waived(Fail)}, Incomplete, 3},
		{"waived pass", []RuleResult{must(Pass), waived(Pass)}, Conformant, 0},
		{"waived fail and fail", []RuleResult{waived(Fail), must(Fail)}, NotConformant, 1},
		{"should fail", []RuleResult{must(Pass), should(Fail)}, Conformant, 0},
		{"should skip", []RuleResult{must(Pass), should(Skip), should(Error)}, Conformant, 0},
		{"should pass alone", []RuleResult{should(Pass)}, Incomplete, 3},
		{"unknown verdict", []RuleResult{must(Pass), must("")}, Incomplete, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := judge(tc.rules); got != tc.want || got.ExitCode() != tc.code {
				t.Errorf("got %s, exit %d, want %s, exit %d", got, got.ExitCode(), tc.want, tc.code)
			}
		})
	}
}
