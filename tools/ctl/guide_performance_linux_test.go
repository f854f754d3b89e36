// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPerformanceGuide does what a reader of the guide does, but for the runs of the
// bench, which has tests of its own.
func TestPerformanceGuide(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/guides/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, b := range blocks(string(page)) {
		if !strings.HasPrefix(b.text, "make bench ") {
			commands = append(commands, b.text)
		}
	}
	if len(commands) != 4 {
		t.Fatalf("the guide has %d blocks of commands, this test knows 4", len(commands))
	}
	g := newReader(t)
	g.run(t, commands[0], `^$`)
	driver := g.start(t, commands[1], "sample/pattern/counter")
	g.run(t, commands[2], `(?s)sample/pattern/counter\n.* buffers +4 of 4096 .* counters +[1-9].* 0 copies\n.* lost `)
	out, err := g.command(commands[3]).CombinedOutput()
	// Either policy may be the better one where other programs run too.
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Errorf("%v: %s", err, out)
	}
	for _, want := range []string{"wait thread", "frames/s", "\nold: wait poller, batch 1\n", "\nrate ", "\nlatency p99 "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	g.interrupt(t, driver)
}
