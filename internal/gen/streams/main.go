// SPDX-License-Identifier: Apache-2.0

// Command streams writes docs/reference/streams.md from packages streams and
// errtable. Run it as
//
//	go run ./internal/gen/streams
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/errtable"
)

const path = "docs/reference/streams.md"

func main() {
	content, err := page()
	if err == nil {
		err = gen.Update(path, content)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "streams:", err)
		os.Exit(1)
	}
}

// page returns the whole page.
func page() (string, error) {
	consts, err := constants()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(intro)
	writeProfiles(&b)
	writeSummary(&b, commandNames(consts))
	for e := range errtable.All() {
		writeEntry(&b, e)
	}
	writeErrnos(&b)
	writeTypes(&b, consts)
	if err := writeGroups(&b, consts); err != nil {
		return "", err
	}
	return strings.TrimRight(b.String(), "\n") + "\n", nil
}

const intro = `# STREAMS

<!-- Made by "go run ./internal/gen/streams" from sdk/streams. Don't edit it here. -->

The control plane speaks System V STREAMS. This page has the commands of the stream head, what they take and return, and
the errors of each in the order in which the head looks for them: when two things are wrong, the upper one is reported.
The same table is the oracle of the tests (` + "`sdk/streams/errtable`" + `).

Not here is what needs a terminal or a kernel: job control, ` + "`__I_PUSH_NOCTTY`" + `, the table of terminal ioctls that Solaris turns
into I_STR, M_CMD, I_RECVFD's old form with 16-bit numbers, and the private commands of the kernel. A command that no table
here has goes to the modules as it is; ` + "`_I_GETPEERCRED`" + ` and ` + "`_I_PLINK_LH`" + ` are refused, because modules trust them.

`

func writeProfiles(b *strings.Builder) {
	b.WriteString("## Profiles\n\nSystems differ, so a head has a profile. *strict*, the default, is Solaris with every limit " +
		"checked; *solaris* and *openss7* behave as those systems do, as far as their documentation says.\n\n| |")
	for _, p := range streams.Profiles() {
		fmt.Fprintf(b, " %s |", p)
	}
	b.WriteString("\n|---|---|---|---|\n")
	for _, row := range []struct {
		name string
		of   func(t streams.Tunables) string
	}{
		{"modules on a stream", func(t streams.Tunables) string { return number(t.Modules) }},
		{"largest control part, bytes", func(t streams.Tunables) string { return number(t.ControlSize) }},
		{"largest data part, bytes", func(t streams.Tunables) string { return number(t.DataSize) }},
		{"an ioctl waits for", func(t streams.Tunables) string { return seconds(t.IoctlWait) }},
		{"a close waits, for each module,", func(t streams.Tunables) string { return seconds(t.CloseWait) }},
		{"high-water mark of the head, bytes", func(t streams.Tunables) string { return number(t.HighWater) }},
		{"low-water mark of the head, bytes", func(t streams.Tunables) string { return number(t.LowWater) }},
		{"largest copy that a module may ask for, bytes", func(t streams.Tunables) string { return number(t.CopySize) }},
		{"all copies of an ioctl, bytes", func(t streams.Tunables) string { return number(t.CopyTotal) }},
		{"copies of an ioctl", func(t streams.Tunables) string { return number(t.CopyRounds) }},
		{"callers that wait behind an ioctl", func(t streams.Tunables) string { return number(t.Waiters) }},
	} {
		fmt.Fprintf(b, "| %s |", row.name)
		for _, p := range streams.Profiles() {
			fmt.Fprintf(b, " %s |", row.of(p.Tunables()))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func number(n int) string {
	if n == 0 {
		return "no limit"
	}
	return fmt.Sprint(n)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

func writeSummary(b *strings.Builder, consts map[streams.Command]string) {
	b.WriteString("## Commands\n\n| command | number | Go | argument | returns |\n|---|---|---|---|---|\n")
	for e := range errtable.All() {
		if e.Command == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s | %#x | `streams.%s` | %s | %s |\n", link(e.Op), uint32(e.Command), consts[e.Command], e.Argument, e.Result)
	}
	var others []string
	for e := range errtable.All() {
		if e.Command == 0 && e.Op != errtable.OpTransparent {
			others = append(others, link(e.Op))
		}
	}
	fmt.Fprintf(b, "\nAny other number is a command of a module or of the driver. It travels as %s, or within %s. Besides commands "+
		"there are the calls %s.\n\n", link(errtable.OpTransparent), link("I_STR"), strings.Join(others, ", "))
}

func link(op errtable.Op) string { return fmt.Sprintf("[%s](#%s)", op, strings.ToLower(string(op))) }

func writeEntry(b *strings.Builder, e errtable.Entry) {
	fmt.Fprintf(b, "### %s\n\n%s\n\n*Argument:* %s. *Returns:* %s.\n\n", e.Op, e.Does, e.Argument, e.Result)
	if len(e.Rows) == 0 {
		return
	}
	b.WriteString("| when |")
	for _, p := range streams.Profiles() {
		fmt.Fprintf(b, " %s |", p)
	}
	b.WriteString("\n|---|---|---|---|\n")
	for _, r := range e.Rows {
		fmt.Fprintf(b, "| %s |", r.When)
		for _, p := range streams.Profiles() {
			fmt.Fprintf(b, " %s |", outcome(r.Outcome(p)))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func outcome(o errtable.Outcome) string {
	switch o {
	case errtable.Recorded:
		return "recorded"
	case errtable.Answered:
		return "answered"
	}
	return o.String()
}

func writeErrnos(b *strings.Builder) {
	b.WriteString("## Errors\n\nResults are of type `streams.Errno`. The numbers are those of Linux on every system. *Recorded* in the " +
		"tables above is the errno that a module or driver put into M_ERROR, *answered* the one with which it refused a command; " +
		"it may be any number up to 4095, a recorded one up to 254. `errors.Is` finds the [meanings](errors.md#meanings).\n\n" +
		"| errno | number | text | what to look at |\n|---|---|---|---|\n")
	for e := range streams.Errnos() {
		fmt.Fprintf(b, "| %s | %d | %s | %s |\n", e.Name, uint32(e.Errno), e.Text, e.Remedy)
	}
	b.WriteString("\n")
}

func writeTypes(b *strings.Builder, consts []gen.Const) {
	b.WriteString("## Message types\n\nA number from 0x80 on has high priority: the message is never held up and goes before everything else in a " +
		"queue.\n\n| type | number | Go | meaning |\n|---|---|---|---|\n")
	for _, c := range consts {
		if v, ok := c.Uint64(); ok && c.Type == "Type" {
			fmt.Fprintf(b, "| %s | %#02x | `streams.%s` | %s |\n", streams.Type(v), v, c.Name, c.Comment)
		}
	}
	b.WriteString("\n")
}

// groups are the constants that stand on the page besides commands and message types.
func groups() []struct{ typ, title string } {
	return []struct{ typ, title string }{
		{"Flags", "Flags of a message block"},
		{"FlushFlags", "Flags of a flush"},
		{"MsgFlags", "Flags of getmsg and putmsg"},
		{"More", "What getmsg left"},
		{"ReadOptions", "Read options"},
		{"WriteOptions", "Write options"},
		{"ErrorOptions", "Error options"},
		{"Events", "Events"},
		{"Marks", "Questions of I_ATMARK"},
		{"SetFlags", "Flags of M_SETOPTS"},
	}
}

func writeGroups(b *strings.Builder, consts []gen.Const) error {
	b.WriteString("## Options and flags\n\n")
	for _, g := range groups() {
		fmt.Fprintf(b, "### %s\n\n| Go | value | meaning |\n|---|---|---|\n", g.title)
		n := 0
		for _, c := range consts {
			if v, ok := c.Uint64(); ok && c.Type == g.typ {
				if c.Comment == "" {
					return fmt.Errorf("streams.%s has no comment", c.Name)
				}
				fmt.Fprintf(b, "| `streams.%s` | %#x | %s |\n", c.Name, v, c.Comment)
				n++
			}
		}
		if n == 0 {
			return fmt.Errorf("there are no constants of type streams.%s", g.typ)
		}
		b.WriteString("\n")
	}
	return nil
}

// constants returns the constants of package streams.
func constants() ([]gen.Const, error) {
	root, err := gen.Root()
	if err != nil {
		return nil, err
	}
	return gen.Consts(root + "/sdk/streams")
}

// commandNames returns the Go name of every command.
func commandNames(consts []gen.Const) map[streams.Command]string {
	out := map[streams.Command]string{}
	for _, c := range consts {
		if v, ok := c.Uint64(); ok && c.Type == "Command" {
			out[streams.Command(v)] = c.Name
		}
	}
	return out
}
