// SPDX-License-Identifier: Apache-2.0

// Package report writes outcomes as a table for people and as JSON for programs.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/row"
)

// Table writes the outcomes, one line for each, and below them what there is to say
// about those that were missed or not run.
func Table(w io.Writer, outcomes []row.Outcome) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "row\twhat\tvalue\tspread\tlimit\tratio\tbound\tresult\tsamples\tothers")
	for i := range outcomes {
		o := &outcomes[i]
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.2f CPU\n", o.Row, o.Name,
			Value(o.Value, o.Unit), spread(o), Value(o.Limit, o.Unit), number(o.Ratio), bound(o), result(o), samples(o), o.Others)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return notes(w, outcomes)
}

func notes(w io.Writer, outcomes []row.Outcome) error {
	var err error
	say := func(o *row.Outcome, text string) {
		if err == nil {
			_, err = fmt.Fprintf(w, "row %d, %s: %s\n", o.Row, o.Name, text)
		}
	}
	for i := range outcomes {
		switch o := &outcomes[i]; {
		case o.NotRun != "":
			say(o, "not run: "+oneLine(o.NotRun))
		case o.Failed != "":
			say(o, "a round failed: "+oneLine(o.Failed))
		case o.Why != "":
			say(o, "missed because "+o.Why)
		}
	}
	return err
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Value writes a number with a unit that suits it, "-" for none.
func Value(v *float64, u row.Unit) string {
	switch {
	case v == nil:
		return "-"
	case u == row.NS && *v >= 1e6:
		return short(*v/1e6) + " ms"
	case u == row.NS && *v >= 1e3:
		return short(*v/1e3) + " us"
	case u == row.NS:
		return short(*v) + " ns"
	case u == row.PerSecond && *v >= 1e6:
		return short(*v/1e6) + " M/s"
	case u == row.PerSecond && *v >= 1e3:
		return short(*v/1e3) + " k/s"
	case u == row.PerSecond:
		return short(*v) + " /s"
	case u == row.CPU:
		return short(*v*100) + " %"
	}
	return short(*v)
}

// short writes three digits that count.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return short(*v)
}

func spread(o *row.Outcome) string {
	if o.Samples < 2 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*o.Spread)
}

func bound(o *row.Outcome) string {
	if o.Bound == nil {
		return "-"
	}
	sign := "<= "
	if o.Sense == "at least" {
		sign = ">= "
	}
	return sign + strconv.FormatFloat(*o.Bound, 'g', -1, 64)
}

func result(o *row.Outcome) string {
	switch {
	case o.NotRun != "":
		return "not run"
	case o.OK == nil:
		return "-"
	case *o.OK:
		return "ok"
	case *o.Bound == 0:
		return "missed by " + short(o.MissedBy)
	}
	return fmt.Sprintf("missed by %.0f %%", math.Ceil(100*o.MissedBy))
}

func samples(o *row.Outcome) string {
	if o.Dropped > 0 {
		return fmt.Sprintf("%d, %d dropped", o.Samples, o.Dropped)
	}
	return strconv.Itoa(o.Samples)
}

// Write writes the outcomes as an array of JSON to a file, whose directory it makes.
func Write(path string, outcomes []row.Outcome) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(outcomes, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
