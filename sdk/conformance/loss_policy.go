// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkBlock(t *T) {
	t.mustDeliver()
	r := t.numbered()
	held := r.gather(len(r.bounds))
	t.wait()
	if st := r.mustStats(); policyLost(&st) > 0 {
		t.Fatalf("the client held %d of %d buffers, and %d entries are counted as lost (%s); under the policy block the driver waits instead",
			len(held), len(r.bounds), policyLost(&st), causesText(&st))
	}
	if len(held) == 0 {
		t.abortf("no entry came")
	}
	last := held[len(held)-1].Seq
	r.mustGiveBack(held...)
	for _, e := range r.mustFollow(4) {
		if st := r.mustStats(); e.Seq != last+1 && uint64(e.Seq-last-1) > st.TotalLost() {
			t.Fatalf("the client held every buffer and then gave them back; after entry %d came entry %d, and the counters tell of %d lost entries; "+
				"under the policy block nothing may be missing", last, e.Seq, st.TotalLost())
		}
		last = e.Seq
	}
}

// longStall is for how many lost entries a rule waits that wants the stall to be long
// for the number of buffers.
func (t *T) longStall() uint64 { return min(4*uint64(t.Describe().Buffers.Count), 48) }

func checkDropOldest(t *T) {
	s := t.stall(t.longStall(), false)
	s.forced()
	w := int(t.Describe().Backlog)
	if n := s.mustLen(); n > w {
		t.Fatalf("the client did not read while %d entries were lost, and %d entries wait on the queue; the description says that at most %d are "+
			"posted ahead of it, so that the others can still make way for newer ones", policyLost(&s.stats), n, w)
	}
	stale, err := s.drain() // once: more may come as these go
	s.must("read the output queue", err)
	s.held, s.seen = stale, stale
	s.recover(3)
	dropped := s.newestDropped()
	span := 4 * uint64(len(s.bounds)) // what the backlog and buffers in the driver's hands can span at most
	told := s.stats.Lost[userclient.LossDevice] + s.stats.Lost[userclient.LossModule]
	for _, e := range s.seen[len(stale):] {
		n := uint64(e.Seq)
		switch {
		case dropped >= 0 && int64(n) <= dropped:
			t.Errorf("number %d was dropped as the oldest, but the older entry %d was shown after the %d that were posted ahead; "+
				"the oldest that the client has not been shown is the one to drop", dropped, n, len(stale))
		case n+span+told < s.stats.LastSeq:
			t.Errorf("when the client began to read again the newest number was %d; after the %d entries that were posted ahead it was shown entry %d, "+
				"which is older than all %d buffers of the stream explain", s.stats.LastSeq, len(stale), n, len(s.bounds))
		}
	}
}

// newestDropped is the greatest number that was dropped as the oldest during the stall,
// -1 if none was.
func (s *stall) newestDropped() int64 {
	newest := int64(-1)
	for _, rec := range s.stats.Log {
		if rec.Cause == userclient.LossDropOldest {
			newest = max(newest, int64(rec.LastSeq))
		}
	}
	return newest
}

func checkDropNewest(t *T) {
	s := t.stall(enough, false)
	s.forced()
	if s.backlog > 0 {
		t.Errorf("while the stream ran and the client did not read, up to %d entries were kept back in the backlog; "+
			"under drop-newest each is put on the queue at once or lost", s.backlog)
	}
	posted := s.mustLen()
	s.seen = s.mustDrain()
	s.held = s.seen
	s.recover(2)
	log := s.stats.Log
	if len(log) == 0 || len(log) >= userclient.MaxLossLog {
		return // LOSS-06 looks at the log
	}
	first := log[0].LastSeq - uint64(log[0].Count) + 1
	for i, e := range s.seen {
		if n := uint64(i); n < first && uint64(e.Seq) != n {
			t.Fatalf("the first loss was that of number %d, but of the %d entries on the queue then, the one at place %d has the number %d; "+
				"what was there before the loss must stay", first, posted, i, e.Seq)
		}
	}
}

func checkFailPolicy(t *T) {
	s := t.stall(1, true)
	s.forced()
	if s.stats.Lost[userclient.LossFail] == 0 {
		t.inapplicable("the device loses entries before the driver has them, and the policy is never needed")
	}
	ctx, cancel := t.Within(answerBound)
	defer cancel()
	if !t.Until(ctx, s.overran) {
		t.Fatalf("an entry is counted as lost under the policy fail, but the status word of the output queue is %s; it must be kIOReturnOverrun",
			statusText(s.end.Status()))
	}
	s.seen = append(s.seen, s.mustDrain()...)
	s.held = s.seen
	s.look()
	before := s.stats
	s.mustGiveBack(s.held...)
	s.held = nil
	t.wait()
	if es := s.mustDrain(); len(es) > 0 {
		t.Fatalf("the driver stopped the stream because of an overrun, but entry %d came after that without a start", es[0].Seq)
	}
	if s.look(); s.stats.Lost[userclient.LossFail] != before.Lost[userclient.LossFail] {
		t.Errorf("the stream was stopped by an overrun, but the counter of fail went on from %d to %d", before.Lost[userclient.LossFail], s.stats.Lost[userclient.LossFail])
	}
	if err := s.start(); err != nil {
		t.Fatalf("start after an overrun was answered with %s; it must succeed", answer(err))
	}
	last := s.seen[len(s.seen)-1].Seq
	s.recover(1)
	if e := s.seen[len(s.seen)-1]; !newer(last, e.Seq) {
		t.Errorf("after the overrun and a start the first entry has the number %d; the last one before had %d", e.Seq, last)
	}
}

// statusText says in words what a status word is.
func statusText(status uint32) string {
	switch status {
	case 0:
		return `"running" (0)`
	case 1:
		return `"end" (1)`
	}
	return ioreturn.Code(status).Name()
}

func checkFlush(t *T) {
	r := t.running(t.layout())
	if t.Claims(CapDropOldest) {
		t.letRun(r)
	}
	r.mustSuspend()
	queued, before := r.mustLen(), r.mustStats()
	w, err := r.words(userclient.SelFlush)
	if err != nil || len(w) != 1 {
		t.Fatalf("flush of a suspended stream was answered with %s and %d words; it must succeed and answer one", answer(err), len(w))
	}
	after := r.mustStats()
	if got := after.Lost[userclient.LossFlushed] - before.Lost[userclient.LossFlushed]; got != w[0] {
		t.Errorf("flush answered that it discarded %d entries, but the cause flushed grew by %d", w[0], got)
	}
	late := given(&after) - given(&before) // numbered meanwhile: they were on their way
	if w[0] < before.Backlogged || w[0] > before.Backlogged+late {
		t.Errorf("flush answered that it discarded %d entries; %d were in the backlog before it, and %d came meanwhile", w[0], before.Backlogged, late)
	}
	if after.Backlogged > late {
		t.Errorf("after a flush %d entries are in the backlog; only the %d that came meanwhile may be", after.Backlogged, late)
	}
	if n := r.mustLen(); n != queued {
		t.Errorf("%d entries were on the queue before the flush, %d are after it; flush must not touch the queue", queued, n)
	}
	if text := unbalanced(&after); text != "" {
		t.Errorf("after a flush %s", text)
	}
}

// letRun gives the driver time to keep something back for a client that does not read.
func (t *T) letRun(r *rig) {
	want := min(2, max(1, len(r.bounds)-int(t.Describe().Backlog)))
	ctx, cancel := t.Frames(len(r.bounds) + 1)
	defer cancel()
	t.Until(ctx, func() bool {
		st := r.mustStats()
		return st.Backlogged >= uint64(want)
	})
}
