// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/tools/internal/demo"
	"github.com/iostreamkit/iostreamkit/tools/target"
	"github.com/spf13/cobra"
)

// demoDriver is the hidden command that is the driver's process of the demo.
const demoDriver = "demo-driver"

func (a *app) demoCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Stream a file between two processes, verify and measure it",
		Long: `Start a driver process that reads a file into shared buffers, receive them here, and
show what the project promises: the same bytes arrive, nothing is copied or lost, how
long it takes, and that the driver keeps the rules of the conformance suite. It needs
no hardware, no privileges and no arguments, takes about ten seconds, and leaves
nothing behind. Where two processes can't be connected yet, driver and client are one
process, and the output says so.`,
		Example: fmt.Sprintf("  %[1]s demo\n  %[1]s demo --file /bin/ls --json", a.opts.Name),
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd, file) },
	}
	cmd.Flags().StringVar(&file, "file", "", "the `file` that the driver reads (default this program's own)")
	return cmd
}

func (a *app) demoDriverCommand() *cobra.Command {
	return &cobra.Command{
		Use:    demoDriver + " FILE",
		Hidden: true,
		Short:  "The driver's process of the demo",
		Args:   arguments(1, 1, "a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return demo.Serve(cmd.Context(), args[0], cmd.InOrStdin())
		},
	}
}

func (a *app) demo(cmd *cobra.Command, file string) (err error) {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o := demo.Options{File: file}
	if file == "" {
		o.File = program
	}
	if runtime.GOOS == "linux" {
		words := append(strings.Fields(cmd.Parent().CommandPath())[1:], demoDriver, "--", o.File)
		// A program with several names goes by the one that it was called by.
		o.Driver = target.Program{Path: program, Args: append([]string{os.Args[0]}, words...)}
	}
	r, err := demo.Run(cmd.Context(), o)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := a.emit(stdout(cmd), r, demoText(r)); err != nil {
		return err
	}
	if !r.Verified {
		return fmt.Errorf("demo: not verified: %s", strings.Join(r.Problems, "; "))
	}
	return nil
}

// demoText is the report for somebody who has never heard of the project.
func demoText(r *demo.Report) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if r.DriverPID != r.ClientPID {
		line("A driver process (PID %d) reads a file into buffers of shared memory, and this", r.DriverPID)
		line("process (PID %d) looks at the same memory. Only 32-byte entries that say which", r.ClientPID)
		line("buffer is ready travel between them.")
	} else {
		line("A driver reads a file into buffers, and a client in the same process looks at the")
		line("same memory. On %s two processes can't be connected yet, so this is one (PID %d).", runtime.GOOS, r.ClientPID)
	}
	line("")
	line("  file        %s (%s)", r.File, size(r.Bytes))
	line("  buffers     %d of %s", r.Buffers, plural(r.DataSize, "byte"))
	line("")
	line("Did everything arrive?")
	line("  SHA-256     %s  what the driver read", r.SHA256.Driver)
	line("              %s  what this side saw", r.SHA256.Client)
	line("              %s  the file itself", r.SHA256.File)
	line("  entries     %d received, %d lost", r.Entries, r.Lost)
	line("")
	line("Was anything copied?")
	if z := r.ZeroCopy; z.Driver != nil && z.Client != nil {
		line("  memory      the driver's buffer is inode %d, offset %d", z.Driver.Inode, z.Driver.Offset)
		line("              this side's buffer is inode %d, offset %d", z.Client.Inode, z.Client.Offset)
	}
	if r.ZeroCopy.WriteAfterPostVisible {
		line("  late write  a byte that the driver wrote after handing the buffer over was seen here")
	}
	line("  copies      %d made by the library", r.Copies)
	line("")
	line("How fast is it?")
	line("  throughput  %sB/s in %s/s, the driver reading the file into the buffers and", scaled(r.ThroughputBytesPerS), number(r.ThroughputEntriesPerS, "entries"))
	line("              this side reading every byte; %sB/s while both compute SHA-256", scaled(r.HashedBytesPerS))
	t := r.RoundTrip
	line("  round trip  %v median, %v p99, %v p99.9 of %d; both sides sleep in between", ns(t.P50), ns(t.P99), ns(t.P999), t.Count)
	line("  wake-ups    %.3f per entry, both sides together", r.WakeupsPerEntry)
	line("")
	line("Can it be controlled?")
	k := &r.Control
	line("  setting     %s was %g, was set to %g, and was then %g", k.Name, k.Before, k.Set, k.Read)
	line("  on its way  %s", strings.Join(k.Modules, " > "))
	for _, step := range k.Trace {
		line("    %s", step)
	}
	line("")
	line("Does the driver keep the rules?")
	c := &r.Conformance
	line("  suite       %s, the whole of it: %d rules in %.1f s", c.Suite, c.Rules, c.DurationS)
	line("  result      %s: %d pass, %d fail, %d skipped, %d not claimed, %d not checked", c.Result, c.Pass, c.Fail, c.Skip, c.NotClaimed, c.Error)
	line("")
	if r.Verified {
		line("Verified: the bytes are the same, nothing was lost, nothing was copied, and the")
		line("driver does what it is told and keeps every rule that was checked.")
	} else {
		line("NOT verified: %s.", strings.Join(r.Problems, "; "))
	}
	return b.String()
}

// ns rounds a number of nanoseconds for people.
func ns(n int64) time.Duration {
	d := time.Duration(n)
	if d < 100*time.Microsecond {
		return d.Round(100 * time.Nanosecond)
	}
	return d.Round(time.Microsecond)
}
