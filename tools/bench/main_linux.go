// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/child"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/peer"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/plot"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/report"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/row"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/run"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
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
	svg                string
	curves, figures    string
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
	f.StringVar(&o.svg, "svg", "", "where to draw latencies (default build/latency.svg if all rows are run, else nowhere)")
	f.StringVar(&o.curves, "curves", "", "measure and draw the figures of the guide to performance into this directory, and run no rows")
	f.StringVar(&o.figures, "figures", "", "with -curves: which, such as size,rate (default all)")
	f.StringVar(&o.dir, "build", "build/bench", "where to build the programs")
	f.BoolVar(&o.quick, "quick", false, "three short rounds without waiting for a quiet machine")
	f.BoolVar(&o.gate, "gate", false, "run the rows that are gates, and fail if one is not passed")
	f.BoolVar(&o.verbose, "v", false, "tell each job")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, errUsage
	case f.NArg() > 0 || o.rounds < 1 || o.duration <= 0, o.curves == "" && o.figures != "",
		o.curves != "" && (o.gate || o.rows != "" || o.svg != ""):
		f.Usage()
		return o, errUsage
	}
	if o.svg == "" && o.rows == "" && !o.gate && o.curves == "" {
		o.svg = "build/latency.svg"
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
	if o.curves != "" {
		return o.draw(ctx, stdout, stderr)
	}
	cells, err := o.choose(row.All())
	if err != nil {
		return err
	}
	r, err := o.runner(ctx, stderr)
	if err != nil {
		return err
	}
	outcomes, set, err := o.measure(ctx, r, cells, stderr)
	if err != nil {
		return err
	}
	about := machine(ctx, &o, r)
	heading(stdout, about, r.Peers)
	err = errors.Join(report.Table(stdout, outcomes), report.Write(o.out, outcomes))
	if o.svg != "" {
		err = errors.Join(err, plot.Write(o.svg, plot.Latency(set, append(about, versions(r.Peers))...)))
	}
	if err != nil {
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

// measure runs the cells and what is drawn beside, and the cells of gates that failed once
// more where they may.
func (o *options) measure(ctx context.Context, r *run.Runner, cells []row.Cell, stderr io.Writer) ([]row.Outcome, sample.Set, error) {
	jobs := row.Jobs(cells)
	if o.svg != "" {
		for _, j := range plot.Jobs() {
			if !slices.Contains(jobs, j) {
				jobs = append(jobs, j)
			}
		}
	}
	fmt.Fprintf(stderr, "bench: %d jobs in %d rounds of %v\n", len(jobs), o.rounds, o.duration)
	set, err := r.Run(ctx, jobs)
	if err != nil {
		return nil, nil, err
	}
	outcomes := row.Judge(cells, set)
	again := row.Again(cells, outcomes)
	if !o.gate || len(again) == 0 {
		return outcomes, set, nil
	}
	fmt.Fprintf(stderr, "bench: %d gates once more\n", len(again))
	more, err := r.Run(ctx, row.Jobs(again))
	if err != nil {
		return nil, nil, err
	}
	for _, second := range row.Judge(again, more) {
		i := slices.IndexFunc(outcomes, func(o row.Outcome) bool { return o.Row == second.Row && o.Name == second.Name })
		if second.Ratio != nil {
			outcomes[i] = second
		}
	}
	return outcomes, set, nil
}

// machine says in lines what was measured, on what, when and how.
func machine(ctx context.Context, o *options, r *run.Runner) []string {
	var u unix.Utsname
	_ = unix.Uname(&u) // fails only for a bad address
	return []string{
		fmt.Sprintf("iostreamkit %s, %s, Linux %s, %s, %s, CPUs %v", version(ctx), runtime.Version(),
			unix.ByteSliceToString(u.Release[:]), runtime.GOARCH, run.Model(), r.CPUs),
		fmt.Sprintf("%s; medians of %d samples of %v", time.Now().Format(time.DateOnly), o.rounds, o.duration),
	}
}

// heading writes what machine says, and the peers that were measured.
func heading(w io.Writer, about []string, peers []peer.Peer) {
	for _, line := range about {
		fmt.Fprintln(w, line)
	}
	for _, p := range peers {
		if p.Version() != "" { // else it was not asked for or is not here, as the table says
			fmt.Fprintf(w, "peer %s: %s; %s\n", p.Name(), p.Version(), p.Settings())
		}
	}
}

// versions says in a line what the peers are.
func versions(peers []peer.Peer) string {
	var all []string
	for _, p := range peers {
		if v := p.Version(); v != "" && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return "with " + strings.Join(all, ", ")
}

// version returns the commit of this directory, if it is in a repository, or else the
// version that the program was built with.
func version(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err == nil {
		return string(bytes.TrimSpace(out))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "(unknown)"
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
