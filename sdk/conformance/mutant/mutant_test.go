// SPDX-License-Identifier: Apache-2.0

package mutant_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
)

var full = flag.Bool("full", false, "run the whole suite on every mutant, not only its primary rule")

func TestMain(m *testing.M) { leak.Main(m) }

// Every mutant is caught by the rule that it was made for.
func TestMutantsAreCaught(t *testing.T) {
	for _, m := range mutant.Mutants() {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			target := m.New()
			defer func() {
				if err := target.Close(); err != nil {
					t.Error(err)
				}
			}()
			only := []string{m.Rule}
			if *full {
				only = nil
			}
			rep, err := conformance.Run(t.Context(), target, m.Options(only...))
			if err != nil {
				t.Fatal(err)
			}
			if rep.Result != conformance.NotConformant {
				t.Errorf("result is %q", rep.Result)
			}
			i := slices.IndexFunc(rep.Rules, func(r conformance.RuleResult) bool { return r.ID == m.Rule })
			if i < 0 {
				t.Fatalf("there is no rule %s", m.Rule)
			}
			r := &rep.Rules[i]
			if r.Verdict != conformance.Fail || len(r.Messages) == 0 {
				t.Errorf("%s: verdict %s (%s) %v, want fail\n%s", m.Rule, r.Verdict, r.Reason, r.Messages, strings.Join(r.Notes, "\n"))
			}
			if *full {
				t.Logf("%s: also broken: %v", m.Rule, others(rep, m.Rule))
			}
		})
	}
}

// others lists the rules besides id that did not pass.
func others(rep *conformance.Report, id string) []string {
	var out []string
	for i := range rep.Rules {
		if r := &rep.Rules[i]; r.ID != id && (r.Verdict == conformance.Fail || r.Verdict == conformance.Error) {
			out = append(out, fmt.Sprintf("%s (%s)", r.ID, r.Verdict))
		}
	}
	return out
}

// Every must-rule has a mutant, and every mutant a rule, a name of its own and a sentence.
func TestEveryMustRuleHasAMutant(t *testing.T) {
	byRule, names := map[string]int{}, map[string]bool{}
	for _, m := range mutant.Mutants() {
		byRule[m.Rule]++
		if names[m.Name] {
			t.Errorf("two mutants are called %s", m.Name)
		}
		names[m.Name] = true
		if !strings.HasSuffix(m.Wrong, ".") || len(m.Wrong) < 20 {
			t.Errorf("%s: %q does not say what is wrong", m.Name, m.Wrong)
		}
	}
	for _, r := range conformance.Rules() {
		if r.Level == conformance.Must && byRule[r.ID] == 0 {
			t.Errorf("rule %s (%s) has no mutant: nothing shows that it bites", r.ID, r.Title)
		}
		delete(byRule, r.ID)
	}
	for id := range byRule {
		t.Errorf("a mutant is for %s, which is no rule", id)
	}
}
