// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/spf13/cobra"
)

type conformFlags struct {
	command    string
	profiles   []string
	only, skip []string
	seed       uint64
	shuffle    bool
	timeScale  float64

	device           string
	allowDestructive bool

	report, junit, tap string
	driverLog          string
}

func (a *app) conformCommand() *cobra.Command {
	var f conformFlags
	cmd := &cobra.Command{
		Use:   "conform {NAME | --cmd \"PROGRAM ARGS\" [NAME]}",
		Short: "Check a driver against the rules of the conformance suite",
		Long: `Check whether a driver keeps the rules, and say for each rule that it breaks what was
seen, why it matters and what to do. NAME is a stream whose driver runs. With --cmd
the driver is started for the run, in a run directory of its own, and is killed and
started anew where a rule is about that; NAME then chooses one of its streams.

The result and the exit status are

  conformant      0  no breach was seen
  not conformant  1  a rule that must be kept is broken
  incomplete      3  no breach was seen, but a rule that must be kept was skipped,
                     waived or could not be checked

Wrong usage is 2, and a driver that can't be reached or started is 3, so 1 always means
that a breach was seen.

Rules that may harm a device or end the driver are skipped unless --allow-destructive
or the device file permits them. Each run has a seed; the last lines of the output say
how to repeat the run with it.`,
		Example: fmt.Sprintf(`  %[1]s conform acme/cam0/video --device cam.json
  %[1]s conform --cmd "./acmed --test" --allow-destructive --junit conform.xml
  %[1]s conform acme/cam0/video --only LIFE --only QUEUE-03`, a.opts.Name),
		Args: arguments(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error { return a.conform(cmd, args, &f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.command, "cmd", "", "start the driver by this `command`, which is split into words like a shell does, but not expanded")
	fl.StringArrayVar(&f.profiles, "profile", nil, "check only the rules of a `profile`: "+profileNames()+"; may be repeated")
	fl.StringVar(&f.device, "device", "", "JSON `file` that says what is to be known about the device")
	fl.Uint64Var(&f.seed, "seed", 0, "`number` that makes a run repeatable (default one of the moment)")
	fl.BoolVar(&f.shuffle, "shuffle", false, "check the rules in an order that follows from the seed")
	fl.StringArrayVar(&f.only, "only", nil, "check only rules that fit a `pattern`: LIFE-03, LIFE, \"LIFE-*\"; the others count as skipped; may be repeated")
	fl.StringArrayVar(&f.skip, "skip", nil, "skip the rules that fit a `pattern`; may be repeated")
	fl.Float64Var(&f.timeScale, "time-scale", 1, "multiply every bound on time by this `factor`, for a slow machine")
	fl.BoolVar(&f.allowDestructive, "allow-destructive", false, "permit rules that may harm the device, its data or the driver's process")
	fl.StringVar(&f.report, "report", "", "write the report as JSON to a `file`, for conform diff")
	fl.StringVar(&f.junit, "junit", "", "write the report as JUnit XML to a `file`")
	fl.StringVar(&f.tap, "tap", "", "write the report as TAP 14 to a `file`")
	fl.StringVar(&f.driverLog, "driver-log", "", "write what the driver prints to a `file`; needs --cmd")
	cmd.AddCommand(a.conformDiffCommand(), a.conformRulesCommand())
	return cmd
}

func profileNames() string {
	var names []string
	for _, p := range conformance.Profiles() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// conform checks a driver. Only a breach is status 1.
func (a *app) conform(cmd *cobra.Command, args []string, f *conformFlags) error {
	opts, err := f.options(args)
	if err != nil {
		return err
	}
	opts.Reproduce = reproduce(cmd, args, f)
	rep, err := a.checkDriver(cmd, args, f, opts)
	if err != nil {
		return withStatus(exitIncomplete, err)
	}
	status := rep.Result.ExitCode()
	wrote := f.writeFiles(rep)
	err = a.emitReport(stdout(cmd), rep) // also if a file is missing: a run takes long
	if wrote != nil {
		err = wrote
	}
	if err != nil && !errors.Is(err, errReaderGone) && status == exitDone {
		status = exitIncomplete
	}
	return withStatus(status, err)
}

// options refuses what makes no sense before a driver is started, and returns the
// options of the run.
func (f *conformFlags) options(args []string) (*conformance.Options, error) {
	switch {
	case f.command == "" && len(args) == 0:
		return nil, usagef("the name of a stream is missing, or --cmd and a program")
	case f.command == "" && f.driverLog != "":
		return nil, usagef("--driver-log needs --cmd: what a driver prints that was started elsewhere is not seen here")
	case !(f.timeScale > 0 && f.timeScale <= 1000): // it may be no number
		return nil, usagef("--time-scale is %g, it needs a factor above 0, up to 1000", f.timeScale)
	}
	for _, name := range args {
		if err := checkName(name); err != nil {
			return nil, err
		}
	}
	for _, path := range []string{f.report, f.junit, f.tap, f.driverLog} {
		if err := checkWritable(path); err != nil {
			return nil, &usageError{err}
		}
	}
	for _, pattern := range slices.Concat(f.only, f.skip) {
		if _, err := selectRules(pattern); err != nil {
			return nil, err
		}
	}
	o := &conformance.Options{
		Only: f.only, Skip: f.skip, Seed: f.seed, Shuffle: f.shuffle, TimeScale: f.timeScale, Device: &conformance.Device{},
	}
	for _, word := range f.profiles {
		p := conformance.Profile(word)
		if !slices.Contains(conformance.Profiles(), p) {
			return nil, usagef("there is no profile %q; there are %s", word, profileNames())
		}
		o.Profiles = append(o.Profiles, p)
	}
	if f.device != "" {
		d, err := conformance.ReadDevice(f.device)
		if err != nil {
			return nil, &usageError{err}
		}
		o.Device = d
	}
	o.Device.AllowDestructive = o.Device.AllowDestructive || f.allowDestructive
	return o, nil
}

// runDirVariable is where drivers and clients look for the run directory.
const runDirVariable = "IOSTREAMKIT_RUNDIR"

// invoked returns how this program was called. Where "go run" has put it, it is not any
// more when that ends.
func invoked() []string {
	info, ok := debug.ReadBuildInfo()
	if ok && info.Path != "" && strings.Contains(os.Args[0], "/go-build") {
		return []string{"go", "run", info.Path}
	}
	return []string{os.Args[0]}
}

// reproduce returns the command that repeats a run, without what the report adds.
func reproduce(cmd *cobra.Command, args []string, f *conformFlags) string {
	words := append(invoked(), strings.Fields(cmd.CommandPath())[1:]...)
	line := ""
	if run := os.Getenv(runDirVariable); run != "" && f.command == "" {
		line = runDirVariable + "=" + joinWords(run) + " "
	}
	if f.command != "" {
		words = append(words, "--cmd", f.command)
	}
	words = append(words, args...)
	if f.device != "" {
		words = append(words, "--device", f.device)
	}
	if f.allowDestructive {
		words = append(words, "--allow-destructive")
	}
	return line + joinWords(words...)
}

// writeFiles writes the report in the forms that were asked for, each of which does not
// depend on the others.
func (f *conformFlags) writeFiles(rep *conformance.Report) error {
	var failed []error
	for _, form := range []struct {
		path  string
		write func(io.Writer) error
	}{{f.report, rep.WriteJSON}, {f.junit, rep.WriteJUnit}, {f.tap, rep.WriteTAP}} {
		if form.path == "" {
			continue
		}
		if err := writeFile(form.path, form.write); err != nil {
			failed = append(failed, fmt.Errorf("write report: %w", err))
		}
	}
	return errors.Join(failed...)
}

func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = write(file)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

func (a *app) emitReport(w io.Writer, rep *conformance.Report) error {
	if a.json {
		return a.emit(w, rep, "")
	}
	return rep.WriteText(w)
}
