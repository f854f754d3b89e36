// SPDX-License-Identifier: Apache-2.0

// Command rules writes docs/reference/rules, one page for each rule of the conformance
// suite and an index, from the rules themselves. Run it as
//
//	go run ./internal/gen/rules
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
)

const dir = "docs/reference/rules"

func main() {
	pages := pages()
	for _, path := range slices.Sorted(maps.Keys(pages)) {
		if err := gen.Update(path, pages[path]); err != nil {
			fmt.Fprintln(os.Stderr, "rules:", err)
			os.Exit(1)
		}
	}
	gone, err := strays(pages)
	for _, path := range gone {
		if err == nil {
			err = os.Remove(path)
			fmt.Println(path, "was removed")
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rules:", err)
		os.Exit(1)
	}
}

// strays returns the files of the directory that belong to no rule.
func strays(pages map[string]string) ([]string, error) {
	root, err := gen.Root()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*"))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(f string) bool {
		_, ok := pages[dir+"/"+filepath.Base(f)]
		return ok
	}), nil
}

// pages returns every page by its path in the module.
func pages() map[string]string {
	rules := conformance.Rules()
	out := map[string]string{dir + "/README.md": index(rules)}
	for i := range rules {
		out[dir+"/"+rules[i].ID+".md"] = page(&rules[i])
	}
	return out
}

const notice = "<!-- Made by \"go run ./internal/gen/rules\" from sdk/conformance. Don't edit it here. -->\n\n"

func page(r *conformance.Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n%s", r.ID, r.Title, notice)
	fmt.Fprintf(&b, "%s · profile %s · %s · since suite %s\n\n", levelText(r.Level), r.Profile, originText(r.Origin), r.Since)
	fmt.Fprintf(&b, "**The rule.** %s\n\n**Why.** %s\n\n**What to do.** %s\n\n", r.What, r.Why, r.Remedy)
	writeMutants(&b, r)
	if len(r.Needs) > 0 {
		fmt.Fprintf(&b, "**Applies to** drivers that claim %s.\n\n", needs(r))
	}
	if r.Destructive {
		b.WriteString("**Destructive.** It may harm the device or its data, or end the driver: it is skipped unless `allow_destructive` permits it.\n\n")
	}
	if r.Attack {
		b.WriteString("**Attack.** The suite breaks the protocol on purpose here, and looks afterwards whether the driver still serves a client.\n\n")
	}
	if len(r.Changes) > 0 {
		b.WriteString("**Changes**\n\n")
		for _, c := range r.Changes {
			fmt.Fprintf(&b, "* %s: %s\n", c.Version, c.What)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "Check it alone: `iostreamctl conform STREAM --only %s`, or `go test -run '/%s'`. [All rules](README.md)\n", r.ID, r.ID)
	return b.String()
}

// writeMutants lists drivers that break the rule and that it is tested with.
func writeMutants(b *strings.Builder, r *conformance.Rule) {
	first := true
	for _, m := range mutant.Mutants() {
		if m.Rule != r.ID {
			continue
		}
		if first {
			b.WriteString("**Drivers that break it**, with which the rule is tested:\n\n")
			first = false
		}
		fmt.Fprintf(b, "* %s (`%s`)\n", m.Wrong, m.Name)
	}
	if !first {
		b.WriteString("\n")
	}
}

func needs(r *conformance.Rule) string {
	var out []string
	for _, c := range r.Needs {
		out = append(out, "`"+string(c)+"`")
	}
	return strings.Join(out, " and ")
}

func levelText(l conformance.Level) string {
	if l == conformance.Must {
		return "**Must**"
	}
	return "**Should**"
}

func originText(o conformance.Origin) string {
	switch o {
	case conformance.VendorCode:
		return "looks at the driver's own code"
	case conformance.HostLibrary:
		return "guaranteed by package iostream to drivers built on it"
	}
	return "depends on the driver and on what hosts it"
}

// areas say what the first part of an ID stands for, in the order of the index. A test
// holds that every rule's area is there.
func areas() [][2]string {
	return [][2]string{
		{"LIFE", "Life of a session: connect, open, close, and again"},
		{"STATE", "The state table: what is refused when"},
		{"MODE", "Directions"},
		{"DESC", "Description, versions and features"},
		{"BUF", "Buffers and the memory map"},
		{"QUEUE", "The native queue layout"},
		{"CLASSIC", "Apple's queue layout"},
		{"BELL", "Notification, suppression and coalescing"},
		{"OWN", "Who owns a buffer"},
		{"EXCL", "Exclusive use, and observers"},
		{"FMT", "Format and metadata"},
		{"EVENT", "Events"},
		{"CLOCK", "Time stamps and clocks"},
		{"SEQ", "Sequence numbers"},
		{"LOSS", "Loss, its causes and its counters"},
		{"STOP", "Stop, suspend and start in terms of entries"},
		{"INPUT", "To the device, and waiting for it"},
		{"BAD", "Arguments that make no sense"},
		{"HOSTILE", "A client that breaks the protocol"},
		{"DEATH", "Death of a client or of the driver"},
		{"LEASE", "What a client may rely on while it holds a buffer"},
		{"DATA", "Integrity of the payload"},
		{"CTL", "The control plane: commands, modules and flushes"},
		{"TALK", "The control plane: conversations with copies"},
		{"NAMED", "The control plane: named controls"},
	}
}

func index(rules []conformance.Rule) string {
	var b strings.Builder
	must := 0
	for i := range rules {
		if rules[i].Level == conformance.Must {
			must++
		}
	}
	fmt.Fprintf(&b, "# Rules of the conformance suite\n\n%s", notice)
	fmt.Fprintf(&b, "Suite %s has %d rules, of which %d must hold. An ID is never given to another rule.\n", conformance.Version, len(rules), must)
	for _, a := range areas() {
		first := true
		for i := range rules {
			r := &rules[i]
			if r.Area() != a[0] {
				continue
			}
			if first {
				fmt.Fprintf(&b, "\n## %s: %s\n\n| rule | | level | profile |\n|---|---|---|---|\n", a[0], a[1])
				first = false
			}
			fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s |\n", r.ID, r.ID, r.Title, r.Level, r.Profile)
		}
	}
	return b.String()
}
