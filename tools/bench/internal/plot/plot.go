// SPDX-License-Identifier: Apache-2.0

// Package plot draws distributions of latencies as an SVG image: percentiles, on an axis
// where each nine more is as wide as the one before, and times on a logarithmic one.
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

// canvas is a figure that is being drawn.
type canvas struct {
	bytes.Buffer
	f         *Figure
	low, high float64 // decades of the times
}

// SVG returns the figure as an image, the same for the same figure.
func SVG(f *Figure) []byte {
	c := &canvas{f: f}
	c.low, c.high = decades(f)
	high := header + len(f.Panels)*(above+plotHigh+below) + len(f.Notes)*noteHigh + 10
	c.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", width, high, width, high)
	c.printf("<title>%s</title>\n<style>%s</style>\n", escape(f.Title), style())
	c.printf(`<rect class="bg" width="%d" height="%d"/>`+"\n", width, high)
	c.text(left, 28, "h", "start", f.Title)
	y := float64(header)
	for i := range f.Panels {
		c.panel(&f.Panels[i], y+above)
		y += above + plotHigh + below
	}
	for _, n := range f.Notes {
		c.text(left, y+10, "s", "start", n)
		y += noteHigh
	}
	c.printf("</svg>\n")
	return c.Bytes()
}

func (c *canvas) printf(format string, args ...any) { fmt.Fprintf(c, format, args...) }

func (c *canvas) text(x, y float64, class, anchor, text string) {
	c.printf(`<text class="%s" x="%s" y="%s" text-anchor="%s">%s</text>`+"\n", class, number(x), number(y), anchor, escape(text))
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	c.printf(`<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`+"\n", class, number(x1), number(y1), number(x2), number(y2))
}

func (c *canvas) panel(p *Panel, top float64) {
	c.text(left, top-12, "b", "start", p.Title)
	c.axes(top)
	y := top + 10
	for i := range p.Curves {
		k := &p.Curves[i]
		class := "l s" + strconv.Itoa(k.Style%Styles)
		var points []string
		for i, t := range k.Times {
			points = append(points, number(c.x(i))+","+number(c.y(t, top)))
		}
		c.printf(`<polyline class="%s" points="%s"/>`+"\n", class, strings.Join(points, " "))
		c.line(class, legend, y-4, legend+28, y-4)
		c.text(legend+36, y, "t", "start", k.Name)
		if len(k.Times) > 0 {
			c.text(width-14, y, "s", "end", duration(k.Times[0]))
		}
		y += lineHigh
	}
	for _, name := range p.Missing {
		c.text(legend+36, y, "s", "start", name+": not run")
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
	c.text(left+plotWide/2, top+plotHigh+34, "s", "middle", "share of the round trips that take no longer")
	c.printf(`<text class="s" text-anchor="middle" transform="translate(16 %s) rotate(-90)">round trip</text>`+"\n", number(top+plotHigh/2))
	if len(c.f.Shares) > 0 {
		c.text(width-14, top-12, "s", "end", percent(c.f.Shares[0]))
	}
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

// decades returns the powers of ten between which all times are, at least one apart.
func decades(f *Figure) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i := range f.Panels {
		for _, k := range f.Panels[i].Curves {
			for _, t := range k.Times {
				at := math.Log10(max(t, 1))
				low, high = min(low, math.Floor(at)), max(high, math.Ceil(at))
			}
		}
	}
	if low > high {
		return 2, 6 // nothing was measured
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
