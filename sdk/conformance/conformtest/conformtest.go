// SPDX-License-Identifier: Apache-2.0

// Package conformtest runs the conformance suite under go test.
//
//	func TestConformance(t *testing.T) {
//		d, loop := newMyDriver(t)
//		go loop(t.Context())
//		conformtest.Run(t, conformance.FromProvider(d), nil)
//	}
package conformtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
)

// Run checks every rule in a subtest that is named like the rule, so that
//
//	go test -run 'TestConformance/LIFE-03'
//
// checks one alone. A broken must-rule and a rule that could not be checked fail their
// subtest; a broken should-rule, a skip, a rule that is not claimed and a waived one
// skip it and say why. Run returns the report, whose Result says more than the test's:
// go test takes skips for passes. opts may be nil.
func Run(t *testing.T, target conformance.Target, opts *conformance.Options) *conformance.Report {
	t.Helper()
	s, err := conformance.New(t.Context(), target, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("conformance suite %s, seed %d", conformance.Version, s.Seed())
	for _, r := range s.Rules() {
		t.Run(r.ID, func(t *testing.T) { show(t, s.Check(t.Context(), r.ID), &r) })
	}
	rep := s.Report()
	t.Logf("%s: %d pass, %d fail, %d skip, %d not claimed, %d error",
		rep.Result, rep.Pass, rep.Fail, rep.Skip, rep.NotClaimed, rep.Error)
	return rep
}

// show turns a rule's verdict into its subtest's.
func show(t *testing.T, res conformance.RuleResult, r *conformance.Rule) {
	t.Helper()
	for _, n := range res.Notes {
		t.Logf("note: %s", n)
	}
	switch verdict, text := subtest(&res, r); verdict {
	case passes:
	case fails:
		t.Error(text)
	case skips:
		t.Skip(text)
	}
}

// verdict is what go test knows.
type verdict int

const (
	passes verdict = iota
	fails
	skips
)

// subtest says what a rule's subtest comes to, and why.
func subtest(res *conformance.RuleResult, r *conformance.Rule) (verdict, string) {
	text := strings.Join(append([]string{res.Title}, res.Messages...), "\n  ")
	if res.Reason != "" {
		text += "\n  " + res.Reason
	}
	switch res.Verdict {
	case conformance.Pass:
		return passes, ""
	case conformance.Fail:
		text += "\n  why: " + r.Why + "\n  remedy: " + r.Remedy + "\n  page: " + res.Page()
		switch {
		case res.Waiver != nil:
			return skips, fmt.Sprintf("broken, but waived until %s (%s): %s", res.Waiver.Expires, res.Waiver.Reason, text)
		case res.Level != conformance.Must:
			return skips, "advice: " + text
		}
		return fails, text
	case conformance.Skip, conformance.NotClaimed:
		return skips, fmt.Sprintf("%s: %s", res.Verdict, text)
	}
	return fails, "could not be checked: " + text
}
