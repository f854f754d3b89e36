// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// lossLogSize is how many loss records a session keeps (C46).
const lossLogSize = 64

// lossLog keeps the last losses; losses of one cause in a row are one record.
type lossLog struct {
	ring [lossLogSize]LossRecord
	n    uint64
}

func (l *lossLog) add(r LossRecord) {
	if l.n > 0 {
		last := &l.ring[(l.n-1)%lossLogSize]
		if last.Cause == r.Cause && last.LastSeq+uint64(r.Count) == r.LastSeq {
			last.Count += r.Count
			last.LastSeq = r.LastSeq
			return
		}
	}
	l.ring[l.n%lossLogSize] = r
	l.n++
}

func (l *lossLog) records() []LossRecord {
	out := make([]LossRecord, 0, min(l.n, lossLogSize))
	for i := l.n - min(l.n, lossLogSize); i < l.n; i++ {
		out = append(out, l.ring[i%lossLogSize])
	}
	return out
}

// number gives the next sequence number.
func (ln *lane) number() uint64 {
	seq := ln.nextSeq
	ln.nextSeq++
	ln.numbered = true
	return seq
}

// lose counts n entries that were given the numbers up to lastSeq and will never be
// seen (C14).
func (ln *lane) lose(c Cause, n int, lastSeq uint64) {
	if n == 0 {
		return
	}
	if c <= userclient.LossFail && !ln.overrun {
		ln.overrun = true
		ln.tell(Event{Kind: userclient.EventOverrunBegan, Value: lastSeq - uint64(n)})
	}
	ln.st.Lost[c] += uint64(n)
	ln.gap = true
	queued := 0
	if !ln.finished { // the queue's memory may be gone afterwards
		queued, _ = ln.end.Queued() // a broken queue is reported where it is used
	}
	ln.log.add(LossRecord{
		Time: ln.s.d.clock.now(), Cause: c, Count: uint32(n), LastSeq: lastSeq,
		Free: uint32(ln.free.n), Backlog: uint32(len(ln.backlog)), Posted: uint32(queued),
	})
}

// tell gives the session an event of its own. The bell is rung by whoever frees mu
// next in flushEvents.
func (ln *lane) tell(e Event) {
	e.Time = ln.s.d.clock.now()
	ln.s.eventLocked(e)
	ln.eventDue = true
}

// ringEvents rings the events bell if tell was called. mu must be free.
func (ln *lane) ringEvents() {
	ln.s.mu.Lock()
	b, due := ln.s.evBell, ln.eventDue
	ln.eventDue = false
	ln.s.mu.Unlock()
	if due && b != nil {
		_ = b.Ring() // an error is the session's end, which the client will hear of
	}
}

// overrunOver notes that an entry got through again.
func (ln *lane) overrunOver() {
	if ln.overrun {
		ln.overrun = false
		ln.tell(Event{Kind: userclient.EventOverrunEnded, Value: ln.st.TotalLost()})
	}
}

// dropBacklog discards what the client has not been shown.
func (ln *lane) dropBacklog(c Cause) int {
	n := len(ln.backlog)
	for i := range ln.backlog {
		e := &ln.backlog[i]
		ln.lose(c, 1, ln.seqOf(e))
		ln.home().push(e.Buffer)
	}
	ln.backlog = ln.backlog[:0]
	return n
}

// seqOf widens the number of a backlogged entry, which is one of the last few given.
func (ln *lane) seqOf(e *entry) uint64 {
	last := ln.lastSeq()
	return last - uint64(uint32(last)-e.Seq)
}

// flushBacklog discards the backlog because the client asked for it.
func (ln *lane) flushBacklog() int { return ln.dropBacklog(userclient.LossFlushed) }

// stats takes one snapshot of the session's counters.
func (s *session) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lane == nil {
		return Stats{}
	}
	ln := s.lane
	st := ln.st
	st.Numbered = ln.numbered
	if st.Numbered {
		st.LastSeq = ln.lastSeq()
	}
	st.Backlogged = uint64(len(ln.backlog))
	st.Wakeups = ln.waiter.wakes.load()
	st.Log = ln.log.records()
	return st
}
