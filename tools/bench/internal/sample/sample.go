// SPDX-License-Identifier: Apache-2.0

// Package sample keeps what a job found out in each round, and says which of it counts
// on a machine that other programs use too.
package sample

import (
	"cmp"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// Sample is one run of a job.
type Sample struct {
	Result job.Result
	Round  int
	// Other is how many CPUs' worth of time other programs and the hypervisor took
	// meanwhile.
	Other float64
	// Probe is the round trip of a bare word between the two CPUs just before, in ns;
	// 0 if it was not measured.
	Probe float64
}

const (
	// tooMuch is how much of a CPU others may take.
	tooMuch = 0.15
	// siblings is the longest round trip of a word, in ns, between two threads of one
	// core: there a hypervisor has put both CPUs, and every number is another one.
	siblings = 150
	// enough is how many clean samples must be there for the others to be dropped.
	enough = 3
)

// Disturbed reports whether something beside the job had an influence on it.
func (s *Sample) Disturbed() bool {
	return s.Other > tooMuch || s.Probe > 0 && s.Probe < siblings
}

// Series are the samples of one job.
type Series struct {
	Samples []Sample
	// NotRun says why the job can't be run on this machine.
	NotRun string
	// Failed says what went wrong in the last round in which something did.
	Failed string
}

// Why says why there is no sample.
func (s *Series) Why() string { return cmp.Or(s.NotRun, s.Failed) }

// Clean returns the samples that count, and how many were dropped: the disturbed ones,
// where enough others remain.
func (s *Series) Clean() (kept []Sample, dropped int) {
	for i := range s.Samples {
		if !s.Samples[i].Disturbed() {
			kept = append(kept, s.Samples[i])
		}
	}
	if len(kept) < enough {
		return s.Samples, 0
	}
	return kept, len(s.Samples) - len(kept)
}

// Values returns one metric of the samples that count.
func (s *Series) Values(m job.Metric) (vs []float64, dropped int) {
	kept, dropped := s.Clean()
	for i := range kept {
		if v, ok := kept[i].Result[m]; ok {
			vs = append(vs, v)
		}
	}
	return vs, dropped
}

// Others returns how many CPUs' worth of time other programs took during each of the
// samples that count.
func (s *Series) Others() (vs []float64) {
	kept, _ := s.Clean()
	for i := range kept {
		vs = append(vs, kept[i].Other)
	}
	return vs
}

// Set has the series of each job.
type Set map[job.Job]*Series

// Of returns the series of a job, an empty one if there is none.
func (s Set) Of(j job.Job) *Series {
	if found := s[j]; found != nil {
		return found
	}
	return &Series{NotRun: "it was not asked for"}
}
