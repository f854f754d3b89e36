// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"math/rand/v2"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// lifeRules are about the life of a session: connect, open, close, and again.
func lifeRules() []Rule {
	return []Rule{
		{
			ID: "LIFE-01", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0",
			Title:  "A client can open and close the stream",
			What:   "A client that has connected and selected a layout which the driver offers can open the stream for itself, and close it.",
			Why:    "Nothing else works without it.",
			Remedy: "Look at the handler of open (HandleOpen) and of the selectors 0 and 1: they must answer success to the first client.",
			Check:  checkOpenClose,
		},
		{
			ID: "LIFE-02", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0",
			Title:  "A closed stream can be opened again at once",
			What:   "When close has been answered, the same connection and every other one can open the stream without waiting.",
			Why:    "A program that restarts would find the stream busy although nobody uses it, and only sometimes.",
			Remedy: "Give the stream up before close is answered, not afterwards or in the background.",
			Check:  checkReopen,
		},
		{
			ID: "LIFE-03", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "A connection that is not open holds nothing",
			What:   "Clients that have connected, and selected features, but not opened the stream keep nobody else from opening and using it.",
			Why:    "A program that only looks, or hangs between connecting and opening, would lock everybody else out.",
			Remedy: "Take the stream for a client when it opens it (selector 0), not when it connects.",
			Check:  checkIdleConnections,
		},
		{
			ID: "LIFE-04", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0",
			Title:  "Close ends a running or suspended stream",
			What:   "Close is accepted while the stream runs or is suspended, without a stop before it, and the next client can open, start and use the stream.",
			Why:    "Clients leave at any moment; a stream that must be stopped first stays busy after each one that did not.",
			Remedy: "Stop the device inside close, as if stop had been called, and give the buffers back.",
			Check:  checkCloseWhileActive,
		},
		{
			ID: "LIFE-05", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0",
			Title:  "Nothing is posted before the first start",
			What:   "A stream that is open but was not started posts no entry.",
			Why:    "A client that opens early to look at buffers would begin with stale data, and miss numbers at the start.",
			Remedy: "Begin to post in the handler of start (selector 2), not in that of open.",
			Check:  checkQuietBeforeStart,
		},
		{
			ID: "LIFE-06", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0",
			Title: "Entries come after a start, and after every further one",
			What: "After start has been answered, entries come on the output queue within the time that the device file allows, in every layout " +
				"that the driver offers; and so they do again after a stop and another start in the same session.",
			Why:    "A client waits for ever for the first frame, or for the first one after a pause.",
			Remedy: "Look at what start does with buffers that came back while the stream was stopped; it must use them again.",
			Check:  checkEntriesAfterStart,
		},
		{
			ID: "LIFE-07", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0", Timeout: 20 * time.Second,
			Title:  "Sessions use nothing up",
			What:   "Forty clients in a row can connect, open the stream, map its memory and leave.",
			Why:    "A driver that keeps memory, descriptors or slots of clients that have gone stops to serve after some days.",
			Remedy: "Give back in close and in the end of the session everything that open has taken; look for what is only given back when the driver ends.",
			Check:  checkManySessions,
		},
		{
			ID: "LIFE-08", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title: "Calls at the same time are all answered",
			What: "Calls of one client that run at the same time are each answered, with success or a refusal of the state table, and the stream " +
				"can be used afterwards.",
			Why:    "Programs call from several threads; a driver that deadlocks or mixes up its state then hangs until it is restarted.",
			Remedy: "Let the calls that change the state run one after the other, hold no lock while waiting for another call, and look at the order of locks.",
			Check:  checkConcurrentCalls,
		},
	}
}

func checkOpenClose(t *T) {
	l := t.link()
	l.mustChoose()
	if l.accepted("open by the first client", l.open()) {
		l.accepted("close of the open stream", l.closeStream())
	}
}

// reopens is how often a stream is opened again: a race between close and open shows
// only sometimes.
const reopens = 10

func checkReopen(t *T) {
	l, other := t.link(), t.link()
	l.mustChoose()
	other.mustChoose()
	for range reopens {
		for _, c := range []*link{l, l, other} {
			if err := c.open(); err != nil {
				t.Fatalf("open right after the stream was closed was answered with %s; it must succeed", answer(err))
			}
			c.must("close the stream", c.closeStream())
		}
	}
}

func checkIdleConnections(t *T) {
	for range 5 {
		t.link()
		t.link().mustChoose()
	}
	l := t.link()
	l.mustChoose()
	l.accepted("open while ten other clients are connected that have not opened the stream", l.open())
}

func checkCloseWhileActive(t *T) {
	for _, s := range []userclient.State{userclient.StateRunning, userclient.StateSuspended} {
		l := t.link()
		l.reach(s)
		l.accepted("close while the stream is "+s.String(), l.closeStream())
		r := t.link()
		r.mustChoose()
		if !r.accepted("open by the next client, after the stream was closed while "+s.String(), r.open()) {
			return
		}
		rig := r.mustMap(t.layout())
		rig.mustStart()
		rig.expect("after the client before closed the stream while it was " + s.String())
		r.must("hang up", r.Close())
	}
}

// expect checks that an entry comes, which it returns.
func (r *rig) expect(when string) (e queue.Entry, ok bool) {
	es, err := r.hold(1)
	if err != nil {
		r.t.Errorf("%s, no entry came on the output queue (%v layout): %v", when, r.layout, err)
		return e, false
	}
	return es[0], true
}

func checkQuietBeforeStart(t *T) {
	for _, l := range t.layouts() {
		r := t.rig(l)
		ctx, cancel := t.Quiet()
		es, err := r.take(ctx, 1)
		cancel()
		switch {
		case len(es) > 0:
			t.Errorf("an entry for buffer %d came on the output queue (%v layout) although the stream was never started", es[0].Buffer, l)
		case r.Err() != nil:
			t.abortf("the session ended while the stream was open: %v", err)
		}
		r.must("hang up", r.Close())
	}
}

func checkEntriesAfterStart(t *T) {
	for _, l := range t.layouts() {
		r := t.rig(l)
		for _, when := range []string{"after the first start", "after a stop and a second start", "after a third start"} {
			r.mustStart()
			e, ok := r.expect(when)
			if !ok {
				break
			}
			r.mustStop()
			more, err := r.drain()
			r.must("read what was posted before the stop", err)
			r.mustGiveBack(append(more, e)...)
		}
		r.must("hang up", r.Close())
	}
}

// manySessions is more than any table of clients that is forgotten to be emptied holds.
const manySessions = 40

func checkManySessions(t *T) {
	for n := range manySessions {
		l := t.link()
		l.mustChoose()
		if err := l.open(); err != nil {
			t.Fatalf("%d clients have come and gone; open by the next one was answered with %s; it must succeed", n, answer(err))
		}
		l.mustMap(t.layout())
		l.must("close the stream", l.closeStream())
		l.must("hang up", l.Close())
	}
}

const (
	concurrentCallers = 4
	concurrentCalls   = 25
)

func checkConcurrentCalls(t *T) {
	l := t.link()
	l.mustChoose()
	done := make(chan struct{}, concurrentCallers)
	for range concurrentCallers {
		rng := rand.New(rand.NewPCG(t.Rand().Uint64(), 0))
		t.Go(func() {
			defer func() { done <- struct{}{} }()
			for range concurrentCalls {
				l.callAtRandom(rng)
			}
		})
	}
	for range concurrentCallers {
		<-done
	}
	if t.Failed() {
		return
	}
	if err := l.closeStream(); err != nil && ioreturn.Of(err) != ioreturn.NotOpen {
		t.Errorf("close after calls at the same time was answered with %s; it must succeed or be refused as not open", answer(err))
	}
	l.mustChoose()
	if l.accepted("open after calls at the same time", l.open()) {
		r := l.mustMap(t.layout())
		r.mustStart()
		r.expect("after calls at the same time, open and start")
	}
}

// callAtRandom calls a selector that changes or asks for the state.
func (l *link) callAtRandom(rng *rand.Rand) {
	calls := []struct {
		name string
		do   func() error
	}{
		{"open", l.open},
		{"close", l.closeStream},
		{"start", l.start},
		{"stop", l.stop},
		{"suspend", l.suspend},
		{"get mode", func() error { return l.call(userclient.SelGetMode) }},
		{"get buffer count", func() error { return l.call(userclient.SelGetBufferCount) }},
	}
	c := calls[rng.IntN(len(calls))]
	switch err := c.do(); ioreturn.Of(err) {
	case ioreturn.Success, ioreturn.NotOpen, ioreturn.StillOpen, ioreturn.NotReady, ioreturn.Busy:
	default:
		l.t.Fatalf("%s, called beside other calls of the same client, was answered with %s; "+
			"it must succeed or be refused as not open, still open, not ready or busy", c.name, answer(err))
	}
}
