// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteTAP writes the report in the Test Anything Protocol, version 14. A broken
// should-rule and a broken rule under a waiver are TODO tests, whose failure does not
// count there; skips and rules that are not claimed are SKIP tests.
func (r *Report) WriteTAP(w io.Writer) error {
	var b strings.Builder
	b.WriteString("TAP version 14\n")
	fmt.Fprintf(&b, "1..%d\n", len(r.Rules))
	fmt.Fprintf(&b, "# conformance suite %s, target %s, seed %d\n", r.Suite, tapText(r.Target), r.Settings.Seed)
	for i := range r.Rules {
		tapTest(&b, i+1, &r.Rules[i])
	}
	fmt.Fprintf(&b, "# result: %s\n", r.Result)
	_, err := io.WriteString(w, b.String())
	return err
}

func tapTest(b *strings.Builder, n int, r *RuleResult) {
	ok, directive := "ok", ""
	switch r.Verdict {
	case Pass:
	case Skip:
		directive = " # SKIP " + tapText(r.Reason)
	case NotClaimed:
		directive = " # SKIP not claimed: " + tapText(r.Reason)
	case Fail, Error:
		ok = "not ok"
		switch {
		case r.Waiver != nil:
			directive = fmt.Sprintf(" # TODO waived until %s: %s", r.Waiver.Expires, tapText(r.Waiver.Reason))
		case r.Level != Must:
			directive = " # TODO advice"
		}
	}
	fmt.Fprintf(b, "%s %d - %s %s%s\n", ok, n, r.ID, tapText(r.Title), directive)
	if r.Verdict != Fail && r.Verdict != Error {
		return
	}
	b.WriteString("  ---\n")
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "  %s: %s\n", name, strconv.Quote(value))
		}
	}
	field("severity", string(r.Verdict))
	field("message", first(r.Messages))
	field("reason", r.Reason)
	if len(r.Messages) > 1 {
		b.WriteString("  seen:\n")
		for _, m := range r.Messages {
			fmt.Fprintf(b, "    - %s\n", strconv.Quote(m))
		}
	}
	field("why", r.Why)
	field("remedy", r.Remedy)
	field("page", r.Page())
	fmt.Fprintf(b, "  duration_ms: %d\n  ...\n", r.Duration/time.Millisecond)
}

// tapText makes text safe within a test line: one line, no directive of its own.
func tapText(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(s)
}
