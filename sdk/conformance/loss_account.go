// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// unbalanced says in words how counters do not add up, or nothing.
func unbalanced(st *userclient.Stats) string {
	if given(st) == st.Posted+st.TotalLost()+st.Backlogged {
		return ""
	}
	return fmt.Sprintf("the last number given is %s, so %d were; but %d entries are counted as posted, %d as lost and %d as backlogged, together %d",
		lastText(st), given(st), st.Posted, st.TotalLost(), st.Backlogged, st.Posted+st.TotalLost()+st.Backlogged)
}

func (l *link) balanced(when string) {
	if st := l.mustStats(); unbalanced(&st) != "" {
		l.t.Errorf("%s, %s; the sums must be equal", when, unbalanced(&st))
	}
}

func checkBalance(t *T) {
	t.mustDeliver()
	r := t.rig(t.layout())
	r.balanced("before the first start")
	r.mustStart()
	done, asked := make(chan struct{}), make(chan struct{})
	t.Go(func() { // beside the traffic
		defer close(asked)
		t.Until(t.Context(), func() bool {
			if st, err := r.stats(); err == nil && unbalanced(&st) != "" {
				t.Errorf("while entries travel, %s; the sums must be equal at any moment", unbalanced(&st))
				return true
			}
			select {
			case <-done:
				return true
			default:
				return false
			}
		})
	})
	r.mustFollow(t.some())
	close(done)
	<-asked
	r.mustSuspend()
	r.balanced("while the stream is suspended")
	r.mustStart()
	r.mustStop()
	r.balanced("after the stop")
}

func checkBalanceInOverrun(t *T) {
	s := t.stall(enough, true)
	if s.wrong == "" {
		s.recover(2)
		s.finish()
	}
	switch {
	case s.wrong != "":
		t.Errorf("the client held every buffer, and %s; the sums must be equal at any moment", s.wrong)
	default:
		s.forced()
	}
}

func checkGapsAreCauses(t *T) {
	s := t.stall(enough, true)
	s.recover(4)
	s.finish()
	received, st := uint64(len(s.seen)), &s.stats
	if st.Posted != received {
		t.Errorf("%d entries were on the queue, but %d are counted as posted; the two must be equal when everything was read", received, st.Posted)
	}
	if given(st) < received || given(st)-received != st.TotalLost() {
		t.Errorf("the last number given is %s and %d entries were received, so %d are missing; but the causes of loss add up to %d (%s)",
			lastText(st), received, int64(given(st)-received), st.TotalLost(), causesText(st))
	}
	if !t.Failed() {
		s.forced()
	}
}

// causesText lists the causes that are not zero.
func causesText(st *userclient.Stats) string {
	text := ""
	for c, n := range st.Lost {
		if n > 0 {
			text += fmt.Sprintf(", %v %d", userclient.Cause(c), n)
		}
	}
	if text == "" {
		return "all of them 0"
	}
	return text[2:]
}

// causesOf returns the causes under which a driver may lose an entry while its stream
// runs and the client is late.
func causesOf(p userclient.Policy) []userclient.Cause {
	own := []userclient.Cause{userclient.LossDevice, userclient.LossModule}
	switch p {
	case userclient.PolicyDropNewest:
		return append(own, userclient.LossDropNewest)
	case userclient.PolicyDropOldest:
		return append(own, userclient.LossDropOldest, userclient.LossDropNewest) // the latter where nothing is kept back
	case userclient.PolicyFail:
		return append(own, userclient.LossFail, userclient.LossStopped) // it stops
	}
	return own
}

func checkCause(t *T) {
	s := t.stall(enough, true)
	p := t.Describe().Policy
	for c, n := range s.stats.Lost {
		if n > 0 && !slices.Contains(causesOf(p), userclient.Cause(c)) {
			t.Errorf("the client held every buffer while the stream ran, and %d entries are counted as lost under %q; the policy is %v, and nothing else happened",
				n, userclient.Cause(c), p)
		}
	}
	if !t.Failed() {
		s.forced()
	}
}

func checkDiscontinuity(t *T) {
	for _, hold := range []bool{true, false} {
		want := uint64(enough)
		if !hold {
			want = 1 // so that something is left in the backlog that was there before the loss
		}
		s := t.stall(want, hold)
		s.forced()
		s.recover(len(s.bounds) + 2)
		gaps, expect := 0, uint32(0)
		for i := range s.seen {
			e := &s.seen[i]
			if e.Seq != expect {
				gaps++
				if e.Flags()&queue.FlagDiscontinuity == 0 {
					t.Fatalf("the entry with the number %d came where number %d was due, and does not carry the discontinuity flag; "+
						"the first entry after a loss must carry it", e.Seq, expect)
				}
			}
			expect = e.Seq + 1
		}
		if gaps == 0 {
			t.abortf("%d entries are counted as lost, but the %d received have no gap", s.stats.TotalLost(), len(s.seen))
		}
		s.must("hang up", s.Close())
	}
}

func checkLossLog(t *T) {
	s := t.stall(enough, true)
	s.forced()
	st := &s.stats
	var sums [userclient.Causes]uint64
	for i, rec := range st.Log {
		switch {
		case rec.Cause >= userclient.Causes:
			t.Fatalf("record %d of the loss log has the cause %d, which does not exist", i, rec.Cause)
		case rec.Count == 0:
			t.Errorf("record %d of the loss log tells of no lost entry", i)
		case rec.LastSeq >= given(st) || uint64(rec.Count) > rec.LastSeq+1:
			t.Errorf("record %d of the loss log tells of %d lost entries up to number %d; numbers 0 to %s were given", i, rec.Count, rec.LastSeq, lastText(st))
		case uint64(rec.Free)+uint64(rec.Backlog)+uint64(rec.Posted) > uint64(len(s.bounds)):
			t.Errorf("record %d of the loss log tells of %d free, %d backlogged and %d posted buffers; the stream has %d",
				i, rec.Free, rec.Backlog, rec.Posted, len(s.bounds))
		case i > 0 && rec.Time < st.Log[i-1].Time:
			t.Errorf("record %d of the loss log is older than the one before it; the oldest comes first", i)
		}
		sums[rec.Cause] += uint64(rec.Count)
	}
	for c, sum := range sums {
		full := len(st.Log) >= userclient.MaxLossLog
		if n := st.Lost[c]; sum > n || sum < n && !full {
			t.Errorf("the loss log has %d records, which tell of %d entries lost under %v; the counter says %d", len(st.Log), sum, userclient.Cause(c), n)
		}
	}
}

func checkLogNumbers(t *T) {
	s := t.stall(enough, true)
	s.forced()
	s.recover(4)
	s.finish()
	var logged uint64
	for _, rec := range s.stats.Log {
		logged += uint64(rec.Count)
		first, last := rec.LastSeq-uint64(rec.Count)+1, rec.LastSeq
		for i := range s.seen {
			if n := uint64(s.seen[i].Seq); n >= first && n <= last {
				t.Fatalf("the loss log says that %d entries up to number %d were lost (%v), but entry %d was received", rec.Count, last, rec.Cause, n)
			}
		}
	}
	if missing := given(&s.stats) - uint64(len(s.seen)); logged != missing && len(s.stats.Log) < userclient.MaxLossLog {
		t.Errorf("%d numbers are missing among the entries received, but the records of the loss log tell of %d", missing, logged)
	}
}

func checkOverrunEvents(t *T) {
	s := t.stall(enough, true)
	s.forced()
	w := s.watch()
	ended := func() bool {
		w.fetch()
		return w.count(userclient.EventOverrunEnded) > 0
	}
	s.recover(1)
	if w.fetch(); w.count(userclient.EventOverrunBegan) == 0 {
		t.Fatalf("%d entries were lost (%s), but no event overrun-began was told", s.stats.TotalLost(), causesText(&s.stats))
	}
	if !s.recovered(2*len(s.bounds)+enough, ended) {
		t.Fatalf("since the overrun the client has given all buffers back and read on (%d entries in all), but no event overrun-ended was told", len(s.seen))
	}
	s.finish()
	w.fetch()
	s.judgeOverruns(w)
}

// judgeOverruns checks order and values of the overrun events. The stream is stopped.
func (s *stall) judgeOverruns(w *watch) {
	if w.missed > 0 {
		return // there were more than the log holds
	}
	began, first := false, true
	var total uint64
	for _, e := range w.events {
		if e.Kind == userclient.EventOverrunBegan {
			if began {
				s.t.Fatalf("the event overrun-began was told twice without overrun-ended between the two")
			}
			if log := s.stats.Log; first && len(log) > 0 && len(log) < userclient.MaxLossLog && e.Value != log[0].LastSeq-uint64(log[0].Count) {
				s.t.Errorf("overrun-began tells %d as the last number before the loss; the loss log says that %d entries up to number %d were lost first",
					int64(e.Value), log[0].Count, log[0].LastSeq)
			}
			began, first = true, false
		}
		if e.Kind == userclient.EventOverrunEnded {
			if !began {
				s.t.Fatalf("the event overrun-ended was told without overrun-began before it")
			}
			began = false
			total += e.Value
		}
	}
	lost := policyLost(&s.stats) + s.stats.Lost[userclient.LossDevice]
	if total > lost || total < lost && !began {
		s.t.Errorf("the events overrun-ended tell of %d lost entries in all, the counters of %d (%s)", total, lost, causesText(&s.stats))
	}
}

func checkCountersGrow(t *T) {
	r := t.rig(t.layout())
	var before userclient.Stats
	look := func(after string) {
		st := r.mustStats()
		if text := shrunk(&before, &st); text != "" {
			t.Errorf("%s after %s; counters grow until close", text, after)
		}
		before = st
	}
	look("open")
	for range 2 {
		for _, step := range []struct {
			what string
			do   func()
		}{
			{"start", r.mustStart},
			{"some entries", func() { r.mustFollow(4) }},
			{"suspend", func() { r.mustSuspend() }},
			{"start after suspend", r.mustStart},
			{"some more entries", func() { r.mustFollow(2) }},
			{"stop", r.mustStop},
		} {
			step.do()
			look(step.what)
		}
	}
}

// shrunk says which counter is smaller in b than in a, or nothing.
func shrunk(a, b *userclient.Stats) string {
	counters := []struct {
		name string
		a, b uint64
	}{
		{"numbers given", given(a), given(b)},
		{"posted", a.Posted, b.Posted}, {"returned", a.Returned, b.Returned}, {"bytes", a.Bytes, b.Bytes},
		{"copies", a.Copies, b.Copies}, {"rings", a.Rings, b.Rings}, {"wake-ups", a.Wakeups, b.Wakeups},
	}
	for c := range a.Lost {
		counters = append(counters, struct {
			name string
			a, b uint64
		}{"lost by " + userclient.Cause(c).String(), a.Lost[c], b.Lost[c]})
	}
	for _, c := range counters {
		if c.b < c.a {
			return fmt.Sprintf("the counter %q went from %d to %d", c.name, c.a, c.b)
		}
	}
	return ""
}
