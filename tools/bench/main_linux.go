// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/child"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/peer"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/report"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/row"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/run"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/work"
)

//go:embed c
var sources embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	done, err := work.Main(ctx, os.Args[1:], os.Stdin, os.Stdout)
	if !done {
		err = bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	rounds             int
	duration, patience time.Duration
	rows, out, dir     string
	quick, gate        bool
	verbose            bool
}

var errUsage = errors.New("wrong usage")

func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.rounds, "rounds", 5, "samples of each job")
	f.DurationVar(&o.duration, "duration", 300*time.Millisecond, "how long each job measures")
	f.DurationVar(&o.patience, "patience", time.Second, "how long to wait for a quiet machine before each job")
	f.StringVar(&o.rows, "rows", "", "rows to run, such as 1,2,8 (default all)")
	f.StringVar(&o.out, "o", "build/bench.json", "where to write the outcomes")
	f.StringVar(&o.dir, "build", "build/bench", "where to build the programs")
	f.BoolVar(&o.quick, "quick", false, "three short rounds without waiting for a quiet machine")
	f.BoolVar(&o.gate, "gate", false, "run the rows that are gates, and fail if one is not passed")
	f.BoolVar(&o.verbose, "v", false, "tell each job")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, errUsage
	case f.NArg() > 0 || o.rounds < 1 || o.duration <= 0:
		f.Usage()
		return o, errUsage
	}
	if o.quick {
		o.rounds, o.duration, o.patience = 3, 60*time.Millisecond, 0
	}
	return o, nil
}

// choose returns the cells to run.
func (o *options) choose(cells []row.Cell) ([]row.Cell, error) {
	if o.gate {
		cells = row.Gates(cells)
	}
	if o.rows == "" {
		return cells, nil
	}
	var want []int
	for s := range strings.SplitSeq(o.rows, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || !slices.ContainsFunc(cells, func(c row.Cell) bool { return c.Row == n }) {
			return nil, fmt.Errorf("there is no row %q to run", s)
		}
		want = append(want, n)
	}
	return slices.DeleteFunc(cells, func(c row.Cell) bool { return !slices.Contains(want, c.Row) }), nil
}

// bench runs the bench and reports. The error says what could not be done, or which gate
// is not passed.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	cells, err := o.choose(row.All())
	if err != nil {
		return err
	}
	r, err := o.runner(ctx, stderr)
	if err != nil {
		return err
	}
	outcomes, err := o.measure(ctx, r, cells, stderr)
	if err != nil {
		return err
	}
	heading(stdout, &o, r)
	if err := errors.Join(report.Table(stdout, outcomes), report.Write(o.out, outcomes)); err != nil {
		return err
	}
	if o.gate {
		return gates(outcomes)
	}
	return nil
}

func (o *options) runner(ctx context.Context, stderr io.Writer) (*run.Runner, error) {
	cpus, err := child.CPUs()
	if err != nil {
		return nil, err
	}
	r := &run.Runner{Rounds: o.rounds, Duration: o.duration, Patience: o.patience, CPUs: cpus, Log: io.Discard}
	r.Peers = peer.All(run.Sources(o.dir), o.dir)
	if o.verbose {
		r.Log = stderr
	}
	if r.Limits, r.NoLimits = run.Build(ctx, sources, o.dir); r.NoLimits != nil {
		fmt.Fprintln(stderr, "bench:", r.NoLimits)
	}
	return r, ctx.Err()
}

// measure runs the cells, and those of gates that failed once more where they may.
func (o *options) measure(ctx context.Context, r *run.Runner, cells []row.Cell, stderr io.Writer) ([]row.Outcome, error) {
	jobs := row.Jobs(cells)
	fmt.Fprintf(stderr, "bench: %d jobs in %d rounds of %v\n", len(jobs), o.rounds, o.duration)
	set, err := r.Run(ctx, jobs)
	if err != nil {
		return nil, err
	}
	outcomes := row.Judge(cells, set)
	again := row.Again(cells, outcomes)
	if !o.gate || len(again) == 0 {
		return outcomes, nil
	}
	fmt.Fprintf(stderr, "bench: %d gates once more\n", len(again))
	set, err = r.Run(ctx, row.Jobs(again))
	if err != nil {
		return nil, err
	}
	for _, second := range row.Judge(again, set) {
		i := slices.IndexFunc(outcomes, func(o row.Outcome) bool { return o.Row == second.Row && o.Name == second.Name })
		if second.Ratio != nil {
			outcomes[i] = second
		}
	}
	return outcomes, nil
}

// heading says what was measured on, and with what.
func heading(w io.Writer, o *options, r *run.Runner) {
	var u unix.Utsname
	_ = unix.Uname(&u) // fails only for a bad address
	fmt.Fprintf(w, "%s, Linux %s, %s, CPUs %v; medians of %d samples of %v\n",
		runtime.Version(), unix.ByteSliceToString(u.Release[:]), runtime.GOARCH, r.CPUs, o.rounds, o.duration)
	for _, p := range r.Peers {
		if p.Version() == "" {
			continue // not asked for, or not here, as the table says
		}
		fmt.Fprintf(w, "peer %s: %s; %s\n", p.Name(), p.Version(), p.Settings())
	}
}

// gates returns an error that names those that are not passed.
func gates(outcomes []row.Outcome) error {
	var failed []string
	for i := range outcomes {
		if o := &outcomes[i]; o.Fails() {
			failed = append(failed, fmt.Sprintf("row %d, %s", o.Row, o.Name))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d gates are not passed: %s", len(failed), strings.Join(failed, "; "))
}
