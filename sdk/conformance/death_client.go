// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// earlyDeaths is how often a client dies at each moment before it has opened the stream.
const earlyDeaths = 8

func checkDeathBeforeOpen(t *T) {
	for range earlyDeaths {
		for _, m := range t.earlyMoments() {
			l, err := t.linkSoon(false)
			if err != nil {
				t.Fatalf("after clients have died that had not opened the stream, the next one could not connect: %v", err)
			}
			m.live(l)
			l.drop()
		}
	}
	t.wait() // the driver may learn of the last ones a little later
	t.served(t.layout(), "clients have died that had not opened the stream")
}

func checkDeathFrees(t *T) {
	var all []func() bool
	for _, layout := range t.layouts() {
		for _, m := range t.openMoments(layout) {
			all = append(all, func() bool {
				t.lived(m).drop()
				return t.served(layout, "a client died "+m.when)
			})
		}
	}
	for _, die := range few(t, all) {
		if !die() {
			return
		}
	}
}

// lastCall is a call during which a client dies.
type lastCall struct {
	name string
	from userclient.State // in which it is made
	do   func(*link) error
}

func lastCalls() []lastCall {
	return []lastCall{
		{"open", userclient.StateClosed, (*link).open},
		{"start", userclient.StateOpen, (*link).start},
		{"suspend", userclient.StateRunning, (*link).suspend},
		{"stop", userclient.StateRunning, (*link).stop},
		{"close", userclient.StateRunning, (*link).closeStream},
		{"start of a suspended stream", userclient.StateSuspended, (*link).start},
	}
}

// lastTries is how often a client dies during each call: at once, and after a while
// that is chosen at random.
const lastTries = 4

func checkDeathInCall(t *T) {
	for _, c := range few(t, lastCalls()) {
		l := t.link()
		l.reach(c.from)
		began := time.Now()
		_ = c.do(l) // a stream that has stopped by itself may refuse it
		took := time.Since(began)
		l.must("hang up", l.Close())
		for n := range max(t.fewer(lastTries)-1, 1) {
			t.dieDuring(c, time.Duration(n)*took/lastTries+t.shorterThan(took/lastTries))
			if !t.served(t.layout(), "a client died during its call of "+c.name) {
				return
			}
		}
	}
}

// shorterThan is a random time below d.
func (t *T) shorterThan(d time.Duration) time.Duration {
	return time.Duration(t.Rand().Int64N(int64(max(d, 1))))
}

// dieDuring makes a call and ends the connection after a time.
func (t *T) dieDuring(c lastCall, after time.Duration) {
	l := t.link()
	l.reach(c.from)
	called := make(chan struct{})
	t.Go(func() {
		close(called)
		_ = c.do(l) // it is given up
	})
	<-called
	ctx, cancel := context.WithTimeout(t.ctx, after)
	defer cancel()
	<-ctx.Done()
	l.drop()
}

// manyHeld is how many clients die with buffers in their hands.
const manyHeld = 8

func checkDeathBuffers(t *T) {
	var first int
	for n := range t.fewer(manyHeld) + 1 {
		r := t.heir(t.layout(), "clients have died while they had buffers")
		r.mustStart()
		if n == 0 {
			first = len(r.mustGather(r.most()))
		} else if held, err := r.keep(first); err != nil {
			t.Fatalf("the first client had %d buffers at the same time; after %d clients had died while they had buffers, the next one gets %d, and then: %v; "+
				"it must get as many", first, n, len(held), err)
		} else {
			r.mustSlip(r.returning(held[:len(held)*n/manyHeld])) // some are on their way back
			if n%2 == 0 {
				r.mustRing()
			}
		}
		r.drop()
	}
}

// manyDeaths is more than any table of clients that is forgotten to be emptied holds.
const manyDeaths = 40

func checkManyDeaths(t *T) {
	moments := append(t.earlyMoments(), t.idleMoments(t.layout())...)
	if t.fewer(3) == 3 {
		moments = append(moments, t.activeMoments(t.layout())...)
	}
	for n := range manyDeaths {
		l, err := t.linkSoon(false)
		if err == nil {
			err = t.freeSoon()
		}
		if err != nil {
			t.Fatalf("%d clients have died, each at some point of its life; the next one could not connect, or not open the stream: %v", n, err)
		}
		moments[t.Rand().IntN(len(moments))].live(l)
		l.drop()
	}
	t.served(t.layout(), "forty clients have died, each at some point of its life")
}

// freeSoon waits until nobody has the stream.
func (t *T) freeSoon() error {
	l, err := t.linkSoon(false)
	if err == nil {
		err = l.choose(t.layout())
	}
	if err == nil {
		err = l.openSoon()
	}
	if err == nil {
		err = l.closeStream()
	}
	if l.Conn != nil {
		_ = l.Close() // its errors are told at the end of the rule
	}
	return err
}
