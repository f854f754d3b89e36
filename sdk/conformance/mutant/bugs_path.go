// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
)

// The places of a raw driver's data path where a bug of the areas QUEUE, CLASSIC, BELL
// and OWN may sit. Without a bug each does only what its first line says. The session's
// mu is held in all of them.

// pathBugs is what the bugs of a lane remember.
type pathBugs struct {
	puts, admits int
	late         uint32   // length that the entry before shall have
	slots        []uint32 // by buffer, 1 + the index from which it was received last
	lent         []uint32 // buffers of the client, in the order in which it got them
	batch        []bool   // by buffer, owned by the driver when the batch began
	took         bool     // one entry has been taken for this ring
	starved      int      // looks in a row that found no buffer
	status       uint32   // set last
	started      bool     // nothing was posted since the last start
}

// linger is what a bug does between two steps that should be one, so that the client
// comes in between.
func linger() { <-time.NewTimer(200 * time.Microsecond).C }

// put is out.Put of one entry.
func (ln *rawLane) put(e queue.Entry) (queue.Wake, error) {
	if err := ln.refusesToPut(&e); err != nil {
		return queue.WakeNone, err
	}
	ln.bug.puts++
	ln.mangle(&e)
	armed := ln.armedAt()
	if ln.d.has(BugStaleArm) {
		linger()
	}
	wake, err := ln.out.Put([]queue.Entry{e})
	if err != nil {
		return wake, err
	}
	ln.spoilRing(&e)
	ln.spoilClassic()
	ln.spoilOwner(&e)
	ln.spoilHeld()
	return ln.misjudge(wake, armed), nil
}

// get is in.Get.
func (ln *rawLane) get(dst []queue.Entry) (int, error) {
	if err := ln.refusesHeader(); err != nil {
		return 0, err
	}
	if ln.d.has(BugOnePerRing) {
		if dst = dst[:1]; ln.bug.took {
			ln.bug.took = false
			return 0, nil
		}
	}
	n, err := ln.in.Get(dst)
	if err != nil {
		return n, err
	}
	ln.bug.took = n > 0
	n = ln.misread(dst[:n])
	return n, ln.impatient(n)
}

// checked is judge.
func (ln *rawLane) checked(e *queue.Entry) error {
	if err := ln.refuses(e); err != nil {
		return err
	}
	err := ln.judge(e)
	if err != nil && ln.overlooks(e) {
		return nil
	}
	return err
}

// admit is accept.
func (ln *rawLane) admit(e queue.Entry) {
	ln.bug.admits++
	ln.completeFrames()
	if ln.forgets() || ln.leaksSlowly() {
		ln.bufs[e.Buffer].mine = true
		return
	}
	ln.accept(e)
}

// setStatus is out.SetStatus.
func (ln *rawLane) setStatus(status uint32) {
	if status == queue.StatusRunning {
		ln.resets(ln.bug.status)
		ln.bug.started = true
	}
	ln.spoilPause(ln.bug.status, status)
	ln.bug.status = status
	ln.out.SetStatus(status)
}

// arm is in.Arm.
func (ln *rawLane) arm() (ready bool, err error) {
	switch {
	case ln.d.has(BugNoArm):
		return false, nil
	case ln.d.has(BugBlindArm):
		linger()
		_, err = ln.in.Arm(1, queue.SleepBell)
		return false, err
	case ln.d.has(BugOnePerRing):
		_, err = ln.in.Arm(1, queue.SleepBell)
		return false, err
	}
	return ln.in.Arm(1, queue.SleepBell)
}

// broke is the error by which a bug hangs up on a client that has done nothing wrong.
func broke(detail string) error { return ioreturn.Broken(ioreturn.RuleQueueIndex, "%s", detail) }
