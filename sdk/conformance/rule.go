// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"strings"
	"time"
)

// Rule is one thing that a driver must or should do. Rules are values: nothing in one
// changes while a suite runs.
type Rule struct {
	// ID is the rule's name, an area and a number: "LIFE-03". It is never given to
	// another rule.
	ID      string
	Profile Profile
	Level   Level

	Title  string // what holds, in a few words: "A closed stream can be opened again"
	What   string // the rule, as whole sentences
	Why    string // what goes wrong for a client of a driver that breaks it
	Remedy string // where the author of the driver should look

	// Needs are the capabilities without which the rule does not apply.
	Needs []Capability
	// Destructive rules may harm the device, its data or the driver's process. They
	// are skipped unless they are allowed.
	Destructive bool
	// Attack rules break the protocol on purpose. The driver is probed after them.
	Attack bool
	// Origin says what a pass shows for a driver that is built on package iostream.
	Origin Origin
	// Timeout bounds the check. Zero means DefaultTimeout. The device's time scale and
	// warm-up come on top.
	Timeout time.Duration

	Since   string   // version of the suite that had it first
	Changes []Change // what later versions changed, oldest first

	// Check looks for a breach and reports it to the T.
	Check func(*T)
}

// Area returns the part of the ID before the number: "LIFE".
func (r *Rule) Area() string {
	area, _, _ := strings.Cut(r.ID, "-")
	return area
}

// Change is one entry of a rule's log.
type Change struct{ Version, What string }

// DefaultTimeout bounds the check of a rule without a timeout of its own.
const DefaultTimeout = 5 * time.Second

// Level says how binding a rule is.
type Level string

// The levels.
const (
	Must   Level = "must"   // a driver that breaks it is not conformant
	Should Level = "should" // a driver that breaks it is worse than it could be
)

// Profile is a group of rules that a driver can be measured by alone.
type Profile string

// The profiles.
const (
	Core      Profile = "core"      // life cycle, states, memory, arguments, ownership
	Streaming Profile = "streaming" // entries, notifications, sequence, loss, stopping
	ZeroCopy  Profile = "zero-copy" // payload is shared, not moved
	Timing    Profile = "timing"    // clocks, time stamps, bounds on time
)

// Profiles lists all profiles in the order of reports.
func Profiles() []Profile { return []Profile{Core, Streaming, ZeroCopy, Timing} }

// Origin says whose work a rule looks at when the driver is built on package iostream.
type Origin string

// The origins.
const (
	VendorCode  Origin = "vendor"  // the driver's own code
	HostLibrary Origin = "library" // the library guarantees it; the rule guards the library and other hosts
	Both        Origin = "both"
)

// Rules returns every rule, by area and number. The caller may change the slice.
func Rules() []Rule {
	return slices.Concat(
		lifeRules(),
		stateRules(),
		modeRules(),
		descRules(),
		bufRules(),
		exclRules(),
		seqRules(),
		lossRules(),
		stopRules(),
		clockRules(),
		eventRules(),
		formatRules(),
		inputRules(),
		badRules(),
		hostileRules(),
		queueRules(),
		classicRules(),
		bellRules(),
		ownRules(),
		leaseRules(),
		dataRules(),
		deathRules(),
		planeRules(),
		talkRules(),
		namedRules(),
	)
}
