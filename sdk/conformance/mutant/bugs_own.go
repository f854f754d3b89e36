// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bugs of ownership.
const (
	BugEarlyReuse    Bug = "early-reuse"   // every 16th buffer is used again before it was given back
	BugLeak          Bug = "leak"          // every 8th buffer that comes back is forgotten
	BugInOrder       Bug = "in-order"      // buffers must come back in the order in which they went
	BugImpatient     Bug = "impatient"     // a client that holds every buffer for long is hung up on
	BugBatchOwner    Bug = "batch-owner"   // ownership is looked up as it was before the batch
	BugNoOwner       Bug = "no-owner"      // ownership is not looked at
	BugSkipsForeign  Bug = "skips-foreign" // an entry of a buffer that does not exist is passed over
	BugStartResets   Bug = "start-resets"  // start makes every buffer the driver's
	BugResumeResets  Bug = "resume-resets" // start after suspend makes every buffer the driver's
	BugStoppedLost   Bug = "stopped-lost"  // what comes back while the stream is stopped is forgotten
	BugLentForever   Bug = "lent-forever"  // what a client had when it closed is not used for its next open
	BugEmptyReturns  Bug = "empty-returns" // entries must come back without a length
	impatienceFrames     = 3
)

// spoilOwner forgets that the buffer of e, published just now, is the client's.
func (ln *rawLane) spoilOwner(e *queue.Entry) {
	if ln.d.has(BugInOrder) {
		ln.bug.lent = append(ln.bug.lent, e.Buffer)
	}
	if ln.d.has(BugEarlyReuse) && ln.bug.puts%16 == 0 {
		ln.free = append(ln.free, e.Buffer)
	}
}

// skipForeign removes what a bug passes over from a batch, notes who owns what, and
// returns how many entries are left.
func (ln *rawLane) skipForeign(es []queue.Entry) int {
	if ln.d.has(BugBatchOwner) {
		ln.bug.batch = ln.bug.batch[:0]
		for i := range ln.bufs {
			ln.bug.batch = append(ln.bug.batch, ln.bufs[i].mine)
		}
	}
	if !ln.d.has(BugSkipsForeign) {
		return len(es)
	}
	n := 0
	for _, e := range es {
		if uint(e.Buffer) < uint(len(ln.bufs)) {
			es[n] = e
			n++
		}
	}
	return n
}

// refusesReturn says why a bug takes a buffer that comes back for a breach.
func (ln *rawLane) refusesReturn(e *queue.Entry) error {
	if ln.d.has(BugEmptyReturns) && ln.d.mode == userclient.ModeOutput && e.DataLength != 0 {
		return broke("a buffer comes back with data")
	}
	if ln.d.has(BugInOrder) && len(ln.bug.lent) > 0 {
		first := ln.bug.lent[0]
		ln.bug.lent = ln.bug.lent[1:]
		if e.Buffer != first {
			return broke("buffers come back in another order")
		}
	}
	return nil
}

// overlooks reports whether a bug takes a bad entry for good.
func (ln *rawLane) overlooks(e *queue.Entry) bool {
	if uint(e.Buffer) >= uint(len(ln.bufs)) {
		return false
	}
	return ln.d.has(BugNoOwner) || ln.d.has(BugBatchOwner) && !ln.bug.batch[e.Buffer]
}

// forgets reports whether a buffer that came back is never used again.
func (ln *rawLane) forgets() bool {
	return ln.d.has(BugLeak) && ln.bug.admits%8 == 0 ||
		ln.d.has(BugStoppedLost) && ln.s.state == userclient.StateOpen
}

// impatient hangs up on a client that has given nothing back for some frames. n is how
// many entries were there now.
func (ln *rawLane) impatient(n int) error {
	if !ln.d.has(BugImpatient) {
		return nil
	}
	if n > 0 || len(ln.free) > 0 || !ln.running() {
		ln.bug.starved = 0
		return nil
	}
	if ln.bug.starved++; ln.bug.starved > impatienceFrames {
		return broke("the client gives nothing back")
	}
	return nil
}

// resets makes every buffer the driver's before a run begins. before is the status word
// until then.
func (ln *rawLane) resets(before uint32) {
	suspended := before == queue.StatusRunning
	if !(ln.d.has(BugResumeResets) && suspended || ln.d.has(BugStartResets) && !suspended) {
		return
	}
	for id := range ln.bufs {
		if b := &ln.bufs[id]; !b.mine {
			b.mine = true
			ln.home(uint32(id))
		}
	}
}

// lost reports whether a buffer was the client's when it closed the stream before.
func (ln *rawLane) lost(id uint32) bool {
	before := ln.s.lane
	return ln.d.has(BugLentForever) && before != nil && !before.bufs[id].mine
}
