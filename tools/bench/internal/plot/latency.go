// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"os"
	"path/filepath"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/row"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// places are those that can be compared: where processes are free, they are now on one
// CPU and now on two.
func places() []job.Place { return []job.Place{job.Same, job.Cross} }

// Jobs returns the jobs of the figure of latencies.
func Jobs() []job.Job {
	var jobs []job.Job
	for _, p := range places() {
		for _, t := range row.Trips(p) {
			jobs = append(jobs, t.Job)
		}
	}
	return jobs
}

// Latency returns the figure of the round trips in set, with lines of notes.
func Latency(set sample.Set, notes ...string) *Figure {
	f := &Figure{Title: "Round trips of a message of 64 bytes between two processes", Notes: notes}
	for _, p := range job.Percentiles() {
		f.Shares = append(f.Shares, p.Share)
	}
	titles := map[job.Place]string{job.Same: "Both processes on one CPU", job.Cross: "Each process on a CPU of its own"}
	styles := make(map[string]int)
	used := map[row.Kind]int{row.Limit: Neutral, row.Ours: Cold, row.Other: Warm}
	for _, p := range places() {
		panel := Panel{Title: titles[p]}
		for _, t := range row.Trips(p) {
			if _, known := styles[t.Name]; !known {
				styles[t.Name] = used[t.Kind]
				used[t.Kind]++
			}
			times := times(set.Of(t.Job))
			if times == nil {
				panel.Missing = append(panel.Missing, t.Name)
				continue
			}
			panel.Curves = append(panel.Curves, Curve{Name: t.Name, Style: styles[t.Name], Times: times})
		}
		f.Panels = append(f.Panels, panel)
	}
	return f
}

// times returns the medians of a series for each percentile and for the longest time, nil
// if it lacks one.
func times(s *sample.Series) []float64 {
	var ts []float64
	for _, p := range append(job.Percentiles(), job.Percentile{Metric: job.Max}) {
		values, _ := s.Values(p.Metric)
		if len(values) == 0 {
			return nil
		}
		ts = append(ts, stat.Median(values))
	}
	return ts
}

// Image is a Figure or a Chart.
type Image interface{ SVG() []byte }

// Write writes an image to a file, whose directory it makes.
func Write(path string, i Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, i.SVG(), 0o644)
}
