// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

func of(value, other, probe float64) Sample {
	return Sample{Result: job.Result{job.P50: value}, Other: other, Probe: probe}
}

func TestDisturbedSamplesAreDropped(t *testing.T) {
	for _, tc := range []struct {
		name    string
		samples []Sample
		want    []float64
		dropped int
	}{
		{"none", nil, nil, 0},
		{"all clean", []Sample{of(1, 0, 0), of(2, 0.15, 250), of(3, 0.1, 150)}, []float64{1, 2, 3}, 0},
		{"three clean", []Sample{of(1, 0, 0), of(2, 0.16, 0), of(3, 0, 0), of(4, 0, 149), of(5, 0, 0)}, []float64{1, 3, 5}, 2},
		{"one core but for one", []Sample{of(1, 0, 80), of(2, 0.5, 250), of(3, 0, 82)}, []float64{2}, 2},
		{"one core", []Sample{of(1, 0, 80), of(2, 0, 90)}, []float64{1, 2}, 0},
		{"two clean only", []Sample{of(1, 0, 0), of(2, 0.5, 0), of(3, 0, 0)}, []float64{1, 2, 3}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := Series{Samples: tc.samples}
			if got, dropped := s.Values(job.P50); !slices.Equal(got, tc.want) || dropped != tc.dropped {
				t.Errorf("%v, %d dropped", got, dropped)
			}
			if got, _ := s.Values(job.P99); got != nil {
				t.Errorf("a metric that no sample has: %v", got)
			}
		})
	}
}

func TestSetOfUnknownJob(t *testing.T) {
	s := Set{}.Of(job.Job{})
	if vs, _ := s.Values(job.P50); vs != nil || s.NotRun == "" {
		t.Errorf("%v, %q", vs, s.NotRun)
	}
}
