// SPDX-License-Identifier: Apache-2.0

package row

import (
	"cmp"
	"slices"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/sample"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// Outcome is what became of a cell. Numbers are nil where there is none: the limit of a
// cell without one, the bound of one for information, and all of one that was not run.
type Outcome struct {
	Row   int      `json:"row"`
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Limit *float64 `json:"limit"`
	// Ratio is value by limit; where the limit is 0, the value itself.
	Ratio *float64 `json:"ratio"`
	Bound *float64 `json:"bound"`
	OK    *bool    `json:"ok"`
	// Spread is how far the samples of the value lie apart, as a share of their median.
	Spread float64 `json:"spread"`

	Unit         Unit    `json:"unit"`
	Sense        string  `json:"sense"` // "at most" or "at least"
	Job          string  `json:"job"`
	LimitJob     string  `json:"limit_job,omitempty"`
	Samples      int     `json:"samples"`
	Dropped      int     `json:"dropped"` // samples that other programs disturbed
	LimitSpread  float64 `json:"limit_spread"`
	LimitDropped int     `json:"limit_dropped"`
	MissedBy     float64 `json:"missed_by,omitempty"` // share of the bound
	Why          string  `json:"why,omitempty"`       // it was missed
	NotRun       string  `json:"not_run,omitempty"`   // and why
	Failed       string  `json:"failed,omitempty"`    // what went wrong in a round
	// Others is how many CPUs' worth of time other programs took during the samples.
	Others float64 `json:"others"`

	gate Gate
	held float64 // what a gate with slack holds it to
}

// Judge compares the values of each cell.
func Judge(cells []Cell, set sample.Set) []Outcome {
	outcomes := make([]Outcome, len(cells))
	for i := range cells {
		outcomes[i] = cells[i].judge(set)
	}
	return outcomes
}

func (c *Cell) judge(set sample.Set) Outcome {
	o := Outcome{Row: c.Row, Name: c.Name, Unit: c.Unit, Sense: "at most", Job: c.Job.String(), gate: c.Gate}
	if c.AtLeast {
		o.Sense = "at least"
	}
	o.held = cmp.Or(c.Known, c.Bound)
	if !c.Free {
		o.Bound = &c.Bound
	}
	values, dropped := set.Of(c.Job).Values(c.Metric)
	o.Failed = set.Of(c.Job).Failed
	if len(values) == 0 {
		o.NotRun = set.Of(c.Job).Why()
		return o
	}
	o.Others = stat.Median(set.Of(c.Job).Others())
	value := stat.Median(values)
	if c.Worst {
		value = c.worst(values)
	}
	o.Value, o.Spread, o.Samples, o.Dropped = &value, stat.Spread(values), len(values), dropped
	limit, ok := c.limit(set, &o)
	if !ok {
		return o
	}
	o.compare(c, limit)
	return o
}

func (c *Cell) worst(values []float64) float64 {
	if c.AtLeast {
		return slices.Min(values)
	}
	return slices.Max(values)
}

// limit returns the number to compare with; false if it was not measured.
func (c *Cell) limit(set sample.Set, o *Outcome) (float64, bool) {
	if c.Limit.Program == "" {
		return c.Constant, true
	}
	o.LimitJob = c.Limit.String()
	limits, dropped := set.Of(c.Limit).Values(c.LimitMetric)
	if len(limits) == 0 {
		o.NotRun = "no limit: " + set.Of(c.Limit).Why()
		o.Failed = cmp.Or(o.Failed, set.Of(c.Limit).Failed)
		return 0, false
	}
	o.LimitSpread, o.LimitDropped = stat.Spread(limits), dropped
	return stat.Median(limits), true
}

func (o *Outcome) compare(c *Cell, limit float64) {
	if c.Limit.Program == "" && c.Free {
		return
	}
	ratio := *o.Value
	if limit != 0 {
		ratio /= limit
	}
	o.Limit, o.Ratio = &limit, &ratio
	if c.Free {
		return
	}
	ok := within(ratio, c.Bound, c.AtLeast)
	o.OK = &ok
	if ok {
		return
	}
	o.Why = c.Why
	o.MissedBy = ratio - c.Bound
	if c.AtLeast {
		o.MissedBy = c.Bound - ratio
	}
	if c.Bound != 0 {
		o.MissedBy /= c.Bound
	}
}

func within(ratio, bound float64, atLeast bool) bool {
	if atLeast {
		return ratio >= bound
	}
	return ratio <= bound
}

// slack is by how much a gate may be missed, of those that may.
const slack = 1.25

// Fails reports whether o is a gate that is not passed, or that could not be judged
// because something went wrong. One that this machine can't run can't fail: the report
// says why.
func (o *Outcome) Fails() bool {
	switch {
	case o.OK == nil:
		return o.gate != Report && o.Failed != ""
	case *o.OK:
		return false
	}
	switch o.gate {
	case Exact:
		return true
	case Slack:
		bound := o.held * slack
		if o.Sense == "at least" {
			bound = o.held / slack
		}
		return !within(*o.Ratio, bound, o.Sense == "at least")
	case Report:
	}
	return false
}

// Gates returns the cells that are gates.
func Gates(cells []Cell) []Cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c Cell) bool { return c.Gate == Report })
}

// Again returns the cells of gates that failed and have a second try: all, because
// what else the machine does shows in counts as well as in times.
func Again(cells []Cell, outcomes []Outcome) []Cell {
	var again []Cell
	for i := range cells {
		if outcomes[i].Fails() {
			again = append(again, cells[i])
		}
	}
	return again
}
