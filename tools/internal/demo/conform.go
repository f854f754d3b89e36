// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
)

// Conformance is what the suite says about the driver.
type Conformance struct {
	Result     string   `json:"result" doc:"conformant, not conformant or incomplete; the latter in one process, which can't be started anew"`
	Suite      string   `json:"suite" doc:"version of the suite"`
	Stream     string   `json:"stream" doc:"the stream whose driver was checked"`
	Rules      int      `json:"rules" doc:"number of rules, all of the suite"`
	Pass       int      `json:"pass" doc:"rules for which no breach was seen"`
	Fail       int      `json:"fail" doc:"rules that are broken"`
	Skip       int      `json:"skip" doc:"rules that were not checked, for a reason"`
	NotClaimed int      `json:"not_claimed" doc:"rules about something that the driver does not offer"`
	Error      int      `json:"error" doc:"rules that could not be checked"`
	DurationS  float64  `json:"duration_s" doc:"how long the run took, in seconds"`
	Open       []string `json:"open,omitempty" doc:"the rules that are broken, skipped or could not be checked"`
}

// conform runs the whole suite on the driver. It comes last, because it kills the
// driver's process.
func conform(ctx context.Context, l *link, r *Report, _ time.Duration) error {
	rep, err := conformance.Run(ctx, l.target, &conformance.Options{
		Device: &conformance.Device{Pattern: conformance.PatternNone, AllowDestructive: true},
	})
	if err != nil {
		return err
	}
	c := Conformance{
		Result: string(rep.Result), Suite: rep.Suite, Stream: rep.Target, Rules: len(rep.Rules),
		Pass: rep.Pass, Fail: rep.Fail, Skip: rep.Skip, NotClaimed: rep.NotClaimed, Error: rep.Error,
		DurationS: time.Duration(rep.Duration).Seconds(),
	}
	for i := range rep.Rules {
		switch r := &rep.Rules[i]; r.Verdict {
		case conformance.Fail, conformance.Skip, conformance.Error:
			c.Open = append(c.Open, r.ID)
		case conformance.Pass, conformance.NotClaimed:
		}
	}
	r.Conformance = c
	return ctx.Err()
}

// good reports whether the driver is as it should be. One that is not a process of its
// own can't be started anew, so a rule is skipped.
func (c *Conformance) good(process bool) bool {
	if process {
		return c.Result == string(conformance.Conformant)
	}
	return c.Pass > 0 && c.Fail+c.Error == 0
}
