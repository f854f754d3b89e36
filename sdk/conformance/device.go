// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Device is what the suite must know about a device and can't find out: the contents
// of a device file. The zero value, and nil, is a device that is ready at once.
type Device struct {
	// WarmUp is how long after a start the first frame may take, FramePeriod how long
	// after the one before every other.
	WarmUp      Duration `json:"warmup,omitempty"`
	FramePeriod Duration `json:"frame_period,omitempty"`
	// TimeScale multiplies every bound on time. Zero means 1.
	TimeScale float64 `json:"time_scale,omitempty"`
	// Pattern is what the payload is known to be. Empty means that nobody has said:
	// then rules about the payload are skipped. "none" means that there is no way to
	// know, and the rules do not apply.
	Pattern Pattern `json:"pattern,omitempty"`
	// NeedsCable lists rules (patterns of IDs) that need something plugged in. They are
	// skipped unless CableConnected.
	NeedsCable     []string `json:"needs_cable,omitempty"`
	CableConnected bool     `json:"cable_connected,omitempty"`
	// AllowDestructive permits rules that may harm the device or end the driver.
	AllowDestructive bool `json:"allow_destructive,omitempty"`
	// SafeCalls are named controls that may be called, SafeModules modules that may be
	// pushed, and SafeCommands commands that may be sent. AllowDestructive permits all calls.
	SafeCalls    []string      `json:"safe_calls,omitempty"`
	SafeModules  []string      `json:"safe_modules,omitempty"`
	SafeCommands []SafeCommand `json:"safe_commands,omitempty"`
	// Capabilities are declared in addition to the target's own.
	Capabilities []Capability `json:"capabilities,omitempty"`
	Waivers      []Waiver     `json:"waivers,omitempty"`
}

// Pattern is known payload.
type Pattern string

// The patterns. Counter and PRBS go on from frame to frame; a frame that the driver made
// and lost takes its part with it. They may begin anew with a session or a start.
//
// PRBS is the bit sequence PRBS31 of ITU-T O.150 without its inversion: each bit is the
// exclusive or of those 28 and 31 before it. A byte's most significant bit comes first.
const (
	PatternCounter  Pattern = "counter"  // 64-bit little-endian words that count up, whole ones in each frame
	PatternPRBS     Pattern = "prbs"     // a pseudo-random sequence, see above
	PatternLoopback Pattern = "loopback" // what is sent comes back
	PatternNone     Pattern = "none"     // unknown and not knowable
)

// Waiver takes a rule that is not kept out of the verdict, in the open and for a time:
// the result is incomplete instead of not conformant.
type Waiver struct {
	Rule    string `json:"rule"` // ID
	Reason  string `json:"reason"`
	Expires string `json:"expires"` // the last day on which it counts, "2026-12-31"
}

// Duration is a time.Duration that is written as "1.5s" in JSON.
type Duration time.Duration

// MarshalText returns the duration as "1.5s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText parses "1.5s". Durations are not negative.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err == nil && v < 0 {
		err = fmt.Errorf("duration %q is negative", b)
	}
	*d = Duration(v)
	return err
}

// until returns the end of the last day on which w counts.
func (w *Waiver) until() (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, w.Expires, time.Local)
	if err != nil {
		return time.Time{}, fmt.Errorf("waiver of %s expires on %q, want a date such as 2026-12-31", w.Rule, w.Expires)
	}
	return day.AddDate(0, 0, 1), nil
}

// ReadDevice reads a device file. The error names the file and matches ErrInvalid if
// its contents are wrong.
func ReadDevice(file string) (*Device, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostOfDevice+1))
	if err != nil {
		return nil, err
	}
	if len(b) > mostOfDevice {
		return nil, ioreturn.Op("read device file", file, fmt.Errorf("it has more than %d bytes (%w)", mostOfDevice, ioreturn.ErrInvalid))
	}
	d, err := ParseDevice(b)
	return d, ioreturn.Op("read device file", file, err)
}

// mostOfDevice bounds a device file: one without end must not use up the memory.
const mostOfDevice = 1 << 20

// ParseDevice parses the contents of a device file, a JSON object with the fields of
// Device. An unknown field, rule or capability and a waiver without reason or date are
// errors, which match ErrInvalid: a misspelt waiver must not look like one, and a misspelt
// capability must not take the place of those that the driver has.
func ParseDevice(b []byte) (*Device, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var d Device
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w (%w)", err, ioreturn.ErrInvalid)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("there is something behind the object (%w)", ioreturn.ErrInvalid)
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%w (%w)", err, ioreturn.ErrInvalid)
	}
	return &d, nil
}

func (d *Device) check() error {
	if d.TimeScale < 0 || d.TimeScale > 1000 {
		return fmt.Errorf("time_scale is %v, want 0 to 1000", d.TimeScale)
	}
	if !slices.Contains([]Pattern{"", PatternCounter, PatternPRBS, PatternLoopback, PatternNone}, d.Pattern) {
		return fmt.Errorf("pattern is %q, want counter, prbs, loopback or none", d.Pattern)
	}
	if err := checkPatterns(d.NeedsCable); err != nil {
		return fmt.Errorf("needs_cable: %w", err)
	}
	for _, c := range d.Capabilities {
		if !slices.Contains(capabilities(), c) {
			return fmt.Errorf("capabilities: there is no %q; there are %s", c, joined(capabilities()))
		}
	}
	if err := d.checkSafe(); err != nil {
		return err
	}
	for i, w := range d.Waivers {
		switch {
		case !known(w.Rule):
			return fmt.Errorf("waiver %d is for %q, which is no rule of suite %s", i+1, w.Rule, Version)
		case strings.TrimSpace(w.Reason) == "":
			return fmt.Errorf("waiver of %s has no reason", w.Rule)
		case w.Expires == "":
			return fmt.Errorf("waiver of %s has no date on which it expires", w.Rule)
		}
		if _, err := w.until(); err != nil {
			return err
		}
	}
	return nil
}

// joined lists words for people.
func joined[W ~string](words []W) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

func known(id string) bool {
	return slices.ContainsFunc(Rules(), func(r Rule) bool { return r.ID == id })
}

// declared returns the capabilities that the file adds.
func (d *Device) declared() []Capability {
	out := slices.Clone(d.Capabilities)
	if len(d.SafeCommands) > 0 {
		out = append(out, CapSafeCommands)
	}
	if len(d.SafeModules) > 0 {
		out = append(out, CapSafeModules)
	}
	switch d.Pattern {
	case PatternCounter:
		out = append(out, CapCounter)
	case PatternPRBS:
		out = append(out, CapPRBS)
	case PatternLoopback:
		out = append(out, CapLoopback)
	case PatternNone:
	}
	return out
}

// waiver returns the waiver that counts for a rule on a day, and the one that does not
// count any more.
func (d *Device) waiver(id string, today time.Time) (valid, expired *Waiver) {
	for i := range d.Waivers {
		w := &d.Waivers[i]
		if w.Rule != id {
			continue
		}
		if until, err := w.until(); err == nil && today.Before(until) {
			valid = w
		} else {
			expired = w
		}
	}
	return valid, expired
}

// checkPatterns reports the first pattern of rule IDs that is malformed.
func checkPatterns(patterns []string) error {
	for _, p := range patterns {
		if _, err := path.Match(p, "LIFE-01"); err != nil {
			return fmt.Errorf("%q is no pattern of rule IDs: %w", p, err)
		}
	}
	return nil
}

// matches reports whether id is named by one of the patterns: "LIFE-03", "LIFE-*",
// "LIFE" for the whole area. Case does not matter.
func matches(patterns []string, id string) bool {
	for _, p := range patterns {
		p = strings.ToUpper(p)
		area, _, _ := strings.Cut(id, "-")
		if ok, err := path.Match(p, id); ok && err == nil || p == area {
			return true
		}
	}
	return false
}
