// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"math"

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
		room := math.MaxUint32 - last.Count
		if last.Cause == r.Cause && last.LastSeq+uint64(r.Count) == r.LastSeq && r.Count <= room {
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
	if c <= userclient.LossFail || c == userclient.LossDevice {
		if ln.overrun == 0 {
			ln.tell(Event{Kind: userclient.EventOverrunBegan, Value: lastSeq - uint64(n)})
		}
		ln.overrun += uint64(n)
	}
	ln.st.Lost[c] += uint64(n)
	ln.gap = true
	queued := 0
	if !ln.finished { // the queue's memory may be gone afterwards
		queued, _ = ln.end.Queued() // a broken queue is reported where it is used
	}
	ln.log.add(LossRecord{
		Time: ln.s.d.clock.now(), Cause: c, Count: uint32(min(uint64(n), math.MaxUint32)), LastSeq: lastSeq,
		Free: uint32(ln.free.n), Backlog: uint32(ln.backlog.n + ln.inModules()), Posted: uint32(queued),
	})
}

// tell gives the session an event of its own, whose bell unlock rings.
func (ln *lane) tell(e Event) {
	e.Time = ln.s.d.clock.now()
	ln.s.eventLocked(e)
	ln.eventDue = true
}

// overrunOver notes that a buffer is free again.
func (ln *lane) overrunOver() {
	if ln.overrun > 0 {
		ln.tell(Event{Kind: userclient.EventOverrunEnded, Value: ln.overrun})
		ln.overrun = 0
	}
}

// dropBacklog discards what the client has not been shown, in modules too, and returns how
// many. unlock has to follow.
func (ln *lane) dropBacklog(c Cause) int {
	n := ln.backlog.n
	for range n {
		e, _ := ln.backlog.pop()
		ln.lose(c, 1, ln.seqOf(&e))
		ln.goHome(e.Buffer)
	}
	return n + ln.dropPassages(c)
}

// lastSeq is the number given last; meaningless unless numbered.
func (ln *lane) lastSeq() uint64 { return ln.nextSeq - 1 }

// seqOf widens the number of an entry that waits here, which is one of the last 2^32
// given.
func (ln *lane) seqOf(e *entry) uint64 {
	last := ln.lastSeq()
	return last - uint64(uint32(last)-e.Seq)
}

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
	st.Backlogged = uint64(ln.backlog.n + ln.inModules())
	st.Wakeups = ln.waiter.wakes.load()
	st.Log = ln.log.records()
	return st
}
