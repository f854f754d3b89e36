// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// The checks of commands that the device file names.

// sentTimes is how often a safe command is sent where once would not show all.
const sentTimes = 4

func checkSafeSucceeds(t *T) {
	for _, k := range t.safe() {
		p := t.plane()
		for i := range sentTimes {
			when := "for the first time in a session"
			if i > 0 {
				when = "again"
			}
			if !p.succeeds(k, when) {
				break
			}
		}
	}
}

func checkSafeRoom(t *T) {
	for _, k := range t.safe() {
		r, n, err := t.plane().upTo(k, maxCopies)
		switch {
		case err != nil || n.Kind != ioctl.Ack:
			t.abortf("%s was answered with %s", k.what, nextText(n, err))
		case len(n.Data) > len(r.Data):
			t.Errorf("%s was sent with %d bytes of data and answered with %s; no more may come back than were sent", k.what, len(r.Data), nextText(n, nil))
		}
	}
}

func checkSafeMemory(t *T) {
	for _, k := range t.copying() {
		p := t.plane()
		mem, err := ioctl.NewRegions(k.memory()...)
		p.must("register memory", err)
		c := ioctl.NewCopier(mem, ioctl.LimitsOf(streams.Strict.Tunables()))
		n, err := p.ask(k.request(p))
		for err == nil && asks(n) {
			e := c.Do(n)
			if e.Kind == ioctl.CopyFailed {
				t.Errorf("%s asked for %s, which a stream head refuses with %v; a command may reach the memory that the device file gives it, "+
					"with at most %d copies", k.what, nextText(n, nil), e.Errno, maxRounds)
			}
			n, err = p.tell(e)
		}
	}
}

func checkSafeGivenUp(t *T) {
	for _, k := range t.copying() {
		t.plane().givesUp(k)
	}
}

func checkSafeFails(t *T) {
	for _, k := range t.copying() {
		t.plane().fails(k)
	}
}

func checkSafeShared(t *T) {
	for _, k := range t.copying() {
		stuck, other := t.plane(), t.plane()
		stuck.eachCopy(k, func(n ioctl.Next, at string) bool {
			ok := other.succeeds(k, "of one session, while the same command of another one waited for its client "+at+",")
			stuck.must("give a command up", stuck.abandon(n.ID))
			return ok
		})
	}
}

// stackIs checks the names of the stack.
func (p *plane) stackIs(want []string, when string) bool {
	got, err := p.names()
	if err != nil || !slices.Equal(got, want) {
		p.t.Errorf("%s the modules of the stack were %q (%s); they must be %q", when, got, answer(err), want)
		return false
	}
	return true
}

func checkSafePushed(t *T) {
	for _, name := range t.s.device.SafeModules {
		p := t.plane()
		stacks := [][]string{p.mustNames()}
		for i := range 2 {
			stacks = append(stacks, append([]string{name}, stacks[i]...))
			if !p.accepted("pushing module "+name, p.push(name)) || !p.stackIs(stacks[i+1], "after module "+name+" was pushed") {
				return
			}
		}
		for i := 1; i >= 0; i-- {
			if !p.accepted("popping module "+name, p.pop()) || !p.stackIs(stacks[i], "after module "+name+" was popped") {
				return
			}
		}
		p.serves("after module " + name + " was pushed and popped")
	}
}

// mustPush pushes a module, or ends the rule in an error.
func (p *plane) mustPush(name string) { p.must("push module "+name, p.push(name)) }

func checkSafeOwnStack(t *T) {
	for _, name := range t.s.device.SafeModules {
		one, other := t.plane(), t.plane()
		before := other.mustNames()
		one.mustPush(name)
		if !other.stackIs(before, "while another session had pushed module "+name) ||
			!t.plane().stackIs(before, "in a new session, while another one had pushed module "+name) {
			return
		}
		one.must("pop module "+name, one.pop())
	}
}

// through follows the stream while a module is pushed, and again when it is popped, and
// returns how many entries came; a stream that does not go on is a breach.
func (r *rig) through(name string) (came int) {
	p := &plane{link: r.link}
	last, any := uint32(0), false
	goOn := func(when string) {
		ctx, cancel := r.t.Frames(r.t.some())
		defer cancel()
		es, err := r.follow(ctx, r.t.some(), nil)
		came += len(es)
		if err != nil {
			r.t.Fatalf("%s only %d of %d entries came: %v", when, len(es), r.t.some(), err)
		}
		for i := range es {
			if r.isNumbered() && any && int32(es[i].Seq-last) <= 0 {
				r.t.Fatalf("%s entry %d came behind entry %d; numbers grow", when, es[i].Seq, last)
			}
			last, any = es[i].Seq, true
		}
	}
	goOn("before module " + name + " was pushed")
	p.mustPush(name)
	goOn("while module " + name + " was pushed")
	p.must("pop module "+name, p.pop())
	goOn("after module " + name + " was popped")
	return came
}

func checkSafePayload(t *T) {
	t.mustDeliver()
	for _, name := range t.s.device.SafeModules {
		r := t.running(t.layout())
		r.through(name)
		r.mustStop()
		r.must("close the stream", r.closeStream())
	}
}

func checkSafeLoss(t *T) {
	t.mustDeliver()
	for _, name := range t.s.device.SafeModules {
		r := t.rig(t.layout())
		r.mustStart()
		came := r.through(name)
		r.mustStop()
		came += len(r.mustDrain())
		st := r.mustStats()
		if text := unbalanced(&st); text != "" {
			t.Errorf("after a stream had run through module %s and was stopped, %s; the sums must be equal", name, text)
		}
		if missing := given(&st) - uint64(came); missing != st.TotalLost() {
			t.Errorf("a stream ran through module %s and was stopped: the last number given is %s and %d entries came, so %d are missing; but the causes of loss add up to %d (%s)",
				name, lastText(&st), came, missing, st.TotalLost(), causesText(&st))
		}
		r.must("close the stream", r.closeStream())
	}
}
