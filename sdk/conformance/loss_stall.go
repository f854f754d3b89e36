// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// stall is a stream whose client has been late on purpose until the driver lost entries.
type stall struct {
	*rig
	seen    []queue.Entry    // every entry taken so far, in order
	held    []queue.Entry    // those that were not given back
	stats   userclient.Stats // asked for last
	backlog uint64           // the most that was backlogged during the stall
	wrong   string           // of the first answer that did not add up
}

// enough is for how many lost entries most rules wait.
const enough = 4

// stall runs the stream until want entries are lost to the overrun policy, or the time
// for so many frames is over. hold says whether the client takes the entries and holds
// their buffers; otherwise it does not even look at the queue.
func (t *T) stall(want uint64, hold bool) *stall {
	t.mustLose()
	if t.Claims(CapFail) {
		want = 1
	}
	s := &stall{rig: t.running(t.layout())}
	ctx, cancel := t.Frames(len(s.bounds) + int(want) + 2)
	defer cancel()
	t.Until(ctx, func() bool {
		if hold {
			es := s.mustDrain()
			s.seen, s.held = append(s.seen, es...), append(s.held, es...)
		}
		s.look()
		s.backlog = max(s.backlog, s.stats.Backlogged)
		return forcedLosses(&s.stats) >= want
	})
	return s
}

// mustLose ends a rule about losses on a driver that has no policy that loses.
func (t *T) mustLose() {
	t.mustDeliver()
	switch p := t.Describe().Policy; p {
	case userclient.PolicyDropNewest, userclient.PolicyDropOldest, userclient.PolicyFail:
	default:
		t.inapplicable("the driver's overrun policy is %v, which loses nothing that a client could force", p)
	}
}

// look asks for the counters and adds them up.
func (s *stall) look() {
	s.stats = s.mustStats()
	if text := unbalanced(&s.stats); text != "" && s.wrong == "" {
		s.wrong = text
	}
}

// forced ends the rule unless entries were lost.
func (s *stall) forced() {
	if forcedLosses(&s.stats) == 0 {
		s.t.Skipf("the client gave no buffer back for the time of %d frames, and no entry was lost; if the device is slow, tell its frame_period "+
			"in the device file, and see that it has something to send", len(s.bounds))
	}
}

// policyLost is how many entries were lost because no buffer was free.
func policyLost(st *userclient.Stats) uint64 {
	return st.Lost[userclient.LossDropNewest] + st.Lost[userclient.LossDropOldest] + st.Lost[userclient.LossFail]
}

// forcedLosses adds to policyLost what hardware lost that can't stop (C46).
func forcedLosses(st *userclient.Stats) uint64 {
	return policyLost(st) + st.Lost[userclient.LossDevice]
}

// recover gives back what is held, starts the stream again if it has stopped by itself,
// and reads n entries.
func (s *stall) recover(n int) {
	ctx, cancel := s.t.Frames(n)
	defer cancel()
	s.mustGiveBack(s.held...)
	s.held = nil
	if s.overran() {
		s.mustStart()
	}
	es, err := s.follow(ctx, n, nil)
	s.seen = append(s.seen, es...)
	if err != nil {
		s.t.abortf("after the overrun only %d of %d entries came: %v", len(es), n, err)
	}
}

// finish stops the stream, reads what is left, and asks for the counters.
func (s *stall) finish() {
	s.mustStop()
	s.seen = append(s.seen, s.mustDrain()...)
	s.look()
}

// recovered reads on until cond holds, or n entries were read.
func (s *stall) recovered(n int, cond func() bool) bool {
	ctx, cancel := s.t.Frames(n)
	defer cancel()
	for range n {
		if cond() {
			return true
		}
		es, err := s.follow(ctx, 1, nil)
		s.seen = append(s.seen, es...)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errTimeUp) {
			s.t.abortf("after the overrun the stream broke: %v", err)
		}
	}
	return cond()
}
