// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkUnknownStr(t *T) {
	p := t.plane()
	for _, data := range [][]byte{nil, {1}, make([]byte, 100)} {
		p.naks(fmt.Sprintf("a command that the driver has not, with %d bytes of data,", len(data)), p.unknown(data...))
	}
}

// transparent returns an unknown command with a word instead of data.
func (p *plane) transparent(arg uint64) ioctl.Request {
	r := p.unknown()
	r.Transparent, r.Arg = true, arg
	return r
}

func checkUnknownTransparent(t *T) {
	p := t.plane()
	for _, arg := range []uint64{0, 1, argumentAddr, 1<<64 - 1} {
		p.naks(fmt.Sprintf("a transparent command that the driver has not, with the word %#x,", arg), p.transparent(arg))
	}
}

func checkRefusalIsAnswer(t *T) {
	p := t.plane()
	for _, r := range []ioctl.Request{p.unknown(), p.transparent(argumentAddr)} {
		if n, err := p.ask(r); err != nil {
			t.Errorf("a command that the driver has not ended its call with %s; the call must succeed and answer with a refusal", nextText(n, err))
		}
	}
}

func checkUnknownErrno(t *T) {
	p := t.plane()
	good := []streams.Errno{streams.EINVAL, streams.ENOTTY, streams.ENOSYS, streams.EOPNOTSUPP}
	if n, err := p.ask(p.unknown()); err != nil || n.Kind != ioctl.Nak || !slices.Contains(good, n.Errno) {
		t.Errorf("a command that the driver has not was answered with %s; the errno must be one of %v", nextText(n, err), good)
	}
}

func checkAnswerID(t *T) {
	p := t.plane()
	for range 10 {
		r := p.unknown()
		r.ID = t.wild()
		if n, err := p.ask(r); err != nil || n.ID != r.ID {
			t.Errorf("command %d was answered with %s; the answer must have the ID of the request", r.ID, nextText(n, err))
		}
	}
}

func checkAnyID(t *T) {
	p := t.plane()
	for _, id := range []uint64{0, 1, 1 << 31, 1 << 32, 1 << 63, 1<<64 - 1, 1, 1, 0} {
		r := p.unknown()
		r.ID = id
		p.naks(fmt.Sprintf("a command with the ID %d", id), r)
	}
}

func checkNeverSilent(t *T) {
	p := t.plane()
	for i := range 64 {
		r := p.unknown(make([]byte, i)...)
		if i%2 == 0 {
			r = p.transparent(t.wild())
		}
		if n, err := p.ask(r); lost(err) || err == nil && n.Kind == ioctl.Silent {
			t.Fatalf("command %#x was answered with %s; every command must be answered", uint32(r.Command), nextText(n, err))
		}
	}
}

func checkDataSizes(t *T) {
	p := t.plane()
	limit := int(t.Describe().MaxCopy)
	for _, size := range []int{1, 63, 64, 1023, 1024, 1025, 4097, limit - 1, limit} {
		if size <= limit && size <= remote.MaxData {
			p.naks(fmt.Sprintf("a command with %d bytes of data, where the limit is %d,", size, limit), p.unknown(make([]byte, size)...))
		}
	}
}

func checkTooMuchData(t *T) {
	p := t.plane()
	limit := int(t.Describe().MaxCopy)
	if limit >= userclient.MaxInline-64 {
		t.inapplicable("the driver's limit is that of the call")
	}
	for _, size := range []int{limit + 1, userclient.MaxInline - 64} {
		n, err := p.ask(p.unknown(make([]byte, size)...))
		if lost(err) || err == nil && n.Kind != ioctl.Nak {
			t.Fatalf("a command with %d bytes of data, where the limit is %d, was answered with %s; it must be refused", size, limit, nextText(n, err))
		}
	}
	p.serves("after commands with too much data")
}

func checkAnnouncedLimit(t *T) {
	d := t.Describe()
	if d.MaxCopy == 0 || d.MaxCopy > userclient.MaxInline {
		t.Errorf("the driver has a control plane, and describes %d bytes as the limit of a copy; it must be 1 to %d", d.MaxCopy, userclient.MaxInline)
	}
}

func checkRoomForAnswer(t *T) {
	p := t.plane()
	for _, room := range []int{0, 1, 8} {
		a := userclient.Args{Selector: userclient.SelIoctl, InBytes: p.encoded(p.unknown()), OutBytes: make([]byte, room)}
		p.refused(fmt.Sprintf("a command with room for %d bytes of its answer", room), p.do(&a), ioreturn.NoSpace)
	}
	p.serves("after commands without room for their answers")
}

// manyCommands is more than a driver has slots for commands that it forgets.
const manyCommands = 200

func checkManyCommands(t *T) {
	p := t.plane()
	first, ok := p.naks("the first command", p.unknown())
	for i := 1; i < manyCommands && ok; i++ {
		var n ioctl.Next
		if n, ok = p.naks(fmt.Sprintf("command %d of a session", i+1), p.unknown()); ok && n.Errno != first.Errno {
			t.Fatalf("the first command that the driver has not was refused with %v, and the one after %d others with %v; nothing may run out",
				first.Errno, i, n.Errno)
		}
	}
}

func checkAbandonNothing(t *T) {
	p := t.plane()
	p.accepted("giving up a command that was never sent", p.abandon(77))
	r := p.unknown()
	p.naks("a command", r)
	p.accepted("giving up a command that was answered", p.abandon(r.ID))
	p.serves("after giving up what was over")
}

func checkDataForNothing(t *T) {
	p := t.plane()
	for _, e := range []ioctl.Event{
		{ID: 5, Kind: ioctl.CopiedIn, Data: []byte("data")},
		{ID: 5, Kind: ioctl.CopiedOut},
		{ID: 5, Kind: ioctl.CopyFailed, Errno: streams.EFAULT},
	} {
		n, err := p.tell(e)
		if err == nil {
			err = fmt.Errorf("%s", nextText(n, nil))
			t.Errorf("the outcome of a copy (%v) that nobody asked for was answered with %v; the call must be refused with %s", e.Kind, err, codeText(ioreturn.BadArgument))
			continue
		}
		p.refused(fmt.Sprintf("the outcome of a copy (%v) that nobody asked for", e.Kind), err, ioreturn.BadArgument)
	}
	p.serves("after events of no conversation")
}

// rubbish is what is wrong in some way with a record.
func (t *T) rubbish(good []byte) map[string][]byte {
	random := make([]byte, 64)
	for i := range random {
		random[i] = byte(t.Rand().Uint32())
	}
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge, 0xffffffff)
	return map[string][]byte{
		"no bytes":                                 nil,
		"a single byte":                            good[:1],
		"a record that is cut off":                 good[:len(good)-1],
		"a record with a byte behind it":           append(bytes.Clone(good), 0),
		"a record that claims to have 4 GiB":       huge,
		"64 random bytes":                          random,
		"as many 0xff as fit into a call":          bytes.Repeat([]byte{0xff}, userclient.MaxInline),
		"a long text that is no record whatsoever": []byte(strings.Repeat("command ", 100)),
	}
}

// refusesRubbish checks that calls with records that make no sense are refused.
func (p *plane) refusesRubbish(what string, sel uint32, good []byte) {
	for name, b := range p.t.rubbish(good) {
		err := p.do(&userclient.Args{Selector: sel, InBytes: b, OutBytes: make([]byte, userclient.MaxInline)})
		p.refused(what+" with "+name, err, ioreturn.BadArgument)
	}
}

func checkRubbishRequest(t *T) {
	p := t.plane()
	p.refusesRubbish("a command", userclient.SelIoctl, p.encoded(p.unknown(1, 2, 3)))
}

func checkRubbishEvent(t *T) {
	p := t.plane()
	good := p.event(ioctl.Event{ID: 1, Kind: ioctl.CopiedIn, Data: []byte("data")})
	p.refusesRubbish("the outcome of a copy", userclient.SelIoctlData, good)
}

func checkRubbishAbandon(t *T) {
	p := t.plane()
	p.refusesRubbish("giving up", userclient.SelIoctlAbandon, p.event(ioctl.Event{ID: 1, Kind: ioctl.Abandoned}))
	err := p.do(&userclient.Args{Selector: userclient.SelIoctlAbandon, InBytes: p.event(ioctl.Event{ID: 1, Kind: ioctl.CopiedOut})})
	p.refused("giving up with an event of another kind", err, ioreturn.BadArgument)
}

func checkRubbishHarmless(t *T) {
	p := t.plane()
	p.mustOpen()
	good := p.encoded(p.unknown(1, 2, 3))
	p.changesNothing("sending rubbish to the control plane", func() {
		for _, sel := range []uint32{userclient.SelIoctl, userclient.SelIoctlData, userclient.SelIoctlAbandon, userclient.SelControlPush, userclient.SelControlFlush} {
			for _, b := range t.rubbish(good) {
				_ = p.do(&userclient.Args{Selector: sel, InBytes: b, OutBytes: make([]byte, userclient.MaxInline)}) // other rules tell
			}
		}
	})
	p.serves("after rubbish")
}

func checkControlSelectors(t *T) {
	p := t.plane()
	d := t.Describe()
	for sel := userclient.SelControlFlush + 1; sel <= userclient.SelControlLast; sel++ {
		if d.Selectors[sel/64]&(1<<(sel%64)) == 0 {
			p.turnedDown(fmt.Sprintf("a call of selector %#x, which is reserved,", sel), p.call(sel), ioreturn.Unsupported, ioreturn.BadArgument)
		}
	}
}

func checkContradiction(t *T) {
	p := t.plane()
	r := p.unknown([]byte("data")...)
	r.Transparent = true
	_, err := p.ask(r)
	p.refused("a transparent command with data", err, ioreturn.BadArgument)
	p.serves("after it")
}

func checkClosedAndOpen(t *T) {
	p := t.plane()
	for range 2 {
		p.serves("before the stream was opened")
		p.mustOpen()
		p.serves("while the stream was open")
		p.must("close the stream", p.closeStream())
	}
	p.serves("after the stream was opened and closed twice")
}

func checkGuestControls(t *T) {
	owner, guest := t.plane(), t.plane()
	owner.mustOpen()
	guest.serves("while another client had the stream open")
	owner.mustStart()
	guest.serves("while another client's stream was running")
	owner.serves("while a second client was connected")
}

func checkHeadErrno(t *T) {
	for _, transparent := range []bool{false, true} {
		s, cancel := t.head()
		ctx, end := t.Within(answerBound)
		var err error
		if transparent {
			_, err = s.Transparent(ctx, t.noCommand(), argumentAddr, nil)
		} else {
			_, err = s.Str(ctx, strOf(t.noCommand()))
		}
		end()
		cancel()
		switch streams.ErrnoOf(err) {
		case streams.EINVAL, streams.ENOTTY, streams.ENOSYS, streams.EOPNOTSUPP:
		default:
			t.Errorf("a stream head sent a command that the driver has not (transparent: %t) and got %s; it must get an errno that says so", transparent, answer(err))
		}
	}
}

func checkHeadCallers(t *T) {
	s, cancel := t.head()
	defer cancel()
	ctx, end := t.Within(answerBound)
	defer end()
	const callers = 8
	errs := make(chan error, callers)
	for range callers {
		cmd := t.noCommand()
		t.Go(func() {
			_, err := s.Str(ctx, strOf(cmd))
			errs <- err
		})
	}
	var first error
	for i := range callers {
		err := <-errs
		if i == 0 {
			first = err
		}
		if err == nil || streams.ErrnoOf(err) != streams.ErrnoOf(first) {
			t.Errorf("of %d callers of one stream head, with commands that the driver has not, one got %s and another %s; all must get the same errno",
				callers, answer(first), answer(err))
		}
	}
}
