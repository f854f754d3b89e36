// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"errors"
	"os"
	"time"

	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"github.com/iostreamkit/iostreamkit/linux/internal/peer"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// greet identifies the client, does the handshake and begins the provider's
// session. A client that is not welcome is told why.
func (s *session) greet() error {
	var peerErr error
	err := s.sock.Control(func(num int) { s.client, peerErr = peer.Of(num) })
	if err := errors.Join(err, peerErr); err != nil {
		return err
	}
	s.l.at("driver.client-known")
	full := s.l.enter(s, s.client.UID)
	h, err := s.hello()
	s.l.leave(s, s.client.UID)
	if err == nil {
		err = full
	}
	if err == nil {
		err = s.begin(h)
	}
	if err != nil {
		s.refuse(err)
	}
	return err
}

// hello waits for the client's first frame. One that is there counts also when the
// time is up: on a busy machine this goroutine may be the one that is late.
func (s *session) hello() (h hello, err error) {
	if err := s.armHelloTimeout(); err != nil {
		return h, err
	}
	in, err := s.frames.next()
	if errors.Is(err, os.ErrDeadlineExceeded) && s.why() == nil {
		if in, err = s.frames.now(); errors.Is(err, os.ErrDeadlineExceeded) {
			return h, s.silent()
		}
	}
	if err != nil {
		return h, err
	}
	if in.typ != FrameHello || in.hasFD {
		return h, ioreturn.Broken(ioreturn.RuleHandshake, "the client begins with %s (with a descriptor: %t)", frameName(in.typ), in.hasFD)
	}
	s.l.at("driver.hello-read")
	return parseHello(in.bytes)
}

// silent is what a client is told that has sent nothing in its time.
func (s *session) silent() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hurried != nil {
		return s.hurried
	}
	return ioreturn.Broken(ioreturn.RuleHandshake, "the client sent no HELLO within %v", s.l.cfg.HelloTimeout)
}

// armHelloTimeout sets the deadline of HELLO, unless hurry or the end of the session
// has set one.
func (s *session) armHelloTimeout() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hurried != nil {
		return nil
	}
	return s.setDeadlineLocked(time.Now().Add(s.l.cfg.HelloTimeout))
}

// hurry ends the wait for HELLO; why is what the client is told if it has sent none.
// It does not block.
func (s *session) hurry(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = why
	s.sock.Interrupt()
}

func (s *session) setDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setDeadlineLocked(t)
}

// setDeadlineLocked is setDeadline with s.mu held.
func (s *session) setDeadlineLocked(t time.Time) error {
	if s.ended {
		return s.endError()
	}
	return s.sock.SetReadDeadline(t)
}

// begin settles what the two sides use and starts the session.
func (s *session) begin(h hello) error {
	abi, err := s.settle(h)
	if err != nil {
		return err
	}
	ring := -1
	if !s.observe {
		if ring, err = s.makeDoorbell(); err != nil {
			return err
		}
		defer unix.Close(ring)
	}
	user, err := s.provider.NewSession(peerOf(s.client, s.observe), resources{s})
	if err != nil {
		return err
	}
	s.l.at("driver.session-made")
	s.mu.Lock()
	s.user = user
	s.mu.Unlock()
	if s.client.Watched() {
		s.wg.Go(s.await)
	}
	if err := s.setDeadline(time.Time{}); err != nil {
		return err
	}
	// Not more than this can be unread by a client that keeps the rules: the answers to
	// its calls and its map, WELCOME and BYE.
	s.sock.Limit(s.l.cfg.MaxCalls+4, (s.l.cfg.MaxCalls+4)*MaxFrame)
	w := welcome{
		abi: abi, driver: s.l.cfg.abi, bell: s.bellNum, calls: uint32(s.l.cfg.MaxCalls), inline: userclient.MaxInline,
		bulk: uint32(s.l.cfg.MaxBulk), bulkCalls: maxBulkCalls,
	}
	if err := s.sendWelcome(&w, ring); err != nil {
		return err
	}
	s.l.at("driver.welcome-sent")
	return nil
}

// sendWelcome ends the handshake, unless the session has ended meanwhile: its BYE
// comes after WELCOME or not at all.
func (s *session) sendWelcome(w *welcome, ring int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return s.endError()
	}
	if err := s.sock.Send(w.append(nil, ring >= 0), ring); err != nil {
		return lost(err)
	}
	s.welcomed = true
	return nil
}

// makeDoorbell makes the port where the driver waits for the client's input
// notifications, and the descriptor of its bell.
func (s *session) makeDoorbell() (ring int, err error) {
	p, ring, err := bell.NewPort(bellKind(s.bellNum), s.bellLost)
	if err != nil {
		return -1, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doorbell = p
	if s.ended {
		p.Fail(s.endError())
	}
	return ring, nil
}

// settle compares what the client says with what this side can do.
func (s *session) settle(h hello) (abi userclient.Version, err error) {
	abi, ok := s.l.cfg.abi.common(h.abi)
	if !ok {
		return abi, refusal(ioreturn.Unsupported, "no common version, the driver has %s and the client %s", s.l.cfg.abi, h.abi)
	}
	if unknown := h.required &^ userclient.KnownFeatures; unknown != 0 {
		return abi, refusal(ioreturn.Unsupported, "the client (versions %s) requires features %#x, which the driver (versions %s) does not know",
			h.abi, unknown, s.l.cfg.abi)
	}
	d := s.provider.Describe()
	if unknown := d.Required &^ h.known; unknown != 0 {
		return abi, refusal(ioreturn.Unsupported, "the driver (versions %s) requires features %#x, which the client (versions %s) does not know",
			s.l.cfg.abi, unknown, h.abi)
	}
	if h.flags&^HelloObserve != 0 {
		return abi, ioreturn.Broken(ioreturn.RuleHandshake, "HELLO has unknown flags %#x", h.flags)
	}
	s.observe, s.memory = h.flags&HelloObserve != 0, h.memory
	if s.bellNum = chooseBell(h.bells, s.l.cfg.bells, s.client.SameUser()); s.bellNum == 0 {
		return abi, refusal(ioreturn.Unsupported, "no common kind of bell, the driver has %#x and the client %#x", s.l.cfg.bells, h.bells)
	}
	return abi, nil
}

// chooseBell returns the kind of bell that a session uses, 0 if there is none.
func chooseBell(client, driver uint32, sameUser bool) uint32 {
	common := client & driver
	switch {
	case common&(1<<BellEventFD) != 0 && sameUser: // C1
		return BellEventFD
	case common&(1<<BellSocketPair) != 0:
		return BellSocketPair
	}
	return 0
}

// refuse tells a client why there is no session. If that fails, the client will
// see the hang-up.
func (s *session) refuse(err error) {
	if why := s.why(); why != nil {
		err = why
	}
	code, detail := ioreturn.Status(err)
	_ = s.sock.Send((&refuse{code: code, driver: s.l.cfg.abi, text: detail}).append(nil), -1)
}
