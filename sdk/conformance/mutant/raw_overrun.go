// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"encoding/binary"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// dropOldest gives the buffer of the oldest entry that the client was not shown to a new
// frame. There is one.
func (ln *rawLane) dropOldest() {
	if ln.d.has(BugDropsNewest) {
		ln.skipFrame(userclient.LossDropOldest)
		return
	}
	old, after := ln.backlog[0], ln.gap
	ln.backlog = ln.backlog[1:]
	ln.lose(userclient.LossDropOldest, ln.widen(old.Seq))
	if len(ln.backlog) > 0 && !ln.d.has(BugLateDiscontinuity) {
		ln.gap = after // what is missing is missing before the next of the backlog
		ln.mark(&ln.backlog[0])
	}
	ln.produce(old.Buffer)
}

// mark says of an entry that was not published yet that something is missing before it.
func (ln *rawLane) mark(e *queue.Entry) {
	if ln.s.features&userclient.FeatureSequence != 0 && !ln.d.has(BugNoDiscontinuity) {
		e.Stamp |= queue.MakeStamp(0, queue.FlagDiscontinuity)
	}
	if ln.s.features&userclient.FeatureMetadata != 0 {
		binary.LittleEndian.PutUint32(ln.bufs[e.Buffer].control[userclient.MetadataFlagsOff:], uint32(e.Flags()))
	}
}

// overrunBegan notes a loss, the first of which in a row is an event.
func (ln *rawLane) overrunBegan(c userclient.Cause, seq uint64) {
	if c > userclient.LossFail {
		return
	}
	if ln.overrun == 0 {
		ln.tell(userclient.EventOverrunBegan, seq-1)
	}
	ln.overrun++
}

// overrunEnded notes that a buffer is free.
func (ln *rawLane) overrunEnded() {
	if ln.overrun > 0 && !ln.d.has(BugNoOverrunEnd) {
		ln.tell(userclient.EventOverrunEnded, ln.overrunTotal())
	}
	ln.overrun = 0
}

// tell gives the session an event of its own.
func (ln *rawLane) tell(k userclient.EventKind, value uint64) {
	ln.s.event(userclient.Event{Kind: k, Time: ln.d.now(), Value: value})
}
