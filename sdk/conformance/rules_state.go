// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// stateRow is the row of the state table that one of the STATE rules is about.
type stateRow struct {
	op    userclient.Operation
	name  string // of the operation in messages
	why   string
	needs []Capability
	do    func(*link) error
}

func stateRows() []stateRow {
	return []stateRow{
		{
			op: userclient.OpOpen, name: "open", do: (*link).open,
			why: "A second open that succeeds makes new queues under a client that uses the old ones.",
		},
		{
			op: userclient.OpClose, name: "close", do: (*link).closeStream,
			why: "A close that succeeds without an open hides that the client has lost count, and may close somebody else's session.",
		},
		{
			op: userclient.OpStart, name: "start", do: (*link).start,
			why: "There are no queues to post on before open; the device would run for nobody.",
		},
		{
			op: userclient.OpStop, name: "stop", do: (*link).stop,
			why: "A client that has not opened the stream could stop it under the one that has.",
		},
		{
			op: userclient.OpSuspend, name: "suspend", do: (*link).suspend,
			why: "A stream that does not run has nothing to keep; success would make the next start look like a continuation.",
		},
		{
			op: userclient.OpSetMode, name: "set mode", do: (*link).setSameMode,
			why: "A direction that changes under a running stream turns the meaning of every buffer that is on its way.",
		},
		{
			op: userclient.OpSelect, name: "select", needs: []Capability{CapDescribe},
			do:  func(l *link) error { return l.choose(l.t.layout()) },
			why: "Layout and features decide what lies in the shared memory; they can't change once it is mapped.",
		},
		{
			op: userclient.OpMap, name: "map", do: (*link).mapOutputQueue,
			why: "Memory belongs to an open session; before open there is none, or that of another client.",
		},
		{
			op: userclient.OpMap, name: "memory map", needs: []Capability{CapMemoryMap},
			do:  func(l *link) error { _, err := l.bytes(userclient.SelMemoryMap); return err },
			why: "A map of memory that does not exist yet is wrong as soon as the stream is opened with another layout.",
		},
		{
			op: userclient.OpInputSync, name: "input sync", needs: []Capability{CapInputSync},
			do:  func(l *link) error { return l.call(userclient.SelInputSync, 0) },
			why: "There is no input queue to wait for before open; success says that something was consumed.",
		},
		{
			op: userclient.OpSetFormat, name: "set format", do: (*link).setSameFormat, needs: []Capability{CapSetFormat, CapFormat},
			why: "A format that changes while frames are on their way leaves the reader with frames that it reads wrongly.",
		},
		{
			op: userclient.OpEnqueue, name: "doorbell", needs: []Capability{CapDoorbell},
			do:  func(l *link) error { return l.call(userclient.SelDoorbell, 0) },
			why: "There is no queue to look at before open.",
		},
		{
			op: userclient.OpFlush, name: "flush", needs: []Capability{CapFlush},
			do:  func(l *link) error { return l.call(userclient.SelFlush) },
			why: "A client that has not opened the stream could discard the frames of the one that has.",
		},
	}
}

// stateRules are about the state table: what is refused when, with which code, and what
// is allowed more than once.
func stateRules() []Rule {
	var out []Rule
	for i, row := range stateRows() {
		out = append(out, Rule{
			ID: fmt.Sprintf("STATE-%02d", i+1), Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: row.needs,
			Title:  fmt.Sprintf("%s%s is refused where the state table refuses it", strings.ToUpper(row.name[:1]), row.name[1:]),
			What:   refusals(row) + " A refusal changes nothing.",
			Why:    row.why,
			Remedy: "Ask the state table (userclient.Next, iosk_state_next in C) before the method itself, and answer its code.",
			Check:  func(t *T) { t.refusedIn(row) },
		})
	}
	return append(out, stateMoreRules()...)
}

// refusals says in words what the table refuses.
func refusals(row stateRow) string {
	var parts []string
	for s := userclient.StateClosed; s <= userclient.StateSuspended; s++ {
		if code := userclient.Next(s, row.op).Code; code != ioreturn.Success {
			parts = append(parts, fmt.Sprintf("while the stream is %s as %s", s, code.Name()))
		}
	}
	return fmt.Sprintf("%s%s is refused %s.", strings.ToUpper(row.name[:1]), row.name[1:], strings.Join(parts, ", "))
}

func stateMoreRules() []Rule {
	return []Rule{
		{
			ID: "STATE-14", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "Start, stop and suspend may be repeated",
			What:   "Start of a running, stop of a stopped and suspend of a suspended stream succeed and change nothing; start continues a suspended one.",
			Why:    "A client whose call was given up does not know whether it took effect, and must be able to make it again.",
			Remedy: "Answer success without touching the device when the stream is already in the state that is asked for.",
			Check:  checkRepeats,
		},
		{
			ID: "STATE-15", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "Questions are answered in every state",
			What:   "What only asks (mode, number of buffers, description, counters, observation, format, clock, events) is answered whether the stream is closed, open, running or suspended.",
			Why:    "Tools look at a stream while somebody else uses it; one that answers only while it is idle can't be looked at when it matters.",
			Remedy: "Answer these selectors from what the driver knows, without asking for the state and without waiting for the device.",
			Check:  checkQuestions,
		},
		{
			ID: "STATE-16", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: []Capability{CapObserve},
			Title:  "The state that is told is the state",
			What:   "The observation (selector 0x108) shows closed, open, running and suspended as soon as the call that leads there is answered.",
			Why:    "Tools that list streams would show what is not so, and a client that asks after an unknown outcome would act on it.",
			Remedy: "Change the state before the call is answered, and read it for the observation from the same place.",
			Check:  checkToldState,
		},
		{
			ID: "STATE-17", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "A stream that was closed is as one that was never opened",
			What:   "After close, start, stop, suspend, close and the mapping of memory are refused as kIOReturnNotOpen, until the stream is opened again.",
			Why:    "A client would drive a device that it has given up and that another client may have by then.",
			Remedy: "Set the session's state back in close, and let the table decide; do not test whether queues exist.",
			Check:  checkClosedAgain,
		},
	}
}

// refusedIn checks every cell of one row of the state table that is a refusal, in a
// session of its own for each.
func (t *T) refusedIn(row stateRow) {
	for s := userclient.StateClosed; s <= userclient.StateSuspended; s++ {
		want := userclient.Next(s, row.op).Code
		if want == ioreturn.Success {
			continue
		}
		problem := t.refusal(s, row, want)
		for n := 0; problem != "" && t.Claims(CapFail) && s != userclient.StateClosed && n < failRetries; n++ {
			problem = t.refusal(s, row, want)
		}
		if problem != "" {
			t.Errorf("%s", problem)
		}
	}
}

// refusal checks one cell and says what is wrong, or nothing.
func (t *T) refusal(s userclient.State, row stateRow, want ioreturn.Code) (problem string) {
	l := t.link()
	l.reach(s)
	if problem = refusalText(fmt.Sprintf("%s while the stream is %s", row.name, s), row.do(l), want); problem == "" {
		problem = l.changed(s, row.name)
	}
	l.must("hang up", l.Close())
	return problem
}

// changed says how the session left state s although a call was refused, or nothing.
func (l *link) changed(s userclient.State, what string) string {
	if !l.t.Claims(CapObserve) {
		return ""
	}
	o, err := l.observation()
	switch {
	case err != nil:
		return fmt.Sprintf("after %s was refused, asking for the state was answered with %s", what, answer(err))
	case o.State != s:
		return fmt.Sprintf("%s was refused while the stream was %s, but the stream is %s afterwards; a refusal changes nothing", what, s, o.State)
	}
	return ""
}

func (l *link) setSameMode() error {
	return l.call(userclient.SelSetMode, uint64(l.t.Describe().Mode))
}

// setSameFormat asks for the format that the stream has.
func (l *link) setSameFormat() error {
	b, err := l.bytes(userclient.SelGetFormat)
	l.must("get the format", err)
	return l.do(&userclient.Args{Selector: userclient.SelSetFormat, InBytes: b, OutBytes: make([]byte, userclient.MaxInline)})
}

func (l *link) mapOutputQueue() error {
	_, err := l.mapped(userclient.MemOutputQueue)
	return err
}

func checkRepeats(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{"stop of an open stream that does not run", l.stop},
		{"start of an open stream", l.start},
		{"start of a running stream", l.start},
		{"suspend of a running stream", l.suspendSoon},
		{"suspend of a suspended stream", l.suspendSoon},
		{"start of a suspended stream", l.start},
		{"stop of a running stream", l.stop},
		{"stop of a stopped stream", l.stop},
	} {
		if !l.accepted(c.what, c.do()) {
			return
		}
	}
}

func checkQuestions(t *T) {
	for s := userclient.StateClosed; s <= userclient.StateSuspended; s++ {
		l := t.link()
		l.reach(s)
		for _, q := range t.questions() {
			a := userclient.Args{Selector: q.sel, In: q.in, Out: make([]uint64, userclient.MaxScalars), OutBytes: make([]byte, userclient.MaxInline)}
			l.accepted(fmt.Sprintf("%s while the stream is %s", q.name, s), l.do(&a))
		}
		l.must("hang up", l.Close())
	}
}

// question is a selector that only asks.
type question struct {
	name string
	sel  uint32
	in   []uint64
}

// questions are those that the driver claims to answer.
func (t *T) questions() []question {
	out := []question{{"get mode", userclient.SelGetMode, nil}, {"get buffer count", userclient.SelGetBufferCount, nil}}
	for _, q := range []struct {
		c Capability
		question
	}{
		{CapDescribe, question{"describe", userclient.SelDescribe, nil}},
		{CapStats, question{"get stats", userclient.SelStats, nil}},
		{CapObserve, question{"observe", userclient.SelObserve, nil}},
		{CapFormat, question{"get format", userclient.SelGetFormat, nil}},
		{CapCorrelate, question{"correlate", userclient.SelCorrelate, nil}},
		{CapEvents, question{"get events", userclient.SelEvents, []uint64{0}}},
	} {
		if t.Claims(q.c) {
			out = append(out, q.question)
		}
	}
	return out
}

func checkToldState(t *T) {
	l := t.link()
	l.mustChoose()
	for _, step := range []struct {
		what string
		do   func() error
		want userclient.State
	}{
		{"open", l.open, userclient.StateOpen},
		{"start", l.start, userclient.StateRunning},
		{"suspend", l.suspendSoon, userclient.StateSuspended},
		{"stop", l.stop, userclient.StateOpen},
		{"close", l.closeStream, userclient.StateClosed},
	} {
		for n := 0; ; n++ {
			l.must(step.what+" the stream", step.do())
			o, err := l.observation()
			l.must("observe the stream", err)
			if o.State == step.want {
				break
			}
			if t.Claims(CapFail) && n < failRetries && o.State == userclient.StateOpen {
				l.catchUp() // it stopped by itself, because nobody reads
				continue
			}
			t.Errorf("after %s was answered, the observation says that the stream is %s; it must say %s", step.what, o.State, step.want)
			break
		}
	}
}

func checkClosedAgain(t *T) {
	l := t.link()
	l.reach(userclient.StateRunning)
	l.must("close the stream", l.closeStream())
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{"start", l.start}, {"stop", l.stop}, {"suspend", l.suspend}, {"close", l.closeStream}, {"map", l.mapOutputQueue},
	} {
		l.refused(c.what+" after the stream was closed", c.do(), ioreturn.NotOpen)
	}
}
