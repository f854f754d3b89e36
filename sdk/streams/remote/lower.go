// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Caller is the part of a userclient.Conn that a Lower uses.
type Caller interface {
	Call(ctx context.Context, a *userclient.Args) error
}

// Lower is the client's end: what is at the bottom of the client's own stream. Commands go
// to the driver's end in the order in which they come, one at a time, each in a call of
// its own. A command that comes while another one is on its way ends that one's call: the
// head sends the next one only when nobody waits for the last.
//
// It is the head's Line: a command that waits for its answer makes the call itself. What
// nobody waits for is sent by a goroutine, which ends when there is no more.
type Lower struct {
	conn  Caller
	named bool // somebody traces, and wants to know which module says what

	// Of the one who works.
	room []byte // for answers
	out  []byte // for requests
	args userclient.Args

	mu          sync.Mutex
	queue       []*streams.Block // to be sent
	few         [2]*streams.Block
	working     bool
	serving     bool               // with the caller's goroutine, which waits for the answer
	expected    uint64             // ID of the command whose caller will serve, 0 if none will
	interrupted bool               // since then
	id          uint64             // of the command that is on its way, 0 of a flush
	cancel      context.CancelFunc // of its call; nil if none is under way
	own         *revocable         // the context of the last call, as it was bound; nil at first and at the end
	endOwn      context.CancelFunc // its cancel
	port        *streams.Port
	closed      bool
	over        chan struct{} // closed when the last call after Close has returned
}

var _ head.Line = (*Lower)(nil)

// NewLower returns the client's end over a connection. It is for one stream.
func NewLower(conn Caller) *Lower { return &Lower{conn: conn, over: make(chan struct{})} }

// Driver returns the module to open a stream with.
func (l *Lower) Driver(name string) *streams.Module {
	return &streams.Module{
		Name: name,
		Open: func(q *streams.Queue, _ streams.OpenInfo) (err error) {
			l.port, err = q.Port()
			return err
		},
		Close: func(*streams.Queue) { l.close() },
		Write: streams.Procedures{Put: l.put},
	}
}

// Wait blocks until no call is on its way any more. It is for after the stream's Close,
// which doesn't wait for calls.
func (l *Lower) Wait(ctx context.Context) error {
	select {
	case <-l.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// put takes what comes down. It must not block: a goroutine does the calls, that of the
// command which waits for the answer or one of ours.
func (l *Lower) put(q *streams.Queue, m *streams.Block) {
	switch m.Type() {
	case streams.MIoctl, streams.MIocData, streams.MFlush:
	default:
		q.PassOn(m)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		m.Free()
		return
	}
	l.queue = append(l.queue, m)
	x, _ := m.Ioctl()
	if l.cancel != nil && m.Type() == streams.MIoctl && l.id != 0 && x.ID != l.id {
		l.cancel() // nobody waits for that one any more
	}
	if x.ID == 0 || x.ID != l.expected {
		l.start()
	}
}

// start lets a goroutine of ours send what is in the queue. mu is held.
func (l *Lower) start() {
	if !l.working && len(l.queue) > 0 {
		l.working = true
		go l.work()
	}
}

func (l *Lower) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.cancel != nil {
		l.cancel()
	}
	if l.working {
		return
	}
	l.end()
}

// end frees what nobody will send. mu is held.
func (l *Lower) end() {
	for _, m := range l.queue {
		m.Free()
	}
	l.queue = nil
	l.disown()
	close(l.over)
}

// next takes the first message out of the queue. mu is held.
func (l *Lower) next() *streams.Block {
	m := l.queue[0]
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = l.few[:0]
	}
	x, _ := m.Ioctl()
	l.id = x.ID
	return m
}

// work sends what is in the queue.
func (l *Lower) work() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 && !l.closed {
		m := l.next()
		ctx := l.bound(context.Background())
		l.mu.Unlock()
		l.send(ctx, m)
		l.mu.Lock()
		l.cancel = nil
	}
	l.working = false
	if l.closed {
		l.end()
	}
}

// send makes the call for a message and sends what comes of it up. False means that who
// serves has given up.
func (l *Lower) send(ctx context.Context, m *streams.Block) bool {
	var err error
	switch m.Type() {
	case streams.MFlush:
		l.flush(ctx, m)
		return true
	case streams.MIoctl:
		x, _ := m.Ioctl()
		r := ioctl.Request{ID: x.ID, Command: x.Cmd, Transparent: x.Transparent, Named: l.named, Arg: uint64(x.Arg), Data: front(m.Next(), MaxData+1)}
		if len(r.Data) > MaxData {
			l.refuse(m, streams.EMSGSIZE)
			return true
		}
		l.out, err = r.AppendBinary(l.out[:0])
		return l.call(ctx, m, userclient.SelIoctl, err)
	default:
		e := event(m)
		l.out, err = e.AppendBinary(l.out[:0])
		return l.call(ctx, m, userclient.SelIoctlData, err)
	}
}

// front returns the first bytes of a message, at most most of them: where they are if they
// are in one block, and else a copy.
func front(m *streams.Block, most int) []byte {
	if m != nil && m.Next() == nil {
		b := m.Bytes()
		return b[:min(len(b), most)]
	}
	return m.Gather(most)
}

// asked is what a copy request was for, until its answer comes.
type asked ioctl.NextKind

// Release does nothing: there is nothing to let go of.
func (asked) Release() {}

// event is what an M_IOCDATA says.
func event(m *streams.Block) ioctl.Event {
	x, _ := m.Ioctl()
	e := ioctl.Event{ID: x.ID, Kind: ioctl.CopiedOut}
	r, _ := m.CopyResponse()
	kind, _ := m.TakePrivate().(asked)
	switch {
	case r.Error != 0:
		e.Kind, e.Errno = ioctl.CopyFailed, r.Error
	case ioctl.NextKind(kind) == ioctl.NeedIn:
		e.Kind, e.Data = ioctl.CopiedIn, m.Next().Gather(m.Next().Size())
	}
	return e
}

// call makes a call of a conversation, with what is in l.out, and turns m into what the
// driver's end wants.
func (l *Lower) call(ctx context.Context, m *streams.Block, selector uint32, err error) bool {
	if l.room == nil {
		l.room = make([]byte, userclient.MaxInline)
	}
	a := &l.args
	*a = userclient.Args{Selector: selector, InBytes: l.out, OutBytes: l.room}
	if err == nil {
		err = l.conn.Call(ctx, a)
	}
	if l.returned() && err != nil && ctx.Err() != nil {
		m.Free()
		return false
	}
	var n ioctl.Next
	if err == nil {
		if a.NOutBytes < 0 || a.NOutBytes > len(a.OutBytes) {
			err = streams.EPROTO
		} else {
			err = n.UnmarshalBinary(a.OutBytes[:a.NOutBytes])
		}
	}
	x, _ := m.Ioctl()
	if err == nil && n.ID != x.ID {
		err = streams.EPROTO
	}
	if err != nil {
		l.refuse(m, errnoOf(err))
		return true
	}
	l.turn(m, n)
	return true
}

// returned notes that a call is over, and reports whether its caller serves.
func (l *Lower) returned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	served := l.serving
	l.cancel, l.serving = nil, false
	return served
}

// errnoOf is the errno of a call that failed.
func errnoOf(err error) streams.Errno {
	switch {
	case ioreturn.Of(err) == ioreturn.Unsupported:
		return streams.EOPNOTSUPP // the driver has no control plane
	case errors.Is(err, ioreturn.ErrGone):
		return streams.ENXIO // also if the outcome is unknown
	}
	return streams.ErrnoOf(err)
}

// turn makes m the message that says what the driver's end wants, and sends it up.
func (l *Lower) turn(m *streams.Block, n ioctl.Next) {
	data, err := m.Arena().Chain(len(n.Data), func(p []byte, at int) error { copy(p, n.Data[at:]); return nil })
	if err != nil {
		l.refuse(m, streams.ErrnoOf(err))
		return
	}
	switch n.Kind {
	case ioctl.Ack:
		err = m.AckData(data, len(n.Data), int(n.Rval))
	case ioctl.NeedIn:
		err = m.CopyIn(asked(n.Kind), n.Size, streams.Addr(n.Addr))
	case ioctl.NeedOut:
		err = m.CopyOut(asked(n.Kind), n.Size, streams.Addr(n.Addr), data)
	case ioctl.Nak:
		err = m.Nak(n.Errno)
	default: // no answer is due
		m.Free()
		return
	}
	if err != nil {
		data.Free()
		l.refuse(m, streams.EPROTO)
		return
	}
	m.SetSender(n.From)
	l.up(m)
}

// refuse makes m the negative answer and sends it up.
func (l *Lower) refuse(m *streams.Block, why streams.Errno) {
	if m.Nak(why) != nil {
		m.Free()
		return
	}
	l.up(m)
}

// up sends a message up the client's stream, if that is still there.
func (l *Lower) up(m *streams.Block) {
	if l.port.Put(nil, m) != nil {
		m.Free()
	}
}

// flush lets the driver's end flush its stack, and sends up what is for the read side.
func (l *Lower) flush(ctx context.Context, m *streams.Block) {
	flags, band := m.FlushRequest()
	a := userclient.Args{Selector: userclient.SelControlFlush, In: []uint64{uint64(flags), uint64(band)}}
	err := l.conn.Call(ctx, &a)
	if err != nil || flags&streams.FlushR == 0 || m.Shared() {
		m.Free()
		return
	}
	m.Bytes()[0] &^= byte(streams.FlushW)
	l.up(m)
}

// Push puts a module on top of the stack at the driver's end. Its errors are the codes of
// package ioreturn: ErrNotFound for a module that the driver has not, and what the open
// procedure said.
func Push(ctx context.Context, conn Caller, name string) error {
	return ioreturn.Op("push", record.CleanText(name), conn.Call(ctx, &userclient.Args{Selector: userclient.SelControlPush, InBytes: []byte(name)}))
}

// Pop takes the top module off the stack at the driver's end. What the driver pushed itself
// stays: the error matches ErrPermission then.
func Pop(ctx context.Context, conn Caller) error {
	return ioreturn.Op("pop", "module", conn.Call(ctx, &userclient.Args{Selector: userclient.SelControlPop}))
}

// Names returns the names of the modules at the driver's end from the top down, and of the
// driver.
func Names(ctx context.Context, conn Caller) ([]string, error) {
	a := userclient.Args{Selector: userclient.SelControlNames, OutBytes: make([]byte, userclient.MaxInline)}
	err := conn.Call(ctx, &a)
	var list names
	if err == nil && (a.NOutBytes < 0 || a.NOutBytes > len(a.OutBytes) || record.Parse(a.OutBytes[:a.NOutBytes], nameFields, &list) != nil) {
		err = ioreturn.Broken(ioreturn.RuleAnswer, "the list of modules can't be read")
	}
	return list, ioreturn.Op("list", "modules", err)
}
