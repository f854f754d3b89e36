// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Options tune a run. The zero value, and nil, check every rule.
type Options struct {
	// Profiles restricts the run, and the result, to rules of some profiles. Nil means all.
	Profiles []Profile
	// Only and Skip are patterns of rule IDs: "LIFE-03", "LIFE-*", "LIFE". A rule that is
	// not selected counts as skipped.
	Only, Skip []string
	// Seed makes the randomness of a run repeatable. Zero means a seed of the moment,
	// which the report tells.
	Seed uint64
	// Shuffle runs the rules in an order that follows from the seed.
	Shuffle bool
	// TimeScale multiplies every bound on time, on top of the device's own. Zero means 1.
	TimeScale float64
	// Device is what is known about the device. Nil means nothing.
	Device *Device
	// Reproduce is the command that repeats the run, without seed and selection, which
	// the report adds. Empty means that the report names the options only.
	Reproduce string
	// Progress is told about each rule that has come to a verdict, from one goroutine.
	Progress func(RuleResult)
	// Logger receives debug events. Nil discards them.
	Logger *slog.Logger
}

// Suite is one run against one target: rules are checked one at a time, in any order.
// Run does it all; a Suite is for callers that want a say between the rules. It is used
// by one goroutine at a time.
type Suite struct {
	target  Target
	opts    Options
	device  Device
	seed    uint64
	scale   float64
	logger  *slog.Logger
	rules   []Rule
	started time.Time

	desc      userclient.Description
	described bool
	probed    capSet
	declared  capSet
	claimed   capSet
	dead      string // why nothing can be checked any more
	results   map[string]RuleResult
}

// New prepares a run: it connects to the target once and asks for its description. A
// target that can't be reached is no error here: every rule will end in one. The error
// matches ErrInvalid when opts make no sense.
func New(ctx context.Context, target Target, opts *Options) (*Suite, error) {
	return newSuite(ctx, target, opts, Rules())
}

func newSuite(ctx context.Context, target Target, opts *Options, rules []Rule) (*Suite, error) {
	s := &Suite{target: target, started: time.Now(), results: map[string]RuleResult{}}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Device != nil {
		s.device = *s.opts.Device
	}
	if err := s.checkOptions(rules); err != nil {
		return nil, ioreturn.Op("check", target.Name(), fmt.Errorf("%w (%w)", err, ioreturn.ErrInvalid))
	}
	s.logger = s.opts.Logger
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	s.seed = s.opts.Seed
	if s.seed == 0 {
		s.seed = uint64(s.started.UnixNano()) | 1
	}
	s.scale = 1.0
	for _, f := range []float64{s.device.TimeScale, s.opts.TimeScale} {
		if f > 0 {
			s.scale *= f
		}
	}
	for _, r := range rules {
		if len(s.opts.Profiles) == 0 || slices.Contains(s.opts.Profiles, r.Profile) {
			s.rules = append(s.rules, r)
		}
	}
	s.declared = setOf(append(target.Capabilities(), s.device.declared()...)...)
	s.probe(ctx)
	return s, nil
}

func (s *Suite) checkOptions(rules []Rule) error {
	if err := s.device.check(); err != nil {
		return fmt.Errorf("device: %w", err)
	}
	if err := checkPatterns(append(slices.Clone(s.opts.Only), s.opts.Skip...)); err != nil {
		return err
	}
	if !(s.opts.TimeScale >= 0 && s.opts.TimeScale <= 1000) { // it may be no number
		return fmt.Errorf("time scale %v is out of range, want 0 to 1000", s.opts.TimeScale)
	}
	for _, p := range s.opts.Profiles {
		if !slices.Contains(Profiles(), p) {
			return fmt.Errorf("there is no profile %q; there are %v", p, Profiles())
		}
	}
	for _, p := range s.opts.Only {
		if !slices.ContainsFunc(rules, func(r Rule) bool { return matches([]string{p}, r.ID) }) {
			return fmt.Errorf("%q names no rule", p)
		}
	}
	return nil
}

// Run checks every rule against target and returns what came of it. It ends early when
// ctx ends; the report then says so. Run does not close the target. The error is that
// of New: breaches are in the report.
func Run(ctx context.Context, target Target, opts *Options) (*Report, error) {
	return run(ctx, target, opts, Rules())
}

func run(ctx context.Context, target Target, opts *Options, rules []Rule) (*Report, error) {
	s, err := newSuite(ctx, target, opts, rules)
	if err != nil {
		return nil, err
	}
	for _, r := range s.Rules() {
		s.Check(ctx, r.ID)
	}
	return s.Report(), nil
}

// Seed returns the seed of the run.
func (s *Suite) Seed() uint64 { return s.seed }

// Rules returns the rules of the run in the order in which they should be checked.
func (s *Suite) Rules() []Rule {
	rules := slices.Clone(s.rules)
	if s.opts.Shuffle {
		rng := rand.New(rand.NewPCG(s.seed, 0))
		rng.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
	}
	return rules
}

// Check checks one rule of the run and returns what came of it. An ID that the run does
// not have ends in an error. Checking a rule again replaces its result.
func (s *Suite) Check(ctx context.Context, id string) RuleResult {
	i := slices.IndexFunc(s.rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return RuleResult{ID: id, Verdict: Error, Reason: "this run has no such rule"}
	}
	r := &s.rules[i]
	res := newResult(r)
	start := time.Now()
	if res.Verdict, res.Reason = s.applies(r); res.Verdict == "" {
		s.check(ctx, r, &res)
	}
	res.Duration = time.Since(start)
	s.applyWaiver(&res)
	s.results[id] = res
	s.logger.Debug("rule checked", "rule", id, "verdict", string(res.Verdict), "took", res.Duration)
	if s.opts.Progress != nil {
		s.opts.Progress(res)
	}
	return res
}

// notSelected is the reason of a rule that the options leave out.
const notSelected = "not selected"

// applies returns no verdict if r is to be checked.
func (s *Suite) applies(r *Rule) (v Verdict, reason string) {
	if len(s.opts.Only) > 0 && !matches(s.opts.Only, r.ID) || matches(s.opts.Skip, r.ID) {
		return Skip, notSelected
	}
	if s.dead != "" {
		return Error, s.dead
	}
	for _, c := range r.Needs {
		switch {
		case s.claimed[c]:
		case c == CapKill:
			return NotClaimed, "the driver is no process that this run may kill; start it by command"
		case c == CapRestart:
			return Skip, "this run can't start the driver anew; start it by command"
		case c == CapSafeCommands:
			return NotClaimed, "the device file names no command that may be sent"
		case c == CapSafeModules:
			return NotClaimed, "the device file names no module that may be pushed"
		case told(c) && s.device.Pattern == "" && !declaresSeen(s.declared):
			return Skip, "nobody has said what the payload is: name a pattern in the device file"
		default:
			return NotClaimed, fmt.Sprintf("the driver does not claim %q", c)
		}
	}
	switch {
	case r.Destructive && !s.device.AllowDestructive:
		return Skip, "it may harm the device or end the driver; allow_destructive permits it"
	case matches(s.device.NeedsCable, r.ID) && !s.device.CableConnected:
		return Skip, "it needs something plugged in; cable_connected says that it is"
	}
	return "", ""
}

// check runs the check of r and looks whether the driver survived it.
func (s *Suite) check(ctx context.Context, r *Rule, res *RuleResult) {
	t := newT(ctx, s, r)
	o := t.run(ctx)
	res.Verdict, res.Reason = o.verdict()
	t.mu.Lock()
	res.Messages, res.Notes = slices.Clone(t.messages), slices.Clone(t.notes)
	t.mu.Unlock()
	if (res.Verdict == Skip || res.Verdict == NotClaimed) && len(res.Messages) > 0 {
		res.Reason, res.Messages = strings.Join(res.Messages, "; "), nil
	}
	if ctx.Err() == nil && (r.Attack || r.Destructive || res.Verdict == Fail || res.Verdict == Error) {
		s.revive(ctx, r.ID)
	}
}

// applyWaiver attaches the device file's waiver, if one counts.
func (s *Suite) applyWaiver(res *RuleResult) {
	valid, expired := s.device.waiver(res.ID, s.started)
	if valid != nil {
		res.Waiver = valid
	} else if expired != nil {
		res.Notes = append(res.Notes, fmt.Sprintf("a waiver expired on %s and does not count any more (%s)",
			expired.Expires, expired.Reason))
	}
}
