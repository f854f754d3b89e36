// SPDX-License-Identifier: Apache-2.0

// Package row has the rows of the bench as data: what is compared with what, and how
// good it must be.
package row

import (
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// Gate says how a cell decides whether the bench fails.
type Gate uint8

// The gates.
const (
	Report Gate = iota // it is only told
	Slack              // it may miss its bound, or what is known to miss it, by a quarter, and has a second try
	Exact              // it must be within its bound, and has a second try
)

// Unit is what a value is counted in.
type Unit string

// The units.
const (
	NS        Unit = "ns"
	PerSecond Unit = "/s"
	PerEntry  Unit = "/entry"
	CPU       Unit = "CPU"
)

// Cell is one comparison of a row.
type Cell struct {
	Row  int
	Name string
	Unit Unit
	Gate Gate

	Job    job.Job
	Metric job.Metric
	// Worst takes the worst sample in place of the median.
	Worst bool

	// Limit is what the value is compared with, by LimitMetric; where its Program is empty,
	// the number Constant.
	Limit       job.Job
	LimitMetric job.Metric
	Constant    float64

	// Bound is what the ratio of value and limit must not be above, or below with AtLeast.
	Bound   float64
	AtLeast bool
	// Known is the ratio that a cell which misses its bound has today, or 0. A gate holds
	// it there until it gets better; the table goes on to say that the bound is missed.
	Known float64
	// Free says that there is no bound: the value is for information.
	Free bool
	// Why says why the bound is missed, if it is.
	Why string
}

// Jobs returns the jobs of the cells, each once.
func Jobs(cells []Cell) []job.Job {
	var jobs []job.Job
	seen := make(map[job.Job]bool)
	for i := range cells {
		for _, j := range []job.Job{cells[i].Job, cells[i].Limit} {
			if j.Program != "" && !seen[j] {
				seen[j] = true
				jobs = append(jobs, j)
			}
		}
	}
	return jobs
}
