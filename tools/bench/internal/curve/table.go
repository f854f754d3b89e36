// SPDX-License-Identifier: Apache-2.0

package curve

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/plot"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// Table writes the values of a chart as text.
func Table(w io.Writer, c *plot.Chart) error {
	fmt.Fprintf(w, "\n%s\n", c.Title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i := range c.Graphs {
		g := &c.Graphs[i]
		fmt.Fprintf(t, "\n%s\t", g.Title)
		for _, x := range g.Ticks {
			fmt.Fprintf(t, "%s\t", g.X.Label(x))
		}
		fmt.Fprintln(t)
		for j := range g.Lines {
			l := &g.Lines[j]
			fmt.Fprintf(t, "%s\t", l.Name)
			for _, x := range g.Ticks {
				fmt.Fprintf(t, "%s\t", value(l, g, x))
			}
			fmt.Fprintln(t)
		}
		for _, name := range g.Missing {
			fmt.Fprintf(t, "%s\tnot run\t\n", name)
		}
	}
	return t.Flush()
}

// value returns what a line has at x.
func value(l *plot.Line, g *plot.Graph, x float64) string {
	for _, p := range l.Points {
		if p.X == x {
			return g.Y.Label(p.Y)
		}
	}
	return "-"
}

// Others says in a line how much of the machine other programs had meanwhile.
func Others(set sample.Set, jobs []job.Job) string {
	var all []float64
	most := 0.0
	for _, j := range jobs {
		for _, v := range set.Of(j).Others() {
			all = append(all, v)
			most = max(most, v)
		}
	}
	return fmt.Sprintf("others took %.2f CPUs in the median of the samples that count, %.2f in the worst", stat.Median(all), most)
}
