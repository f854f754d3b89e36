// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bugs of losses.
const (
	BugSilentLoss        Bug = "silent-loss"        // what is lost is not counted
	BugLostAsPosted      Bug = "lost-as-posted"     // what is lost is counted as posted
	BugWrongCause        Bug = "wrong-cause"        // what is lost is counted as flushed
	BugNoDiscontinuity   Bug = "no-discontinuity"   // nothing says that something is missing
	BugLateDiscontinuity Bug = "late-discontinuity" // under drop-oldest the entry that is posted next says so
	BugLogCount          Bug = "log-count"          // the loss log counts double
	BugLogNumber         Bug = "log-number"         // the loss log tells the number before the one that was lost
	BugNoOverrunEnd      Bug = "no-overrun-end"     // the end of an overrun is not told
	BugOverrunTotal      Bug = "overrun-total"      // the end of an overrun tells one loss too few
	BugCountersReset     Bug = "counters-reset"     // start clears the counters
	BugBlockDrops        Bug = "block-drops"        // under block frames are dropped
	BugNoBacklogLimit    Bug = "no-backlog-limit"   // under drop-oldest everything is posted at once
	BugDropsNewest       Bug = "drops-newest"       // under drop-oldest the newest is dropped
	BugDropsOldest       Bug = "drops-oldest"       // under drop-newest the oldest is dropped
	BugFailGoesOn        Bug = "fail-goes-on"       // under fail the stream goes on
	BugFailQuiet         Bug = "fail-quiet"         // under fail the stream stops as if the client had stopped it
)

// policy is what the driver does when no buffer is free.
func (ln *rawLane) policy() iostream.Policy {
	switch {
	case ln.d.has(BugBlockDrops):
		return iostream.DropNewest
	case ln.d.has(BugDropsOldest):
		return iostream.DropOldest
	}
	return ln.d.cfg.Policy
}

// limit is how many entries are posted ahead of the client under drop-oldest.
func (ln *rawLane) limit() int {
	if ln.d.has(BugNoBacklogLimit) {
		return len(ln.bufs)
	}
	return ln.d.cfg.Backlog
}

// count counts a lost entry.
func (ln *rawLane) count(r *userclient.LossRecord) {
	switch {
	case ln.d.has(BugSilentLoss):
		return
	case ln.d.has(BugLostAsPosted):
		ln.st.Posted++
		return
	case ln.d.has(BugWrongCause):
		r.Cause = userclient.LossFlushed
	case ln.d.has(BugLogCount):
		r.Count *= 2
	case ln.d.has(BugLogNumber) && r.LastSeq > 0:
		r.LastSeq--
	}
	ln.st.Lost[r.Cause]++
	ln.st.Log = append(ln.st.Log, *r)
}

// overrunTotal is how many entries an overrun is told to have cost.
func (ln *rawLane) overrunTotal() uint64 {
	if ln.d.has(BugOverrunTotal) {
		return ln.overrun - 1
	}
	return ln.overrun
}

// failsQuietly reports whether an overrun under fail does not stop the stream as it should.
func (ln *rawLane) failsQuietly() bool {
	if !ln.d.has(BugFailQuiet) {
		return ln.d.has(BugFailGoesOn)
	}
	ln.s.state = userclient.StateOpen
	ln.stopped(notReady)
	ln.s.announce(ln.s.state)
	return true
}
