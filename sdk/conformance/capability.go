// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"maps"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Capability is something that not every driver, or not every target, has. A rule that
// needs one that is not claimed does not apply.
type Capability string

// Capabilities that the suite sees for itself, in the driver's description.
const (
	CapDescribe   Capability = "describe"    // extension selectors at all
	CapNative     Capability = "native"      // the native queue layout
	CapClassic    Capability = "classic"     // Apple's queue layout
	CapSequence   Capability = "sequence"    // entries carry a number and a stamp
	CapEvents     Capability = "events"      // events and their port
	CapMetadata   Capability = "metadata"    // a header in the control regions
	CapSharedWord Capability = "shared-word" // sleeping on the queue's index

	CapFromDevice Capability = "from-device" // payload goes to the client only
	CapToDevice   Capability = "to-device"   // payload goes to the driver only
	CapBothWays   Capability = "both-ways"
	CapSwitch     Capability = "switch-direction" // more than one direction
	CapControl    Capability = "control-regions"

	CapMemoryMap Capability = "memory-map"
	CapStats     Capability = "stats"
	CapCorrelate Capability = "correlate"
	CapFormat    Capability = "format"
	CapSetFormat Capability = "set-format"
	CapObserve   Capability = "observe"
	CapInputSync Capability = "input-sync"
	CapFlush     Capability = "flush"
	CapDoorbell  Capability = "doorbell" // the doorbell as a call

	CapControlPlane Capability = "control-plane" // ioctls, modules, named controls

	CapBlock      Capability = "policy-block"
	CapDropNewest Capability = "policy-drop-newest"
	CapDropOldest Capability = "policy-drop-oldest"
	CapFail       Capability = "policy-fail"
)

// Capabilities that must be told, because nothing in the description shows them.
const (
	CapCounter  Capability = "counter"  // the payload is a known counter
	CapPRBS     Capability = "prbs"     // the payload is a known pseudo-random sequence
	CapLoopback Capability = "loopback" // what is sent comes back unchanged

	CapSafeCommands Capability = "safe-commands" // the device file names commands that may be sent
	CapSafeModules  Capability = "safe-modules"  // and modules that may be pushed
)

// Capabilities of the target. A rule that lacks CapRestart is skipped, not unclaimed:
// another way of running the same driver has it. Without CapKill there is no process
// whose death could be seen, so rules about that do not apply.
const (
	CapRestart Capability = "restart" // the driver can be started anew: the target is a Restarter
	CapKill    Capability = "kill"    // the driver can be killed: the target is a Killer
)

// capabilities returns all that there are.
func capabilities() []Capability {
	return []Capability{
		CapDescribe, CapNative, CapClassic, CapSequence, CapEvents, CapMetadata, CapSharedWord,
		CapFromDevice, CapToDevice, CapBothWays, CapSwitch, CapControl,
		CapMemoryMap, CapStats, CapCorrelate, CapFormat, CapSetFormat, CapObserve, CapInputSync, CapFlush, CapDoorbell,
		CapControlPlane, CapBlock, CapDropNewest, CapDropOldest, CapFail,
		CapCounter, CapPRBS, CapLoopback, CapSafeCommands, CapSafeModules, CapRestart, CapKill,
	}
}

// capSet is a set of capabilities.
type capSet map[Capability]bool

func setOf(caps ...Capability) capSet {
	s := make(capSet, len(caps))
	for _, c := range caps {
		s[c] = true
	}
	return s
}

func (s capSet) list() []Capability { return slices.Sorted(maps.Keys(s)) }

// told reports whether c can't be seen in a description.
func told(c Capability) bool {
	switch c {
	case CapCounter, CapPRBS, CapLoopback, CapSafeCommands, CapSafeModules:
		return true
	}
	return ofTarget(c)
}

func ofTarget(c Capability) bool { return c == CapRestart || c == CapKill }

// selectorCaps are the capabilities that are one selector.
func selectorCaps() map[Capability]uint32 {
	return map[Capability]uint32{
		CapMemoryMap: userclient.SelMemoryMap, CapStats: userclient.SelStats, CapCorrelate: userclient.SelCorrelate,
		CapFormat: userclient.SelGetFormat, CapSetFormat: userclient.SelSetFormat, CapObserve: userclient.SelObserve,
		CapInputSync: userclient.SelInputSync, CapFlush: userclient.SelFlush, CapDoorbell: userclient.SelDoorbell,
	}
}

// seen returns the capabilities that a description shows. described is false for a
// driver without extension selectors.
func seen(d *userclient.Description, described bool) capSet {
	s := capSet{}
	add := func(c Capability, yes bool) {
		if yes {
			s[c] = true
		}
	}
	add(CapDescribe, described)
	add(CapNative, d.Layouts&(1<<userclient.LayoutNative) != 0)
	add(CapClassic, d.Layouts&(1<<userclient.LayoutClassic) != 0)
	add(CapFromDevice, d.Mode == userclient.ModeOutput)
	add(CapToDevice, d.Mode == userclient.ModeInput)
	add(CapBothWays, d.Mode == userclient.ModeInputOutput)
	if !described {
		return s
	}
	add(CapSequence, d.Offered&userclient.FeatureSequence != 0)
	add(CapEvents, d.Offered&userclient.FeatureEvents != 0)
	add(CapMetadata, d.Offered&userclient.FeatureMetadata != 0)
	add(CapSharedWord, d.Offered&userclient.FeatureSharedWord != 0)
	add(CapControlPlane, d.Offered&userclient.FeatureControl != 0)
	add(CapSwitch, d.Modes&(d.Modes-1) != 0)
	add(CapControl, d.Buffers.ControlSize > 0)
	for c, sel := range selectorCaps() {
		add(c, d.Selectors[sel/64]&(1<<(sel%64)) != 0)
	}
	if d.Mode.FromDevice() {
		add(CapBlock, d.Policy == userclient.PolicyBlock)
		add(CapDropNewest, d.Policy == userclient.PolicyDropNewest)
		add(CapDropOldest, d.Policy == userclient.PolicyDropOldest)
		add(CapFail, d.Policy == userclient.PolicyFail)
	}
	return s
}

// claims returns what is claimed of a target: what was declared, if that says anything
// that the suite could have seen, and what was seen otherwise; with what can only be
// told in either case.
func claims(declared, probed capSet) capSet {
	out := capSet{}
	complete := declaresSeen(declared)
	for c := range declared {
		out[c] = true
	}
	if !complete {
		maps.Copy(out, probed)
	}
	return out
}

// declaresSeen reports whether a declaration is meant to be the whole list.
func declaresSeen(declared capSet) bool {
	for c := range declared {
		if !told(c) {
			return true
		}
	}
	return false
}
