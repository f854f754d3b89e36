// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// mustKill ends the driver's process.
func (t *T) mustKill() {
	k, ok := t.Target().(Killer)
	if !ok {
		t.abortf("the driver can't be killed")
	}
	if err := k.Kill(); err != nil {
		t.abortf("could not kill the driver: %v", err)
	}
}

// mustRestart starts the driver anew.
func (t *T) mustRestart() {
	r, ok := t.Target().(Restarter)
	if !ok {
		t.abortf("the driver can't be started anew")
	}
	if err := r.Restart(t.ctx); err != nil {
		t.Fatalf("the driver was killed and could not be started anew: %v", err)
	}
}

// goneText says what is wrong with an error that must say that the driver is gone, or
// nothing.
func goneText(err error) string {
	switch {
	case err == nil:
		return "succeeded"
	case !errors.Is(err, ioreturn.ErrGone):
		return fmt.Sprintf("ended with %s", answer(err))
	}
	return ""
}

// isOver checks that a session is over because the driver is gone, and refuses everything.
func (l *link) isOver(who string) {
	ctx, cancel := l.t.Within(deathBound)
	defer cancel()
	select {
	case <-l.Done():
	case <-ctx.Done():
		l.t.Errorf("the driver was killed, and %v later the session of %s is not over", l.t.s.scaled(deathBound), who)
		return
	}
	if err := l.Err(); !errors.Is(err, ioreturn.ErrGone) || ioreturn.Of(err) != ioreturn.NoDevice {
		l.t.Errorf("the driver was killed; the session of %s is over because of %s; the reason must be %s", who, answer(err), codeText(ioreturn.NoDevice))
	}
	l.refusesAll(who)
}

// refusesAll checks that a session whose driver is gone refuses what a client may ask.
func (l *link) refusesAll(who string) {
	uses := map[string]func() error{
		"a call": func() error { return l.call(userclient.SelGetBufferCount) },
		"a map": func() error {
			ctx, cancel := l.t.Within(answerBound)
			defer cancel()
			m, err := l.Map(ctx, userclient.MemOutputQueue)
			if err == nil {
				_ = m.Unmap() // that there is one is the breach
			}
			return err
		},
	}
	if l.bell != nil {
		uses["a ring"] = func() error { return l.bell.Ring() }
	}
	for what, use := range uses {
		if wrong := goneText(use()); wrong != "" {
			l.t.Errorf("the driver was killed; after that %s in the session of %s %s; it must be refused with %s", what, who, wrong, codeText(ioreturn.NoDevice))
		}
	}
}

func checkDriverDies(t *T) {
	r := t.running(t.layout())
	r.mustFollow(1)
	sessions := map[string]*link{"the client that ran the stream": r.link, "a client that was connected": t.link()}
	if t.Claims(CapObserve) {
		sessions["an observer"] = t.observer()
	}
	t.mustKill()
	for who, l := range sessions {
		l.isOver(who)
	}
}

// waiter is somebody who waits for the driver.
type waiter struct {
	what string
	wait func() error
	ends chan error
}

func checkWaitersLearn(t *T) {
	r := t.rig(t.layout()) // nothing comes as long as it is not started
	waiters := []*waiter{
		{what: "a wait at the output port", wait: func() error { return waitOn(t.ctx, r.port) }},
		{what: "a call that was under way", wait: func() error {
			for {
				if err := r.call(userclient.SelGetBufferCount); err != nil {
					return err
				}
			}
		}},
	}
	if r.ev != nil {
		waiters = append(waiters, &waiter{what: "a wait at the events port", wait: func() error { return waitOn(t.ctx, r.ev) }})
	}
	for _, w := range waiters {
		w.ends = make(chan error, 1)
		t.Go(func() { w.ends <- w.wait() })
	}
	t.wait() // so that they wait
	t.mustKill()
	ctx, cancel := t.Within(deathBound)
	defer cancel()
	for _, w := range waiters {
		var err error
		if !t.Until(ctx, func() bool { return received(w.ends, &err) }) {
			t.Errorf("the driver was killed, and %v later %s has not returned", t.s.scaled(deathBound), w.what)
		} else if wrong := goneText(err); wrong != "" && !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
			t.Errorf("the driver was killed; %s %s; it must end with %s", w.what, wrong, codeText(ioreturn.NoDevice))
		}
	}
}

// received takes what a channel has, if it has something.
func received(from <-chan error, err *error) bool {
	select {
	case *err = <-from:
		return true
	default:
		return false
	}
}

// waitOn waits at a port until that fails.
func waitOn(ctx context.Context, p userclient.Port) error {
	for {
		if err := p.Wait(ctx); err != nil {
			return err
		}
	}
}

// faulted runs f and returns the fault that it ran into by reading memory that is not
// there any more, or nil.
func faulted(f func()) (fault any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { fault = recover() }()
	f()
	return nil
}

func checkMemoryStays(t *T) {
	r := t.running(t.layout())
	r.mustQueue()
	held := r.mustTake(1)
	if len(r.bounds) > 1 {
		r.mustQueue() // one that is not read before the driver dies
	}
	r.quiesce() // so that nobody writes any more
	unread := r.mustLen()
	before := r.buffersOf(held)
	t.mustKill()
	_ = r.ended() // what the transport does about a death is done
	if fault := faulted(func() {
		for what, b := range r.buffersOf(held) {
			if !bytes.Equal(b, before[what]) {
				t.Errorf("the driver was killed while the stream was suspended; then the bytes of %s had changed, which the client held", what)
			}
		}
		for _, b := range append(r.data, r.control...) {
			_ = bytes.Clone(b) // every byte can be read
		}
		r.isReadable(unread)
	}); fault != nil {
		t.Errorf("the driver was killed; then reading memory that the client has mapped ran into a fault: %v", fault)
	}
}

// isReadable checks that n entries can be taken from the output queue of a dead driver.
func (r *rig) isReadable(n int) {
	var all []queue.Entry
	for {
		es, err := r.drain()
		if err != nil {
			r.t.Errorf("the driver was killed; then reading the output queue failed: %v", err)
			return
		}
		if len(es) == 0 {
			break
		}
		all = append(all, es...)
	}
	if len(all) != n {
		r.t.Errorf("%d entries were on the output queue when the driver was killed; then %d could be read", n, len(all))
	}
}

func checkDriverRestarts(t *T) {
	before := t.Describe()
	r := t.running(t.layout())
	r.mustFollow(1)
	t.mustKill()
	t.mustRestart()
	const died = "the driver was killed while a client ran the stream, and started anew"
	if !t.served(t.layout(), died) || !t.Claims(CapDescribe) {
		return
	}
	now, err := t.link().describe()
	if err != nil {
		t.Fatalf("after %s, describe was answered with %s", died, answer(err))
	}
	if now.Name != before.Name {
		t.Errorf("after %s, the stream is called %s; it must be %s as before", died, now.Name, before.Name)
	}
	if now.Instance == before.Instance {
		t.Errorf("after %s, the description has the instance %#x as before; a client could not tell the new driver from the old one", died, now.Instance)
	}
}

func checkOldSessionIsOver(t *T) {
	old := t.running(t.layout())
	es := old.mustTake(1)
	t.mustKill()
	t.mustRestart()
	const who = "a client of the old driver's"
	old.isOver(who)
	_, _ = old.end.Send(old.returning(es)) // to nobody
	next := t.heir(t.layout(), "the driver was killed and started anew")
	if err := next.exchange(min(len(next.bounds), t.some()) + 1); err != nil {
		t.Errorf("the driver was killed and started anew; the next client %v", err)
	}
	ctx, cancel := t.Within(deathBound)
	defer cancel()
	if wrong := goneText(waitOn(ctx, old.port)); wrong != "" {
		t.Errorf("the driver was killed and started anew; a wait at the output port of %s %s; it must end with %s", who, wrong, codeText(ioreturn.NoDevice))
	}
	old.refusesAll(who)
}
