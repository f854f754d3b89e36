// SPDX-License-Identifier: Apache-2.0

package mutant_test

import (
	"flag"
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
			only := []string{m.Rule}
			if *full {
				only = nil
			}
			// Some bugs show by chance, and the machine may be busy: three runs, each with
			// a seed of its own, are enough to meet them.
			rep, err := m.Catch(t.Context(), only...)
			for try := 1; err != nil && try < 3; try++ {
				t.Logf("try %d: %v", try, err)
				rep, err = m.Catch(t.Context(), only...)
			}
			if err != nil {
				t.Fatal(err)
			}
			if testing.Verbose() {
				var b strings.Builder
				if err := rep.WriteText(&b); err != nil {
					t.Error(err)
				}
				t.Logf("%s\n%s", m.Wrong, b.String())
			}
		})
	}
}

// Every must-rule has a mutant, and every mutant a rule, a name of its own and a sentence.
func TestEveryMustRuleHasAMutant(t *testing.T) {
	for _, id := range mutant.Bare() {
		t.Errorf("rule %s has no mutant: nothing shows that it bites", id)
	}
	names := map[string]bool{}
	for _, m := range mutant.Mutants() {
		if names[m.Name] {
			t.Errorf("two mutants are called %s", m.Name)
		}
		names[m.Name] = true
		if !strings.HasSuffix(m.Wrong, ".") || len(m.Wrong) < 20 {
			t.Errorf("%s: %q does not say what is wrong", m.Name, m.Wrong)
		}
		if !slices.ContainsFunc(conformance.Rules(), func(r conformance.Rule) bool { return r.ID == m.Rule }) {
			t.Errorf("%s is for %s, which is no rule", m.Name, m.Rule)
		}
	}
}
