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

// session is the driver's end of one connection, from accept to the last Closed.
type session struct {
	l        *Listener
	sock     *seqpacket.Conn
	frames   *frames
	provider userclient.Provider
	client   *peer.Process

	number uint64 // of the connection, in the order in which they came

	// Of the handshake.
	observe  bool
	memory   uint32 // bits of the kinds of memory that the client accepts
	bellNum  uint32
	doorbell *bell.Port // nil for an observer
	user     userclient.Session

	ctx    context.Context // of every handler; ended by end
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup // hands, maps, and who awaits the client's death

	ear     ear         // has who receives
	summon  func()      // its watcher
	watched atomic.Bool // a hand watches
	slow    atomic.Bool // the last call took long

	sendMu  sync.Mutex
	scratch []byte // the frame being sent

	mu       sync.Mutex
	ended    bool
	reason   error // nil after an orderly end
	hurried  error // why HELLO is not waited for, nil if it is
	done     chan struct{}
	calls    map[uint32]*running
	bulk     int  // large ones of them
	mapping  bool // a MAP is outstanding
	welcomed bool // the handshake is over
	opened   bool // SelOpen was called
	bells    map[uint32]*bell.Bell
	shared   sharedArenas
}

func newSession(l *Listener, sock *seqpacket.Conn, p userclient.Provider) *session {
	s := &session{
		l: l, sock: sock, frames: newFrames(sock), provider: p,
		done:  make(chan struct{}),
		calls: make(map[uint32]*running),
		bells: make(map[uint32]*bell.Bell),
	}
	s.ear.init()
	s.summon = s.ear.summon
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	sock.OnError = func(err error) { s.end(lost(err)) }
	return s
}

// run is the whole life of the session.
func (s *session) run() {
	s.l.at("driver.accepted")
	if err := s.greet(); err != nil {
		s.end(err)
	} else {
		s.ear.take()
		h := &hand{s: s, frames: s.frames}
		s.wg.Go(h.work)
	}
	<-s.done
	if s.client != nil {
		s.client.Close() // ends the watcher of its life
	}
	s.wg.Wait()
	if s.user != nil {
		s.l.at("driver.closing")
		s.user.Closed(s.why())
		s.l.at("driver.closed")
	}
	s.release()
}

// errBye is how handle says that the client goes.
var errBye = errors.New("the client says goodbye")

// handle does what one frame says that is not a CALL. An error ends the session.
func (s *session) handle(in *incoming) error {
	if in.hasFD && in.typ != FramePort {
		return ioreturn.Broken(ioreturn.RuleFrameFDs, "%s carries a descriptor", frameName(in.typ))
	}
	switch in.typ {
	case FrameCancel:
		return s.handleCancel(in)
	case FrameMap:
		return s.handleMap(in)
	case FrameDrop:
		return s.handleDrop(in)
	case FramePort:
		return s.handlePort(in)
	case FrameBye:
		f, err := parseBye(in.bytes)
		if err != nil {
			return err
		}
		s.l.at("driver.bye-read")
		if f.code == ioreturn.Success {
			return errBye
		}
		return &gone{ioreturn.Op("the client has ended the session", "", status(f.code, f.text))}
	case FrameHello:
		return ioreturn.Broken(ioreturn.RuleHandshake, "the client says HELLO twice")
	}
	return ioreturn.Broken(ioreturn.RuleFrameType, "the client sent a %s", frameName(in.typ))
}

// handlePort takes over the bell of one of the client's ports.
func (s *session) handlePort(in *incoming) error {
	typ, err := parseWord(in.bytes, FramePort)
	if err != nil {
		return err
	}
	s.l.at("driver.port-read")
	allowed := typ == userclient.PortEvents || typ == userclient.PortOutput && !s.observe
	s.mu.Lock()
	late, twice := s.opened, s.bells[typ] != nil
	s.mu.Unlock()
	switch {
	case !in.hasFD:
		return ioreturn.Broken(ioreturn.RuleFrameFDs, "PORT carries no bell")
	case !allowed || late || twice:
		return ioreturn.Broken(ioreturn.RuleFrameType, "PORT for port %#x (observer: %t, after open: %t, for the second time: %t)", typ, s.observe, late, twice)
	}
	b, err := bell.NewBell(bellKind(s.bellNum), in.take(), s.bellLost)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.bells[typ] = b
	if s.ended {
		b.Fail(s.endError())
	}
	s.mu.Unlock()
	s.user.Notify(typ, b)
	s.l.at("driver.notified")
	return nil
}

// await ends the session when the client's process dies, also while a child of it
// keeps the socket open (C28). What the client sent last is handled first.
func (s *session) await() {
	if s.client.Wait() != nil {
		return
	}
	select {
	case <-s.done:
	case <-time.After(grace):
		s.end(goneBecause("the client's process %d has died", s.client.PID))
	}
}

// bellLost is told that a bell or port is unusable. A socketpair is so too when the
// client is just leaving, which the socket will tell. It does not block.
func (s *session) bellLost(err error) {
	if s.bellNum == BellEventFD {
		s.end(err)
		return
	}
	time.AfterFunc(grace, func() { s.end(err) })
}

// end ends the session; the first reason counts, and nil is an orderly end. It may
// be called at any time from any goroutine and does not block. The session's own
// goroutine does the rest.
func (s *session) end(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(reason)
}

// endLocked is end with s.mu held.
func (s *session) endLocked(reason error) {
	if s.ended {
		return
	}
	s.ended, s.reason = true, reason
	close(s.done)
	cause := s.endError()
	s.cancel(cause)
	if s.doorbell != nil {
		s.doorbell.Fail(cause)
	}
	for _, b := range s.bells {
		b.Fail(cause)
	}
	if s.welcomed && !errors.As(reason, new(*gone)) && reason != nil {
		code, detail := ioreturn.Status(reason)
		if errors.Is(reason, errShutdown) {
			code, detail = ioreturn.Offline, "the driver is shutting down"
		}
		// Best effort: the session ends in any case.
		_ = s.sock.Send((&bye{code, detail}).append(nil), -1)
	}
	s.sock.Interrupt() // the receiver
}

// endError is what waiters and bells of the ended session return. s.mu is held.
func (s *session) endError() error {
	if s.reason == nil {
		return goneBecause("the client has closed the session")
	}
	return &gone{s.reason}
}

// why is the reason that Closed is told.
func (s *session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// release gives everything back and hangs up, which the client takes as the sign
// that the driver is done with it.
func (s *session) release() {
	s.frames.in.discard()
	if s.doorbell != nil {
		s.doorbell.Close()
	}
	for _, b := range s.bells { // nobody adds one any more
		b.Close()
	}
	s.sock.Shutdown()
	s.sock.Close()
}
