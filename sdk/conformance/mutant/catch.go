// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
)

// Catch runs rules of the suite on the mutant, all of them if none are named, and
// returns the report. The error says why the mutant is not caught: its primary rule does
// not fail, fails without a word, or does not make the driver what its level says.
func (m *Mutant) Catch(ctx context.Context, rules ...string) (rep *conformance.Report, err error) {
	target := m.New()
	defer func() { err = errors.Join(err, target.Close()) }()
	if rep, err = conformance.Run(ctx, target, m.Options(rules...)); err != nil {
		return nil, err
	}
	return rep, m.caught(rep)
}

func (m *Mutant) caught(rep *conformance.Report) error {
	for i := range rep.Rules {
		r := &rep.Rules[i]
		if r.ID != m.Rule {
			continue
		}
		switch {
		case r.Verdict != conformance.Fail:
			return fmt.Errorf("%s came to %q, not to a failure: %s %q %q", r.ID, r.Verdict, r.Reason, r.Messages, r.Notes)
		case len(r.Messages) == 0:
			return fmt.Errorf("%s failed without saying what was seen", r.ID)
		case r.Level == conformance.Must && rep.Result != conformance.NotConformant:
			return fmt.Errorf("%s failed, but the driver is %q", r.ID, rep.Result)
		}
		return nil
	}
	return fmt.Errorf("there is no rule %s", m.Rule)
}

// Others lists the rules of a report besides the primary one that did not pass.
func (m *Mutant) Others(rep *conformance.Report) []string {
	var out []string
	for i := range rep.Rules {
		if r := &rep.Rules[i]; r.ID != m.Rule && (r.Verdict == conformance.Fail || r.Verdict == conformance.Error) {
			out = append(out, fmt.Sprintf("%s (%s)", r.ID, r.Verdict))
		}
	}
	return out
}

// Bare lists the must-rules that have no mutant.
func Bare() []string {
	have := map[string]bool{}
	for _, m := range Mutants() {
		have[m.Rule] = true
	}
	var out []string
	for _, r := range conformance.Rules() {
		if r.Level == conformance.Must && !have[r.ID] {
			out = append(out, r.ID)
		}
	}
	return out
}
