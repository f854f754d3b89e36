// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Report is what came of a run: the one source of every form of output. In JSON it is
// what other programs and later runs read.
type Report struct {
	Schema int    `json:"schema"` // of this object; grows when a field changes its meaning
	Suite  string `json:"suite"`  // version of the suite
	ABI    string `json:"abi"`    // of the suite: "0.1"
	Result Result `json:"result"`
	Totals
	Target   string      `json:"target"`
	Driver   Identity    `json:"driver"`
	Host     Host        `json:"host"`
	Started  time.Time   `json:"started"`
	Duration Seconds     `json:"duration_s"`
	Settings Settings    `json:"settings"`
	Claimed  []string    `json:"claimed"` // capabilities
	Split    []Share     `json:"split"`   // whose work the passes show
	Warnings []string    `json:"warnings,omitempty"`
	Rules    RuleResults `json:"rules"`
}

// Identity is who was checked, as the driver tells it.
type Identity struct {
	Name       string            `json:"name"`
	Driver     string            `json:"driver"`
	Version    string            `json:"version"`
	Instance   string            `json:"instance"`
	ABIMin     string            `json:"abi_min"`
	ABIMax     string            `json:"abi_max"`
	Direction  string            `json:"direction"`
	Policy     string            `json:"policy"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Host is where the suite ran.
type Host struct {
	Name string `json:"name"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
}

// Settings are what a run needs to be repeated.
type Settings struct {
	Profiles  []Profile `json:"profiles"`
	Only      []string  `json:"only,omitempty"`
	Skip      []string  `json:"skip,omitempty"`
	Seed      uint64    `json:"seed,string"`
	Shuffle   bool      `json:"shuffle,omitempty"`
	TimeScale float64   `json:"time_scale"`
	Reproduce string    `json:"reproduce"`
}

// Share says how many must-rules of one origin passed.
type Share struct {
	Origin Origin `json:"origin"`
	Pass   int    `json:"pass"`
	Of     int    `json:"of"` // rules that apply
}

// Seconds is a duration that is a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON returns seconds with three digits.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", time.Duration(s).Seconds()), nil
}

// UnmarshalJSON parses seconds.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	var f float64
	err := json.Unmarshal(b, &f)
	*s = Seconds(f * float64(time.Second))
	return err
}

// RuleResult is what came of one rule.
type RuleResult struct {
	ID       string        `json:"id"`
	Title    string        `json:"title"`
	Profile  Profile       `json:"profile"`
	Level    Level         `json:"level"`
	Origin   Origin        `json:"origin"`
	Verdict  Verdict       `json:"verdict"`
	Reason   string        `json:"reason,omitempty"`   // of a skip, an error, a rule that is not claimed
	Messages []string      `json:"messages,omitempty"` // what was seen
	Notes    []string      `json:"notes,omitempty"`
	Why      string        `json:"why,omitempty"` // with a failure: why it matters
	Remedy   string        `json:"remedy,omitempty"`
	Duration time.Duration `json:"-"`
	Took     Seconds       `json:"duration_s"`
	Waiver   *Waiver       `json:"waiver,omitempty"`
}

// RuleResults are the results of a run, by ID.
type RuleResults []RuleResult

// Page returns where the rule is documented, relative to the repository.
func (r *RuleResult) Page() string { return "docs/reference/rules/" + r.ID + ".md" }

func newResult(r *Rule) RuleResult {
	return RuleResult{ID: r.ID, Title: r.Title, Profile: r.Profile, Level: r.Level, Origin: r.Origin}
}

// Report sums up. Rules that were not checked count as skipped.
func (s *Suite) Report() *Report {
	r := &Report{
		Schema: 1, Suite: Version, ABI: version(userclient.Version{Major: userclient.ABIMajor, Minor: userclient.ABIMinor}),
		Target: s.target.Name(), Driver: identity(&s.desc), Host: thisHost(),
		Started: s.started.Round(time.Second), Duration: Seconds(time.Since(s.started)),
		Settings: s.settings(),
	}
	for _, c := range s.claimed.list() {
		if s.claimed[c] {
			r.Claimed = append(r.Claimed, string(c))
		}
	}
	for i := range s.rules {
		res, ok := s.results[s.rules[i].ID]
		if !ok {
			res = newResult(&s.rules[i])
			res.Verdict, res.Reason = Skip, "the run ended before it"
		}
		res.Took = Seconds(res.Duration)
		if res.Verdict == Fail {
			res.Why, res.Remedy = s.rules[i].Why, s.rules[i].Remedy
		}
		r.count(&res)
		r.Rules = append(r.Rules, res)
	}
	r.Result = judge(r.Rules)
	r.Split = split(r.Rules)
	r.Warnings = s.warnings(r.Rules)
	return r
}

func version(v userclient.Version) string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

func identity(d *userclient.Description) Identity {
	return Identity{
		Name: d.Name, Driver: d.Driver, Version: d.DriverVersion, Instance: fmt.Sprintf("%#x", d.Instance),
		ABIMin: version(d.ABIMin), ABIMax: version(d.ABIMax),
		Direction: d.Mode.String(), Policy: d.Policy.String(), Properties: d.Properties,
	}
}

func thisHost() Host {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	return Host{Name: name, OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
}

func (s *Suite) settings() Settings {
	set := Settings{
		Profiles: s.opts.Profiles, Only: s.opts.Only, Skip: s.opts.Skip,
		Seed: s.seed, Shuffle: s.opts.Shuffle, TimeScale: s.scale,
	}
	if set.Profiles == nil {
		set.Profiles = Profiles()
	}
	set.Reproduce = s.opts.Reproduce
	add := func(flag string, values ...string) {
		for _, v := range values {
			if strings.ContainsAny(v, `*?[\`) {
				v = "'" + v + "'" // a shell would look for files
			}
			set.Reproduce = strings.TrimSpace(fmt.Sprintf("%s --%s %s", set.Reproduce, flag, v))
		}
	}
	add("seed", fmt.Sprint(s.seed))
	if s.opts.Shuffle {
		set.Reproduce += " --shuffle"
	}
	for _, p := range s.opts.Profiles {
		add("profile", string(p))
	}
	add("only", s.opts.Only...)
	add("skip", s.opts.Skip...)
	if s.opts.TimeScale > 0 && s.opts.TimeScale != 1 {
		add("time-scale", fmt.Sprint(s.opts.TimeScale))
	}
	return set
}

// split counts the must-rules that passed by whose work they show.
func split(rules []RuleResult) []Share {
	var out []Share
	for _, o := range []Origin{VendorCode, Both, HostLibrary} {
		share := Share{Origin: o}
		for i := range rules {
			if r := &rules[i]; r.Origin == o && r.Level == Must && r.Verdict != NotClaimed {
				share.Of++
				if r.Verdict == Pass {
					share.Pass++
				}
			}
		}
		out = append(out, share)
	}
	return out
}

func (s *Suite) warnings(rules []RuleResult) []string {
	var out []string
	for i := range rules {
		r := &rules[i]
		if r.Waiver != nil && (r.Verdict == Pass || r.Verdict == NotClaimed) {
			out = append(out, fmt.Sprintf("%s is waived but needs no waiver: it came to %q", r.ID, r.Verdict))
		}
	}
	for _, w := range s.device.Waivers {
		valid, _ := s.device.waiver(w.Rule, s.started)
		if valid == nil {
			out = append(out, fmt.Sprintf("the waiver of %s expired on %s and does not count any more",
				w.Rule, w.Expires))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// mostOfReport bounds a report that is read. A whole one has less than a megabyte.
const mostOfReport = 64 << 20

// ReadReport reads a report that WriteJSON wrote.
func ReadReport(rd io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(io.LimitReader(rd, mostOfReport)).Decode(&r); err != nil {
		return nil, fmt.Errorf("it is no conformance report: %w", err)
	}
	switch {
	case r.Suite == "":
		return nil, errors.New("it is no conformance report: it names no suite")
	case r.Schema != 1:
		return nil, fmt.Errorf("its schema is %d, of suite %s; only 1 is known here", r.Schema, r.Suite)
	}
	for i := range r.Rules {
		r.Rules[i].Duration = time.Duration(r.Rules[i].Took)
	}
	return &r, nil
}
