// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkNeedInRange(t *T) {
	_, n := t.plane().begun()
	if n.Addr < requestAddr || n.Addr-requestAddr > requestSize || uint64(n.Size) > requestSize-(n.Addr-requestAddr) {
		t.Errorf("a command whose argument names %d bytes at %#x asked for %s", requestSize, requestAddr, nextText(n, nil))
	}
}

// watched does a list of controls and shows look each answer, with the ID of its command.
func (p *plane) watched(look func(id uint64, n ioctl.Next)) {
	p.begun()
	c := control.Client{Do: func(_ context.Context, c control.Command, in []byte) ([]byte, error) {
		id := p.last + 1
		return p.trip(c, in, func(n ioctl.Next) { look(id, n) })
	}}
	ctx, cancel := p.t.Within(answerBound)
	defer cancel()
	if _, err := c.List(ctx); err != nil && !p.t.Failed() {
		p.t.abortf("could not list the controls: %v", err)
	}
}

func checkNeedSizes(t *T) {
	limit := int(t.Describe().MaxCopy)
	check := func(n ioctl.Next) {
		if n.Kind == ioctl.NeedIn || n.Kind == ioctl.NeedOut {
			if n.Size < 1 || n.Size > limit {
				t.Fatalf("a command asked for %s; a copy has 1 to %d bytes", nextText(n, nil), limit)
			}
		}
	}
	p := t.plane()
	_, n := p.begun()
	check(n)
	p.watched(func(_ uint64, n ioctl.Next) { check(n) })
}

// failed says that a copy could not be done.
func failed(id uint64) ioctl.Event {
	return ioctl.Event{ID: id, Kind: ioctl.CopyFailed, Errno: streams.EFAULT}
}

func checkFailedCopySilent(t *T) {
	p := t.plane()
	r, _ := p.begun()
	if n, err := p.tell(failed(r.ID)); err != nil || n.Kind != ioctl.Silent {
		t.Errorf("the driver was told that a copy had failed, and answered with %s; it must answer with silence", nextText(n, err))
	}
}

func checkFailedCopyEnds(t *T) {
	p := t.plane()
	r, n := p.begun()
	_, err := p.tell(failed(r.ID))
	p.must("say that a copy has failed", err)
	p.overAfter("a copy of it had failed", n)
}

// overAfter checks that the command of n takes no data any more, and others are answered.
func (p *plane) overAfter(what string, n ioctl.Next) {
	next, err := p.give(n)
	if err == nil {
		p.t.Errorf("data for a command after %s were answered with %s; the call must be refused with %s", what, nextText(next, err), codeText(ioreturn.BadArgument))
		return
	}
	p.refused("sending data for a command after "+what, err, ioreturn.BadArgument)
	p.serves("after " + what)
}

func checkWrongKind(t *T) {
	p := t.plane()
	r, _ := p.begun()
	p.refusedEvent("saying that data were stored, when the driver had asked for data,", ioctl.Event{ID: r.ID, Kind: ioctl.CopiedOut})
	p.serves("after it")
}

func checkWrongLength(t *T) {
	for _, more := range []int{-1, 1, -requestSize} {
		p := t.plane()
		r, n := p.begun()
		data := make([]byte, max(n.Size+more, 0))
		what := fmt.Sprintf("giving %d bytes where %d were asked for", len(data), n.Size)
		p.refusedEvent(what, ioctl.Event{ID: r.ID, Kind: ioctl.CopiedIn, Data: data})
		p.serves("after " + what)
	}
}

func checkTwice(t *T) {
	p := t.plane()
	_, n := p.begun()
	for range maxRounds {
		next, err := p.tell(ioctl.Event{ID: n.ID, Kind: ioctl.CopiedIn, Data: bytes.Repeat([]byte{0xff}, n.Size)})
		p.must("give the data that were asked for", err)
		if next.Kind != ioctl.NeedIn {
			p.overAfter("its last answer", n)
			return
		}
		n = next
	}
	t.abortf("the driver asked for more than %d copies", maxRounds)
}

// maxRounds is how many copies a stream head does for one command.
const maxRounds = 16

func checkNeedOutRange(t *T) {
	t.plane().watched(func(_ uint64, n ioctl.Next) {
		if n.Kind != ioctl.NeedOut {
			return
		}
		if n.Addr < replyAddr || n.Addr-replyAddr > replyRoom || uint64(len(n.Data)) > replyRoom-(n.Addr-replyAddr) {
			t.Fatalf("a command with room for %d bytes at %#x asked for %s", replyRoom, replyAddr, nextText(n, nil))
		}
	})
}

func checkBounded(t *T) {
	rounds := map[uint64]int{}
	t.plane().watched(func(id uint64, n ioctl.Next) {
		if rounds[id]++; rounds[id] > maxRounds+1 {
			t.Fatalf("a list of controls asked for more than %d copies; at last it was answered with %s", maxRounds, nextText(n, nil))
		}
	})
}

func checkOneID(t *T) {
	t.plane().watched(func(id uint64, n ioctl.Next) {
		if n.ID != id {
			t.Fatalf("command %d was answered with %s", id, nextText(n, nil))
		}
	})
}

func checkRubbishCopied(t *T) {
	p := t.plane()
	r, n := p.begun()
	next, err := p.tell(ioctl.Event{ID: r.ID, Kind: ioctl.CopiedIn, Data: bytes.Repeat([]byte{0xff}, n.Size)})
	if err != nil || next.Kind != ioctl.Nak || next.ID != r.ID {
		t.Errorf("a command whose request is %d bytes 0xff was answered with %s; it must be refused with an errno", n.Size, nextText(next, err))
	}
}

func checkShortArgument(t *T) {
	p := t.plane()
	whole, _ := p.begun()
	for _, size := range []int{0, 1, len(whole.Data) / 2, len(whole.Data) - 1} {
		r := whole
		r.ID, r.Data = p.id(), whole.Data[:size]
		p.naks(fmt.Sprintf("a command with %d of the %d bytes of its argument", size, len(whole.Data)), r)
	}
}

func checkNullTransparent(t *T) {
	p := t.plane()
	whole, _ := p.begun()
	p.naks("a transparent command with the address 0", ioctl.Request{ID: p.id(), Command: whole.Command, Transparent: true})
}

func checkAbandonEnds(t *T) {
	p := t.plane()
	r, n := p.begun()
	p.accepted("giving up a command that waits for a copy", p.abandon(r.ID))
	p.overAfter("it was given up", n)
}

func checkReplaced(t *T) {
	p := t.plane()
	p.begun()
	p.serves("while another command of the session waited for a copy")
}

func checkReplacedIsOver(t *T) {
	p := t.plane()
	_, old := p.begun()
	r, n := p.begun()
	if next, err := p.give(old); err == nil {
		t.Errorf("data for a command in whose place another one had come were answered with %s; the call must be refused", nextText(next, err))
	}
	p.takes("after that", r, n)
}

// takes checks that the conversation waits and takes its data.
func (p *plane) takes(after string, r ioctl.Request, n ioctl.Next) {
	if next, err := p.give(n); err != nil || next.ID != r.ID || next.Kind == ioctl.Silent {
		p.t.Errorf("%s, a command that waited for a copy was given its data and answered with %s; it must go on", after, nextText(next, err))
	}
}

func checkOtherID(t *T) {
	p := t.plane()
	r, n := p.begun()
	other := n
	other.ID = r.ID + 1000
	if next, err := p.give(other); err == nil || lost(err) {
		t.Errorf("data for command %d, while command %d waited for some, were answered with %s; the call must be refused", other.ID, r.ID, nextText(next, err))
	}
	p.takes("after data for another ID", r, n)
}

func checkSameIDs(t *T) {
	one, other := t.plane(), t.plane()
	r, n := one.begun()
	s := other.command(listControls, requestSize)
	s.ID = r.ID
	m, err := other.ask(s)
	if err != nil || m.Kind != ioctl.NeedIn || m.ID != s.ID {
		t.Fatalf("two sessions sent a command with the ID %d; the first one's asked for its copy, and the second one's was answered with %s", r.ID, nextText(m, err))
	}
	one.takes("while another session had a conversation under the same ID", r, n)
	other.takes("after another session's conversation under the same ID", s, m)
}

func checkOtherSessionWaits(t *T) {
	stuck, other := t.plane(), t.plane()
	stuck.begun()
	for range 3 {
		other.serves("while a command of another session waited for its client")
	}
}

// leavers is how many clients hang up in a conversation.
const leavers = 8

func checkLeftOpen(t *T) {
	p := t.plane()
	p.begun()
	for i := range leavers {
		p.must("hang up", p.Close())
		p = t.plane()
		n, err := p.ask(p.command(listControls, requestSize))
		if err != nil || n.Kind != ioctl.NeedIn {
			t.Fatalf("%d clients hung up between two copies; the next one's command was answered with %s; it must ask for its copy", i+1, nextText(n, err))
		}
	}
}

func checkStreamWhileTalking(t *T) {
	p := t.plane()
	r, n := p.begun()
	const while = " while a command waited for a copy"
	p.accepted("opening the stream"+while, p.open())
	p.accepted("starting the stream"+while, p.start())
	_, err := p.words(userclient.SelGetMode)
	p.accepted("get mode"+while, err)
	p.accepted("stopping the stream"+while, p.stop())
	p.accepted("closing the stream"+while, p.closeStream())
	p.takes("after a whole life of the stream", r, n)
}

func checkFlushWhileTalking(t *T) {
	p := t.plane()
	r, n := p.begun()
	for _, f := range flushes {
		p.must("flush", p.flush(f, 0))
	}
	p.takes("after flushes", r, n)
}

func checkRubbishWhileTalking(t *T) {
	p := t.plane()
	r, n := p.begun()
	good := p.event(ioctl.Event{ID: r.ID, Kind: ioctl.CopiedIn, Data: make([]byte, n.Size)})
	for _, sel := range []uint32{userclient.SelIoctl, userclient.SelIoctlData, userclient.SelIoctlAbandon} {
		for _, b := range t.rubbish(good) {
			_ = p.do(&userclient.Args{Selector: sel, InBytes: b, OutBytes: make([]byte, userclient.MaxInline)}) // other rules tell
		}
	}
	p.takes("after records that can't be read", r, n)
}
