// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// block is a part of a guide that its reader does something with: a file to write, if
// it has a path, or commands to run.
type block struct{ path, text string }

// blocks returns them in order. A file is announced by a comment before it.
func blocks(page string) []block {
	fence := regexp.MustCompile("(?ms)(?:^<!-- file: (\\S+) -->\n)?^```(\\w+)\n(.*?)^```$")
	var all []block
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		if path, language, text := m[1], m[2], m[3]; path != "" || language == "sh" {
			all = append(all, block{path, text})
		}
	}
	return all
}

// TestConformanceGuide does what a reader of the guide does, in its order.
func TestConformanceGuide(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/guides/test-a-driver.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	g := newReader(t)
	expected := []struct {
		status int
		output string
	}{
		{0, `^$`},
		{1, `(?m)^  target   acme/ranger0/distances$(?s:.*)^  BAD-02  (?s:.*)^result: not conformant`},
		{1, `(?s)^BAD-02  Numbers .*\nresult: not conformant`},
		{0, `(?m)^result: conformant$`},
		{0, `(?m)^warning: BAD-02 is waived but needs no waiver(?s:.*)^result: conformant$`},
		{0, `(?m)^status 3$(?s:.*)^new skip     CLOCK-01 (?s:.*)^worse$`},
		{0, `(?m)^ok  `},
	}
	failure := ""
	for _, b := range blocks(page) {
		if b.path != "" {
			g.write(t, b.path, b.text)
			continue
		}
		if len(expected) == 0 {
			t.Fatalf("the guide has more commands than this test knows: %s", b.text)
		}
		out := g.expect(t, b.text, expected[0].status, expected[0].output)
		if expected[0].status == 1 {
			failure += out
		}
		expected = expected[1:]
	}
	if len(expected) > 0 {
		t.Errorf("the guide lacks %d blocks of commands", len(expected))
	}
	shown := between(page, "\n```text\n", "\n```\n")
	for line := range strings.Lines(strings.Join(shown, "")) {
		if !strings.Contains(failure, strings.TrimSpace(line)) {
			t.Errorf("the guide shows %q, which is not in\n%s", line, failure)
		}
	}
	for _, workflow := range between(page, "yaml\n", "\n```\n") {
		for _, command := range between(workflow+"\n", "      - run: ", "\n") {
			g.expect(t, command, 0, `(?m)^0 changes, 0 for the worse$`)
		}
	}
}

// expect runs commands to their end, which has that status; want is in what they print.
func (g *reader) expect(t *testing.T, script string, status int, want string) string {
	t.Helper()
	out, err := g.command(script).CombinedOutput()
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != status || !regexp.MustCompile(want).Match(out) {
		t.Fatalf("%s\nstatus %d, want %d; output is not %s:\n%s", script, got, status, want, out)
	}
	return string(out)
}
