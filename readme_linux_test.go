// SPDX-License-Identifier: Apache-2.0

package iostreamkit_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit"
)

// program returns a program of the README as it stands there.
func program(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "<!-- program: "+name+" -->\n```go\n")
	text, _, ok2 := strings.Cut(rest, "\n```\n")
	if !ok || !ok2 {
		t.Fatalf("README.md has no program %q", name)
	}
	return text + "\n"
}

// build compiles a program of the README inside this module.
func build(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	src, bin := filepath.Join(dir, "main.go"), filepath.Join(dir, name)
	if err := os.WriteFile(src, []byte(program(t, name)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"vet", src}, {"build", "-o", bin, src}} {
		if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return bin
}

// TestReadmePrograms runs the README's driver and client against each other.
func TestReadmePrograms(t *testing.T) {
	run := t.TempDir()
	t.Setenv("IOSTREAMKIT_RUNDIR", run)
	programs := [...]string{build(t, "driver"), build(t, "client")}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	driver := exec.CommandContext(ctx, programs[0])
	client := exec.CommandContext(ctx, programs[1])
	for _, c := range []*exec.Cmd{driver, client} {
		c.Stderr = os.Stderr
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	for e, err := range iostreamkit.Watch(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Stream.Name == "acme/cam0/video" && e.Stream.PID == driver.Process.Pid {
			break
		}
	}
	out, err := client.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i := 0; i < 100 && lines.Scan(); i++ {
		f := strings.Fields(lines.Text())
		if len(f) != 3 || f[2] != "1048576" {
			t.Fatalf("line %d is %q, want number, time and 1048576", i, lines.Text())
		}
		if i == 99 && f[0] != "99" {
			t.Errorf("the 100th frame has number %s", f[0])
		}
	}
	// Both end by an interrupt without an error.
	if err := client.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	_ = client.Wait() // the client reports the interrupt as the reason why reading ended
	if err := driver.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := driver.Wait(); err != nil {
		t.Errorf("driver: %v", err)
	}
	left, err := os.ReadDir(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		t.Errorf("left behind in the run directory: %s", f.Name())
	}
}
