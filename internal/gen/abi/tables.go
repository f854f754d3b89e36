// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// source is what the tables are made from.
type source struct {
	client, queue []gen.Const
	used          map[string]bool // constants that some table has
}

func load(root string) (*source, error) {
	s := &source{used: map[string]bool{}}
	var err error
	if s.client, err = gen.Consts(filepath.Join(root, "sdk/userclient")); err != nil {
		return nil, err
	}
	s.queue, err = gen.Consts(filepath.Join(root, "sdk/queue"))
	return s, err
}

// take returns the constants that match, and marks them as shown.
func (s *source) take(from []gen.Const, match func(gen.Const) bool) []gen.Const {
	var out []gen.Const
	for _, c := range from {
		if match(c) {
			s.used[c.Name] = true
			out = append(out, c)
		}
	}
	return out
}

func prefix(p ...string) func(gen.Const) bool {
	return func(c gen.Const) bool {
		return slices.ContainsFunc(p, func(p string) bool { return strings.HasPrefix(c.Name, p) })
	}
}

func typed(typ string) func(gen.Const) bool {
	return func(c gen.Const) bool { return c.Type == typ }
}

// tables returns every table of the page by its name.
func (s *source) tables() map[string]string {
	return map[string]string{
		"selectors": s.selectors(),
		"memory":    s.numbers("type", "0x%08x", s.take(s.client, func(c gen.Const) bool { return c.Type == "uint32" && prefix("Mem")(c) })),
		"ports": s.numbers("number", "%#x", s.take(s.client, func(c gen.Const) bool {
			return c.Type == "uint32" && prefix("Port", "Trap", "Open", "NoBuffer")(c)
		})) + "\n" + s.numbers("limit", "%d", s.take(s.client, prefix("Max"))),
		"flags":    s.numbers("bit", "%#x", s.take(s.queue, typed("Flags"))),
		"ring":     s.offsets(s.take(s.queue, func(c gen.Const) bool { return prefix("Ring")(c) && c.Type != "uint32" }), "Ring"),
		"reader":   s.offsets(s.take(s.queue, func(c gen.Const) bool { return prefix("Reader")(c) && c.Type != "uint32" }), "Reader"),
		"classic":  s.offsets(s.take(s.queue, prefix("Classic")), "Classic"),
		"sleep":    s.numbers("value", "%#x", s.take(s.queue, func(c gen.Const) bool { return typed("Sleep")(c) || prefix("Status")(c) || c.Type == "uint32" })),
		"states":   states(),
		"features": s.numbers("bit", "%#x", s.take(s.client, func(c gen.Const) bool { return c.Type == "uint64" && prefix("Feature")(c) })),
		"records":  s.records(),
		"metadata": s.offsets(s.take(s.client, prefix("Metadata")), "Metadata"),
		"enums":    s.enums(),
	}
}

// selectors is the table of external methods.
func (s *source) selectors() string {
	var b strings.Builder
	b.WriteString("| selector | Go | C | arguments | in state |\n|---|---|---|---|---|\n")
	for _, c := range s.take(s.client, prefix("Sel")) {
		v, _ := c.Uint64()
		op, ok := userclient.OperationOf(uint32(v))
		if strings.HasSuffix(c.Name, "Base") || strings.HasSuffix(c.Name, "Last") {
			continue
		}
		row := "always"
		if ok {
			row = op.String()
		}
		fmt.Fprintf(&b, "| %#x | `%s` | `IOSK_%s` | %s | %s |\n", v, c.Name, gen.Macro(c.Name), plain(c.Comment), row)
	}
	return b.String()
}

// numbers is a plain table of constants.
func (s *source) numbers(what, format string, consts []gen.Const) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | Go | C | |\n|---|---|---|---|\n", what)
	for _, c := range consts {
		v, _ := c.Uint64()
		fmt.Fprintf(&b, "| "+format+" | `%s` | `IOSK_%s` | %s |\n", v, c.Name, gen.Macro(c.Name), comment(c))
	}
	return b.String()
}

// offsets is a table of the fields of something in memory; the constants are
// their offsets, and the comments begin with the type.
func (s *source) offsets(consts []gen.Const, prefix string) string {
	var b strings.Builder
	b.WriteString("| offset | type | field | |\n|---|---|---|---|\n")
	for _, c := range consts {
		v, _ := c.Uint64()
		name, isOffset := strings.CutSuffix(strings.TrimPrefix(c.Name, prefix), "Off")
		typ, rest, _ := strings.Cut(plain(c.Comment), ", ")
		switch {
		case isOffset:
			fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", v, typ, words(name), rest)
		case name == "Entries":
			fmt.Fprintf(&b, "| %d | | entries | 32 bytes each |\n", v)
		default:
			fmt.Fprintf(&b, "| %d | | end | |\n", v)
		}
	}
	return b.String()
}

// states is the state table.
func states() string {
	var b strings.Builder
	b.WriteString("| operation |")
	for st := range userclient.State(userclient.States) {
		fmt.Fprintf(&b, " %s |", st)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", userclient.States) + "\n")
	for op := range userclient.Operation(userclient.Operations) {
		fmt.Fprintf(&b, "| %s |", op)
		for st := range userclient.State(userclient.States) {
			cell := userclient.Next(st, op)
			switch {
			case cell.Code != ioreturn.Success:
				fmt.Fprintf(&b, " *%s* |", strings.TrimPrefix(cell.Code.Name(), "kIOReturn"))
			case cell.Next == st:
				b.WriteString(" = |")
			default:
				fmt.Fprintf(&b, " **%s** |", cell.Next)
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n\"=\" means allowed, without a change of state.\n")
	return b.String()
}

// records are the tables of fields, one for each group of tags.
func (s *source) records() string {
	var b strings.Builder
	group := ""
	for _, c := range s.take(s.client, typed("Tag")) {
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&b, "\n**%s**\n\n| tag | Go | C | value |\n|---|---|---|---|\n", strings.TrimSuffix(group, "."))
		}
		v, _ := c.Uint64()
		fmt.Fprintf(&b, "| %d | `%s` | `IOSK_%s` | %s |\n", v, c.Name, gen.Macro(c.Name), plain(c.Comment))
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// enums are the enumerations that records and arguments use.
func (s *source) enums() string {
	var b strings.Builder
	for _, e := range []struct {
		title string
		match func(gen.Const) bool
	}{
		{"Mode", typed("Mode")},
		{"Queue layout", typed("Layout")},
		{"Kind of memory", typed("MemKind")},
		{"Kind of port", typed("PortKind")},
		{"Clock", prefix("Clock")},
		{"Overrun policy", typed("Policy")},
		{"Kind of format", typed("FormatKind")},
		{"Cause of loss", typed("Cause")},
		{"Event", typed("EventKind")},
		{"State", typed("State")},
	} {
		fmt.Fprintf(&b, "\n**%s**\n\n", e.title)
		b.WriteString(s.numbers("number", "%#x", s.take(s.client, e.match)))
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// comment returns what a table says about a constant: the comment on its line, or
// the first sentence above it.
func comment(c gen.Const) string {
	text, _, _ := strings.Cut(plain(c.Comment), ". ")
	if rest, ok := strings.CutPrefix(text, c.Name+" is "); ok {
		return strings.TrimSuffix(rest, ".")
	}
	return text
}

// plain makes a comment safe within a table.
func plain(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// words splits a Go name into lower-case words.
func words(name string) string {
	return strings.ToLower(strings.ReplaceAll(gen.Macro(name), "_", " "))
}
