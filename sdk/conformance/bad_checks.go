// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// picture is what a client can see of the session without changing it. A refused call
// leaves it as it was.
func (l *link) picture() string {
	text := ""
	for _, sel := range []uint32{userclient.SelGetMode, userclient.SelGetBufferCount} {
		w, err := l.words(sel)
		if err != nil {
			return fmt.Sprintf("selector %d was answered with %s", sel, answer(err))
		}
		text += fmt.Sprintf("selector %d answers %d; ", sel, w)
	}
	if l.t.Claims(CapObserve) {
		o, err := l.observation()
		if err != nil {
			return fmt.Sprintf("asking for the state was answered with %s", answer(err))
		}
		text += stateText(o.State)
	}
	if l.t.Claims(CapFormat) {
		b, err := l.bytes(userclient.SelGetFormat)
		if err != nil {
			return fmt.Sprintf("get format was answered with %s", answer(err))
		}
		text += fmt.Sprintf("the format is %x; ", b)
	}
	return text
}

func stateText(s userclient.State) string { return fmt.Sprintf("the stream is %s; ", s) }

// changesNothing makes calls and reports if the session looks different afterwards.
func (l *link) changesNothing(what string, calls func()) {
	before := l.picture()
	calls()
	after := l.picture()
	if l.t.Claims(CapFail) && strings.Contains(after, stateText(userclient.StateOpen)) { // it may have stopped by itself
		before = strings.Replace(before, stateText(userclient.StateRunning), stateText(userclient.StateOpen), 1)
	}
	if after != before {
		l.t.Errorf("%s changed something: before, %safterwards, %s", what, before, after)
	}
}

// turnedDown checks that a call was refused with one of some codes.
func (l *link) turnedDown(what string, err error, codes ...ioreturn.Code) {
	for _, c := range codes {
		if err != nil && !lost(err) && ioreturn.Of(err) == c {
			return
		}
	}
	l.refused(what, err, codes[0])
}

// answeredOr checks that a call succeeded or was refused with one of some codes.
func (l *link) answeredOr(what string, err error, codes ...ioreturn.Code) {
	if err == nil {
		return
	}
	for _, c := range codes {
		if !lost(err) && ioreturn.Of(err) == c {
			return
		}
	}
	l.t.Errorf("%s was answered with %s; it must succeed or be refused as %s", what, answer(err), codeText(codes[0]))
}

// refusesAll checks in each state that some selectors are unknown.
func (t *T) refusesAll(selectors ...uint32) {
	for s := userclient.StateClosed; s <= userclient.StateSuspended; s++ {
		l := t.link()
		l.reach(s)
		l.changesNothing("calling methods that do not exist", func() {
			for _, sel := range selectors {
				what := fmt.Sprintf("a call of selector %#x, which does not exist, while the stream is %s,", sel, s)
				l.turnedDown(what, l.call(sel), ioreturn.Unsupported, ioreturn.BadArgument)
			}
		})
		l.must("hang up", l.Close())
	}
}

// unknownMethods is how many unknown selectors of a range a rule calls in each state.
const unknownMethods = 8

// sample returns some of the numbers in from ... to, with both ends.
func (t *T) sample(from, to uint32) []uint32 {
	out := []uint32{from, to}
	for range unknownMethods - 2 {
		out = append(out, from+t.Rand().Uint32N(to-from+1))
	}
	return out
}

func checkUnknownMethods(t *T) {
	t.refusesAll(t.sample(userclient.SelGetBufferCount+1, userclient.SelExtBase-1)...)
	if !t.Claims(CapDescribe) {
		return
	}
	d := t.Describe()
	var unlisted []uint32
	for sel := userclient.SelExtBase; sel <= userclient.SelExtLast; sel++ {
		if d.Selectors[sel/64]&(1<<(sel%64)) == 0 {
			unlisted = append(unlisted, sel)
		}
	}
	t.Rand().Shuffle(len(unlisted), func(i, j int) { unlisted[i], unlisted[j] = unlisted[j], unlisted[i] })
	t.refusesAll(unlisted[:min(len(unlisted), unknownMethods)]...)
}

func checkNobodysMethods(t *T) {
	own := t.sample(userclient.SelExtLast+1, userclient.SelVendorBase-1)
	t.refusesAll(append(own, 0xfffffffe, 0xffffffff)...)
}

// taking is a method that takes scalars, in a state in which it could succeed.
type taking struct {
	sel   uint32
	name  string
	args  []uint64 // that would be right
	state userclient.State
	needs Capability // none: every driver has it
}

// takers lists the methods that take scalars.
func (t *T) takers() []taking {
	d := t.Describe()
	all := []taking{
		{userclient.SelSetMode, "set mode", []uint64{uint64(d.Mode)}, userclient.StateOpen, ""},
		{userclient.SelSelect, "select", []uint64{0, uint64(t.layout())}, userclient.StateClosed, CapDescribe},
		{userclient.SelEvents, "events", []uint64{0}, userclient.StateOpen, CapEvents},
		{userclient.SelInputSync, "input sync", []uint64{1}, userclient.StateRunning, CapInputSync},
		{userclient.SelDoorbell, "the doorbell", []uint64{1}, userclient.StateRunning, CapDoorbell},
	}
	var out []taking
	for _, m := range all {
		if m.needs == "" || t.Claims(m.needs) {
			out = append(out, m)
		}
	}
	return out
}

func checkMissingScalars(t *T) {
	for _, m := range t.takers() {
		l := t.link()
		l.reach(m.state)
		l.changesNothing(m.name+" without its arguments", func() {
			for n := range m.args {
				err := l.call(m.sel, m.args[:n]...)
				if m.state == userclient.StateRunning && l.failed(err) {
					continue // it has stopped by itself
				}
				l.turnedDown(fmt.Sprintf("%s with %d of %d scalars", m.name, n, len(m.args)), err, ioreturn.BadArgument)
			}
		})
		l.must("hang up", l.Close())
	}
}

func checkSurplus(t *T) {
	many := make([]uint64, userclient.MaxScalars)
	bytes := make([]byte, userclient.MaxInline)
	for i := range bytes {
		bytes[i] = byte(t.Rand().Uint32())
	}
	for i := range many {
		many[i] = t.Rand().Uint64()
	}
	l := t.link()
	l.reach(userclient.StateOpen)
	methods := append(t.takers(),
		taking{sel: userclient.SelGetMode, name: "get mode"}, taking{sel: userclient.SelGetBufferCount, name: "get buffer count"},
		taking{sel: userclient.SelStart, name: "start"}, taking{sel: userclient.SelStop, name: "stop"})
	l.changesNothing("calling methods with more than they take", func() {
		for _, m := range methods {
			if m.sel == userclient.SelSelect {
				continue // it is not for a stream that is open
			}
			in := append(append([]uint64(nil), m.args...), many[len(m.args):]...)
			_, err := l.bytes(m.sel, in...)
			l.answeredOr(m.name+" with 16 scalars", err, ioreturn.BadArgument)
			err = l.do(&userclient.Args{
				Selector: m.sel, In: m.args, InBytes: bytes,
				Out: make([]uint64, userclient.MaxScalars), OutBytes: make([]byte, userclient.MaxInline),
			})
			l.answeredOr(m.name+" with 64 KiB of bytes", err, ioreturn.BadArgument, ioreturn.MessageTooLarge)
		}
		l.must("stop the stream", l.stop())
	})
}
