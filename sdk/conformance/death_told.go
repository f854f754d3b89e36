// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkDeathObserved(t *T) {
	o := t.observer()
	for _, s := range []userclient.State{userclient.StateOpen, userclient.StateRunning, userclient.StateSuspended} {
		l := t.link()
		l.reach(s)
		if ob, err := o.observation(); err != nil || ob.State == userclient.StateClosed {
			t.abortf("while a client has the stream %s, the observation says %s (%s)", s, ob.State, answer(err))
		}
		l.drop()
		ob, err := o.forgotten()
		switch {
		case err != nil:
			t.Fatalf("the client died that had the stream %s; then the observation was answered with %s", s, answer(err))
		case ob.State != userclient.StateClosed || ob.OwnerPID != -1:
			t.Fatalf("the client died that had the stream %s; %v later the observation says that process %d has it, and that it is %s; it must say -1 and closed",
				s, t.s.scaled(deathBound), ob.OwnerPID, ob.State)
		}
	}
}

// forgotten waits until the observation says that nobody has the stream, and returns the
// last one.
func (l *link) forgotten() (ob userclient.Observation, err error) {
	ctx, cancel := l.t.Within(deathBound)
	defer cancel()
	l.t.Until(ctx, func() bool {
		ob, err = l.observation()
		return err != nil || ob.State == userclient.StateClosed && ob.OwnerPID == -1
	})
	return ob, err
}

func checkDeathEvent(t *T) {
	for _, s := range []userclient.State{userclient.StateOpen, userclient.StateRunning, userclient.StateSuspended} {
		waits, looks := t.onlooker(false).watchNow(), t.onlooker(true).watchNow()
		l := t.link()
		l.reach(s)
		l.drop()
		died := "the client died that had the stream " + s.String()
		if !waits.closes(t.ringing) {
			t.Errorf("%s; a client that waits at its events port was told %s within %v; it must be rung and told that the stream is closed",
				died, statesText(waits.states()), t.s.scaled(deathBound))
		}
		if !looks.closes(t.polling) {
			t.Errorf("%s; an observer was told %s within %v; it must be told that the stream is closed",
				died, statesText(looks.states()), t.s.scaled(deathBound))
		}
		if t.Failed() {
			return
		}
		waits.l.must("hang up", waits.l.Close())
		looks.l.must("hang up", looks.l.Close())
	}
}

// closes fetches events until one says that the stream is closed. next waits for more of
// them, or says that none came in time.
func (w *watch) closes(next func(ctx context.Context, l *link) bool) bool {
	ctx, cancel := w.l.t.Within(deathBound)
	defer cancel()
	for {
		w.fetch()
		if told := w.states(); len(told) > 0 && told[len(told)-1] == userclient.StateClosed {
			return true
		}
		if !next(ctx, w.l) {
			return false
		}
	}
}

// ringing waits until somebody rings the events port.
func (t *T) ringing(ctx context.Context, l *link) bool { return l.ev.Wait(ctx) == nil }

// polling waits for a while, unless ctx has ended.
func (t *T) polling(ctx context.Context, _ *link) bool {
	looks := 0
	t.Until(ctx, func() bool {
		looks++
		return looks > 1
	})
	return ctx.Err() == nil
}

// undisturbed checks that entries come to the owner of a stream, also when the driver has
// had time to notice what happened.
func (r *rig) undisturbed(after string) bool {
	quiet, end := r.t.Quiet()
	defer end()
	select {
	case <-r.Done():
	case <-quiet.Done():
	}
	ctx, cancel := r.t.Frames(2)
	defer cancel()
	es, err := r.follow(ctx, 2, nil)
	if err != nil {
		r.t.Errorf("%s; then %d entries came to the client that runs the stream, and no more: %v", after, len(es), err)
	}
	return err == nil
}

func checkObserversDie(t *T) {
	n := int(min(t.Describe().MaxObservers, mostObservers))
	r := t.running(t.layout())
	r.mustFollow(1)
	for round := range 2 {
		observers := make([]*link, n)
		for i := range observers {
			l, err := t.linkSoon(true)
			switch {
			case err == nil:
				observers[i] = l
			case round == 0:
				t.abortf("observer %d could not connect: %v", i+1, err)
			default:
				t.Fatalf("%d observers died; %v later observer %d could not connect: %v; the description allows %d", n, t.s.scaled(deathBound), i+1, err, n)
			}
		}
		for _, o := range observers {
			_, _ = o.observation() // other rules are about the answer
			o.drop()
		}
		if !r.undisturbed(fmt.Sprintf("%d observers died", n)) {
			return
		}
	}
	r.accepted("stop by the client that runs the stream, after observers have died,", r.stop())
}

func checkBystandersDie(t *T) {
	r := t.running(t.layout())
	r.mustFollow(1)
	bystanders := append(t.earlyMoments(), moment{"after it had been refused the stream", func(l *link) {
		l.mustPorts()
		l.mustChoose()
		if err := l.open(); err == nil {
			t.abortf("a second client could open the stream")
		}
	}})
	for _, m := range bystanders {
		t.lived(m).drop()
		died := "another client died " + m.when
		if !r.undisturbed(died) {
			return
		}
		if err := r.Err(); err != nil {
			t.Errorf("%s; then the session of the client that runs the stream was over: %v", died, err)
			return
		}
	}
	other := t.link()
	other.mustChoose()
	other.refused("open, after other clients have died while one runs the stream,", other.open(), ioreturn.ExclusiveAccess)
}
