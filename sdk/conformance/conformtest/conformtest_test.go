// SPDX-License-Identifier: Apache-2.0

package conformtest

import (
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
)

// A subtest passes for a pass alone, and fails for what must not be overlooked.
func TestSubtests(t *testing.T) {
	r := &conformance.Rule{ID: "LIFE-01", Title: "title", Why: "the why", Remedy: "the remedy"}
	waiver := &conformance.Waiver{Rule: "LIFE-01", Reason: "known", Expires: "2026-12-31"}
	for _, tc := range []struct {
		name string
		res  conformance.RuleResult
		want verdict
		says []string
	}{
		{"pass", conformance.RuleResult{Verdict: conformance.Pass}, passes, nil},
		{"fail", conformance.RuleResult{Verdict: conformance.Fail, Level: conformance.Must, Messages: []string{"seen"}}, fails,
			[]string{"title", "seen", "the why", "the remedy", "docs/reference/rules/LIFE-01.md"}},
		{"should", conformance.RuleResult{Verdict: conformance.Fail, Level: conformance.Should}, skips, []string{"advice"}},
		{"waived", conformance.RuleResult{Verdict: conformance.Fail, Level: conformance.Must, Waiver: waiver}, skips, []string{"2026-12-31", "known"}},
		{"skip", conformance.RuleResult{Verdict: conformance.Skip, Reason: "no cable"}, skips, []string{"no cable"}},
		{"not claimed", conformance.RuleResult{Verdict: conformance.NotClaimed, Reason: "no classic"}, skips, []string{"no classic"}},
		{"error", conformance.RuleResult{Verdict: conformance.Error, Reason: "panicked", Level: conformance.Should}, fails, []string{"panicked"}},
		{"unknown", conformance.RuleResult{Verdict: "x"}, fails, []string{"could not be checked"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.res.ID, tc.res.Title = r.ID, r.Title
			got, text := subtest(&tc.res, r)
			if got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
			for _, s := range tc.says {
				if !strings.Contains(text, s) {
					t.Errorf("%q does not say %q", text, s)
				}
			}
		})
	}
}
