// SPDX-License-Identifier: Apache-2.0

// Package curve has the figures of the guide to performance as data: which jobs each is
// drawn from, and what it shows of them.
package curve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/plot"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// Figure is one image of the guide.
type Figure struct {
	Name string // of its file, without .svg
	Jobs []job.Job
	// Draw draws it from what the jobs found out, with lines of notes.
	Draw func(set sample.Set, notes ...string) plot.Image
}

// All returns the figures.
func All() []Figure {
	latency := func(set sample.Set, notes ...string) plot.Image { return plot.Latency(set, notes...) }
	return []Figure{
		{"latency", plot.Jobs(), latency},
		sizes().figure("size"),
		rates().figure("rate"),
		buffers().figure("buffers"),
	}
}

// Choose returns the figures with these names, separated by commas; all if there is none.
func Choose(names string) ([]Figure, error) {
	all := All()
	if names == "" {
		return all, nil
	}
	var chosen []Figure
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(f Figure) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no figure %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// Jobs returns the jobs of the figures, each once.
func Jobs(figures []Figure) []job.Job {
	var jobs []job.Job
	for _, f := range figures {
		for _, j := range f.Jobs {
			if !slices.Contains(jobs, j) {
				jobs = append(jobs, j)
			}
		}
	}
	return jobs
}

// line is what a graph shows of one thing: the value of a job at each x.
type line struct {
	name  string
	style int
	job   func(x int) job.Job
}

// graph is one plot.
type graph struct {
	title string
	x, y  plot.Axis
	ticks []int
	at    int
	lines []line
	// value takes what is shown from a sample of a job at x, 0 if it is not there.
	value func(r job.Result, x int) float64
}

// chart is an image.
type chart struct {
	title  string
	graphs []graph
}

func (c *chart) figure(name string) Figure {
	var jobs []job.Job
	for i := range c.graphs {
		g := &c.graphs[i]
		for _, l := range g.lines {
			for _, x := range g.ticks {
				if j := l.job(x); !slices.Contains(jobs, j) {
					jobs = append(jobs, j)
				}
			}
		}
	}
	draw := func(set sample.Set, notes ...string) plot.Image {
		p := &plot.Chart{Title: c.title, Notes: notes}
		for i := range c.graphs {
			p.Graphs = append(p.Graphs, c.graphs[i].draw(set))
		}
		return p
	}
	return Figure{name, jobs, draw}
}

func (g *graph) draw(set sample.Set) plot.Graph {
	p := plot.Graph{Title: g.title, X: g.x, Y: g.y, At: float64(g.at)}
	for _, x := range g.ticks {
		p.Ticks = append(p.Ticks, float64(x))
	}
	for _, l := range g.lines {
		to := plot.Line{Name: l.name, Style: l.style}
		for _, x := range g.ticks {
			if y := median(set.Of(l.job(x)), func(r job.Result) float64 { return g.value(r, x) }); y > 0 {
				to.Points = append(to.Points, plot.Point{X: float64(x), Y: y})
			}
		}
		if len(to.Points) == 0 {
			p.Missing = append(p.Missing, l.name)
			continue
		}
		p.Lines = append(p.Lines, to)
	}
	return p
}

// median returns the median of the samples that count, 0 if there is none.
func median(s *sample.Series, value func(job.Result) float64) float64 {
	kept, _ := s.Clean()
	var vs []float64
	for i := range kept {
		if v := value(kept[i].Result); v > 0 {
			vs = append(vs, v)
		}
	}
	return stat.Median(vs)
}
