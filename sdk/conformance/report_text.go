// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// textWidth is how wide the text report's paragraphs are.
const textWidth = 100

// WriteText writes the report for people: what was checked, each rule that did not pass
// with what was seen, why it matters and what to do, and the result.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	r.textHead(&b)
	for _, part := range []struct {
		title string
		of    func(*RuleResult) bool
	}{
		{"Broken rules", func(r *RuleResult) bool { return r.Level == Must && r.Waiver == nil }},
		{"Broken rules under a waiver", func(r *RuleResult) bool { return r.Level == Must && r.Waiver != nil }},
		{"Advice: rules that should be kept", func(r *RuleResult) bool { return r.Level != Must }},
	} {
		r.textPart(&b, part.title, part.of)
	}
	r.textErrors(&b)
	r.textPassed(&b)
	r.textReasons(&b, "Skipped", Skip)
	r.textReasons(&b, "Not claimed", NotClaimed)
	r.textFoot(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) textHead(b *strings.Builder) {
	d := &r.Driver
	fmt.Fprintf(b, "Conformance suite %s, ABI %s\n", r.Suite, r.ABI)
	fmt.Fprintf(b, "  target   %s\n", cmp.Or(r.Target, d.Name))
	program := strings.TrimSpace(d.Driver + " " + d.Version)
	fmt.Fprintf(b, "  driver   %s, %s, ABI %s to %s\n", cmp.Or(program, "(without a name)"), d.Direction, d.ABIMin, d.ABIMax)
	fmt.Fprintf(b, "  host     %s, %s/%s, %d CPUs, %s\n", r.Host.Name, r.Host.OS, r.Host.Arch, r.Host.CPUs, r.Host.Go)
	fmt.Fprintf(b, "  seed     %d\n", r.Settings.Seed)
}

// textPart writes the rules that failed and are of a kind.
func (r *Report) textPart(b *strings.Builder, title string, of func(*RuleResult) bool) {
	var broken []*RuleResult
	for i := range r.Rules {
		if res := &r.Rules[i]; res.Verdict == Fail && of(res) {
			broken = append(broken, res)
		}
	}
	if len(broken) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	if len(broken) > 2 {
		wrap(b, "  ", r.where(broken))
	}
	for _, res := range broken {
		b.WriteString("\n")
		textBroken(b, res)
	}
}

// textErrors writes the rules that could not be checked, those with the same cause
// together: it is often that of a broken rule above.
func (r *Report) textErrors(b *strings.Builder) {
	by := map[string][]string{}
	var causes []string
	for i := range r.Rules {
		res := &r.Rules[i]
		if res.Verdict != Error {
			continue
		}
		cause := strings.Join(slices.Concat([]string{res.Reason}, res.Messages, res.Notes), "; ")
		if by[cause] == nil {
			causes = append(causes, cause)
		}
		by[cause] = append(by[cause], res.ID)
	}
	if len(causes) == 0 {
		return
	}
	b.WriteString("\nRules that could not be checked\n")
	for _, cause := range causes {
		wrap(b, "  ", strings.Join(by[cause], ", "))
		wrap(b, "    because ", cause)
	}
}

// textBroken says what is wrong, why it matters and what to do.
func textBroken(b *strings.Builder, r *RuleResult) {
	fmt.Fprintf(b, "  %s  %s\n", r.ID, r.Title)
	for _, m := range r.Messages {
		wrap(b, "    seen    ", m)
	}
	wrap(b, "    why     ", r.Why)
	wrap(b, "    remedy  ", r.Remedy)
	for _, n := range r.Notes {
		wrap(b, "    note    ", n)
	}
	if r.Waiver != nil {
		wrap(b, "    waived  ", fmt.Sprintf("until %s: %s", r.Waiver.Expires, r.Waiver.Reason))
	}
	fmt.Fprintf(b, "    page    %s\n", r.Page())
}

// WriteText writes the rule for people: what must hold, why it matters, what to do about
// a breach.
func (r *Rule) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", r.ID, r.Title)
	wrap(&b, "  what    ", r.What)
	wrap(&b, "  why     ", r.Why)
	wrap(&b, "  remedy  ", r.Remedy)
	fmt.Fprintf(&b, "  level   %s, profile %s\n", r.Level, r.Profile)
	var needs []string
	for _, c := range r.Needs {
		needs = append(needs, string(c))
	}
	if len(needs) > 0 {
		fmt.Fprintf(&b, "  needs   %s\n", strings.Join(needs, ", "))
	}
	if r.Destructive {
		b.WriteString("  runs    only where harm to the device, its data or the driver's process is allowed\n")
	}
	fmt.Fprintf(&b, "  page    %s\n", (&RuleResult{ID: r.ID}).Page())
	_, err := io.WriteString(w, b.String())
	return err
}

// textOpen says why a rule could not be checked.
func textOpen(b *strings.Builder, r *RuleResult) {
	fmt.Fprintf(b, "  %s  %s\n", r.ID, r.Title)
	wrap(b, "    reason  ", r.Reason)
	for _, m := range r.Messages {
		wrap(b, "    seen    ", m)
	}
	for _, n := range r.Notes {
		wrap(b, "    note    ", n)
	}
}

// textPassed lists the rules that passed, where the user has named what to check.
func (r *Report) textPassed(b *strings.Builder) {
	var ids []string
	for i := range r.Rules {
		if r.Rules[i].Verdict == Pass {
			ids = append(ids, r.Rules[i].ID)
		}
	}
	if len(r.Settings.Only) > 0 && len(ids) > 0 {
		b.WriteString("\nPassed\n")
		wrap(b, "  ", idRanges(ids))
	}
}

// textReasons lists the rules of a verdict by reason.
func (r *Report) textReasons(b *strings.Builder, title string, v Verdict) {
	by := map[string][]string{}
	var reasons []string
	for i := range r.Rules {
		if res := &r.Rules[i]; res.Verdict == v {
			if by[res.Reason] == nil {
				reasons = append(reasons, res.Reason)
			}
			by[res.Reason] = append(by[res.Reason], res.ID)
		}
	}
	if len(reasons) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, reason := range reasons {
		wrap(b, "  ", reason+": "+idRanges(by[reason]))
	}
}

// idRanges lists rules, with neighbours put together: "LIFE-01 to LIFE-04, STATE-02".
func idRanges(ids []string) string {
	var out []string
	for i := 0; i < len(ids); {
		j := i + 1
		for j < len(ids) && nextID(ids[j-1]) == ids[j] {
			j++
		}
		if j-i > 2 {
			out = append(out, ids[i]+" to "+ids[j-1])
		} else {
			out = append(out, ids[i:j]...)
		}
		i = j
	}
	return strings.Join(out, ", ")
}

// nextID returns the ID that follows another in its area.
func nextID(id string) string {
	area, number, _ := strings.Cut(id, "-")
	n, err := strconv.Atoi(number)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s-%02d", area, n+1)
}

func (r *Report) textFoot(b *strings.Builder) {
	b.WriteString("\n")
	for _, w := range r.Warnings {
		wrap(b, "warning: ", w)
	}
	fmt.Fprintf(b, "%d rules: %d pass, %d fail, %d skip, %d not claimed, %d error; took %v\n",
		len(r.Rules), r.Pass, r.Fail, r.Skip, r.NotClaimed, r.Error, time.Duration(r.Duration).Round(10*time.Millisecond))
	for _, s := range r.Split {
		if s.Of > 0 {
			fmt.Fprintf(b, "  %3d of %3d must-rules %s\n", s.Pass, s.Of, originText(s.Origin))
		}
	}
	fmt.Fprintf(b, "repeat: %s\n", r.Settings.Reproduce)
	wrap(b, "result: ", string(r.Result)+r.because())
}

func originText(o Origin) string {
	switch o {
	case VendorCode:
		return "passed that exercise the driver's own code"
	case HostLibrary:
		return "passed that package iostream guarantees to a driver built on it"
	}
	return "passed that depend on both"
}

// because says in a few words why the result is what it is.
func (r *Report) because() string {
	var open []string
	broken, left := 0, 0
	for i := range r.Rules {
		res := &r.Rules[i]
		switch {
		case res.Level != Must || res.Verdict == Pass || res.Verdict == NotClaimed:
		case res.Verdict == Fail && res.Waiver == nil:
			broken++
		case res.Reason == notSelected:
			left++
		default:
			open = append(open, res.ID)
		}
	}
	switch {
	case r.Result == NotConformant:
		return fmt.Sprintf(" (must-rules broken: %d)", broken)
	case r.Result == Incomplete && len(open) == 0 && left == 0:
		return " (no must-rule passed)"
	case r.Result == Incomplete && len(open) == 0:
		return fmt.Sprintf(" (must-rules not selected: %d)", left)
	case r.Result == Incomplete && left > 0:
		return fmt.Sprintf(" (must-rules not selected: %d; skipped, waived or not checked: %s)", left, idRanges(open))
	case r.Result == Incomplete:
		return fmt.Sprintf(" (must-rules skipped, waived or not checked: %s)", idRanges(open))
	}
	return ""
}

// wrap writes text after a label, broken into lines that stand below each other.
func wrap(b *strings.Builder, label, text string) {
	for n, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if n > 0 {
			label = strings.Repeat(" ", len(label))
		}
		wrapLine(b, label, line)
	}
}

func wrapLine(b *strings.Builder, label, text string) {
	indent := strings.Repeat(" ", len(label))
	line := label
	for i, word := range slices.Collect(strings.FieldsSeq(text)) {
		switch {
		case i == 0:
			line += word
		case len(line)+1+len(word) > textWidth:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
