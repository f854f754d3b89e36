// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// modeRules are about the direction of a stream.
func modeRules() []Rule {
	return []Rule{
		{
			ID: "MODE-01", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "The direction is one of three, and the same wherever it is told",
			What:   "Get mode (selector 5) answers one word, 0, 1 or 2, and the description names the same direction and has it among those that can be set.",
			Why:    "A client decides by it who fills the buffers; two answers make both sides fill them, or neither.",
			Remedy: "Keep the direction in one place and answer both from there.",
			Check:  checkModeTold,
		},
		{
			ID: "MODE-02", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "A direction that does not exist is refused",
			What:   "Set mode with a number other than 0, 1 and 2, also one whose low 32 bits look right, is refused as kIOReturnUnsupportedMode and changes nothing.",
			Why:    "A driver that cuts the number or stores it unseen goes on in a direction that nobody asked for.",
			Remedy: "Check the whole 64-bit word before anything else is done with it.",
			Check:  checkModeUnknown,
		},
		{
			ID: "MODE-03", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0", Needs: []Capability{CapDescribe},
			Title:  "A direction that is not offered is refused",
			What:   "Set mode with a direction that the description does not offer is refused as kIOReturnUnsupportedMode and changes nothing.",
			Why:    "The client would wait for frames that the device can't make, or send to one that does not listen.",
			Remedy: "Offer in the description what set mode takes, and refuse the rest.",
			Check:  checkModeNotOffered,
		},
		{
			ID: "MODE-04", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0",
			Title:  "The direction that the stream has can be set again",
			What:   "Set mode with the present direction succeeds on an open, stopped stream.",
			Why:    "Apple's clients set the direction as a matter of course after they have opened a stream.",
			Remedy: "Answer success without a change when the direction is the one that the stream has.",
			Check: func(t *T) {
				l := t.link()
				l.reach(userclient.StateOpen)
				l.accepted("set mode to the direction that the stream has", l.setSameMode())
			},
		},
		{
			ID: "MODE-05", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0", Needs: []Capability{CapSwitch},
			Title: "Each direction that is offered can be set, is told, and works",
			What: "On an open, stopped stream, set mode succeeds for each direction that the description offers; then get mode and the description " +
				"name it, the description's generation has grown if it changed, and entries come after a start.",
			Why:    "A direction that is offered and does not work is found out only with the device in use.",
			Remedy: "Look at SetDirection, and at who has the buffers after the change: all of them are the driver's.",
			Check:  checkModeSwitch,
		},
		{
			ID: "MODE-06", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: []Capability{CapSwitch},
			Title:  "The direction can't change while the client has buffers",
			What:   "Set mode with another direction is refused as kIOReturnBusy while the client has a buffer, and succeeds when the driver has them all again.",
			Why:    "A buffer that was meant to be read would come back as one that was filled.",
			Remedy: "Count the buffers that are with the client, and refuse unless there are none.",
			Check:  checkModeWhileLent,
		},
	}
}

// mode asks for the direction.
func (l *link) mode() (uint64, error) {
	w, err := l.words(userclient.SelGetMode)
	if err != nil {
		return 0, err
	}
	if len(w) != 1 {
		return 0, fmt.Errorf("get mode answered %d words; it must answer one", len(w))
	}
	return w[0], nil
}

func (l *link) setMode(m uint64) error { return l.call(userclient.SelSetMode, m) }

// describe asks for the description as it is now. Needs CapDescribe.
func (l *link) describe() (d userclient.Description, err error) {
	b, err := l.bytes(userclient.SelDescribe)
	if err == nil {
		err = d.UnmarshalBinary(b)
	}
	return d, err
}

func checkModeTold(t *T) {
	l := t.link()
	l.mustChoose()
	m, err := l.mode()
	switch {
	case err != nil:
		t.Fatalf("asking for the direction: %v", err)
	case !userclient.Mode(m).Valid() || m > uint64(userclient.ModeInputOutput):
		t.Errorf("get mode answered %d; the directions are 0 (to-device), 1 (from-device) and 2 (both ways)", m)
	}
	if !t.Claims(CapDescribe) {
		return
	}
	d, err := l.describe()
	l.must("describe the stream", err)
	if uint64(d.Mode) != m {
		t.Errorf("get mode answered %d, and the description says %d (%v); they must be the same", m, d.Mode, d.Mode)
	}
	if d.Modes&(1<<d.Mode) == 0 || d.Modes>>3 != 0 {
		t.Errorf("the description offers the directions with the bits %#b, of which the present one, %v, is bit %d; "+
			"it must be among them, and there are three", d.Modes, d.Mode, d.Mode)
	}
}

// staysInMode checks that the direction is still m.
func (l *link) staysInMode(m uint64, after string) {
	if now, err := l.mode(); err != nil || now != m {
		l.t.Errorf("%s was refused, but the direction was %d before and is %d now (%s)", after, m, now, answer(err))
	}
}

func checkModeUnknown(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	now, err := l.mode()
	l.must("get the mode", err)
	for _, m := range []uint64{3, 4, 0xffffffff, 1 << 32, 1<<32 | now, 1<<63 | now} {
		what := fmt.Sprintf("set mode to %#x", m)
		if l.refused(what, l.setMode(m), ioreturn.UnsupportedMode) {
			l.staysInMode(now, what)
		}
	}
}

func checkModeNotOffered(t *T) {
	d := t.Describe()
	l := t.link()
	l.reach(userclient.StateOpen)
	tried := 0
	for m := userclient.ModeInput; m <= userclient.ModeInputOutput; m++ {
		if d.Modes&(1<<m) != 0 {
			continue
		}
		tried++
		what := fmt.Sprintf("set mode to %d (%v), which the description does not offer,", m, m)
		if l.refused(what, l.setMode(uint64(m)), ioreturn.UnsupportedMode) {
			l.staysInMode(uint64(d.Mode), what)
		}
	}
	if tried == 0 {
		t.inapplicable("the driver offers every direction")
	}
}

// restoreMode sets the direction back at the end of the rule, on a connection of its
// own, for a direction outlives the session that set it.
func (t *T) restoreMode() {
	t.Cleanup(func() string {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(t.ctx), t.s.scaled(connectBound+answerBound), errTimeUp)
		defer cancel()
		c, err := t.s.target.Connect(ctx, false)
		if err != nil {
			return fmt.Sprintf("connecting to set the direction back: %v", err)
		}
		defer func() { _ = t.hangUp(c) }() // the next rule tells
		d := t.Describe()
		if _, err := choose(ctx, c, &d, t.layout()); err != nil {
			return fmt.Sprintf("selecting features to set the direction back: %v", err)
		}
		for _, a := range []userclient.Args{
			{Selector: userclient.SelOpen, In: []uint64{uint64(userclient.OpenExclusive)}},
			{Selector: userclient.SelSetMode, In: []uint64{uint64(d.Mode)}},
		} {
			if err := c.Call(ctx, &a); err != nil {
				return fmt.Sprintf("setting the direction back: %v", err)
			}
		}
		return ""
	})
}

func checkModeSwitch(t *T) {
	t.restoreMode()
	before := t.Describe()
	modes := []userclient.Mode{before.Mode}
	for m := userclient.ModeInput; m <= userclient.ModeInputOutput; m++ {
		if before.Modes&(1<<m) != 0 && m != before.Mode {
			modes = append(modes, m)
		}
	}
	for _, m := range append(modes[1:], modes[0]) {
		t.switchTo(m)
	}
}

// switchTo sets a direction in a session of its own and tries it.
func (t *T) switchTo(m userclient.Mode) {
	r := t.rig(t.layout())
	old, err := r.describe()
	r.must("describe the stream", err)
	if !r.accepted(fmt.Sprintf("set mode to %d (%v), which is offered,", m, m), r.setMode(uint64(m))) {
		return
	}
	got, err := r.mode()
	now, descErr := r.describe()
	r.must("describe the stream", descErr)
	if err != nil || got != uint64(m) || now.Mode != m {
		t.Errorf("after set mode to %d, get mode answers %d (%s) and the description says %d; both must be %d",
			m, got, answer(err), now.Mode, m)
	}
	if now.Generation <= old.Generation && old.Mode != m {
		t.Errorf("the direction changed from %v to %v, but the description's generation went from %d to %d; it must grow",
			old.Mode, m, old.Generation, now.Generation)
	}
	r.mustStart()
	r.expect(fmt.Sprintf("after set mode to %d (%v) and a start", m, m))
	r.must("hang up", r.Close())
}

func checkModeWhileLent(t *T) {
	t.restoreMode()
	d := t.Describe()
	other := userclient.ModeInput
	for d.Modes&(1<<other) == 0 || other == d.Mode {
		other++
	}
	r := t.running(t.layout())
	es := r.mustTake(1)
	r.mustStop()
	more, err := r.drain()
	r.must("read what was posted before the stop", err)
	es = append(es, more...)
	what := fmt.Sprintf("set mode to %d (%v) while the client has %d buffers", other, other, len(es))
	r.refused(what, r.setMode(uint64(other)), ioreturn.Busy)
	r.mustGiveBack(es...)
	ctx, cancel := t.Frames(1)
	defer cancel()
	if !t.Until(ctx, func() bool { err = r.setMode(uint64(other)); return err == nil }) {
		t.Errorf("set mode to %d (%v) after every buffer was given back was answered with %s; it must succeed", other, other, answer(err))
	}
}
