// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkUnknownPorts(t *T) {
	l := &link{Conn: t.Conn(false), t: t}
	for _, typ := range []uint32{2, 3, 0xff, userclient.PortEvents + 1, userclient.PortInput, math.MaxUint32} {
		if _, err := l.Port(typ); err == nil {
			t.Errorf("port %#x was made; there are only output (%#x) and events (%#x) for a client to wait on", typ, userclient.PortOutput, userclient.PortEvents)
		}
	}
	for _, typ := range []uint32{userclient.PortOutput, userclient.PortEvents, 2, math.MaxUint32} {
		if _, err := l.Bell(typ); err == nil {
			t.Errorf("a bell for port %#x was made; a client rings only the input port (%#x)", typ, userclient.PortInput)
		}
	}
	if err := l.call(userclient.SelGetMode); err != nil {
		t.Errorf("after ports that do not exist were refused, get mode was answered with %s; the session must go on", answer(err))
	}
	l.mustPorts()
}

func checkUnknownOptions(t *T) {
	for _, o := range []uint64{0, 1, 0x00040000, 0x80000000, 0xfffcffff, 1 << 32, 1<<40 | uint64(userclient.OpenExclusive)} {
		l := t.link()
		l.mustChoose()
		err := l.call(userclient.SelOpen, o)
		what := fmt.Sprintf("an open with the options %#x", o)
		if err != nil {
			l.turnedDown(what, err, ioreturn.BadArgument, ioreturn.Unsupported)
			l.accepted("an ordinary open after "+what+" was refused", l.open())
		} else {
			l.excludes(what)
		}
		l.accepted("close after "+what, l.closeStream())
		l.must("hang up", l.Close())
	}
}

// excludes checks that nobody else can open the stream now.
func (l *link) excludes(what string) {
	other := l.t.link()
	other.mustChoose()
	switch err := other.open(); {
	case err == nil:
		l.t.Errorf("%s succeeded, and so did the open of another client after it; an open without the shared option is exclusive", what)
	case !held(err):
		l.t.Errorf("%s succeeded; the open of another client after it was answered with %s, it must be refused as %s",
			what, answer(err), codeText(ioreturn.ExclusiveAccess))
	}
	l.must("hang up", other.Close())
}

func checkUnknownSelection(t *T) {
	d := t.Describe()
	good := []uint64{d.Offered & userclient.KnownFeatures, uint64(t.layout())}
	foreign := ^d.Offered & -^d.Offered // the lowest bit that is not offered
	noLayout := uint64(2)
	for d.Layouts&(1<<noLayout) != 0 {
		noLayout++
	}
	l := t.link()
	l.must("select what is offered", l.call(userclient.SelSelect, good...))
	for _, c := range []struct {
		what  string
		words []uint64
	}{
		{"a feature that is not offered", []uint64{good[0] | foreign, good[1]}},
		{"all features that are not offered", []uint64{^d.Offered, good[1]}},
		{"a feature that only the upper half of the word holds", []uint64{good[0] | 1<<63&^d.Offered, good[1]}},
		{"a layout that is not offered", []uint64{good[0], noLayout}},
		{"layout 32", []uint64{good[0], 32}},
		{"layout 2^32, whose lower half is the native layout's", []uint64{good[0], 1 << 32}},
		{"layout 2^32+1, whose lower half is the classic layout's", []uint64{good[0], 1<<32 + 1}},
		{"layout 2^64-1", []uint64{good[0], math.MaxUint64}},
	} {
		if slices.Equal(c.words, good) {
			continue // everything is offered
		}
		l.turnedDown(fmt.Sprintf("select with %s (features %#x, layout %#x)", c.what, c.words[0], c.words[1]),
			l.call(userclient.SelSelect, c.words...), ioreturn.Unsupported, ioreturn.BadArgument)
	}
	l.mustOpen()
	r := &rig{link: l, layout: t.layout(), arenas: map[uint32][]byte{}}
	err := r.mapMemory()
	if err == nil {
		err = r.makeEnd()
	}
	if err != nil {
		t.Errorf("after some selections were refused, the %v layout that was selected before them is not there: %v", t.layout(), err)
	}
}

// eventsFrom asks for events and returns them with the next cursor.
func (l *link) eventsFrom(cursor uint64) (list []userclient.Event, next uint64, err error) {
	a := userclient.Args{
		Selector: userclient.SelEvents, In: []uint64{cursor},
		Out: make([]uint64, 2), OutBytes: make([]byte, userclient.MaxInline),
	}
	if err := l.do(&a); err != nil {
		return nil, 0, err
	}
	list, err = userclient.ParseEvents(a.OutBytes[:a.NOutBytes])
	return list, a.Out[0], err
}

func checkWildCursors(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen) // which is an event
	before, _, err := l.eventsFrom(0)
	l.must("read the events", err)
	for _, c := range []uint64{math.MaxUint64, math.MaxUint64 - 1, 1 << 63, 1<<63 - 1, 1 << 32, math.MaxUint32, 1000000} {
		what := fmt.Sprintf("asking for events from the cursor %#x, which was never given,", c)
		_, next, err := l.eventsFrom(c)
		l.answeredOr(what, err, ioreturn.BadArgument)
		if err != nil {
			continue
		}
		if _, _, err := l.eventsFrom(next); err != nil {
			t.Errorf("%s gave the next cursor %#x, which was then answered with %s", what, next, answer(err))
		}
	}
	after, _, err := l.eventsFrom(0)
	if err != nil || len(after) < len(before) {
		t.Errorf("%d events were there; after asking from cursors that were never given, %d are (%s)", len(before), len(after), answer(err))
	}
}
