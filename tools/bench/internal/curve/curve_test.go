// SPDX-License-Identifier: Apache-2.0

package curve

import (
	"slices"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/plot"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/row"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
)

// measured is a set in which all jobs but those of gone were run, three times.
func measured(jobs []job.Job, gone func(job.Job) bool) sample.Set {
	set := make(sample.Set)
	for _, j := range jobs {
		s := new(sample.Series)
		set[j] = s
		if gone(j) {
			s.NotRun = "it is not there"
			continue
		}
		for i := range 3 {
			n := float64(i+1) * 1000
			s.Samples = append(s.Samples, sample.Sample{
				Result: job.Result{job.PerSecond: n, job.P50: n, job.P99: 2 * n, job.CPU: n / 1e5, job.FarCPU: n / 1e6},
				Other:  float64(i) / 100,
			})
		}
	}
	return set
}

func draw(t *testing.T, name string, gone func(job.Job) bool) *plot.Chart {
	t.Helper()
	figures, err := Choose(name)
	if err != nil {
		t.Fatal(err)
	}
	c, ok := figures[0].Draw(measured(figures[0].Jobs, gone), "note").(*plot.Chart)
	if !ok || len(figures) != 1 {
		t.Fatalf("%s is no chart: %v", name, figures)
	}
	return c
}

func TestGraphsShowMediansOfTheirJobs(t *testing.T) {
	unix := func(j job.Job) bool { return j.Program.IsPeer() }
	sizes := draw(t, "size", unix)
	for i, want := range []float64{2000, 2000 * page} {
		g := &sizes.Graphs[i]
		if len(g.Lines) != 4 || !slices.Equal(g.Missing, []string{"Unix socket"}) {
			t.Fatalf("%+v", g)
		}
		if got := g.Lines[2].Points[3]; got != (plot.Point{X: page, Y: want}) || g.At != page {
			t.Errorf("%s: %v, want %v", g.Title, got, want)
		}
	}
	all := func(job.Job) bool { return false }
	rates := draw(t, "rate", all)
	for i, want := range []float64{0.02, 0.002, 2000, 4000} {
		g := &rates.Graphs[i]
		if got := g.Lines[3].Points[2]; got != (plot.Point{X: 1000, Y: want}) || g.Lines[3].Name != "spin" {
			t.Errorf("%s: %v of %s, want %v", g.Title, got, g.Lines[3].Name, want)
		}
	}
	// With one buffer there is no rate but what round trips take: 2000 ns.
	few := draw(t, "buffers", all)
	if got := few.Graphs[0].Lines[0].Points[:2]; got[0].Y != 1e9/2000 || got[1].Y != 2000 {
		t.Errorf("%v", got)
	}
}

// TestOneJobMissing leaves its point out, and the others in.
func TestOneJobMissing(t *testing.T) {
	c := draw(t, "buffers", func(j job.Job) bool { return j.Buffers == 4 && j.Wait == iostream.WaitThread })
	for _, g := range c.Graphs {
		for _, l := range g.Lines {
			want := len(g.Ticks)
			if l.Name == "thread" {
				want--
			}
			if len(l.Points) != want || slices.ContainsFunc(l.Points, func(p plot.Point) bool { return p.X == 4 }) != (l.Name != "thread") {
				t.Errorf("%s, %s: %v", g.Title, l.Name, l.Points)
			}
		}
	}
	var text strings.Builder
	if err := Table(&text, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{c.Title, c.Graphs[1].Title, "64", "2 k", "500 k", "-"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}

func TestChoose(t *testing.T) {
	if all, err := Choose(""); err != nil || len(all) != 4 {
		t.Errorf("%v, %v", all, err)
	}
	two, err := Choose("rate, latency")
	if err != nil || len(two) != 2 || two[0].Name != "rate" || two[1].Name != "latency" {
		t.Errorf("%v, %v", two, err)
	}
	if _, err := Choose("rate,"); err == nil {
		t.Error("a figure without a name")
	}
	jobs := Jobs(append(two, two...))
	if want := len(two[0].Jobs) + len(two[1].Jobs); len(jobs) != want {
		t.Errorf("%d jobs, want %d, each once", len(jobs), want)
	}
}

func TestOthers(t *testing.T) {
	figures := All()
	set := measured(figures[1].Jobs, func(job.Job) bool { return false })
	if got := Others(set, figures[1].Jobs); !strings.Contains(got, "0.01 CPUs") || !strings.Contains(got, "0.02 in the worst") {
		t.Error(got)
	}
}

// TestJobsAreThoseOfTheRows keeps the figures from measuring what the table doesn't.
func TestJobsAreThoseOfTheRows(t *testing.T) {
	rows := row.Jobs(row.All())
	jobs := Jobs(All())
	for _, want := range []job.Job{
		{Program: job.Stream, Place: job.Cross, Wait: iostream.WaitAdaptive, Size: page, Batch: 1, Buffers: 64, Full: true},
		{Program: job.Loop, Place: job.Cross, Wait: iostream.WaitSpin, Size: page, Batch: 1, Buffers: 64, Full: true},
		{Program: job.Paced, Place: job.Free, Size: page, Batch: 1, Buffers: 4, Hz: 1000},
		{Program: job.Peer("unix"), Place: job.Cross, Size: page, Full: true},
	} {
		if !slices.Contains(rows, want) || !slices.Contains(jobs, want) {
			t.Errorf("%s is in a row: %v, in a figure: %v", want, slices.Contains(rows, want), slices.Contains(jobs, want))
		}
	}
}
