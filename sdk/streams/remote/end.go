// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// MaxData is the most bytes of data that one message of a conversation carries, so that
// the message fits into a call.
const MaxData = userclient.MaxInline - 256

// Plane is the control plane that a driver offers: what each session gets a stream of.
type Plane struct {
	// Domain is where the streams are opened. Nil means one of its own for each session,
	// which then can't be linked.
	Domain *streams.Domain
	// Driver is at the bottom of each stream. It finds the client's identity, a
	// userclient.Peer, as the credential of every command. Required.
	Driver *streams.Module
	// Stack lists modules that each stream has from the start, the top one last.
	Stack []*streams.Module
	// CommandsOnly keeps the payload of the stream away from the modules. Otherwise it
	// passes them all, as STREAMS data does; see [End.SendPayload].
	CommandsOnly bool
	// Modules finds a module that a client wants to push, nil if there is none, or this
	// client may not. Nil means that clients push nothing.
	Modules func(name string, p userclient.Peer) *streams.Module
	// Trace, if not nil, is told of each step of a client's commands at this end: what went
	// down to the modules, and what came up, from which module, and why it was dropped if
	// nobody waited for it. The client's own trace is that of its head. It may run inside a
	// procedure: it must not block or use the stream.
	Trace func(p userclient.Peer, s head.Step)
}

var (
	_ userclient.ControlPlane  = (*Plane)(nil)
	_ userclient.PayloadPlane  = (*Plane)(nil)
	_ userclient.ControlTeller = (*End)(nil)
)

// NewControl is NewEnd, for a driver's configuration.
func (p *Plane) NewControl(peer userclient.Peer) (userclient.ControlSession, error) {
	return NewEnd(p, peer)
}

// MaxCopy returns MaxData.
func (p *Plane) MaxCopy() int { return MaxData }

// End is the driver's end of one session's control plane. It is safe for concurrent use.
type End struct {
	plane  *Plane
	peer   userclient.Peer
	stream *streams.Stream
	port   *streams.Port // where the driver's entries enter
	gone   chan struct{} // closed by Close

	modules atomic.Int32 // that payload passes
	scratch []byte       // of the top's and the bottom's procedures

	mu       sync.Mutex
	current  *exchange // the conversation that is under way
	closed   bool
	readErr  streams.Errno
	writeErr streams.Errno
	hungUp   bool
	teller   func(userclient.Event)
}

// exchange is one conversation.
type exchange struct {
	id    uint64         // the client's
	call  streams.Ioctl  // as the modules see it
	reply chan wish      // has a token when one came; closed when the exchange was abandoned
	held  *streams.Block // the copy request that the client deals with
	over  bool
	named bool // the client wants to know whose the answers are
}

// wish is what a module's message wants.
type wish struct {
	m     *streams.Block
	errno streams.Errno // instead of a message: the stream has failed
}

// NewEnd opens the stream of a session.
func NewEnd(p *Plane, peer userclient.Peer) (*End, error) {
	e := &End{plane: p, peer: peer, gone: make(chan struct{})}
	d := p.Domain
	if d == nil {
		d = streams.NewDomain(nil)
	}
	top := &streams.Module{Name: "remote", Read: streams.Procedures{Put: e.arrive}}
	info := streams.OpenInfo{Credential: peer}
	var err error
	if e.stream, err = d.Open(e.bottom(), top, info); err != nil {
		return nil, ioreturn.Op("open", "control plane", err)
	}
	for _, m := range p.Stack {
		if err := e.plumb(context.Background(), func(pl *streams.Plumbing) error { return pl.Push(m, info) }); err != nil {
			e.Close()
			return nil, ioreturn.Op("push", m.Name, err)
		}
		e.modules.Add(1)
	}
	return e, nil
}

// Close ends the stream without waiting for what is queued. Calls end with ErrGone.
// Closing twice is harmless.
func (e *End) Close() {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	x := e.current
	e.current = nil
	e.mu.Unlock()
	if !first {
		return
	}
	close(e.gone)
	e.abandon(x)
	_ = e.stream.Close(context.Background(), 0) // it can be linked: then its multiplexer goes on without it
}

// Call answers a selector of the control plane. It blocks until the modules have answered,
// or ctx ends.
func (e *End) Call(ctx context.Context, a *userclient.Args) error {
	switch a.Selector {
	case userclient.SelIoctl:
		return e.begin(ctx, a)
	case userclient.SelIoctlData:
		return e.proceed(ctx, a)
	case userclient.SelIoctlAbandon:
		return e.giveUp(a)
	case userclient.SelControlPush:
		return e.push(ctx, string(a.InBytes))
	case userclient.SelControlPop:
		return e.pop(ctx)
	case userclient.SelControlNames:
		return e.names(a)
	case userclient.SelControlFlush:
		return e.flush(a)
	}
	return ioreturn.Unsupported
}

// refused is the caller's mistake.
func refused(format string, args ...any) error {
	return &ioreturn.StatusError{Code: ioreturn.BadArgument, Detail: fmt.Sprintf(format, args...)}
}

// tell puts what is needed next into the answer of a call.
func (e *End) tell(a *userclient.Args, n ioctl.Next) error {
	b, err := n.AppendBinary(a.OutBytes[:0])
	if err != nil {
		return &ioreturn.StatusError{Code: ioreturn.InternalError, Detail: err.Error()}
	}
	return answer(a, b)
}

func answer(a *userclient.Args, b []byte) error {
	if len(b) > len(a.OutBytes) {
		return &ioreturn.StatusError{Code: ioreturn.NoSpace,
			Detail: fmt.Sprintf("the answer has %d bytes, the caller has room for %d", len(b), len(a.OutBytes))}
	}
	a.NOutBytes = copy(a.OutBytes, b)
	return nil
}

// chain returns data as the head of a stream sends them.
func (e *End) chain(data []byte) (*streams.Block, error) {
	return e.stream.Arena().Chain(len(data), func(p []byte, at int) error { copy(p, data[at:]); return nil })
}
