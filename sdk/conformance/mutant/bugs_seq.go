// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bugs of numbers and stamps.
const (
	BugSeqFromOne   Bug = "seq-from-one"   // the first number is 1
	BugSeqSkips     Bug = "seq-skips"      // every fifth number is left out
	BugSeqRepeats   Bug = "seq-repeats"    // every fifth number is the one before it
	BugSeqOverOpen  Bug = "seq-over-open"  // numbers go on over close and open
	BugSeqOverStop  Bug = "seq-over-stop"  // numbers begin anew after stop
	BugSeqOverPause Bug = "seq-over-pause" // numbers begin anew after suspend
	BugEarlyEnd     Bug = "early-end"      // the third entry says that it is the last
	BugHeaderNumber Bug = "header-number"  // the header has the number of the next entry
	BugHeaderEpoch  Bug = "header-epoch"   // the header has another format epoch
	BugTimeBack     Bug = "time-back"      // the time of every fourth entry lies before the one before it
	BugHostTime     Bug = "host-time"      // stamps are host time, not stream time
	BugNoTimeFlag   Bug = "no-time-flag"   // stamps are not said to be valid
	timeJump            = 1_000_000_000    // ns
)

// carriedOver is the first number of a lane that is being made.
func (ln *rawLane) carriedOver() uint64 {
	if ln.d.has(BugSeqOverOpen) && ln.s.lane != nil {
		return ln.s.lane.seq
	}
	return 0
}

// misnumbered is the number that an entry gets instead of seq.
func (ln *rawLane) misnumbered(seq uint64) uint64 {
	switch {
	case ln.d.has(BugSeqFromOne):
		return seq + 1
	case ln.d.has(BugSeqSkips):
		return seq + seq/4
	case ln.d.has(BugSeqRepeats):
		return seq - seq/5
	}
	return seq
}

// misstamped is the time and the flags that entry seq gets instead of its own.
func (ln *rawLane) misstamped(seq uint64, now int64, f queue.Flags) (int64, queue.Flags) {
	if ln.d.has(BugEarlyEnd) && seq == 2 {
		f |= queue.FlagEnd
	}
	if ln.d.has(BugNoTimeFlag) {
		f &^= queue.FlagTime
	}
	if ln.d.has(BugNoDiscontinuity) {
		f &^= queue.FlagDiscontinuity
	}
	switch {
	case ln.d.has(BugTimeBack):
		now += timeJump
		if seq%4 == 3 {
			now -= timeJump / 2
		}
	case ln.d.has(BugHostTime):
		now += ln.d.epoch + timeJump
	}
	return now, f
}

// misheaded is the header that is written instead of h.
func (ln *rawLane) misheaded(h userclient.MetadataHeader) userclient.MetadataHeader {
	if ln.d.has(BugHeaderNumber) {
		h.Sequence++
	}
	if ln.d.has(BugHeaderEpoch) {
		h.FormatEpoch++
	}
	return h
}
