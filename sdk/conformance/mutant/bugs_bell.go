// SPDX-License-Identifier: Apache-2.0

package mutant

import "github.com/iostreamkit/iostreamkit/sdk/queue"

// Bugs of notifications.
const (
	BugRingAlways  Bug = "ring-always"  // the client is rung for every entry
	BugRingPast    Bug = "ring-past"    // the client is rung as long as its event index lies behind
	BugRingEarly   Bug = "ring-early"   // the client is rung before its event index is reached
	BugStaleArm    Bug = "stale-arm"    // the event index is looked at before the entry is published
	BugSilentStart Bug = "silent-start" // the first entry after a start does not ring
	BugNoArm       Bug = "no-arm"       // the driver sleeps without having armed
	BugBlindArm    Bug = "blind-arm"    // the driver does not look again after it has armed
)

// armedAt returns the client's event index.
func (ln *rawLane) armedAt() uint32 {
	if !ln.native() {
		return 0
	}
	return shared(ln.outMem.Reader, queue.ReaderWakeOff).Load()
}

// misjudge decides anew whether the client is rung for the entry that was published just
// now. armed is its event index of before.
func (ln *rawLane) misjudge(wake queue.Wake, armed uint32) queue.Wake {
	if !ln.native() {
		return wake
	}
	first := ln.bug.started
	ln.bug.started = false
	tail := uint32(ln.bug.puts)
	ring := wake != queue.WakeNone
	switch {
	case ln.d.has(BugRingAlways):
		ring = true
	case ln.d.has(BugRingPast):
		ring = int32(tail-ln.armedAt()) > 0
	case ln.d.has(BugRingEarly):
		ring = ring || int32(ln.armedAt()-tail) >= 0
	case ln.d.has(BugStaleArm):
		ring = tail-armed == 1
	case ln.d.has(BugSilentStart):
		ring = ring && !first
	}
	if ring {
		return queue.WakeBell
	}
	return queue.WakeNone
}
