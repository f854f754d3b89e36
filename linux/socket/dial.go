// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"github.com/iostreamkit/iostreamkit/linux/internal/peer"
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// DialConfig tunes Dial. The zero value is ready to use.
type DialConfig struct {
	// Observe asks for a session that only looks: no memory, no bell, no exclusivity.
	Observe bool
	// AllowUIDs lists users whose drivers are trusted besides root and our own user.
	AllowUIDs []int
	// MemKinds lists the kinds of memory that this client can use. Nil means MemMemfd.
	MemKinds []userclient.MemKind
	// Required is the set of feature bits that the driver's transport must know.
	Required uint64
	// CloseTimeout bounds how long Close waits for the driver. Zero means one second.
	CloseTimeout time.Duration

	abi   versions           // of the client; zero means this package's
	bells uint32             // kinds of bell to accept; zero means what the system can
	fault func(point string) // called at the named points of the protocol
}

const defaultCloseTimeout = time.Second

func (cfg *DialConfig) withDefaults() DialConfig {
	var c DialConfig
	if cfg != nil {
		c = *cfg
	}
	if c.CloseTimeout <= 0 {
		c.CloseTimeout = defaultCloseTimeout
	}
	if c.MemKinds == nil {
		c.MemKinds = []userclient.MemKind{userclient.MemMemfd}
	}
	if c.abi == (versions{}) {
		c.abi = thisABI()
	}
	if c.bells == 0 {
		c.bells = usableBells()
	}
	return c
}

// thisABI is the range of versions that this package speaks.
func thisABI() versions {
	v := userclient.Version{Major: userclient.ABIMajor, Minor: userclient.ABIMinor}
	return versions{v, v}
}

func usableBells() uint32 {
	if bell.EventFDUsable() {
		return AllBells
	}
	return 1 << BellSocketPair
}

// Dial connects to the driver that serves at path and begins a session, which is
// not open yet. It blocks until the driver has answered; ctx bounds the wait. The
// caller closes the Conn.
//
// The error matches ErrNotFound if there is no socket at path, ErrGone if nobody
// listens there any more, ErrPermission if the socket may not be used or its owner
// is not trusted, ErrBusy if the driver serves too many clients, and ErrUnsupported
// if the two sides have no version in common.
func Dial(ctx context.Context, path string, cfg *DialConfig) (*Conn, error) {
	c, err := dial(ctx, path, cfg.withDefaults())
	return c, ioreturn.Op("connect to", path, err)
}

func dial(ctx context.Context, path string, cfg DialConfig) (_ *Conn, err error) {
	sock, err := seqpacket.Dial(ctx, path)
	if errors.Is(err, unix.ECONNREFUSED) {
		err = fmt.Errorf("nobody listens at this socket any more: %w", errors.Join(err, ioreturn.ErrGone))
	}
	if err != nil {
		return nil, err
	}
	c := newConn(path, cfg, sock)
	defer func() {
		if err != nil {
			c.end(err)
			_ = c.release() // err says what matters
		}
	}()
	c.at("client.connected")
	if err := c.identify(); err != nil {
		return nil, err
	}
	if err := c.greet(ctx); err != nil {
		return nil, err
	}
	c.start()
	return c, nil
}

// identify finds out who listens, and whether to trust them.
func (c *Conn) identify() error {
	var peerErr error
	err := c.sock.Control(func(num int) { c.driver, peerErr = peer.Of(num) })
	if err := errors.Join(err, peerErr); err != nil {
		return err
	}
	if uid := c.driver.UID; !trusted(uid, os.Geteuid(), c.cfg.AllowUIDs) {
		return fmt.Errorf("the driver runs as user %d, which is neither root nor this user nor allowed: %w", uid, ioreturn.ErrPermission)
	}
	return nil
}

// trusted reports whether a driver that runs as user uid is to be trusted by user own.
func trusted(uid, own int, allow []int) bool {
	return uid == 0 || uid == own || slices.Contains(allow, uid)
}

// greet does the handshake.
func (c *Conn) greet(ctx context.Context) error {
	bells := c.cfg.bells
	if !c.driver.SameUser() {
		bells &^= 1 << BellEventFD // C1
	}
	h := hello{abi: c.cfg.abi, bells: bells, known: userclient.KnownFeatures, required: c.cfg.Required}
	if c.cfg.Observe {
		h.flags |= HelloObserve
	}
	for _, k := range c.cfg.MemKinds {
		if k < 32 {
			h.memory |= 1 << k
		}
	}
	if err := c.sock.Send(h.append(nil), -1); err != nil && !seqpacket.HungUp(err) {
		return err // if the driver has hung up, its reason is still to be read
	}
	c.at("client.hello-sent")
	in, err := c.answer(ctx)
	if err != nil {
		return err
	}
	defer in.discard()
	switch in.typ {
	case FrameRefuse:
		return c.refused(in)
	case FrameWelcome:
		return c.welcomed(in, bells)
	}
	return ioreturn.Broken(ioreturn.RuleHandshake, "the driver answers HELLO with %s", frameName(in.typ))
}

// answer waits for the driver's first frame until ctx ends.
func (c *Conn) answer(ctx context.Context) (*incoming, error) {
	stop := context.AfterFunc(ctx, c.sock.Interrupt)
	in, err := c.frames.next()
	if !stop() && errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("the driver does not answer: %w", context.Cause(ctx))
	}
	switch {
	case ctx.Err() != nil:
		if err == nil {
			in.discard()
		}
		return nil, context.Cause(ctx)
	case errors.Is(err, io.EOF):
		return nil, goneBecause("the driver hung up before it answered")
	}
	return in, err
}

func (c *Conn) refused(in *incoming) error {
	f, err := parseRefuse(in.bytes)
	if err != nil {
		return err
	}
	return fmt.Errorf("the driver (versions %s) refuses this client (versions %s): %w", f.driver, c.cfg.abi, status(f.code, f.text))
}

// welcomed checks WELCOME and takes the doorbell from it.
func (c *Conn) welcomed(in *incoming, bells uint32) error {
	w, err := parseWelcome(in.bytes)
	if err != nil {
		return err
	}
	if common, ok := c.cfg.abi.common(versions{w.abi, w.abi}); !ok || common != w.abi {
		return ioreturn.Broken(ioreturn.RuleVersion, "the driver (versions %s) chose version %d.%d, this client has %s",
			w.driver, w.abi.Major, w.abi.Minor, c.cfg.abi)
	}
	if w.bell > 31 || bells&(1<<w.bell) == 0 {
		return ioreturn.Broken(ioreturn.RuleHandshake, "the driver chose bells of kind %d, which this client did not accept", w.bell)
	}
	c.limits, c.kind = w, bellKind(w.bell)
	if in.hasFD == c.cfg.Observe {
		return ioreturn.Broken(ioreturn.RuleFrameFDs, "WELCOME carries a bell: %t, to an observer: %t", in.hasFD, c.cfg.Observe)
	}
	if in.hasFD {
		if c.doorbell, err = bell.NewBell(c.kind, in.take(), c.bellLost); err != nil {
			return err
		}
	}
	c.at("client.welcomed")
	return nil
}

// bellKind is the kind of bell with a number of the wire.
func bellKind(n uint32) bell.Kind {
	if n == BellEventFD {
		return bell.EventFD
	}
	return bell.SocketPair
}
