// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
)

// TestControlGuide does what a reader of the guide does, in three terminals.
func TestControlGuide(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/guides/control.md")
	if err != nil {
		t.Fatal(err)
	}
	g := newReader(t)
	var commands []string
	for _, b := range blocks(string(page)) {
		if b.path != "" {
			g.write(t, b.path, b.text)
			continue
		}
		commands = append(commands, b.text)
	}
	if len(commands) != 8 {
		t.Fatalf("the guide has %d blocks of commands, this test knows 8", len(commands))
	}
	g.run(t, commands[0], `^$`)
	driver, journal := g.pipe(t, commands[1])
	dir, err := rundir.At(g.rundir)
	if err == nil {
		err = awaitEntry(g.ctx, dir, "acme/oven0/samples", true)
	}
	if err != nil {
		t.Fatal(err)
	}
	g.run(t, commands[2], `(?s)self-test +none +call .*target +int +get\|set +20 °C +20 °C to 250 °C.*\ntarget = 180 °C\n.*3 elements, all good`)
	if out, err := g.command(commands[3]).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), `183 °C does not lie on a step of 5 from 20`) {
		t.Errorf("%v, %s", err, out)
	}
	readTo(t, journal, `^command 0x4304 returned [0-9]+ error <nil>$`)
	// The watcher listens when it has asked for the names, of which the journal tells.
	g.run(t, "bin/iostreamctl control get acme/oven0/samples target", `^target = 180 °C\n$`)
	readTo(t, journal, `^command 0x4302 `)
	watch, changes := g.pipe(t, commands[4])
	readTo(t, journal, `^command 0x4301 returned [0-9]+ error <nil>$`)
	g.run(t, commands[5], `^from 180 to 200 °C: 333 millidegrees per second\n1000 °C: I_STR acme/oven0/samples: .*\(ERANGE, 34\)\n$`)
	readTo(t, changes, `^target = 200 °C$`)
	readTo(t, journal, `^command 0x4f01 returned 0 error .*\(ERANGE, 34\)$`)
	g.run(t, commands[6], `(?s)sent 0x4f01 .*matched 0x4f01 .*M_IOCACK.*returned 0; 4 bytes: 78ecffff`)
	g.run(t, "bin/iostreamctl control modules acme/oven0/samples", `^journal\noven\n$`)
	if out, err := g.command(commands[7]).CombinedOutput(); err != nil || !strings.Contains(string(out), "lost") {
		t.Errorf("%v, %s", err, out)
	}
	g.interrupt(t, watch)
	g.interrupt(t, driver)
}

// readTo reads lines up to one that matches.
func readTo(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	re := regexp.MustCompile(want)
	for lines.Scan() {
		if re.MatchString(lines.Text()) {
			return
		}
	}
	t.Fatalf("the output has ended, %v, without %s", lines.Err(), want)
}
