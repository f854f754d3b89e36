// SPDX-License-Identifier: Apache-2.0

// Command errors writes docs/reference/errors.md from the tables of package
// ioreturn. Run it as
//
//	go run ./internal/gen/errors
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

const path = "docs/reference/errors.md"

func main() {
	content, err := page()
	if err == nil {
		err = gen.Update(path, content)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "errors:", err)
		os.Exit(1)
	}
}

// page returns the whole page.
func page() (string, error) {
	consts, err := constNames()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(intro)
	if err := writeMeanings(&b); err != nil {
		return "", err
	}
	if err := writeCodes(&b, consts); err != nil {
		return "", err
	}
	writeRules(&b, consts)
	return strings.TrimRight(b.String(), "\n") + "\n", nil
}

const intro = `# Errors

<!-- Made by "go run ./internal/gen/errors" from sdk/ioreturn. Don't edit it here. -->

An error of IOStreamKit says what was tried on what, why it failed, and what that means:

    open acme/cam0/video: another client has it open for itself (kIOReturnExclusiveAccess, 0xe00002c5)

* **What was tried** is an ` + "`ioreturn.OpError`" + `: an operation and its object.
* **Why** is the driver's own result, an ` + "`ioreturn.Code`" + ` in Apple's numbers (with a sentence of the driver's, if it sent
  one), or the rule that the other side broke, or an error of the operating system. Each code and each rule has a stable
  code, IOSK-E and four digits, under which it stands on this page. It never changes and is never given to anything else.
* **The meaning** is found with ` + "`errors.Is`" + `. There are only a few, and they are what a program should test for.

`

// meaning is one of the values that programs test for.
type meaning struct {
	err  error
	name string
	also string // the same value in the standard library
	says string
}

// meanings are the sentinels of package ioreturn. A test compares the names with
// the source.
func meanings() []meaning {
	return []meaning{
		{ioreturn.ErrClosed, "ErrClosed", "os.ErrClosed", "The stream, or whatever was used, had been closed on this side."},
		{ioreturn.ErrTimeout, "ErrTimeout", "os.ErrDeadlineExceeded", "A deadline passed. Nothing changed."},
		{ioreturn.ErrPermission, "ErrPermission", "fs.ErrPermission", "The caller may not do this."},
		{ioreturn.ErrNotFound, "ErrNotFound", "fs.ErrNotExist", "There is no such device, stream, buffer or selector."},
		{ioreturn.ErrInvalid, "ErrInvalid", "fs.ErrInvalid", "An argument is wrong."},
		{ioreturn.ErrUnsupported, "ErrUnsupported", "errors.ErrUnsupported", "The driver or the system lacks this."},
		{ioreturn.ErrBusy, "ErrBusy", "", "Somebody else uses it, or something else is under way."},
		{ioreturn.ErrState, "ErrState", "", "The session's state does not allow it."},
		{ioreturn.ErrGone, "ErrGone", "", "The driver, the client or the device is gone. The session is over."},
		{ioreturn.ErrProtocol, "ErrProtocol", "", "The other side broke a rule. The session is over."},
		{ioreturn.ErrOverrun, "ErrOverrun", "", "Data came and no buffer was free."},
		{ioreturn.ErrUnderrun, "ErrUnderrun", "", "Data was needed and none was there."},
		{ioreturn.ErrNoMemory, "ErrNoMemory", "", "Memory, or another thing of which there is only so much, has run out."},
		{ioreturn.ErrIO, "ErrIO", "", "The device or its driver failed."},
		{ioreturn.ErrAborted, "ErrAborted", "", "The call was cancelled, the driver confirmed it, and it had no effect."},
		{ioreturn.ErrOutcomeUnknown, "ErrOutcomeUnknown", "", "The call was given up while the driver may have been at it: it may " +
			"or may not have had its effect. Ask for the state before trying again."},
	}
}

func writeMeanings(b *strings.Builder) error {
	b.WriteString("## Meanings\n\n| errors.Is(err, …) | the same as | says | travels as |\n|---|---|---|---|\n")
	for _, m := range meanings() {
		also := ""
		if m.also != "" {
			also = "`" + m.also + "`"
		}
		t, ok := ioreturn.Of(m.err).Text()
		if !ok {
			return fmt.Errorf("%s travels as a code without a text", m.name)
		}
		fmt.Fprintf(b, "| `ioreturn.%s` | %s | %s | %s |\n", m.name, also, m.says, link(t.Name, t.Code.ID()))
	}
	b.WriteString("\n\"Travels as\" is the code that the other side sees when a handler returns the meaning itself.\n\n")
	return nil
}

func link(text, id string) string {
	return fmt.Sprintf("[`%s`](#%s)", text, strings.ToLower(id))
}

func writeCodes(b *strings.Builder, consts map[string]string) error {
	names := map[error]string{}
	for _, m := range meanings() {
		names[m.err] = m.name
	}
	b.WriteString("## Result codes\n\nA result is a 32-bit number: 6 bits of system, 12 of subsystem, 14 of code. " +
		"IOKit's common codes begin at 0xe0000000; C keeps them as negative numbers. Zero is success. A driver may also answer with " +
		"a code of its own; it is passed on as it is, without a meaning.\n\n")
	var mach []ioreturn.CodeText
	for c := range ioreturn.Codes() {
		switch {
		case c.Code == ioreturn.Success:
		case !strings.HasPrefix(c.Name, "kIOReturn"):
			mach = append(mach, c)
		default:
			if err := writeCode(b, c, consts, names); err != nil {
				return err
			}
		}
	}
	b.WriteString("## Results of Mach\n\nThese come from the messages beneath IOKit on macOS, and only there.\n\n")
	for _, c := range mach {
		if err := writeCode(b, c, consts, names); err != nil {
			return err
		}
	}
	return nil
}

func writeCode(b *strings.Builder, c ioreturn.CodeText, consts map[string]string, names map[error]string) error {
	id := c.Code.ID()
	goName, ok := consts[id]
	if !ok || names[c.Meaning] == "" {
		return fmt.Errorf("%s lacks a constant or a meaning with a name", c.Name)
	}
	fmt.Fprintf(b, "### %s\n\n**%s.** %s\n\n", id, upper(c.Text), c.Remedy)
	fmt.Fprintf(b, "`%s` · %#08x · %d · Go `ioreturn.%s` · C `IOSK_RETURN_%s` · means `%s`\n\n",
		c.Name, uint32(c.Code), int32(c.Code), goName, gen.Macro(goName), names[c.Meaning])
	return nil
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func writeRules(b *strings.Builder, consts map[string]string) {
	b.WriteString("## Rules\n\nThe other side is not trusted: whatever it writes is checked, and a breach ends the session with an " +
		"error that names the rule and what was seen. It matches `ErrProtocol`. The error is about the *other* side's program; these " +
		"entries are for its author.\n\n")
	for r := range ioreturn.Rules() {
		name := consts[r.Rule.ID()]
		fmt.Fprintf(b, "### %s\n\n**%s.** %s\n\n", r.Rule.ID(), r.Name, r.What)
		fmt.Fprintf(b, "*Why:* %s\n\n*What to look at:* %s\n\n", r.Why, r.Remedy)
		fmt.Fprintf(b, "Go `ioreturn.%s` · C `IOSK_%s`\n\n", name, gen.Macro(name))
	}
}

// constNames returns the Go name of every code and rule by its stable code.
func constNames() (map[string]string, error) {
	root, err := gen.Root()
	if err != nil {
		return nil, err
	}
	consts, err := gen.Consts(root + "/sdk/ioreturn")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, c := range consts {
		v, ok := c.Uint64()
		switch {
		case ok && c.Type == "Code":
			out[ioreturn.Code(v).ID()] = c.Name
		case ok && c.Type == "Rule":
			out[ioreturn.Rule(v).ID()] = c.Name
		}
	}
	return out, nil
}
