// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/tools/internal/demo"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// result is one kind of object that a command prints with --json.
type result struct {
	when string // "", or when it is printed
	of   any
}

// results are the objects that each command prints, by its title.
func results() map[string][]result {
	return map[string][]result{
		"serve":           {{"", serveLine{}}},
		"list":            {{"for each stream", listLine{}}, {"with --watch, for each change", watchLine{}}},
		"info":            {{"", infoResult{}}},
		"cat":             {{"at the end", catResult{}}},
		"send":            {{"at the end", sendResult{}}},
		"bench":           {{"", benchResult{}}},
		"demo":            {{"", demo.Report{}}},
		"conform":         {{"", conformance.Report{}}},
		"conform diff":    {{"for each rule that differs", conformance.RuleChange{}}},
		"conform rules":   {{"for each rule", ruleLine{}}},
		"version":         {{"", versionResult{}}},
		"control list":    {{"for each control", controlLine{}}},
		"control get":     {{"for each control", controlLine{}}},
		"control set":     {{"for each control", controlLine{}}},
		"control call":    {{"", controlLine{}}},
		"control watch":   {{"for each change", controlLine{}}},
		"control ioctl":   {{"", ioctlResult{}}},
		"control push":    {{"", modulesResult{}}},
		"control pop":     {{"", modulesResult{}}},
		"control modules": {{"", modulesResult{}}},
	}
}

// Reference returns the text of a page in Markdown about every command of o: its
// flags, what it prints with --json, and its exit status. It links to the pages about
// discovery and errors beside it, discovery.md and errors.md.
func Reference(o Options) string {
	root := Command(o)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", root.Long)
	fmt.Fprintf(&b, "    %s COMMAND\n\n| command | |\n|---|---|\n", root.Name())
	commands := visible(root)
	for _, c := range commands {
		title := commandTitle(c)
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", title, strings.ReplaceAll(title, " ", "-"), c.Short)
	}
	b.WriteString(referenceRules)
	writeObject(&b, reflect.TypeOf(problem{}))
	for _, c := range commands {
		writeCommand(&b, c)
	}
	return b.String()
}

const referenceRules = `
## What all commands have in common

* **Exit status**: 0 done, 1 failed, 2 wrong usage; [conform](#conform) has one more. An interrupt (Ctrl-C) ends a
  command cleanly: commands that go on until then exit with 0, conform with 3, and all others with 1, because they have
  not done what they were asked for. A second one, half a second later or more, ends it as it stands. A reader of standard output that goes away, such as ` + "`head`" + `, ends the command with 0.
* **` + "`--json`" + `** prints results as JSON, one object a line. Fields that are marked *if any* are left out when they
  are empty. New fields may come with each release; none changes its meaning.
* **Progress** is shown on standard error if that is a terminal, and nowhere else.
* **Where streams are found**: in the directory that the environment variable IOSTREAMKIT_RUNDIR names, else in those of
  [discovery](discovery.md).

Errors go to standard error as text, with a hint where the cause is known and the stable code of the
[errors page](errors.md). With ` + "`--json`" + ` they are an object:

`

// visible returns the commands that users are told of, each before those within it.
func visible(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "help" {
			all = append(append(all, c), visible(c)...)
		}
	}
	return all
}

// commandTitle returns a command's name with those of the commands that it is within,
// without the program's.
func commandTitle(c *cobra.Command) string {
	return strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
}

func writeCommand(b *strings.Builder, c *cobra.Command) {
	c.InitDefaultHelpFlag()
	text := indentTables(c.Long)
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(b, "\n## %s\n\n    %s\n\n%s\n", commandTitle(c), c.UseLine(), text)
	var rows []string
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			rows = append(rows, flagRow(f))
		}
	})
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n| flag | |\n|---|---|\n%s", strings.Join(rows, ""))
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\nExamples:\n\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
	}
	for _, r := range results()[commandTitle(c)] {
		when := "With `--json` it prints"
		if r.when != "" {
			when += " " + r.when
		}
		fmt.Fprintf(b, "\n%s:\n\n", when)
		writeObject(b, reflect.TypeOf(r.of))
	}
}

// indentTables makes the indented lines of a help text code.
func indentTables(text string) string {
	lines := strings.Split(text, "\n")
	code := false
	for i, l := range lines {
		if !strings.HasPrefix(l, "  ") {
			code = false
			continue
		}
		lines[i] = "  " + l
		if !code && i > 0 && lines[i-1] != "" {
			lines[i] = "\n" + lines[i]
		}
		code = true
	}
	return strings.Join(lines, "\n")
}

func flagRow(f *pflag.Flag) string {
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	kind, usage := pflag.UnquoteUsage(f)
	if kind != "" {
		name += " " + kind
	}
	return fmt.Sprintf("| `%s` | %s |\n", name, usage)
}

// writeObject writes a table of the fields of a JSON object, with those of objects
// within it under their path.
func writeObject(b *strings.Builder, t reflect.Type) {
	b.WriteString("| field | type | |\n|---|---|---|\n")
	writeFields(b, t, "")
}

func writeFields(b *strings.Builder, t reflect.Type, prefix string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			writeFields(b, f.Type, prefix)
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		kind, inner, suffix := jsonType(f.Type)
		if strings.Contains(options, "string") {
			kind = "string"
		}
		doc := cmp.Or(f.Tag.Get("doc"), reportDocs()[t.Name()+"."+name])
		if strings.Contains(options, "omitempty") {
			doc += " (if any)"
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", prefix, name, kind, doc)
		if inner != nil && f.Tag.Get("fields") != "above" {
			writeFields(b, inner, prefix+name+suffix+".")
		}
	}
}

// jsonType returns how a Go type looks in JSON, and the fields of an object.
func jsonType(t reflect.Type) (kind string, inner reflect.Type, suffix string) {
	if t == reflect.TypeFor[time.Time]() {
		return "string", nil, ""
	}
	switch t.Kind() {
	case reflect.Pointer:
		return jsonType(t.Elem())
	case reflect.Struct:
		return "object", t, ""
	case reflect.Slice:
		kind, inner, _ := jsonType(t.Elem())
		return "array of " + kind, inner, "[]"
	case reflect.Map:
		kind, _, _ := jsonType(t.Elem())
		return "object of " + kind, nil, ""
	case reflect.String:
		return "string", nil, ""
	case reflect.Bool:
		return "boolean", nil, ""
	}
	return "number", nil, ""
}
