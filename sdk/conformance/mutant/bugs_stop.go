// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bugs of stop, suspend, start and close.
const (
	BugRunsOn           Bug = "runs-on"           // a stopped stream goes on
	BugRunsSuspended    Bug = "runs-suspended"    // a suspended stream goes on
	BugStopRetracts     Bug = "stop-retracts"     // stop takes unread entries back
	BugKeepsBacklog     Bug = "keeps-backlog"     // stop keeps the backlog for the next start
	BugUncountedBacklog Bug = "uncounted-backlog" // stop discards the backlog and does not count it
	BugSuspendDrops     Bug = "suspend-drops"     // suspend discards the backlog
	BugBacklogReversed  Bug = "backlog-reversed"  // start posts the backlog with the newest first
	BugLeaksAtStart     Bug = "leaks-at-start"    // each start but the first loses a buffer
	BugReformats        Bug = "reformats"         // each start but the first formats the queues anew
	BugStaleStatus      Bug = "stale-status"      // stop leaves the status word alone
	BugStopSilent       Bug = "stop-silent"       // stop rings nobody
	BugStopWaits        Bug = "stop-waits"        // stop waits for the client's buffers
	BugCloseRefused     Bug = "close-held"        // close is refused while the client has buffers
	BugClearsMemory     Bug = "clears-memory"     // close overwrites the buffers

	notReady = uint32(ioreturn.NotReady)
)

// runsOn reports whether entries travel in a state in which they must not.
func (ln *rawLane) runsOn() bool {
	return ln.seq > 0 && !ln.broken &&
		(ln.d.has(BugRunsOn) && ln.s.state == userclient.StateOpen || ln.d.has(BugRunsSuspended) && ln.s.state == userclient.StateSuspended)
}

// spoilStop stops the lane wrongly and reports whether that was all.
func (ln *rawLane) spoilStop(status uint32) bool {
	switch {
	case ln.d.has(BugStopRetracts):
		ln.reformat()
	case ln.d.has(BugKeepsBacklog):
	case ln.d.has(BugUncountedBacklog):
		for _, e := range ln.backlog {
			ln.home(e.Buffer)
		}
		ln.backlog = nil
	case ln.d.has(BugStaleStatus):
		ln.dropBacklog(userclient.LossStopped)
		ln.s.ring()
		return true
	case ln.d.has(BugStopSilent):
		ln.dropBacklog(userclient.LossStopped)
		ln.setStatus(status)
		return true
	default:
		if ln.d.has(BugSeqOverStop) {
			ln.seq = 0
		}
		return false
	}
	ln.setStatus(status)
	ln.s.ring()
	return true
}

// reformat empties both queues and makes every buffer the driver's.
func (ln *rawLane) reformat() {
	for id := range ln.bufs {
		if b := &ln.bufs[id]; !b.mine {
			b.mine = true
			ln.home(uint32(id))
		}
	}
	_ = ln.makeQueues() // it worked before
}

// spoilSuspend does what suspend should not.
func (ln *rawLane) spoilSuspend() {
	if ln.d.has(BugSuspendDrops) {
		ln.dropBacklog(userclient.LossStopped)
	}
	if ln.d.has(BugSeqOverPause) {
		ln.seq = 0
	}
}

// spoilStart does what start should not.
func (ln *rawLane) spoilStart() {
	if ln.d.has(BugCountersReset) {
		ln.st = userclient.Stats{}
	}
	if ln.d.has(BugBacklogReversed) {
		slices.Reverse(ln.backlog)
	}
	if ln.seq == 0 { // the first
		return
	}
	if ln.d.has(BugLeaksAtStart) && ln.receive() && len(ln.free) > 0 {
		ln.free = ln.free[1:]
	}
	if ln.d.has(BugReformats) {
		_ = ln.makeQueues() // it worked before
	}
}

// waitsForBuffers returns when every buffer is the driver's, or ctx has ended.
func (ln *rawLane) waitsForBuffers(ctx context.Context) error {
	for ln.d.has(BugStopWaits) && ln.lends() {
		ln.s.mu.Unlock()
		linger()
		ln.s.mu.Lock()
		if ctx.Err() != nil {
			return ioreturn.Aborted
		}
	}
	return nil
}

// lends reports whether the client has a buffer.
func (ln *rawLane) lends() bool {
	return slices.ContainsFunc(ln.bufs, func(b rawBuffer) bool { return !b.mine })
}

// refusesClose says why close is refused, or nothing.
func (ln *rawLane) refusesClose() error {
	if ln.d.has(BugCloseRefused) && ln.lends() {
		return ioreturn.Busy
	}
	return nil
}

// spoilMemory overwrites the buffers of a lane that ends.
func (ln *rawLane) spoilMemory() {
	for i := range ln.bufs {
		for n := range ln.bufs[i].data {
			if ln.d.has(BugClearsMemory) {
				ln.bufs[i].data[n] ^= 0xff
			}
		}
	}
}
