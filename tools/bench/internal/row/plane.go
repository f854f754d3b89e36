// SPDX-License-Identifier: Apache-2.0

package row

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// The rows of the control plane. What happens in one process is measured beside its limit
// in the same process, by turns.

// modules is row 13.
func modules() []Cell {
	const most = 8
	j := job.Job{Program: job.Put, Place: job.Same}
	var cells []Cell
	for _, x := range []struct {
		n    int
		name string
	}{{0, "no module"}, {1, "1 module"}, {4, "4 modules"}, {most, "8 modules"}} {
		cells = append(cells, Cell{
			Row: 13, Name: "message through " + x.name + ", against calls through interfaces", Unit: NS,
			Job: j, Metric: job.Through(x.n), Limit: j, LimitMetric: job.Calls(x.n), Free: true,
		})
	}
	return append(cells, Cell{
		Row: 13, Name: fmt.Sprintf("what each of %d modules adds, against a call", most), Unit: NS,
		Job: j, Metric: job.Hop(most), Limit: j, LimitMetric: job.HopLimit(most), Bound: 4,
	})
}

// moduleAllocations is row 14.
func moduleAllocations() []Cell {
	return []Cell{{
		Row: 14, Name: "allocations, message through 8 modules", Unit: PerEntry, Gate: Exact,
		Job: job.Job{Program: job.Put, Place: job.Free, Count: true}, Metric: job.Allocs,
	}}
}

// commands is row 15.
func commands() []Cell {
	j := job.Job{Program: job.Str, Place: job.Same, Inproc: true}
	cell := func(name string, m job.Metric, bound float64) Cell {
		return Cell{
			Row: 15, Name: name + " in one process, against two channels", Unit: NS,
			Job: j, Metric: m, Limit: j, LimitMetric: job.Channel, Bound: bound, Free: bound == 0,
		}
	}
	return []Cell{
		cell("I_STR", job.Command(0), 3),
		cell("I_STR, 64 bytes there and back", job.Command(small), 3),
		cell("I_STR to a command of a table", job.Typed, 0),
	}
}

// farCommands is row 16.
func farCommands() []Cell {
	cell := func(where string, p job.Place) Cell {
		return Cell{
			Row: 16, Name: "I_STR between processes p50, " + where + ", against a bare socket", Unit: NS,
			Job: job.Job{Program: job.Str, Place: p, Size: small}, Metric: job.P50,
			Limit: job.Job{Program: job.Seqpacket, Place: p, Size: small, Buffers: 1}, LimitMetric: job.P50, Bound: 1.5,
			Why: "a command passes a head, a call of the transport and a stack of modules, in code that runs cold after each " +
				"switch of processes",
		}
	}
	return []Cell{cell("one CPU", job.Same), cell("two CPUs", job.Cross)}
}

// callers is row 17.
func callers() []Cell {
	var cells []Cell
	for _, where := range []string{"in one process", "between processes"} {
		j := job.Job{Program: job.Callers, Place: job.Free, Inproc: where == "in one process"}
		for _, x := range []struct {
			name   string
			metric job.Metric
		}{{"on one head", job.OneHead}, {"with a head each", job.ManyHeads}} {
			cells = append(cells, Cell{
				Row: 17, Name: fmt.Sprintf("I_STR, %d callers %s, %s, against one", job.ManyCallers, x.name, where), Unit: PerSecond,
				Job: j, Metric: x.metric, Limit: j, LimitMetric: job.OneCaller, AtLeast: true, Free: true,
			})
		}
	}
	return cells
}
