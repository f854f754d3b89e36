// SPDX-License-Identifier: Apache-2.0

// Package plot draws what was measured as SVG images. A Figure has distributions of
// latencies: percentiles, on an axis where each nine more is as wide as the one before,
// and times on a logarithmic one. A Chart has values over values, both logarithmic.
package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Curve is one distribution.
type Curve struct {
	Name string
	// Style is its colour and dashes, an index below Styles. Curves of the same name in
	// several panels should have the same.
	Style int
	// Times are in ns, one for each share of the figure and then the longest.
	Times []float64
}

// Panel is one plot of a figure.
type Panel struct {
	Title  string
	Curves []Curve
	// Missing names what would be there, had it been measured.
	Missing []string
}

// Figure is an image of panels with the same axes.
type Figure struct {
	Title  string
	Shares []float64 // of all times, ascending: where the curves have points
	Panels []Panel
	Notes  []string // lines at the end
}

// The measures of the image.
const (
	width    = 860
	left     = 70 // of the axes
	plotWide = 520
	plotHigh = 260
	header   = 44
	above    = 30 // an axis: the panel's title
	below    = 54 // an axis: labels
	noteHigh = 16
	legend   = left + plotWide + 24
	lineHigh = 20 // in the legend
	maxNines = 0.7
)

// drawing is an image that is being drawn.
type drawing struct{ bytes.Buffer }

// canvas is a figure that is being drawn.
type canvas struct {
	*drawing
	f         *Figure
	low, high float64 // decades of the times
}

// SVG returns the figure as an image, the same for the same figure.
func (f *Figure) SVG() []byte {
	var times []float64
	for i := range f.Panels {
		for _, k := range f.Panels[i].Curves {
			times = append(times, k.Times...)
		}
	}
	c := &canvas{f: f}
	c.low, c.high = decades(times, 1, 2, 6)
	return image(f.Title, len(f.Panels), f.Notes, func(d *drawing, i int, top float64) {
		c.drawing = d
		c.panel(&f.Panels[i], top)
	})
}

// image draws panels, one below the other, each with its axes from top on.
func image(title string, panels int, notes []string, panel func(d *drawing, i int, top float64)) []byte {
	d := new(drawing)
	high := header + panels*(above+plotHigh+below) + len(notes)*noteHigh + 10
	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", width, high, width, high)
	d.printf("<title>%s</title>\n<style>%s</style>\n", escape(title), style())
	d.printf(`<rect class="bg" width="%d" height="%d"/>`+"\n", width, high)
	d.text(left, 28, "h", "start", title)
	y := float64(header)
	for i := range panels {
		panel(d, i, y+above)
		y += above + plotHigh + below
	}
	for _, n := range notes {
		d.text(left, y+10, "s", "start", n)
		y += noteHigh
	}
	d.printf("</svg>\n")
	return d.Bytes()
}

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(d, format, args...) }

func (d *drawing) text(x, y float64, class, anchor, text string) {
	d.printf(`<text class="%s" x="%s" y="%s" text-anchor="%s">%s</text>`+"\n", class, number(x), number(y), anchor, escape(text))
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.printf(`<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`+"\n", class, number(x1), number(y1), number(x2), number(y2))
}

func (c *canvas) panel(p *Panel, top float64) {
	c.text(left, top-12, "b", "start", p.Title)
	c.axes(top)
	y := top + 10
	for i := range p.Curves {
		k := &p.Curves[i]
		var points [][2]float64
		value := ""
		for i, t := range k.Times {
			points = append(points, [2]float64{c.x(i), c.y(t, top)})
			value = duration(k.Times[0])
		}
		c.curve(k.Style, points, y, k.Name, value)
		y += lineHigh
	}
	c.missing(p.Missing, y)
}

// curve draws a curve and, at y, what the legend says of it.
func (d *drawing) curve(style int, points [][2]float64, y float64, name, value string) {
	class := "l s" + strconv.Itoa(style%Styles)
	var all []string
	for _, p := range points {
		all = append(all, number(p[0])+","+number(p[1]))
	}
	d.printf(`<polyline class="%s" points="%s"/>`+"\n", class, strings.Join(all, " "))
	d.line(class, legend, y-4, legend+28, y-4)
	d.text(legend+36, y, "t", "start", name)
	if value != "" {
		d.text(width-14, y, "s", "end", value)
	}
}

// missing has the legend name, from y on, what there is no curve of.
func (d *drawing) missing(names []string, y float64) {
	for _, name := range names {
		d.text(legend+36, y, "s", "start", name+": not run")
		y += lineHigh
	}
}

// axes draws the grid of a panel and what belongs to it.
func (c *canvas) axes(top float64) {
	for i := range len(c.f.Shares) + 1 {
		c.line("g", c.x(i), top, c.x(i), top+plotHigh)
		label := "max"
		if i < len(c.f.Shares) {
			label = percent(c.f.Shares[i])
		}
		c.text(c.x(i), top+plotHigh+16, "s", "middle", label)
	}
	for d := c.low; d <= c.high; d++ {
		t := math.Pow(10, d)
		c.line("g", left, c.y(t, top), left+plotWide, c.y(t, top))
		c.text(left-8, c.y(t, top)+4, "s", "end", duration(t))
	}
	c.names(top, "share of the round trips that take no longer", "round trip")
	if len(c.f.Shares) > 0 {
		c.text(width-14, top-12, "s", "end", percent(c.f.Shares[0]))
	}
}

// names writes what the axes of a panel show.
func (d *drawing) names(top float64, x, y string) {
	d.text(left+plotWide/2, top+plotHigh+34, "s", "middle", x)
	d.printf(`<text class="s" text-anchor="middle" transform="translate(16 %s) rotate(-90)">%s</text>`+"\n", number(top+plotHigh/2), escape(y))
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e8)/1e6, 'f', -1, 64) + " %"
}

// x returns where the points of a share are, or those of the longest time.
func (c *canvas) x(i int) float64 {
	shares := c.f.Shares
	if len(shares) == 0 {
		return left
	}
	first, last := nines(shares[0]), nines(shares[len(shares)-1])
	at := last + maxNines
	if i < len(shares) {
		at = nines(shares[i])
	}
	return left + plotWide*(at-first)/(last+maxNines-first)
}

// nines returns how many nines a share has: 1 of 90 %, 2 of 99 %.
func nines(share float64) float64 { return -math.Log10(1 - share) }

func (c *canvas) y(t, top float64) float64 {
	at := math.Log10(max(t, 1)) // a clock has no more than ns
	return top + plotHigh*(c.high-at)/(c.high-c.low)
}

// decades returns the powers of ten between which all values are, at least one apart, and
// none below least; those that are given where there is no value.
func decades(values []float64, least, emptyLow, emptyHigh float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		at := math.Log10(max(v, least))
		low, high = min(low, math.Floor(at)), max(high, math.Ceil(at))
	}
	if low > high {
		return emptyLow, emptyHigh
	}
	return low, max(high, low+1)
}

// duration writes a time of ns with two digits that count.
func duration(ns float64) string {
	for _, u := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}} {
		if ns >= u.ns*0.9995 {
			return digits(ns/u.ns) + " " + u.name
		}
	}
	return digits(ns) + " ns"
}

func digits(v float64) string {
	if v >= 9.95 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// number writes a coordinate.
func number(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
