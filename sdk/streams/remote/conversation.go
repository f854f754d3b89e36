// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"runtime"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/internal/ids"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// begin sends a command down.
func (e *End) begin(ctx context.Context, a *userclient.Args) error {
	var r ioctl.Request
	if err := r.UnmarshalBinary(a.InBytes); err != nil {
		return refused("request: %v", err)
	}
	if r.Command.HeadOnly() { // modules trust that a head has made it, with what belongs to it
		return e.tell(a, ioctl.Next{ID: r.ID, Kind: ioctl.Nak, Errno: streams.EINVAL})
	}
	if len(r.Data) > MaxData {
		return refused("%d bytes of data, at most %d are allowed", len(r.Data), MaxData)
	}
	x := &exchange{id: r.ID, reply: make(chan wish, 1), named: r.Named}
	x.call = streams.Ioctl{
		Cmd: r.Command, ID: ids.Next(), Credential: e.peer, Transparent: r.Transparent, Arg: streams.Addr(r.Arg),
	}
	if errno := e.state(); errno != 0 {
		e.step(head.Step{What: head.StepRefused, Command: r.Command, Errno: errno})
		return e.tell(a, ioctl.Next{ID: r.ID, Kind: ioctl.Nak, Errno: errno})
	}
	data, err := e.chain(r.Data)
	if err == nil {
		var m *streams.Block
		if m, err = e.stream.Arena().Ioctl(x.call, data); err == nil {
			return e.exchange(ctx, a, x, m)
		}
		data.Free()
	}
	return e.tell(a, ioctl.Next{ID: r.ID, Kind: ioctl.Nak, Errno: streams.ErrnoOf(err)})
}

// turns is how often others may run before a call waits, which costs more than a quick
// command that another goroutine carries out.
const turns = 3

// state returns the error that the stream is in.
func (e *End) state() streams.Errno {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed || e.hungUp:
		return streams.ENXIO
	case e.readErr != 0:
		return e.readErr
	}
	return e.writeErr
}

// exchange makes x the conversation that is under way, in place of an earlier one, sends m
// and waits for what comes back.
func (e *End) exchange(ctx context.Context, a *userclient.Args, x *exchange, m *streams.Block) error {
	e.mu.Lock()
	old := e.current
	if e.closed {
		e.mu.Unlock()
		m.Free()
		return ioreturn.ErrGone
	}
	e.current = x
	e.mu.Unlock()
	if old != x {
		e.abandon(old) // its client has one command at a time, so it has given this one up
	}
	e.step(head.Step{What: head.StepSent, Command: x.call.Cmd, ID: x.call.ID, Message: m.Type(), Size: m.Next().Size()})
	if err := e.stream.Put(m); err != nil {
		m.Free()
		e.drop(x)
		return e.tell(a, ioctl.Next{ID: x.id, Kind: ioctl.Nak, Errno: streams.ErrnoOf(err)})
	}
	for range turns {
		if len(x.reply) > 0 {
			break
		}
		runtime.Gosched()
	}
	var w wish
	var ok bool
	select {
	case w, ok = <-x.reply: // as a rule, in a quiet stream
	default:
		select {
		case w, ok = <-x.reply:
		case <-ctx.Done():
			e.drop(x)
			return context.Cause(ctx)
		case <-e.gone:
			return ioreturn.ErrGone
		}
	}
	switch {
	case !ok:
		return ioreturn.Aborted // by a later command
	case w.m == nil:
		e.drop(x)
		return e.tell(a, ioctl.Next{ID: x.id, Kind: ioctl.Nak, Errno: w.errno})
	}
	return e.tell(a, e.want(x, w.m))
}

// want says what a module's message wants of the client. An answer ends the conversation.
func (e *End) want(x *exchange, m *streams.Block) ioctl.Next {
	e.reply(m, "")
	n := ioctl.Next{ID: x.id}
	if x.named {
		n.From = sender(m)
	}
	switch m.Type() {
	case streams.MIocAck:
		r, _ := m.Reply()
		n.Kind, n.Rval, n.Data = ioctl.Ack, int32(r.Rval), m.Next().Gather(r.Count)
		switch {
		case len(n.Data) > MaxData:
			n = ioctl.Next{ID: x.id, Kind: ioctl.Nak, Errno: streams.EMSGSIZE, From: n.From}
		case r.Count > 0 && len(n.Data) == 0:
			n = ioctl.Next{ID: x.id, Kind: ioctl.Nak, Errno: streams.EIO, From: n.From}
		case len(n.Data) < r.Count:
			n = ioctl.Next{ID: x.id, Kind: ioctl.Nak, Errno: streams.EMSGSIZE, From: n.From}
		}
	case streams.MIocNak:
		r, _ := m.Reply()
		n.Kind, n.Errno = ioctl.Nak, r.Error
		if n.Errno == 0 {
			n.Errno = streams.EINVAL
		}
	default:
		return e.hold(x, m, n)
	}
	m.Free()
	e.drop(x)
	return n
}

// hold keeps a copy request until the client has dealt with it. One that is too large for
// a call, or has less data than it says, is refused here.
func (e *End) hold(x *exchange, m *streams.Block, n ioctl.Next) ioctl.Next {
	r, _ := m.CopyRequest()
	n.Kind, n.Addr, n.Size = ioctl.NeedIn, uint64(r.Addr), r.Size
	errno := streams.Errno(0)
	if m.Type() == streams.MCopyOut {
		n.Kind, n.Data = ioctl.NeedOut, m.Next().Gather(r.Size)
		switch {
		case r.Size > 0 && len(n.Data) == 0:
			errno = streams.EIO
		case len(n.Data) < r.Size:
			errno = streams.EMSGSIZE
		}
	}
	if n.Size > MaxData {
		errno = streams.EMSGSIZE
	}
	if errno != 0 {
		e.copied(m, errno, nil)
		e.drop(x)
		return ioctl.Next{ID: n.ID, Kind: ioctl.Nak, Errno: errno, From: n.From}
	}
	e.mu.Lock()
	mine := e.current == x
	if mine {
		x.held = m
	}
	e.mu.Unlock()
	if !mine { // abandoned at this moment
		e.dismiss(m)
		return ioctl.Next{ID: n.ID, Kind: ioctl.Silent}
	}
	return n
}

// copied sends a copy request back with what has become of it.
func (e *End) copied(m *streams.Block, errno streams.Errno, data *streams.Block) {
	if m.CopyDone(errno, data) != nil {
		data.Free()
		m.Free()
		return
	}
	if e.stream.Put(m) != nil {
		m.Free()
	}
}

// proceed goes on with a conversation: the client has done a copy, or could not.
func (e *End) proceed(ctx context.Context, a *userclient.Args) error {
	var ev ioctl.Event
	if err := ev.UnmarshalBinary(a.InBytes); err != nil {
		return refused("event: %v", err)
	}
	e.mu.Lock()
	x := e.current
	if x == nil || x.id != ev.ID || x.held == nil {
		e.mu.Unlock()
		return refused("no conversation %d waits for a copy", ev.ID)
	}
	m := x.held
	x.held = nil
	e.mu.Unlock()
	r, _ := m.CopyRequest()
	var data *streams.Block
	errno := ev.Errno
	switch in := m.Type() == streams.MCopyIn; {
	case ev.Kind == ioctl.CopyFailed:
	case ev.Kind == ioctl.CopiedIn && in && len(ev.Data) == r.Size:
		var err error
		data, err = e.chain(ev.Data)
		errno = streams.ErrnoOf(err)
	case ev.Kind == ioctl.CopiedOut && !in:
	default:
		errno = streams.EPROTO
	}
	if errno != 0 { // the modules are told, and stay silent
		e.drop(x)
		e.copied(m, errno, nil)
		if ev.Kind == ioctl.CopyFailed {
			return e.tell(a, ioctl.Next{ID: ev.ID, Kind: ioctl.Silent})
		}
		return e.tell(a, ioctl.Next{ID: ev.ID, Kind: ioctl.Nak, Errno: errno})
	}
	if m.CopyDone(0, data) != nil {
		data.Free()
		m.Free()
		e.drop(x)
		return e.tell(a, ioctl.Next{ID: ev.ID, Kind: ioctl.Nak, Errno: streams.EPROTO})
	}
	return e.exchange(ctx, a, x, m)
}

// giveUp ends a conversation for which the client waits no longer.
func (e *End) giveUp(a *userclient.Args) error {
	var ev ioctl.Event
	if err := ev.UnmarshalBinary(a.InBytes); err != nil || ev.Kind != ioctl.Abandoned {
		return refused("%v is no end of a conversation", ev.Kind)
	}
	e.mu.Lock()
	x := e.current
	if x == nil || x.id != ev.ID {
		e.mu.Unlock()
		return nil // it is over already
	}
	e.current = nil
	e.mu.Unlock()
	e.step(head.Step{What: head.StepGivenUp, Command: x.call.Cmd, ID: x.call.ID, Errno: streams.EINTR})
	e.abandon(x)
	return nil
}

// drop ends a conversation that has its answer, or gets none from here.
func (e *End) drop(x *exchange) {
	e.mu.Lock()
	mine := e.current == x
	if mine {
		e.current = nil
	}
	e.mu.Unlock()
	if mine {
		e.abandon(x)
	}
}

// abandon ends a conversation that is not the current one any more: a copy request is
// refused, so that its module lets go of what it keeps.
func (e *End) abandon(x *exchange) {
	if x == nil {
		return
	}
	e.mu.Lock()
	held, over := x.held, x.over
	x.held, x.over = nil, true
	e.mu.Unlock()
	if over {
		return
	}
	close(x.reply)
	if w := <-x.reply; w.m != nil {
		held = w.m
	}
	if held != nil {
		e.dismiss(held)
	}
}

// gave is what a module is told whose copy request nobody waits for.
const gave = streams.EPERM // the 1 that System V puts there

// dismiss deals with a reply that belongs to nothing.
func (e *End) dismiss(m *streams.Block) {
	e.reply(m, "the client has given up")
	if t := m.Type(); t == streams.MCopyIn || t == streams.MCopyOut {
		e.copied(m, gave, nil)
		return
	}
	m.Free()
}
