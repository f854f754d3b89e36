// SPDX-License-Identifier: Apache-2.0

package row

import (
	"math"
	"testing"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
)

var (
	ours  = job.Job{Program: job.Stream, Place: job.Same}
	limit = job.Job{Program: job.Loop, Place: job.Same}
)

func series(values ...float64) *sample.Series {
	s := new(sample.Series)
	for _, v := range values {
		s.Samples = append(s.Samples, sample.Sample{Result: job.Result{job.P50: v}})
	}
	return s
}

func judge(c Cell, set sample.Set) Outcome { return Judge([]Cell{c}, set)[0] }

func TestJudge(t *testing.T) {
	cell := Cell{Row: 1, Name: "x", Job: ours, Metric: job.P50, Limit: limit, LimitMetric: job.P50, Bound: 1.5, Why: "y", Gate: Slack}
	atLeast, constant, worst, zero := cell, cell, cell, cell
	atLeast.AtLeast = true
	constant.Limit, constant.Constant = job.Job{}, 20
	worst.Worst = true
	zero.Limit, zero.Bound, zero.Gate = job.Job{}, 0, Exact
	known, knownLeast := cell, atLeast
	known.Known, knownLeast.Known = 2.4, 1.1
	for _, tc := range []struct {
		name   string
		cell   Cell
		ours   []float64
		ratio  float64
		ok     bool
		missed float64
		fails  bool
	}{
		{"at the bound", cell, []float64{14, 15, 99}, 1.5, true, 0, false},
		{"above the bound", cell, []float64{16.5}, 1.65, false, 0.1, false},
		{"above the slack", cell, []float64{30}, 3, false, 1, true},
		{"at least, above", atLeast, []float64{30}, 3, true, 0, false},
		{"at least, below", atLeast, []float64{12.1}, 1.21, false, (1.5 - 1.21) / 1.5, false},
		{"at least, below the slack", atLeast, []float64{11}, 1.1, false, 0.4 / 1.5, true},
		{"misses the bound as known", known, []float64{29}, 2.9, false, 1.4 / 1.5, false},
		{"misses the bound by more", known, []float64{31}, 3.1, false, 1.6 / 1.5, true},
		{"at least, as known", knownLeast, []float64{9}, 0.9, false, 0.4, false},
		{"at least, below what is known", knownLeast, []float64{8.7}, 0.87, false, 0.42, true},
		{"constant", constant, []float64{20}, 1, true, 0, false},
		{"worst sample", worst, []float64{1, 1, 30}, 3, false, 1, true},
		{"nothing", zero, []float64{0, 0}, 0, true, 0, false},
		{"more than nothing", zero, []float64{0.01}, 0.01, false, 0.01, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := judge(tc.cell, sample.Set{ours: series(tc.ours...), limit: series(9, 10, 12)})
			if o.Ratio == nil || o.OK == nil || math.Abs(*o.Ratio-tc.ratio) > 1e-9 || *o.OK != tc.ok {
				t.Fatalf("%+v", o)
			}
			if math.Abs(o.MissedBy-tc.missed) > 1e-9 || o.Fails() != tc.fails || (o.Why != "") == tc.ok {
				t.Errorf("%+v, fails: %v", o, o.Fails())
			}
			if again := Again([]Cell{tc.cell}, []Outcome{o}); len(again) == 1 != tc.fails {
				t.Errorf("%d cells once more", len(again))
			}
		})
	}
}

// TestNotRunIsSaid has a value without a limit, and neither.
func TestNotRunIsSaid(t *testing.T) {
	cell := Cell{Job: ours, Metric: job.P50, Limit: limit, LimitMetric: job.P50, Bound: 1, Gate: Exact}
	for _, tc := range []struct {
		name  string
		set   sample.Set
		want  string
		value bool
	}{
		{"no value", sample.Set{ours: {NotRun: "one CPU"}, limit: series(1)}, "one CPU", false},
		{"no limit", sample.Set{ours: series(1), limit: {NotRun: "no compiler"}}, "no limit: no compiler", true},
		{"neither", nil, "it was not asked for", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := judge(cell, tc.set)
			if o.NotRun != tc.want || (o.Value != nil) != tc.value || o.Ratio != nil || o.OK != nil || o.Fails() {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestAFailureIsNotSilent has a gate whose job never came to its end, and one of whose
// rounds one did not.
func TestAFailureIsNotSilent(t *testing.T) {
	cell := Cell{Job: ours, Metric: job.P50, Constant: 1, Bound: 1, Gate: Slack}
	o := judge(cell, sample.Set{ours: {Failed: "it crashed"}})
	if o.NotRun != "it crashed" || !o.Fails() || len(Again([]Cell{cell}, []Outcome{o})) != 1 {
		t.Errorf("%+v", o)
	}
	once := series(1)
	once.Failed, once.Samples[0].Other = "it crashed", 0.1
	if o := judge(cell, sample.Set{ours: once}); o.Failed != "it crashed" || o.Fails() || o.Others != 0.1 {
		t.Errorf("%+v", o)
	}
	cell.Gate = Report
	if o := judge(cell, sample.Set{ours: {Failed: "it crashed"}}); o.Fails() {
		t.Errorf("%+v", o)
	}
}

func TestInformationHasNoBound(t *testing.T) {
	free := Cell{Job: ours, Metric: job.P50, Limit: limit, LimitMetric: job.P50, Free: true}
	o := judge(free, sample.Set{ours: series(30), limit: series(10)})
	if o.OK != nil || o.Bound != nil || o.Ratio == nil || *o.Ratio != 3 {
		t.Errorf("%+v", o)
	}
	free.Limit = job.Job{}
	if o := judge(free, sample.Set{ours: series(30)}); o.Limit != nil || o.Ratio != nil || *o.Value != 30 {
		t.Errorf("%+v", o)
	}
}

// TestAllRows holds the rows against what was agreed: all seventeen are there, each cell
// has a name of its own, and the gates are those of the rows that may be gates.
func TestAllRows(t *testing.T) {
	rows, names, gates := make(map[int]int), make(map[string]bool), make(map[int]Gate)
	for _, c := range All() {
		rows[c.Row]++
		name := c.Name
		if c.Row <= 2 {
			name += c.Job.String() // "the same"
		}
		if names[name] {
			t.Errorf("two cells are %q", name)
		}
		names[name] = true
		if c.Gate != Report {
			gates[c.Row] = c.Gate
		}
		if c.Job.Program == "" || c.Metric == "" || c.Unit == "" || (c.Limit.Program != "") != (c.LimitMetric != "") {
			t.Errorf("%+v lacks something", c)
		}
		if c.Free != (c.Bound == 0 && c.Row != 11 && c.Row != 14) {
			t.Errorf("%+v: free, or bound", c)
		}
	}
	for n := 1; n <= 17; n++ {
		if rows[n] == 0 {
			t.Errorf("row %d has no cell", n)
		}
	}
	want := map[int]Gate{1: Slack, 2: Slack, 8: Slack, 9: Exact, 11: Exact, 14: Exact}
	for n, g := range want {
		if gates[n] != g {
			t.Errorf("row %d has gate %d", n, gates[n])
		}
	}
	if len(gates) != len(want) || len(rows) != 17 {
		t.Errorf("gates %v, rows %v", gates, rows)
	}
	for _, c := range Gates(All()) {
		if c.Gate == Report {
			t.Errorf("%q is no gate", c.Name)
		}
	}
}

func TestJobsAreSharedByRows(t *testing.T) {
	c := Cell{Job: ours, Limit: limit}
	alone := Cell{Job: ours}
	if jobs := Jobs([]Cell{c, alone, c}); len(jobs) != 2 || jobs[0] != ours || jobs[1] != limit {
		t.Errorf("%v", jobs)
	}
}
