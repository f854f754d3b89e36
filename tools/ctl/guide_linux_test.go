// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
)

// guide is the page that TestGuide follows.
const guide = "../../docs/guides/first-stream.md"

// between returns the parts of s between two marks.
func between(s, begin, end string) []string {
	var parts []string
	for {
		_, rest, found := strings.Cut(s, begin)
		if !found {
			return parts
		}
		part, after, _ := strings.Cut(rest, end)
		parts, s = append(parts, part), after
	}
}

// TestGuide does what a reader of the guide does, with its programs and commands as
// they stand there: those of one terminal in the background, the others to their end.
func TestGuide(t *testing.T) {
	page, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	commands := between(string(page), "\n```sh\n", "\n```\n")
	if len(commands) != 7 {
		t.Fatalf("the guide has %d blocks of commands, this test knows 7", len(commands))
	}
	g := newReader(t)
	for _, name := range []string{"driver", "client"} {
		texts := between(string(page), "<!-- program: "+name+" -->\n```go\n", "\n```\n")
		if len(texts) != 1 {
			t.Fatalf("the guide has %d programs %s", len(texts), name)
		}
		g.write(t, filepath.Join("first", name, "main.go"), texts[0]+"\n")
	}
	g.run(t, commands[0], `(?m)^Verified: `)
	g.run(t, commands[1], `^$`)
	served := g.start(t, commands[2], "sample/pattern/counter")
	g.run(t, commands[3], `(?s)sample/pattern/counter +live .* state +closed\n.*\n0000000 +0 +1\n0000016 +2 +3\n`)
	g.interrupt(t, served)
	driver := g.start(t, commands[4], "acme/thermo0/samples")
	g.run(t, commands[5], `(?s)acme/thermo0/samples +live .* serial=4711.*\n0000000 +(19|20|21)\.?[0-9]* +(19|20|21)`)
	client, lines := g.pipe(t, commands[6])
	for range 3 {
		if !lines.Scan() || !regexp.MustCompile(`^frame \d+: (19|20|21)\.\d{3} degrees$`).MatchString(lines.Text()) {
			t.Fatalf("the client printed %q, %v", lines.Text(), lines.Err())
		}
	}
	g.run(t, "bin/iostreamctl info acme/thermo0/samples", `open by client, PID `)
	g.interrupt(t, client)
	g.interrupt(t, driver)
	if left, err := os.ReadDir(g.rundir); err != nil || len(left) > 0 {
		t.Errorf("left in the run directory: %v, %v", left, err)
	}
}

// reader is somebody who follows a guide, in a directory that looks like the clone.
type reader struct {
	dir, rundir string
	ctx         context.Context
}

// newReader makes that directory, because tests write nothing into the tree: links to
// everything in it.
func newReader(t *testing.T) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*scriptBound) // it compiles
	t.Cleanup(cancel)
	g := &reader{dir: t.TempDir(), rundir: t.TempDir(), ctx: ctx}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "go.mod" || name == "go.sum": // links to these are not followed
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			g.write(t, name, string(text))
		case name == "bin" || name == "first" || strings.HasPrefix(name, "."):
		default:
			if err := os.Symlink(filepath.Join(root, name), filepath.Join(g.dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return g
}

func (g *reader) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(g.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command returns a block of a guide for the shell, in a group of its own, which a
// terminal's Ctrl-C would reach as a whole.
func (g *reader) command(script string) *exec.Cmd {
	c := exec.CommandContext(g.ctx, "sh", "-ec", script)
	c.Dir = g.dir
	// Without the directory in what it compiles, Go finds what an earlier test has compiled.
	c.Env = append(os.Environ(), rundir.Variable+"="+g.rundir, "GOFLAGS=-trimpath")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	return c
}

// run runs commands to their end; want is in what they print.
func (g *reader) run(t *testing.T, script, want string) {
	t.Helper()
	out, err := g.command(script).CombinedOutput()
	if err != nil || !regexp.MustCompile(want).Match(out) {
		t.Fatalf("%s\n%v, output is not %s:\n%s", script, err, want, out)
	}
}

// pipe starts a command and returns what it prints.
func (g *reader) pipe(t *testing.T, script string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := g.command("exec " + script)
	c.Stderr = &bytes.Buffer{}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.ProcessState == nil { // the test has failed; another has the number otherwise
			_ = c.Cancel()
			_ = c.Wait()
		}
	})
	return c, bufio.NewScanner(out)
}

// start starts a driver and waits for its stream.
func (g *reader) start(t *testing.T, script, stream string) *exec.Cmd {
	t.Helper()
	c, _ := g.pipe(t, script)
	dir, err := rundir.At(g.rundir)
	if err == nil {
		err = awaitEntry(g.ctx, dir, stream, true)
	}
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return c
}

// interrupt is Ctrl-C, which must end a command without an error. "go run" itself fails
// when it is interrupted, whatever the program does, so what counts is that nobody
// complains.
func (g *reader) interrupt(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if err := syscall.Kill(-c.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := c.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	if said := c.Stderr.(*bytes.Buffer).String(); said != "" {
		t.Errorf("%v: %v, %s", c.Args, err, said)
	}
}
