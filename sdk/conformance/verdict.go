// SPDX-License-Identifier: Apache-2.0

package conformance

import "fmt"

// Verdict is what a rule came to.
type Verdict string

// The verdicts.
const (
	Pass       Verdict = "pass"        // no breach was seen
	Fail       Verdict = "fail"        // a breach was seen
	Skip       Verdict = "skip"        // not checked, for the reason given
	NotClaimed Verdict = "not_claimed" // the driver does not offer what the rule is about
	Error      Verdict = "error"       // the check could not be made: the suite or the preparation failed
)

// Verdicts lists all verdicts in the order of reports.
func Verdicts() []Verdict { return []Verdict{Pass, Fail, Skip, NotClaimed, Error} }

// Result is what all rules came to.
type Result string

// The results.
const (
	Conformant    Result = "conformant"
	NotConformant Result = "not conformant"
	Incomplete    Result = "incomplete" // no breach, but a must-rule was skipped, waived or not checked
)

// ExitCode returns the status with which a command ends: 0 conformant, 1 not
// conformant, 3 incomplete.
func (r Result) ExitCode() int {
	switch r {
	case Conformant:
		return 0
	case NotConformant:
		return 1
	}
	return 3
}

// outcome is how the check of a rule ended.
type outcome struct {
	returned bool   // Check came to its end
	failed   bool   // Errorf or Fatalf
	skipped  bool   // Skipf
	unfit    bool   // inapplicable: the driver does not offer what the rule is about
	aborted  bool   // abortf: what the rule needs could not be prepared
	panicked any    // what Check panicked with
	hung     bool   // Check did not return
	stopped  error  // the suite's own context ended
	untidy   string // what could not be given back at the end of the rule
}

// verdict turns an outcome into a verdict and its reason. A breach that was seen
// counts whatever else happened, and only a check that came to its end passes.
func (o *outcome) verdict() (v Verdict, reason string) {
	switch {
	case o.failed:
		return Fail, ""
	case o.panicked != nil:
		return Error, fmt.Sprintf("the check panicked: %v", o.panicked)
	case o.stopped != nil:
		return Error, fmt.Sprintf("the run was ended: %v", o.stopped)
	case o.hung:
		return Error, "the check did not return although its time was up"
	case o.aborted:
		return Error, "the check could not be prepared"
	case o.skipped:
		return Skip, ""
	case o.unfit:
		return NotClaimed, ""
	case !o.returned:
		return Error, "the check ended without a verdict"
	case o.untidy != "":
		return Error, o.untidy
	}
	return Pass, ""
}

// Totals count verdicts. Fail counts all rules that failed; ShouldFail and Waived say
// how many of them do not make the driver not conformant.
type Totals struct {
	Pass       int `json:"pass"`
	Fail       int `json:"fail"`
	Skip       int `json:"skip"`
	NotClaimed int `json:"not_claimed"`
	Error      int `json:"error"`
	ShouldFail int `json:"should_fail"`
	Waived     int `json:"waived"` // failed, or not checked, under a waiver
}

func (t *Totals) count(r *RuleResult) {
	switch r.Verdict {
	case Pass:
		t.Pass++
	case Fail:
		t.Fail++
		if r.Level != Must {
			t.ShouldFail++
		}
	case Skip:
		t.Skip++
	case NotClaimed:
		t.NotClaimed++
	case Error:
		t.Error++
	}
	if r.Waiver != nil && r.Verdict != Pass && r.Verdict != NotClaimed {
		t.Waived++
	}
}

// judge sums up. A run in which no must-rule passed shows nothing, so it is incomplete
// at best.
func judge(rules []RuleResult) Result {
	passed, open := false, false
	for i := range rules {
		r := &rules[i]
		if r.Level != Must {
			continue
		}
		switch r.Verdict {
		case Pass:
			passed = true
		case NotClaimed:
		case Fail:
			if r.Waiver == nil {
				return NotConformant
			}
			open = true
		default: // skip, error, and whatever is not known
			open = true
		}
	}
	if open || !passed {
		return Incomplete
	}
	return Conformant
}
