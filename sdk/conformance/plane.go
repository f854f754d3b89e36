// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	controlplane "github.com/iostreamkit/iostreamkit/sdk/control/plane"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// plane is a client of the control plane made by hand: it sends any record at any time.
// It is used by one goroutine at a time.
type plane struct {
	*link
	last uint64 // the ID that was used last
}

// plane connects and selects features. Nothing of the control plane is used yet.
func (t *T) plane() *plane {
	l := t.link()
	l.mustChoose()
	return &plane{link: l}
}

func (p *plane) id() uint64 {
	p.last++
	return p.last
}

// errNoRecord is the error of an answer that is no record of a conversation.
var errNoRecord = errors.New("the answer can't be read")

// converse calls a selector of a conversation with a record, or with what should be one.
func (p *plane) converse(sel uint32, in []byte) (n ioctl.Next, err error) {
	a := userclient.Args{Selector: sel, InBytes: in, OutBytes: make([]byte, userclient.MaxInline)}
	if err := p.do(&a); err != nil {
		return n, err
	}
	if err := n.UnmarshalBinary(a.OutBytes[:a.NOutBytes]); err != nil {
		return n, fmt.Errorf("%w, it has %d bytes: %w", errNoRecord, a.NOutBytes, err)
	}
	return n, nil
}

// encoded returns the record of a request.
func (p *plane) encoded(r ioctl.Request) []byte {
	b, err := r.AppendBinary(nil)
	p.must("encode a request", err)
	return b
}

// event returns the record of an event.
func (p *plane) event(e ioctl.Event) []byte {
	b, err := e.AppendBinary(nil)
	p.must("encode an event", err)
	return b
}

// ask sends a command.
func (p *plane) ask(r ioctl.Request) (ioctl.Next, error) {
	return p.converse(userclient.SelIoctl, p.encoded(r))
}

// tell says what has become of a copy.
func (p *plane) tell(e ioctl.Event) (ioctl.Next, error) {
	return p.converse(userclient.SelIoctlData, p.event(e))
}

// give answers a request for a copy with zeros.
func (p *plane) give(n ioctl.Next) (ioctl.Next, error) {
	return p.tell(ioctl.Event{ID: n.ID, Kind: ioctl.CopiedIn, Data: make([]byte, n.Size)})
}

// abandon gives a conversation up.
func (p *plane) abandon(id uint64) error {
	return p.do(&userclient.Args{Selector: userclient.SelIoctlAbandon, InBytes: p.event(ioctl.Event{ID: id, Kind: ioctl.Abandoned})})
}

// noCommand returns a number that no driver should have: its type is 0xff, and it has
// neither direction nor size.
func (t *T) noCommand() streams.Command { return 0xff00 | streams.Command(t.Rand().Uint32N(256)) }

// unknown returns a command that the driver has not.
func (p *plane) unknown(data ...byte) ioctl.Request {
	return ioctl.Request{ID: p.id(), Command: p.t.noCommand(), Data: data}
}

// nextText says in words what a call of a conversation came to.
func nextText(n ioctl.Next, err error) string {
	switch {
	case err != nil:
		return answer(err)
	case n.Kind == ioctl.Ack:
		return fmt.Sprintf("ack %d of command %d with the result %d and %d bytes", n.Kind, n.ID, n.Rval, len(n.Data))
	case n.Kind == ioctl.Nak:
		return fmt.Sprintf("a refusal of command %d with %v", n.ID, n.Errno)
	case n.Kind == ioctl.Silent:
		return "silence"
	}
	return fmt.Sprintf("%v for command %d of %d bytes at %#x", n.Kind, n.ID, n.Size, n.Addr)
}

// naks checks that a command is refused with an errno under its own ID.
func (p *plane) naks(what string, r ioctl.Request) (ioctl.Next, bool) {
	n, err := p.ask(r)
	ok := err == nil && n.Kind == ioctl.Nak && n.ID == r.ID
	if !ok {
		p.t.Errorf("%s was answered with %s; it must be refused with an errno, under the ID %d", what, nextText(n, err), r.ID)
	}
	return n, ok
}

// serves checks that commands are still answered.
func (p *plane) serves(after string) bool {
	_, ok := p.naks(after+", a command that the driver has not", p.unknown())
	return ok
}

// mustServe ends the rule in an error unless commands are answered.
func (p *plane) mustServe() {
	if n, err := p.ask(p.unknown()); err != nil || n.Kind != ioctl.Nak {
		p.t.abortf("a command that the driver has not was answered with %s", nextText(n, err))
	}
}

// The command that lists named controls, and where its parts are in a client's memory.
const (
	listControls = control.CmdList
	controlGroup = controlplane.CmdList &^ 0xff

	argumentAddr = 0x10000
	requestAddr  = 0x20000
	replyAddr    = 0x40000
	replyRoom    = 32 << 10
)

// controlArgument is the argument of the commands of named controls.
type controlArgument struct {
	Request, Reply uint64 // addresses
	Length, Room   uint32 // of the request, for the reply
}

// command returns a command of named controls.
func (p *plane) command(c control.Command, length int) ioctl.Request {
	layout, err := ioctl.LayoutOf[controlArgument]()
	p.must("lay the argument out", err)
	return ioctl.Request{ID: p.id(), Command: controlGroup | streams.Command(c), Data: layout.Append(nil, &controlArgument{
		Request: requestAddr, Length: uint32(length), Reply: replyAddr, Room: replyRoom,
	})}
}

// requestSize is how long a request is said to be of which only the beginning counts.
const requestSize = 16

// begun begins a conversation, with a list of controls, and returns the copy that the
// driver asks for first. A driver without named controls has no command that the suite
// could use for that.
func (p *plane) begun() (ioctl.Request, ioctl.Next) {
	r := p.command(listControls, requestSize)
	n, err := p.ask(r)
	switch {
	case err == nil && n.Kind == ioctl.Nak:
		p.t.inapplicable("the driver has no named controls, and the suite knows no other command that asks for copies")
	case err != nil || n.Kind != ioctl.NeedIn || n.ID != r.ID:
		p.t.abortf("the command that lists controls was answered with %s, not with need-in for its request", nextText(n, err))
	}
	return r, n
}

// refusedEvent checks that an event is refused: by an error of the call or by an errno.
func (p *plane) refusedEvent(what string, e ioctl.Event) {
	n, err := p.tell(e)
	if lost(err) || errors.Is(err, errNoRecord) || err == nil && n.Kind != ioctl.Nak {
		p.t.Errorf("%s was answered with %s; it must be refused", what, nextText(n, err))
	}
}

// errSilent is the error of a conversation that ended without an answer.
var errSilent = errors.New("the driver went silent")

// trip does a command of named controls to its end. look sees every answer.
func (p *plane) trip(c control.Command, in []byte, look func(ioctl.Next)) ([]byte, error) {
	r := p.command(c, len(in))
	reply := make([]byte, replyRoom)
	mem, err := ioctl.NewRegions(
		ioctl.Region{Addr: argumentAddr, Data: r.Data, ReadOnly: true},
		ioctl.Region{Addr: requestAddr, Data: in, ReadOnly: true},
		ioctl.Region{Addr: replyAddr, Data: reply},
	)
	p.must("register memory", err)
	copies := ioctl.NewCopier(mem, ioctl.LimitsOf(streams.Strict.Tunables()))
	for n, err := p.ask(r); ; n, err = p.tell(copies.Do(n)) {
		if err != nil {
			return nil, err
		}
		look(n)
		switch n.Kind {
		case ioctl.NeedIn, ioctl.NeedOut:
		case ioctl.Nak:
			return nil, n.Errno
		case ioctl.Ack:
			if n.Rval < 0 || n.Rval > replyRoom {
				return nil, fmt.Errorf("a reply of %d bytes, there was room for %d", n.Rval, replyRoom)
			}
			return reply[:n.Rval], nil
		default:
			return nil, errSilent
		}
	}
}

// named returns a client of the named controls.
func (p *plane) named() *control.Client {
	return &control.Client{Do: func(_ context.Context, c control.Command, in []byte) ([]byte, error) {
		return p.trip(c, in, func(ioctl.Next) {})
	}}
}
