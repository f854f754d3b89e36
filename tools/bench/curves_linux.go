// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/curve"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/plot"
)

// draw measures the figures of the guide, draws each, and writes what is in the charts as
// text too.
func (o *options) draw(ctx context.Context, stdout, stderr io.Writer) error {
	figures, err := curve.Choose(o.figures)
	if err != nil {
		return err
	}
	r, err := o.runner(ctx, stderr)
	if err != nil {
		return err
	}
	jobs := curve.Jobs(figures)
	fmt.Fprintf(stderr, "bench: %d jobs in %d rounds of %v\n", len(jobs), o.rounds, o.duration)
	set, err := r.Run(ctx, jobs)
	if err != nil {
		return err
	}
	about := machine(ctx, o, r)
	heading(stdout, about, r.Peers)
	if slices.ContainsFunc(jobs, func(j job.Job) bool { return j.Program.IsPeer() }) {
		about = append(about, versions(r.Peers))
	}
	for _, f := range figures {
		others := curve.Others(set, f.Jobs)
		image := f.Draw(set, append(about[:len(about):len(about)], others)...)
		err = errors.Join(err, plot.Write(filepath.Join(o.curves, f.Name+".svg"), image))
		if c, ok := image.(*plot.Chart); ok {
			err = errors.Join(err, curve.Table(stdout, c))
			fmt.Fprintln(stdout, others)
		}
	}
	return err
}
