// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"math"
	"strconv"
)

// Point is one value over another. Both are above 0, or drawn at the edge.
type Point struct{ X, Y float64 }

// Line is what a graph shows of one thing.
type Line struct {
	Name   string
	Style  int // as that of a Curve
	Points []Point
}

// Axis is one direction of a graph.
type Axis struct {
	Name  string // what it shows, and in which unit
	Label func(v float64) string
}

// Graph is one plot of a chart.
type Graph struct {
	Title string
	X, Y  Axis
	// Ticks are where the axis of X has labels, ascending; the one of Y has powers of ten.
	Ticks []float64
	// At is the X of which the legend shows the values.
	At    float64
	Lines []Line
	// Missing names what would be there, had it been measured.
	Missing []string
}

// Chart is an image of graphs, each with axes of its own. Both axes are logarithmic.
type Chart struct {
	Title  string
	Graphs []Graph
	Notes  []string // lines at the end
}

// least is the lowest value on an axis; what is nothing is drawn there.
const least = 1e-6

// SVG returns the chart as an image, the same for the same chart.
func (k *Chart) SVG() []byte {
	return image(k.Title, len(k.Graphs), k.Notes, func(d *drawing, i int, top float64) {
		g := &k.Graphs[i]
		d.graph(g, g.scale(top))
	})
}

// scale says where the points of a graph are.
type scale struct {
	top                   float64
	first, last, low, end float64 // logarithms of the edges
}

func (g *Graph) scale(top float64) *scale {
	s := &scale{top: top, first: 0, last: 1}
	if n := len(g.Ticks); n > 0 {
		s.first = log(g.Ticks[0])
		s.last = max(log(g.Ticks[n-1]), s.first+1e-3)
	}
	var values []float64
	for i := range g.Lines {
		for _, p := range g.Lines[i].Points {
			values = append(values, p.Y)
		}
	}
	s.low, s.end = decades(values, least, 0, 1)
	return s
}

func log(v float64) float64 { return math.Log10(max(v, least)) }

// margin is how far from the edges of a graph its first and last points are.
const margin = 20

func (s *scale) x(v float64) float64 {
	share := min(max((log(v)-s.first)/(s.last-s.first), 0), 1)
	return left + margin + (plotWide-2*margin)*share
}

func (s *scale) y(v float64) float64 {
	return s.top + plotHigh*(s.end-log(v))/(s.end-s.low)
}

func (d *drawing) graph(g *Graph, s *scale) {
	d.text(left, s.top-12, "b", "start", g.Title)
	for _, t := range g.Ticks {
		d.line("g", s.x(t), s.top, s.x(t), s.top+plotHigh)
		d.text(s.x(t), s.top+plotHigh+16, "s", "middle", g.X.Label(t))
	}
	for e := s.low; e <= s.end; e++ {
		v := math.Pow(10, e)
		d.line("g", left, s.y(v), left+plotWide, s.y(v))
		d.text(left-8, s.y(v)+4, "s", "end", g.Y.Label(v))
	}
	d.names(s.top, g.X.Name, g.Y.Name)
	if len(g.Ticks) > 0 {
		d.text(width-14, s.top-12, "s", "end", "at "+g.X.Label(g.At))
	}
	y := s.top + 10
	for i := range g.Lines {
		l := &g.Lines[i]
		var points [][2]float64
		value := ""
		for _, p := range l.Points {
			points = append(points, [2]float64{s.x(p.X), s.y(p.Y)})
			if p.X == g.At {
				value = g.Y.Label(p.Y)
			}
		}
		d.curve(l.Style, points, y, l.Name, value)
		y += lineHigh
	}
	d.missing(g.Missing, y)
}

// Duration writes a time of ns with two digits that count: "2.7 us".
func Duration(ns float64) string { return duration(ns) }

// Percent writes a share of 1 with two digits that count: "0.5 %".
func Percent(share float64) string { return short(100*share) + " %" }

// Count writes a number with two digits that count and a prefix: "3.1 M".
func Count(v float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if v >= u.unit*0.9995 {
			return digits(v/u.unit) + u.name
		}
	}
	return short(v)
}

// short writes a number with two digits that count, also of one that is small.
func short(v float64) string {
	if v >= 0.995 || v <= 0 {
		return digits(v)
	}
	places := -math.Floor(math.Log10(v)) + 1
	unit := math.Pow(10, places)
	return strconv.FormatFloat(math.Round(v*unit)/unit, 'f', -1, 64)
}
