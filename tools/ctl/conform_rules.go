// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/spf13/cobra"
)

// ruleLine is one rule as conform rules prints it.
type ruleLine struct {
	ID          string   `json:"id" doc:"the rule's name, which no other rule ever gets"`
	Title       string   `json:"title" doc:"what holds, in a few words"`
	Profile     string   `json:"profile" doc:"core, streaming, zero-copy or timing"`
	Level       string   `json:"level" doc:"must or should"`
	What        string   `json:"what" doc:"the rule"`
	Why         string   `json:"why" doc:"what goes wrong with a driver that breaks it"`
	Remedy      string   `json:"remedy" doc:"where the author of the driver should look"`
	Needs       []string `json:"needs,omitempty" doc:"capabilities without which it does not apply"`
	Destructive bool     `json:"destructive" doc:"it may harm the device, its data or the driver's process"`
	Origin      string   `json:"origin" doc:"what a pass shows for a driver built on package iostream: vendor (its own code), library or both"`
	Since       string   `json:"since" doc:"version of the suite that had it first"`
	Page        string   `json:"page" doc:"where it is documented in the repository"`
}

func (a *app) conformRulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rules [PATTERN ...]",
		Short: "List the rules, or show one",
		Long: `List the rules of the conformance suite: all of them, or those that fit a pattern
("LIFE", "LIFE-*"). The ID of one rule shows its text: what must hold, why it matters,
and what to do about a breach.`,
		Example: fmt.Sprintf("  %[1]s conform rules\n  %[1]s conform rules LIFE-02", a.opts.Name),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.conformRules(cmd, args) },
	}
}

func (a *app) conformRules(cmd *cobra.Command, patterns []string) error {
	rules := conformance.Rules()
	if len(patterns) > 0 {
		rules = nil
		for _, p := range patterns {
			some, err := selectRules(p)
			if err != nil {
				return err
			}
			rules = append(rules, some...)
		}
	}
	w := stdout(cmd)
	switch {
	case a.json:
		for i := range rules {
			if err := a.emit(w, ruleLineOf(&rules[i]), ""); err != nil {
				return err
			}
		}
		return nil
	case len(patterns) > 0 && len(rules) == len(patterns): // one each: they were named
		for i := range rules {
			if err := rules[i].WriteText(w); err != nil {
				return err
			}
		}
		return nil
	}
	return writeRules(w, rules)
}

func writeRules(w io.Writer, rules []conformance.Rule) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tLEVEL\tPROFILE\tTITLE")
	for i := range rules {
		r := &rules[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.ID, r.Level, r.Profile, r.Title)
	}
	return t.Flush()
}

func ruleLineOf(r *conformance.Rule) ruleLine {
	l := ruleLine{
		ID: r.ID, Title: r.Title, Profile: string(r.Profile), Level: string(r.Level), What: r.What, Why: r.Why, Remedy: r.Remedy,
		Destructive: r.Destructive, Origin: string(r.Origin), Since: r.Since, Page: (&conformance.RuleResult{ID: r.ID}).Page(),
	}
	for _, c := range r.Needs {
		l.Needs = append(l.Needs, string(c))
	}
	return l
}

// selectRules returns the rules that a pattern of the user's fits. A pattern that fits
// none is wrong usage.
func selectRules(pattern string) ([]conformance.Rule, error) {
	upper := strings.ToUpper(pattern)
	var some []conformance.Rule
	var areas []string
	for _, r := range conformance.Rules() {
		fits, err := path.Match(upper, r.ID)
		if err != nil {
			return nil, usagef("%q is no pattern of rule IDs: %w", pattern, err)
		}
		if fits || upper == r.Area() {
			some = append(some, r)
		}
		if !slices.Contains(areas, r.Area()) {
			areas = append(areas, r.Area())
		}
	}
	if len(some) == 0 {
		return nil, usagef("no rule is called %q; there are rules in the areas %s", pattern, strings.Join(areas, ", "))
	}
	return some, nil
}
