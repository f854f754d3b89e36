// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bugs of what a client may rely on while it holds a buffer.
const (
	BugScribbles        Bug = "scribbles"         // each post also writes into the data of buffers that the client has
	BugScribblesControl Bug = "scribbles-control" // each post also writes into their control regions
	BugStopWipes        Bug = "stop-wipes"        // stop clears buffers that the client has
	BugResumeWipes      Bug = "resume-wipes"      // start after suspend clears buffers that the client has
	BugEndWipes         Bug = "end-wipes"         // when the driver ends a session it overwrites what the client has
	BugOpenWipes        Bug = "open-wipes"        // an open clears the buffers before it is refused
	BugWholeSet         Bug = "whole-set"         // no buffer is used until all are back
	BugNeedsTwo         Bug = "needs-two"         // no buffer is used until there are two
	BugSlowLeak         Bug = "slow-leak"         // every 200th buffer that comes back is forgotten
)

// wipe changes the data of the buffers that the client has.
func (ln *rawLane) wipe() {
	for i := range ln.bufs {
		if b := &ln.bufs[i]; !b.mine {
			flip(b.data)
		}
	}
}

func flip(b []byte) {
	for i := range b {
		b[i] ^= 0xff
	}
}

// spoilHeld writes where it must not, when an entry was posted.
func (ln *rawLane) spoilHeld() {
	for i := range ln.bufs {
		b := &ln.bufs[i]
		if b.mine {
			continue
		}
		if ln.d.has(BugScribbles) {
			flip(b.data[len(b.data)/2:][:1])
		}
		if ln.d.has(BugScribblesControl) && len(b.control) > 0 {
			flip(b.control[len(b.control)-1:])
		}
	}
}

// spoilPause writes where it must not when a run begins or ends. before is the status
// word until then.
func (ln *rawLane) spoilPause(before, status uint32) {
	runs := status == queue.StatusRunning
	if ln.d.has(BugStopWipes) && !runs || ln.d.has(BugResumeWipes) && runs && before == queue.StatusRunning && ln.bug.puts > 0 {
		ln.wipe()
	}
}

// spoilAtEnd clears what a client may still look at.
func (ln *rawLane) spoilAtEnd() {
	if ln.d.has(BugEndWipes) && ln.s.state == userclient.StateGone {
		ln.wipe()
	}
}

// wipeOwner clears the buffers of the session that has the stream. The caller is
// another one, whose mu is held.
func (d *Raw) wipeOwner() {
	if !d.has(BugOpenWipes) {
		return
	}
	d.mu.Lock()
	owner := d.owner
	d.mu.Unlock()
	if owner == nil {
		return
	}
	owner.mu.Lock()
	defer owner.mu.Unlock()
	if owner.lane != nil {
		owner.lane.wipe()
	}
}

// waits reports whether the free buffers are too few for a bug to use them.
func (ln *rawLane) waits() bool {
	n := len(ln.free)
	return ln.d.has(BugWholeSet) && n < len(ln.bufs) || ln.d.has(BugNeedsTwo) && n < 2
}

// leaksSlowly reports whether a buffer that came back is never used again.
func (ln *rawLane) leaksSlowly() bool { return ln.d.has(BugSlowLeak) && ln.bug.admits%200 == 0 }
