// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// talk is a command that asks for copies, of which rules make conversations.
type talk struct {
	what    string // "the command that lists controls"
	request func(p *plane) ioctl.Request
	memory  func() []ioctl.Region
}

// listing returns the command that lists controls, or ends the rule.
func (t *T) listing() *talk {
	p := t.plane()
	r, _ := p.begun()
	p.must("give a command up", p.abandon(r.ID))
	var in []byte
	c := control.Client{Do: func(_ context.Context, _ control.Command, b []byte) ([]byte, error) {
		in = slices.Clone(b)
		return nil, errSilent
	}}
	_, _ = c.List(t.Context()) // for its request alone
	return &talk{
		what:    "the command that lists controls",
		request: func(p *plane) ioctl.Request { return p.command(listControls, len(in)) },
		memory: func() []ioctl.Region {
			return []ioctl.Region{{Addr: requestAddr, Data: in, ReadOnly: true}, {Addr: replyAddr, Data: make([]byte, replyRoom)}}
		},
	}
}

// safe returns the commands of the device file.
func (t *T) safe() []*talk {
	var all []*talk
	for i := range t.s.device.SafeCommands {
		c := &t.s.device.SafeCommands[i]
		all = append(all, &talk{
			what: "command " + c.name(),
			request: func(p *plane) ioctl.Request {
				return ioctl.Request{ID: p.id(), Command: c.Number, Transparent: c.Transparent, Arg: c.Arg, Data: slices.Clone(c.Data)}
			},
			memory: c.regions,
		})
	}
	return all
}

// copying returns those commands of the device file that ask for copies, or ends the rule.
func (t *T) copying() []*talk {
	all := slices.DeleteFunc(t.safe(), func(k *talk) bool {
		p := t.plane()
		r, n, err := p.upTo(k, 0)
		if err != nil {
			t.abortf("%s was answered with %s", k.what, nextText(n, err))
		}
		if asks(n) {
			p.must("give a command up", p.abandon(r.ID))
		}
		return !asks(n)
	})
	if len(all) == 0 {
		t.inapplicable("no command of the device file asks for a copy")
	}
	return all
}

// asks reports whether an answer asks for a copy.
func asks(n ioctl.Next) bool { return n.Kind == ioctl.NeedIn || n.Kind == ioctl.NeedOut }

// upTo begins a conversation and does its first copies. It returns the request for the
// next one, or the end if there is none.
func (p *plane) upTo(k *talk, copies int) (r ioctl.Request, n ioctl.Next, err error) {
	mem, err := ioctl.NewRegions(k.memory()...)
	p.must("register memory", err)
	c := ioctl.NewCopier(mem, ioctl.LimitsOf(streams.Strict.Tunables()))
	r = k.request(p)
	n, err = p.ask(r)
	for ; copies > 0 && err == nil && asks(n); copies-- {
		n, err = p.tell(c.Do(n))
	}
	return r, n, err
}

// maxCopies is more copies than a conversation may have.
const maxCopies = maxRounds + 1

// succeeds checks that the command is done, from its beginning to its end.
func (p *plane) succeeds(k *talk, when string) bool {
	r, n, err := p.upTo(k, maxCopies)
	ok := err == nil && n.Kind == ioctl.Ack && n.ID == r.ID
	if !ok {
		p.t.Errorf("%s %s was answered with %s; it must succeed", k.what, when, nextText(n, err))
	}
	return ok
}

// eachCopy begins the command anew for each of its copies and calls f when it waits for
// that one, until f says that it makes no sense to go on.
func (p *plane) eachCopy(k *talk, f func(n ioctl.Next, at string) bool) {
	for i := range maxCopies {
		_, n, err := p.upTo(k, i)
		if err != nil || n.Kind == ioctl.Nak {
			p.t.abortf("%s was answered with %s", k.what, nextText(n, err))
		}
		if !asks(n) || !f(n, fmt.Sprintf("at copy %d (%v)", i+1, n.Kind)) {
			return
		}
	}
}

// copied is the outcome of the copy that n asks for.
func copied(n ioctl.Next) ioctl.Event {
	if n.Kind == ioctl.NeedOut {
		return ioctl.Event{ID: n.ID, Kind: ioctl.CopiedOut}
	}
	return ioctl.Event{ID: n.ID, Kind: ioctl.CopiedIn, Data: make([]byte, n.Size)}
}

// givesUp checks that the command can be given up at each of its copies.
func (p *plane) givesUp(k *talk) {
	p.eachCopy(k, func(n ioctl.Next, at string) bool {
		if !p.accepted(fmt.Sprintf("giving %s up %s", k.what, at), p.abandon(n.ID)) {
			return false
		}
		next, err := p.tell(copied(n))
		if err == nil {
			p.t.Errorf("%s was given up %s, and then came the outcome of that copy, which was answered with %s; the call must be refused with %s",
				k.what, at, nextText(next, nil), codeText(ioreturn.BadArgument))
			return false
		}
		return p.refused("the late outcome "+at+" of a command that was given up", err, ioreturn.BadArgument) &&
			p.succeeds(k, "after it was given up "+at)
	})
}

// fails checks that the command fails alone when one of its copies does.
func (p *plane) fails(k *talk) {
	p.eachCopy(k, func(n ioctl.Next, at string) bool {
		if next, err := p.tell(failed(n.ID)); err != nil || next.Kind != ioctl.Silent {
			p.t.Errorf("%s was told that its copy had failed, %s, and answered with %s; it must answer with silence", k.what, at, nextText(next, err))
			return false
		}
		return p.succeeds(k, "after it had failed "+at)
	})
}
