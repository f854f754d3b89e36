// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"io"
	"strings"
)

// ChangeKind says how a rule's result differs between two reports.
type ChangeKind string

// The kinds of change.
const (
	NewFailure ChangeKind = "new failure" // it fails now and did not, or was not there
	NewError   ChangeKind = "new error"   // it can't be checked any more
	NewSkip    ChangeKind = "new skip"    // it was checked, and is not any more
	NewWaiver  ChangeKind = "new waiver"  // it is waived now
	LostClaim  ChangeKind = "lost claim"  // the driver claimed what it is about, and does not any more
	Vanished   ChangeKind = "vanished"    // it is not in the new report
	Repaired   ChangeKind = "repaired"    // it passes now
	Added      ChangeKind = "added"       // it is new and does not fail
	Changed    ChangeKind = "changed"     // anything else
)

// Regression reports whether a change makes a driver, or what is known about it, worse.
func (k ChangeKind) Regression() bool {
	switch k {
	case NewFailure, NewError, NewSkip, NewWaiver, LostClaim, Vanished:
		return true
	}
	return false
}

// RuleChange is a rule whose result differs between two reports.
type RuleChange struct {
	ID     string     `json:"id"`
	Title  string     `json:"title"`
	Kind   ChangeKind `json:"kind"`
	Old    Verdict    `json:"old,omitempty"` // empty: it was not there
	New    Verdict    `json:"new,omitempty"`
	Detail string     `json:"detail,omitempty"` // what was seen, or the reason
}

// Diff compares two reports of a driver and returns what differs, in the order of the
// new report, with what vanished at the end.
func Diff(old, now *Report) []RuleChange {
	before := map[string]*RuleResult{}
	for i := range old.Rules {
		before[old.Rules[i].ID] = &old.Rules[i]
	}
	var out []RuleChange
	for i := range now.Rules {
		r := &now.Rules[i]
		b := before[r.ID]
		delete(before, r.ID)
		if kind := changeOf(b, r); kind != "" {
			c := RuleChange{ID: r.ID, Title: r.Title, Kind: kind, New: r.Verdict, Detail: r.Reason}
			if b != nil {
				c.Old = b.Verdict
			}
			if m := first(r.Messages); m != "" && r.Verdict != Pass {
				c.Detail = strings.TrimPrefix(c.Detail+"; "+m, "; ")
			}
			out = append(out, c)
		}
	}
	for i := range old.Rules {
		if r := &old.Rules[i]; before[r.ID] != nil {
			out = append(out, RuleChange{ID: r.ID, Title: r.Title, Kind: Vanished, Old: r.Verdict})
		}
	}
	return out
}

// changeOf classifies one rule; before is nil for a rule that was not there.
func changeOf(before, now *RuleResult) ChangeKind {
	var was Verdict
	waived := false
	if before != nil {
		was, waived = before.Verdict, before.Waiver != nil
	}
	switch {
	case now.Verdict == Fail && was != Fail:
		return NewFailure
	case now.Verdict == Error && was != Error:
		return NewError
	case now.Waiver != nil && !waived:
		return NewWaiver
	case before == nil && now.Verdict == Skip:
		return NewSkip
	case before == nil:
		return Added
	case now.Verdict == was:
		return ""
	case now.Verdict == Skip:
		return NewSkip
	case now.Verdict == NotClaimed && (was == Pass || was == Fail):
		return LostClaim
	case now.Verdict == Pass:
		return Repaired
	}
	return Changed
}

// WriteDiff writes changes for people, regressions first, and reports whether there are
// any regressions.
func WriteDiff(w io.Writer, changes []RuleChange) (worse bool, err error) {
	var b strings.Builder
	n := 0
	for _, regressions := range []bool{true, false} {
		for _, c := range changes {
			if c.Kind.Regression() != regressions {
				continue
			}
			if regressions {
				n++
			}
			fmt.Fprintf(&b, "%-12s %s  %s\n", c.Kind, c.ID, c.Title)
			if c.Detail != "" {
				wrap(&b, "             ", c.Detail)
			}
		}
	}
	fmt.Fprintf(&b, "%d changes, %d for the worse\n", len(changes), n)
	_, err = io.WriteString(w, b.String())
	return n > 0, err
}
