// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package run runs jobs in rounds, one job of each kind in each round in random order,
// so that what changes on the machine changes for all of them.
package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/child"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/peer"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/work"
)

// Runner runs jobs.
type Runner struct {
	Rounds   int
	Duration time.Duration // of a job's measurement
	Patience time.Duration // how long to wait for the machine to be quiet before each
	Limits   map[job.Program]string
	NoLimits error // why there are none
	Peers    []peer.Peer
	CPUs     []int     // that may be used
	Log      io.Writer // what is going on
}

// Run runs every job once in each round. The error is that of ctx; what is wrong with a
// job is in its series.
func (r *Runner) Run(ctx context.Context, jobs []job.Job) (sample.Set, error) {
	set := make(sample.Set)
	for _, j := range jobs {
		set[j] = &sample.Series{NotRun: r.cannot(ctx, j)}
	}
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j job.Job) bool { return set[j].NotRun != "" })
	for round := range r.Rounds {
		rand.Shuffle(len(jobs), func(a, b int) { jobs[a], jobs[b] = jobs[b], jobs[a] })
		var later []job.Job
		for _, j := range jobs {
			if r.once(ctx, set[j], j, round) {
				later = append(later, j)
			}
		}
		for _, j := range later {
			r.once(ctx, set[j], j, round)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return set, nil
}

// once adds a sample of j to its series. It returns true if it is one of a single core,
// which is worth another one later.
func (r *Runner) once(ctx context.Context, to *sample.Series, j job.Job, round int) (again bool) {
	if ctx.Err() != nil {
		return false
	}
	fmt.Fprintf(r.Log, "round %d of %d: %s\n", round+1, r.Rounds, j)
	s, err := r.sample(ctx, j)
	if err != nil {
		fmt.Fprintln(r.Log, err)
		to.Failed = err.Error()
		return false
	}
	s.Round = round
	to.Samples = append(to.Samples, s)
	return s.OnSiblings()
}

// cannot says why a job can't be run here, "" if it can.
func (r *Runner) cannot(ctx context.Context, j job.Job) string {
	if j.Place.NeedsTwo() && len(r.CPUs) < 2 {
		return fmt.Sprintf("it needs two CPUs, and there is %d", len(r.CPUs))
	}
	if j.Program.InC() && r.NoLimits != nil {
		return fmt.Sprintf("there are no C programs: %v", r.NoLimits)
	}
	if !j.Program.IsPeer() {
		return ""
	}
	x, err := peer.Find(r.Peers, j.Program)
	if err == nil {
		err = x.Prepare(ctx)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (r *Runner) command(t *job.Task) ([]string, error) {
	switch p := t.Job.Program; {
	case p.InC():
		return append([]string{r.Limits[p]}, t.CArgs()...), nil
	case p.IsPeer():
		x, err := peer.Find(r.Peers, p)
		if err != nil {
			return nil, err
		}
		return x.Command(t)
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args, err := work.Args(t)
	return append([]string{exe}, args...), err
}

// sample runs a job once.
func (r *Runner) sample(ctx context.Context, j job.Job) (s sample.Sample, err error) {
	if err := awaitQuiet(ctx, r.Patience); err != nil {
		return s, err
	}
	probed := j.Place != job.Same && len(r.CPUs) > 1 && r.NoLimits == nil
	if probed {
		if s.Probe, err = r.probe(ctx); err != nil {
			return s, err
		}
	}
	w, err := begin()
	if err != nil {
		return s, err
	}
	var used time.Duration
	if s.Result, used, err = r.run(ctx, j, j.Millis(r.Duration)); err != nil {
		return s, err
	}
	if s.Other, err = w.others(used); err != nil || !probed {
		return s, err
	}
	after, err := r.probe(ctx)
	s.Probe = min(s.Probe, after)
	return s, err
}

// probeMillis is how long a probe measures.
const probeMillis = 2

// probe measures the round trip of a word between two CPUs.
func (r *Runner) probe(ctx context.Context) (float64, error) {
	res, _, err := r.run(ctx, job.Job{Program: job.PingPong, Place: job.Cross, Wait: iostream.WaitSpin}, probeMillis)
	if err != nil {
		return 0, fmt.Errorf("probe the CPUs: %w", err)
	}
	return res[job.P50], nil
}

// grace is how long a job may take in addition to what it measures.
const grace = 20 * time.Second

// run runs the process of a job, in a group of its own, with a directory of its own.
func (r *Runner) run(ctx context.Context, j job.Job, millis int) (_ job.Result, used time.Duration, err error) {
	t := job.Task{Job: j, Millis: millis}
	t.Near, t.Far = j.Place.CPUs(r.CPUs)
	if t.Dir, err = os.MkdirTemp("", "iostreamkit-bench-"); err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(t.Dir)) }()
	command, err := r.command(&t)
	if err != nil {
		return nil, 0, err
	}
	var out, said bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = time.Second // for what is left of the group after it was killed
	c, err := child.Start(cmd, t.Near, true)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", j, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(millis)*time.Millisecond+grace, errors.New("it took too long"))
	defer cancel()
	stop := context.AfterFunc(ctx, c.Kill)
	err = c.Wait()
	stop()
	switch {
	case ctx.Err() != nil:
		return nil, 0, fmt.Errorf("%s: %w", j, context.Cause(ctx))
	case err != nil:
		return nil, 0, fmt.Errorf("%s: %w; it printed: %s", j, err, bytes.TrimSpace(said.Bytes()))
	}
	res, err := job.ParseResult(out.Bytes())
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", j, err)
	}
	return res, cpuOf(c.Usage()), nil
}
