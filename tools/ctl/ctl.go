// SPDX-License-Identifier: Apache-2.0

// Package ctl is the command iostreamctl as a package, so that a vendor can link it
// into a tool under its own name and signature, with drivers of its own behind
// "serve" (C47).
//
//	func main() {
//		os.Exit(ctl.Main(context.Background(), ctl.Options{
//			Name:    "acmectl",
//			Sources: []ctl.Source{cam},
//		}, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
//	}
//
// A tool that has cobra commands already adds Command to them, and reports the error
// of its Execute with Fail.
package ctl

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Options make the commands a vendor's own. The zero value is iostreamctl.
type Options struct {
	// Name is the program's name in usage and errors. Empty means "iostreamctl".
	Name string
	// Version is the program's version. Empty means that of the build.
	Version string
	// Sources are drivers for serve besides the samples. One with the name of a sample
	// takes its place.
	Sources []Source
}

// Exit statuses.
const (
	exitDone       = 0
	exitFailed     = 1 // of conform: a breach was seen
	exitUsage      = 2
	exitIncomplete = 3 // of conform alone
)

// impatience is how long after the first signal a second one means that the user does not
// want to wait. Whoever signals a process and its group, as timeout(1) does, sends two at
// once.
const impatience = 500 * time.Millisecond

// Main runs the commands as a whole program does and returns the exit status: 0 done,
// 1 failed, 2 wrong usage; conform has 3 besides. args is without the program's name.
//
// An interrupt or a request to terminate ends the command cleanly, another one half a
// second later or more ends the process. While Main runs it takes these signals and SIGPIPE for the whole
// process; a standard output that nobody reads any more ends the command in silence.
func Main(ctx context.Context, o Options, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(impatience, stop) })()
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE) // writes then fail with EPIPE instead of killing the process
	defer signal.Stop(pipe)

	cmd := Command(o)
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	ran, err := cmd.ExecuteContextC(ctx)
	return Fail(ran, err)
}

// app is what the commands of one tree share.
type app struct {
	opts Options
	json bool
}

// Command returns the root of the commands, to be executed as it is or added to
// other commands. It writes to the command's own output and error streams, reads its
// input, and ends with its context. It installs no signal handlers. An error that it
// returns was not printed: give it to Fail.
func Command(o Options) *cobra.Command {
	o.Name = cmp.Or(o.Name, "iostreamctl")
	a := &app{opts: o}
	root := &cobra.Command{
		Use:   o.Name,
		Short: "List, look at, read, feed, serve and check streams of drivers",
		Long: `Streams move buffers between a driver and a program without copying them. A stream
is called vendor/device/stream. Its payload goes from-device (the driver fills
buffers), to-device (the driver takes them) or both-ways.

Try it without hardware: "` + o.Name + ` demo".`,
		Args:                       a.noCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return a.noCommand(cmd, nil) },
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "results as JSON, one object a line; errors too, on standard error")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.SetHelpCommand(a.helpCommand())
	root.AddCommand(a.serveCommand(), a.listCommand(), a.infoCommand(), a.catCommand(), a.sendCommand(), a.controlCommand(), a.benchCommand(), a.demoCommand(), a.demoDriverCommand(), a.conformCommand(), a.versionCommand())
	return root
}
