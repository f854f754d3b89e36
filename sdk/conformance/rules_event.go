// SPDX-License-Identifier: Apache-2.0

package conformance

import "github.com/iostreamkit/iostreamkit/sdk/userclient"

// eventRules are about the events port and its log (C22, C43).
func eventRules() []Rule {
	rules := []Rule{
		{
			ID:     "EVENT-01",
			Title:  "Each change of the state is told, in order",
			What:   "Open, start, suspend, stop and close each give the client that calls them one event state-changed with the new state, in the order of the calls.",
			Why:    "Displays and supervisors live on these events; one that is missing or wrong leaves them in a state that is not so.",
			Remedy: "Emit the event where the state changes, with the state that follows, once, before or soon after the call is answered.",
			Check:  checkStateEvents,
		},
		{
			ID: "EVENT-02", Needs: []Capability{CapObserve},
			Title:  "Observers and other clients are told too",
			What:   "A session that only observes, and one that is connected and has not opened the stream, get the same events state-changed as the client that has it open.",
			Why:    "Those who wait for the stream to become free learn it from the event closed.",
			Remedy: "Give each event to every session of the stream, not only to the one that has it open.",
			Check:  checkEventsForAll,
		},
		{
			ID:     "EVENT-03",
			Title:  "Fetching events changes nothing",
			What:   "Fetching (selector 0x104) twice with the same cursor gives the same events; fetching with the cursor that was answered gives those that came since, and none if nothing happened.",
			Why:    "A client whose call was given up asks again with the old cursor, and must not find the events gone or told twice.",
			Remedy: "Keep events in a log and number them; the cursor is the number of the next one that the client wants.",
			Check:  checkCursor,
		},
		{
			ID:     "EVENT-04",
			Title:  "An event rings the events port",
			What:   "A client that waits at the events port is woken when something happens.",
			Why:    "Without the ring a client must poll, or hears of the driver's end when it next calls.",
			Remedy: "Ring the bell of the events port after the event was put into the log.",
			Check:  checkEventRing,
		},
		{
			ID:     "EVENT-05",
			Title:  "Events that a slow reader missed are counted",
			What:   "Of eighty events that came while a client did not fetch, each is either in the answer or in its count of missed ones; those that are there are the newest, in their order.",
			Why:    "A client that knows that it missed something asks for the state; one that does not believes what it saw last.",
			Remedy: "When the log is full drop the oldest events, and answer how many lie between the cursor and the first that is left.",
			Check:  checkMissed,
		},
		{
			ID: "EVENT-06", Level: Should,
			Title:  "A slow reader misses nothing of thirty-two events",
			What:   "When thirty-two events came since a client fetched last, it gets all of them and none is counted as missed.",
			Why:    "A few seconds of work must not cost the events of a device that is plugged in and configured.",
			Remedy: "Keep at least 32 events for each session; package iostream keeps 64.",
			Check:  checkLogSize,
		},
		{
			ID:     "EVENT-07",
			Title:  "A cursor that was never given out means from now on",
			What:   "Fetching with a cursor of the future succeeds with no events and none missed, and answers a cursor from which the next event is found.",
			Why:    "Clients that want only what comes from now on ask so, and one that kept a cursor over a restart of the driver must not stay deaf.",
			Remedy: "Answer the number of the next event when the cursor is beyond it; neither refuse nor echo it.",
			Check:  checkFutureCursor,
		},
		{
			ID: "EVENT-08", Needs: []Capability{CapCorrelate},
			Title:  "Events carry the stream time at which they happened",
			What:   "The time of an event lies between the stream times that correlate answered before and after the call that caused it, and is never before that of the event before it.",
			Why:    "Frames and events are put in order by their times, which are of one clock.",
			Remedy: "Stamp an event with the stream clock when it happens, not when it is fetched, and not with the host's clock.",
			Check:  checkEventTimes,
		},
		{
			ID:     "EVENT-09",
			Title:  "An answer with little room loses no event",
			What:   "When the caller has room for some of the events only, the answer has the first ones, and the cursor that it gives leads to the rest.",
			Why:    "Transports and C programs use small buffers; events that did not fit would be gone.",
			Remedy: "Move the cursor by the number of events in the answer, not to the end of the log.",
			Check:  checkSmallAnswer,
		},
	}
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Origin, r.Since = Core, HostLibrary, "0.1.0"
		r.Needs = append([]Capability{CapEvents}, r.Needs...)
		if r.Level == "" {
			r.Level = Must
		}
	}
	return rules
}

// events fetches events from a cursor on, with room for size bytes of them.
func (l *link) events(cursor uint64, size int) (events []userclient.Event, next, missed uint64, err error) {
	a := userclient.Args{Selector: userclient.SelEvents, In: []uint64{cursor}, Out: make([]uint64, 2), OutBytes: make([]byte, size)}
	if err := l.do(&a); err != nil {
		return nil, 0, 0, err
	}
	if a.NOut != 2 {
		l.t.Fatalf("fetching events answered %d words; it must answer two, the next cursor and how many events were missed", a.NOut)
	}
	events, err = userclient.ParseEvents(a.OutBytes[:a.NOutBytes])
	return events, a.Out[0], a.Out[1], err
}

// watch follows the events of one session.
type watch struct {
	l      *link
	cursor uint64
	events []userclient.Event // all so far
	missed uint64
}

// watch follows events from the beginning of the session on.
func (l *link) watch() *watch { return &watch{l: l} }

// watchNow follows what happens from now on.
func (l *link) watchNow() *watch {
	w := l.watch()
	w.fetch()
	w.events, w.missed = nil, 0
	return w
}

// fetch takes what has happened, or ends the rule in an error.
func (w *watch) fetch() {
	for {
		es, next, missed, err := w.l.events(w.cursor, userclient.MaxInline)
		w.l.must("fetch events", err)
		if next < w.cursor {
			w.l.t.Fatalf("fetching events from cursor %d on answered the cursor %d; cursors grow", w.cursor, next)
		}
		w.cursor = next
		w.events = append(w.events, es...)
		w.missed += missed
		if len(es) == 0 {
			return
		}
	}
}

func (w *watch) count(k userclient.EventKind) int {
	n := 0
	for i := range w.events {
		if w.events[i].Kind == k {
			n++
		}
	}
	return n
}

// states lists the states told so far.
func (w *watch) states() []userclient.State {
	var out []userclient.State
	for i := range w.events {
		if w.events[i].Kind == userclient.EventStateChanged {
			out = append(out, userclient.State(w.events[i].Value))
		}
	}
	return out
}

// until fetches until n states were told, within the bound for answers.
func (w *watch) until(n int) []userclient.State {
	ctx, cancel := w.l.t.Within(answerBound)
	defer cancel()
	w.l.t.Until(ctx, func() bool {
		w.fetch()
		return len(w.l.t.settled(w.states())) >= n
	})
	return w.states()
}

// onlooker is a connection that has selected features, as client or observer, and has
// not opened the stream.
func (t *T) onlooker(observe bool) *link {
	if !observe {
		l := t.link()
		l.mustChoose()
		return l
	}
	l := t.observer()
	_ = l.choose(t.layout()) // it need not be allowed
	return l
}
