// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"github.com/iostreamkit/iostreamkit/linux/internal/peer"
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// grace is how long the end of a session waits for a better reason: a process that
// has died, or a bell that broke, often left a BYE in the socket.
const grace = 30 * time.Millisecond

// Conn is the client's end of a session over a socket. It implements
// userclient.Conn.
type Conn struct {
	path      string
	cfg       DialConfig
	sock      *seqpacket.Conn
	ear       ear
	interrupt func()  // of who has it
	frames    *frames // used by who has the ear, after the handshake
	driver    *peer.Process

	limits   welcome
	kind     bell.Kind
	doorbell *bell.Bell // nil for an observer

	slots   chan struct{} // one token for each outstanding call
	bulk    chan struct{} // one for each that is large
	mapSlot chan struct{} // one for the outstanding map

	mu      sync.Mutex
	lastID  uint32
	calls   map[uint32]*pending
	mapping *mapRequest // the outstanding map
	arenas  map[uint32]*arena
	ports   map[uint32]*bell.Port
	scratch []byte // the frame being sent
	err     error  // why the session is over
	done    chan struct{}

	mayBeOpen atomic.Bool // SelOpen was sent, and no SelClose was answered
	wasOpened atomic.Bool // SelOpen was sent once: too late for ports
	closing   atomic.Bool
	closeOnce sync.Once
	wg        sync.WaitGroup
}

var _ userclient.Conn = (*Conn)(nil)

func newConn(path string, cfg DialConfig, sock *seqpacket.Conn) *Conn {
	c := &Conn{
		path: path, cfg: cfg, sock: sock, frames: newFrames(sock),
		calls:   make(map[uint32]*pending),
		arenas:  make(map[uint32]*arena),
		ports:   make(map[uint32]*bell.Port),
		mapSlot: make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	c.ear.init()
	c.interrupt = sock.Interrupt
	sock.OnError = func(err error) { c.end(lost(err)) }
	return c
}

// start begins to receive, after the handshake.
func (c *Conn) start() {
	// Not more than this can be unread by a driver that keeps the rules: each call, its
	// cancel, and some small frames.
	messages := 2*int(c.limits.calls) + 64
	c.sock.Limit(messages, int(c.limits.calls)*MaxFrame+messages*HelloSize)
	c.slots = make(chan struct{}, c.limits.calls-1) // the last one is SelClose's
	c.bulk = make(chan struct{}, c.limits.bulkCalls)
	c.ear.summon()
	c.wg.Go(c.receive)
	if c.driver.Watched() {
		c.wg.Go(c.watch)
	}
}

// handle does what one frame says. An error ends the session.
func (c *Conn) handle(in *incoming) error {
	if in.hasFD && in.typ != FrameReply && in.typ != FrameMapped {
		return ioreturn.Broken(ioreturn.RuleFrameFDs, "%s carries a descriptor", frameName(in.typ))
	}
	switch in.typ {
	case FrameReply:
		return c.replied(in)
	case FrameMapped:
		return c.mapped(in)
	case FrameBye:
		f, err := parseBye(in.bytes)
		if err != nil {
			return err
		}
		if f.code == ioreturn.Success {
			return goneBecause("the driver has ended the session")
		}
		return &gone{ioreturn.Op("the driver has ended the session", "", status(f.code, f.text))}
	}
	return ioreturn.Broken(ioreturn.RuleFrameType, "the driver sent a %s", frameName(in.typ))
}

// watch ends the session when the driver's process dies, also while a child of it
// keeps the socket open (C28).
func (c *Conn) watch() {
	if c.driver.Wait() == nil {
		c.endAfterGrace(goneBecause("the driver's process %d has died", c.driver.PID))
	}
}

func (c *Conn) endAfterGrace(err error) {
	select {
	case <-c.done:
	case <-time.After(grace):
		c.end(err)
	}
}

// bellLost is told that a bell or port is unusable. A socketpair is so too when the
// driver is just leaving, which the socket will tell. It does not block.
func (c *Conn) bellLost(err error) {
	if c.kind == bell.EventFD {
		c.end(err)
		return
	}
	time.AfterFunc(grace, func() { c.end(err) })
}

// end ends the session with a reason; the first one counts. Everybody who waits is
// woken. What the session holds is given back by Close.
func (c *Conn) end(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(reason)
}

// endLocked is end with c.mu held.
func (c *Conn) endLocked(reason error) {
	if c.err != nil {
		return
	}
	if c.closing.Load() {
		reason = ioreturn.ErrClosed // whatever happens from then on is what Close wants
	}
	if rule := (*ioreturn.RuleError)(nil); errors.As(reason, &rule) {
		code, detail := ioreturn.Status(rule)
		// Best effort: the session ends in any case.
		_ = c.sock.Send((&bye{code, detail}).append(nil), -1)
		reason = &gone{reason}
	}
	c.err = reason
	close(c.done)
	for _, p := range c.ports {
		p.Fail(reason)
	}
	if c.doorbell != nil {
		c.doorbell.Fail(reason)
	}
	c.sock.Shutdown()
}

// release gives back everything except the arenas of mappings that are still in
// use. The session is over.
func (c *Conn) release() error {
	err := c.sock.Close()
	if c.driver != nil {
		c.driver.Close()
	}
	c.wg.Wait()
	c.frames.in.discard()
	c.mu.Lock()
	unused := c.dropUnused() // kept for a map that was never answered
	c.mu.Unlock()
	err = errors.Join(err, freeAll(unused))
	for _, p := range c.ports { // nobody adds one any more
		err = errors.Join(err, p.Close())
	}
	if c.doorbell != nil {
		err = errors.Join(err, c.doorbell.Close())
	}
	return err
}

// Close ends the session. See userclient.Conn. It blocks for CloseTimeout at most
// while the driver does not answer.
func (c *Conn) Close() error {
	var err error
	c.closeOnce.Do(func() {
		c.closing.Store(true)
		c.at("client.closing")
		c.leave()
		c.end(ioreturn.ErrClosed)
		err = c.release()
	})
	return ioreturn.Op("close", c.path, err)
}

// leave tells the driver that this client goes, and waits until the driver has
// ended the session, so that the next client does not meet this one (C25).
func (c *Conn) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.CloseTimeout)
	defer cancel()
	if c.mayBeOpen.Load() {
		// Whatever it answers, the session ends now.
		_ = c.call(ctx, &userclient.Args{Selector: userclient.SelClose}, true)
		c.at("client.close-answered")
	}
	c.mu.Lock()
	err := c.err
	if err == nil {
		err = c.sock.Send((&bye{}).append(nil), -1)
	}
	c.mu.Unlock()
	c.at("client.bye-sent")
	if err != nil {
		return
	}
	c.attend()
	select {
	case <-c.done: // by the receiver, at the driver's hang-up
	case <-ctx.Done():
	}
}

// Done is closed when the session is over. See userclient.Conn.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err says why the session is over, or nil. See userclient.Conn.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// over returns why nothing can be asked of the session any more, or nil.
func (c *Conn) over() error {
	if c.closing.Load() {
		return ioreturn.ErrClosed
	}
	return c.Err()
}

// Peer tells who the driver is.
func (c *Conn) Peer() userclient.Peer { return peerOf(c.driver, false) }

func peerOf(p *peer.Process, observe bool) userclient.Peer {
	pid := p.PID
	if pid == 0 {
		pid = -1
	}
	return userclient.Peer{PID: pid, UID: p.UID, GID: p.GID, Program: p.Program, Observe: observe}
}

// Version returns the ABI version that both sides use.
func (c *Conn) Version() userclient.Version { return c.limits.abi }

// PortKind tells what the session's notifications are made of.
func (c *Conn) PortKind() userclient.PortKind { return userclient.PortKind(c.limits.bell) }

// at calls the fault hook at a named point of the protocol.
func (c *Conn) at(point string) {
	if c.cfg.fault != nil {
		c.cfg.fault(point)
	}
}
