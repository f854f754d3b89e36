// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// head makes a stream head over a connection of its own. The function that it returns
// closes it.
func (t *T) head() (*remote.Session, func()) {
	s, err := remote.Open(t.plane(), nil)
	if err != nil {
		t.abortf("could not make a stream head: %v", err)
	}
	return s, func() {
		ctx, cancel := t.Within(closeBound)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.abortf("could not close a stream head: %v", err)
		}
	}
}

func strOf(cmd streams.Command) *head.Str { return &head.Str{Command: cmd} }

// names asks for the stack.
func (p *plane) names() ([]string, error) {
	ctx, cancel := p.t.Within(answerBound)
	defer cancel()
	return remote.Names(ctx, p)
}

func (p *plane) mustNames() []string {
	names, err := p.names()
	p.must("list the modules", err)
	return names
}

// push asks for a module.
func (p *plane) push(name string) error {
	return p.do(&userclient.Args{Selector: userclient.SelControlPush, InBytes: []byte(name)})
}

func (p *plane) pop() error { return p.call(userclient.SelControlPop) }

func (p *plane) flush(flags streams.FlushFlags, band uint8) error {
	return p.call(userclient.SelControlFlush, uint64(flags), uint64(band))
}

func checkNames(t *T) {
	names, err := t.plane().names()
	switch {
	case err != nil:
		t.Fatalf("asking for the names of the modules was answered with %s; it must succeed", answer(err))
	case len(names) == 0:
		t.Fatalf("the list of modules is empty; the driver's own name must be the last one")
	}
	for _, n := range names {
		if n == "" || n != userclient.CleanText(n) {
			t.Errorf("the list of modules has the name %q; a name has at least one character, and none for control", n)
		}
	}
}

func checkNamesStay(t *T) {
	first := t.plane().mustNames()
	for i := range 4 {
		p := t.plane()
		p.mustOpen()
		p.mustServe()
		if again := p.mustNames(); !slices.Equal(first, again) {
			t.Errorf("the first session's modules are %q, and those of session %d are %q, though nobody pushed any; every session must begin with the same stack",
				first, i+2, again)
		}
		p.must("hang up", p.Close())
	}
}

func checkRoomForNames(t *T) {
	p := t.plane()
	whole, err := p.bytes(userclient.SelControlNames)
	p.must("list the modules", err)
	for _, room := range []int{0, len(whole) / 2, len(whole) - 1} {
		a := userclient.Args{Selector: userclient.SelControlNames, OutBytes: make([]byte, room)}
		p.refused(fmt.Sprintf("listing the modules with room for %d of %d bytes", room, len(whole)), p.do(&a), ioreturn.NoSpace)
	}
}

// noModule returns a name that no driver should know.
func (t *T) noModule() string { return fmt.Sprintf("no-such-module-%08x", t.Rand().Uint32()) }

// pushRefusals are the codes with which a driver says that it pushes no such module.
var pushRefusals = [...]ioreturn.Code{ioreturn.NotFound, ioreturn.BadArgument, ioreturn.NotPermitted, ioreturn.Unsupported}

func checkPushUnknown(t *T) {
	p := t.plane()
	for range 3 {
		p.turnedDown("pushing a module that does not exist", p.push(t.noModule()), pushRefusals[:]...)
	}
}

func checkPushRefused(t *T) {
	p := t.plane()
	before := p.mustNames()
	err := p.push(t.noModule())
	if after := p.mustNames(); err != nil && !slices.Equal(before, after) {
		t.Errorf("pushing a module was refused with %s; before it the stack was %q, and afterwards %q", answer(err), before, after)
	}
}

func checkPushRubbish(t *T) {
	p := t.plane()
	for what, name := range map[string]string{
		"an empty name": "", "a name of control characters": "\x1b[2J\x00\n", "a name of 10,000 bytes": strings.Repeat("x", 10000),
		"a name that is no UTF-8": "\xff\xfe\x80", "a path": "../../../etc/passwd",
	} {
		p.turnedDown("pushing "+what, p.push(name), append(pushRefusals[:], ioreturn.MessageTooLarge)...)
	}
	p.serves("after pushing names that make no sense")
}

func checkPopOwn(t *T) {
	p := t.plane()
	own := p.mustNames()
	for range len(own) + 2 {
		p.turnedDown("popping what the driver pushed itself", p.pop(), ioreturn.NotPermitted, ioreturn.BadArgument, ioreturn.Unsupported)
	}
	if after := p.mustNames(); !slices.Equal(own, after) {
		t.Errorf("a client popped until nothing was left of its own; before it the stack was %q, and afterwards %q", own, after)
	}
}

// flushes are the flags that M_FLUSH may have.
var flushes = [...]streams.FlushFlags{
	streams.FlushR, streams.FlushW, streams.FlushRW,
	streams.FlushR | streams.FlushBand, streams.FlushW | streams.FlushBand, streams.FlushRW | streams.FlushBand,
}

func checkFlushes(t *T) {
	p := t.plane()
	for _, f := range flushes {
		for _, band := range []uint8{0, 1, 127, 255} {
			p.accepted(fmt.Sprintf("a flush with the flags %v and band %d", f, band), p.flush(f, band))
		}
	}
}

func checkBadFlush(t *T) {
	p := t.plane()
	for _, in := range [][]uint64{{8, 0}, {1 << 32, 0}, {1, 256}, {7, 1 << 40}, {1<<64 - 1, 1<<64 - 1}} {
		p.refused(fmt.Sprintf("a flush with the numbers %#x", in), p.call(userclient.SelControlFlush, in...), ioreturn.BadArgument)
	}
}

func checkFlushScalars(t *T) {
	p := t.plane()
	for _, in := range [][]uint64{nil, {1}, {1, 0, 0}} {
		p.refused(fmt.Sprintf("a flush with %d scalars, where it has two,", len(in)), p.call(userclient.SelControlFlush, in...), ioreturn.BadArgument)
	}
}

func checkFlushThenCommand(t *T) {
	p := t.plane()
	for _, f := range flushes {
		p.must("flush", p.flush(f, 0))
		if !p.serves(fmt.Sprintf("after a flush with %v", f)) {
			return
		}
	}
}

// inStates does something in every state of a stream.
func (t *T) inStates(f func(p *plane, while string)) {
	for s := userclient.StateClosed; s <= userclient.StateSuspended; s++ {
		p := &plane{link: t.link()}
		p.reach(s)
		f(p, fmt.Sprintf("while the stream was %s", s))
		p.must("hang up", p.Close())
	}
}

func checkCommandStates(t *T) {
	t.inStates(func(p *plane, while string) { p.serves(while) })
}

func checkNamesStates(t *T) {
	t.inStates(func(p *plane, while string) {
		_, err := p.names()
		p.accepted("listing the modules "+while, err)
		p.turnedDown("pushing a module that does not exist "+while, p.push(t.noModule()), pushRefusals[:]...)
	})
}

func checkFlushStates(t *T) {
	t.inStates(func(p *plane, while string) { p.accepted("a flush "+while, p.flush(streams.FlushRW, 0)) })
}

func checkPlaneChangesNothing(t *T) {
	t.inStates(func(p *plane, while string) {
		p.changesNothing("using the control plane "+while, func() {
			p.mustServe()
			_ = p.flush(streams.FlushRW, 0) // CTL-27 and its neighbours are about their answers
			_ = p.push(t.noModule())
			_ = p.pop()
			_, _ = p.names()
		})
	})
}

func checkEntriesGoOn(t *T) {
	r := t.running(t.layout())
	p := &plane{link: r.link}
	n := t.rounds(16, 4)
	for i := range n {
		p.mustServe()
		if i%4 == 0 {
			p.must("flush the control plane", p.flush(streams.FlushRW, 0))
		}
		ctx, cancel := t.Frames(1)
		es, err := r.follow(ctx, 1, nil)
		cancel()
		if err != nil || len(es) != 1 {
			t.Fatalf("a client uses the control plane while its stream is running; after %d commands no entry came any more: %v", i+1, err)
		}
	}
}

// leftSessions is how many clients leave without a good-bye.
const leftSessions = 24

func checkSessionsRunOut(t *T) {
	for i := range leftSessions {
		p := t.plane()
		if !p.serves(fmt.Sprintf("after %d sessions before it, all of which are over", i)) {
			return
		}
		p.must("hang up", p.Close())
	}
}
