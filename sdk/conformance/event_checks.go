// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// live leads a connection that has selected features through every state, and returns
// the states that this makes.
func (l *link) live() []userclient.State {
	l.mustOpen()
	l.mustStart()
	l.mustSuspend()
	l.mustStart()
	l.mustStop()
	l.must("close the stream", l.closeStream())
	return []userclient.State{
		userclient.StateOpen, userclient.StateRunning, userclient.StateSuspended, userclient.StateRunning,
		userclient.StateOpen, userclient.StateClosed,
	}
}

// settled leaves out of the states what a driver does by itself whose policy is to stop
// when the client is late: the stop, and the start that follows.
func (t *T) settled(told []userclient.State) []userclient.State {
	for i := 0; t.Claims(CapFail) && i+2 < len(told); {
		if told[i] == userclient.StateRunning && told[i+1] == userclient.StateOpen && told[i+2] == userclient.StateRunning {
			told = slices.Delete(told, i+1, i+3)
		} else {
			i++
		}
	}
	return told
}

func statesText(states []userclient.State) string {
	if len(states) == 0 {
		return "nothing"
	}
	var names []string
	for _, s := range states {
		names = append(names, s.String())
	}
	return strings.Join(names, ", ")
}

func checkStateEvents(t *T) {
	l := t.link()
	l.mustChoose()
	w := l.watchNow()
	want := l.live()
	if told := t.settled(w.until(len(want))); !slices.Equal(told, want) {
		t.Errorf("after open, start, suspend, start, stop and close the client was told %s; it must be told %s", statesText(told), statesText(want))
	}
}

func checkEventsForAll(t *T) {
	l := t.link()
	l.mustChoose()
	watches := map[string]*watch{
		"an observer":                           t.onlooker(true).watchNow(),
		"a client that did not open the stream": t.onlooker(false).watchNow(),
	}
	want := l.live()
	for who, w := range watches {
		if told := t.settled(w.until(len(want))); !slices.Equal(told, want) {
			t.Fatalf("another client opened, started, suspended, started, stopped and closed the stream; %s was told %s and must be told %s",
				who, statesText(told), statesText(want))
		}
	}
}

func checkCursor(t *T) {
	l, w := t.link(), t.onlooker(false).watchNow()
	l.mustChoose()
	from := w.cursor
	l.mustOpen()
	l.must("close the stream", l.closeStream())
	if told := w.until(2); len(told) < 2 {
		t.abortf("after open and close only %s was told", statesText(told))
	}
	again := &watch{l: w.l, cursor: from}
	again.fetch()
	if !slices.Equal(again.events, w.events) || again.missed != w.missed {
		t.Errorf("fetching from cursor %d on gave %d events, and %d the second time; the same cursor must give the same events", from, len(w.events), len(again.events))
	}
	if es, next, missed, err := w.l.events(w.cursor, userclient.MaxInline); err != nil || len(es) > 0 || missed > 0 || next != w.cursor {
		t.Errorf("fetching from the cursor %d that was answered last, when nothing had happened since, gave %d events, %d missed, cursor %d and %s; "+
			"it must give none, and the same cursor", w.cursor, len(es), missed, next, answer(err))
	}
}

func checkEventRing(t *T) {
	l, other := t.onlooker(false), t.link()
	other.mustChoose()
	for n := 0; n < 3 && !t.StaysQuiet(l.ev); n++ {
		l.watchNow()
	}
	other.mustOpen()
	ctx, cancel := t.Within(answerBound)
	defer cancel()
	if err := l.ev.Wait(ctx); err != nil {
		t.Errorf("another client opened the stream, but nobody rang the events port of this one (%v)", context.Cause(ctx))
	}
}

// openings opens and closes the stream n times.
func (l *link) openings(n int) {
	l.mustChoose()
	for range n {
		l.mustOpen()
		l.must("close the stream", l.closeStream())
	}
}

// alternate says what is wrong with states that should be open and closed in turn, up to
// a close.
func alternate(states []userclient.State) string {
	for i := range states {
		want := userclient.StateClosed
		if (len(states)-i)%2 == 0 {
			want = userclient.StateOpen
		}
		if states[i] != want {
			return fmt.Sprintf("event %d of %d is %s, not %s", i+1, len(states), states[i], want)
		}
	}
	return ""
}

// manyEvents is more than a log of 64 holds.
const manyEvents = 80

func checkMissed(t *T) {
	w := t.onlooker(false).watchNow()
	t.link().openings(manyEvents / 2)
	w.settle(manyEvents)
	told := w.states()
	if uint64(len(told))+w.missed < manyEvents {
		t.Errorf("the stream was opened and closed %d times, which makes %d events; a client that fetched after that got %d of them and was told that it missed %d",
			manyEvents/2, manyEvents, len(told), w.missed)
	}
	if wrong := alternate(told); wrong != "" {
		t.Errorf("the stream was opened and closed %d times; of the events that a slow client got %s: they must be the newest, in their order", manyEvents/2, wrong)
	}
}

// settle fetches until n events came or were missed, and the last one was a close.
func (w *watch) settle(n int) {
	ctx, cancel := w.l.t.Within(answerBound)
	defer cancel()
	w.l.t.Until(ctx, func() bool {
		w.fetch()
		told := w.states()
		return uint64(len(told))+w.missed >= uint64(n) && len(told) > 0 && told[len(told)-1] == userclient.StateClosed
	})
}

// fewEvents is what the log of every driver should hold.
const fewEvents = 32

func checkLogSize(t *T) {
	w := t.onlooker(false).watchNow()
	t.link().openings(fewEvents / 2)
	w.settle(fewEvents)
	if told := w.states(); len(told) < fewEvents || w.missed > 0 {
		t.Errorf("%d events came while a client did not fetch; it got %d of them and was told that it missed %d", fewEvents, len(told), w.missed)
	}
}

func checkFutureCursor(t *T) {
	l, w := t.onlooker(false), t.link()
	w.openings(1)
	for _, cursor := range []uint64{1 << 20, 1<<64 - 1} {
		es, next, missed, err := l.events(cursor, userclient.MaxInline)
		switch {
		case err != nil:
			t.Fatalf("fetching events from cursor %d on, which was never given out, was answered with %s; it must succeed", cursor, answer(err))
		case len(es) > 0 || missed > 0:
			t.Fatalf("fetching events from cursor %d on, which was never given out, gave %d events and %d missed; it must give none", cursor, len(es), missed)
		}
		from := &watch{l: l, cursor: next}
		w.openings(1)
		if told := from.until(2); !slices.Equal(told, []userclient.State{userclient.StateOpen, userclient.StateClosed}) {
			t.Fatalf("a client asked for events from cursor %d on and was answered to go on at %d; then the stream was opened and closed, and it was told %s",
				cursor, next, statesText(told))
		}
	}
}

func checkEventTimes(t *T) {
	l, w := t.link(), t.onlooker(false).watchNow()
	l.mustChoose()
	before := l.mustCorrelate()
	l.mustOpen()
	l.must("close the stream", l.closeStream())
	w.until(2)
	after := l.mustCorrelate()
	last := before.stream - before.uncertainty
	for _, e := range w.events {
		if e.Time < last {
			t.Fatalf("the event %v has the stream time %d ns, which is before %d ns, when the call was not made yet or the event before it happened", e.Kind, e.Time, last)
		}
		if e.Time > after.stream+after.uncertainty {
			t.Fatalf("the event %v has the stream time %d ns; correlate answered %d ns after it had been fetched", e.Kind, e.Time, after.stream)
		}
		last = e.Time
	}
}

func checkSmallAnswer(t *T) {
	l, other := t.onlooker(false), t.link()
	w := l.watchNow()
	from := w.cursor
	other.openings(3)
	w.settle(6)
	one, err := userclient.AppendEvents(nil, w.events[:min(1, len(w.events))])
	l.must("encode an event", err)
	var got []userclient.Event
	for cursor := from; len(got) < len(w.events); {
		es, next, missed, err := l.events(cursor, 2*len(one))
		if err != nil {
			t.Fatalf("fetching events with room for one or two was answered with %s; it must give those that fit", answer(err))
		}
		if len(es) == 0 || missed > 0 || next <= cursor {
			t.Fatalf("%d events happened since cursor %d; fetched with room for one or two at a time, they ended after %d (%d missed, next cursor %d)",
				len(w.events), from, len(got), missed, next)
		}
		got, cursor = append(got, es...), next
	}
	if !slices.Equal(got, w.events) {
		t.Errorf("the events fetched with little room are not those fetched at once")
	}
}
