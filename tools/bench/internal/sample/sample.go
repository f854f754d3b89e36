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
	// Probe is the round trip of a bare word between the two CPUs, the shorter one of just
	// before and just after, in ns; 0 if it was not measured.
	Probe float64
}

const (
	// tooMuch is how much of a CPU others may take.
	tooMuch = 0.15
	// siblings is the longest round trip of a word, in ns, between two threads of one
	// core: there a hypervisor has put both CPUs, and every number is another one.
	siblings = 150
	// enough is how many quiet samples must be there for the others to be dropped.
	enough = 3
)

// Disturbed reports whether other programs had an influence on the sample.
func (s *Sample) Disturbed() bool { return s.Other > tooMuch }

// OnSiblings reports whether the two CPUs were one core when the sample was taken: a
// machine that can't be compared with the one of two cores.
func (s *Sample) OnSiblings() bool { return s.Probe > 0 && s.Probe < siblings }

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

// Clean returns the samples that count, and how many were dropped: those of one core
// unless there is no other, and then the disturbed ones where enough others remain.
func (s *Series) Clean() (kept []Sample, dropped int) {
	kept = without(s.Samples, (*Sample).OnSiblings, 1)
	kept = without(kept, (*Sample).Disturbed, enough)
	return kept, len(s.Samples) - len(kept)
}

// without returns the samples that are not bad, or all if that leaves fewer than least.
func without(all []Sample, bad func(*Sample) bool, least int) (kept []Sample) {
	for i := range all {
		if !bad(&all[i]) {
			kept = append(kept, all[i])
		}
	}
	if len(kept) < least {
		return all
	}
	return kept
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
