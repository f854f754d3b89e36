// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"cmp"
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// Session is a client's control plane: a stream head whose driver is in another process.
// Commands go through the embedded Head. The modules are the driver's, or on this side; Push,
// Pop, List, and the commands of the same names in Ioctl, are about those that there are.
type Session struct {
	*head.Head
	lower *Lower
	far   head.Stack // the driver's; nil: the modules are on this side
}

// Open makes the control plane of a connection, whether the stream behind it is open or
// not. Nothing is sent: a driver without a control plane refuses the first command with
// EOPNOTSUPP, and what can't cross a process, links and passed files, fails with it too.
// The modules are those of the driver's stack. cfg may be nil; its Modules are not used, see
// OpenHere. The connection stays the caller's, who closes it after the Session.
func Open(conn Caller, cfg *head.Config) (*Session, error) { return open(conn, cfg, stack{conn}) }

// OpenHere is Open for a driver that has no stack of its own, as one has that is older than
// this package, or is in a kernel: the modules that cfg.Modules finds are pushed on this side
// (C6). What they pass on down goes to the driver, which refuses it with EOPNOTSUPP if it has
// no control plane.
func OpenHere(conn Caller, cfg *head.Config) (*Session, error) { return open(conn, cfg, nil) }

func open(conn Caller, cfg *head.Config, far head.Stack) (*Session, error) {
	c := *cmp.Or(cfg, &head.Config{})
	c.Name = cmp.Or(c.Name, "control plane")
	tun := c.Profile.Tunables()
	if c.Tunables != nil {
		tun = *c.Tunables
	}
	tun.DataSize = min(cmp.Or(tun.DataSize, MaxData), MaxData)
	c.Tunables = &tun
	s := &Session{lower: NewLower(conn), far: far}
	c.Remote, c.Line, c.Stack = true, s.lower, far
	s.lower.named = c.Trace != nil
	var err error
	s.Head, err = head.Open(streams.NewDomain(nil), s.lower.Driver("remote"), &c)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the control plane: calls that wait end, and it waits for what is on its way,
// until ctx ends. Closing twice is harmless.
func (s *Session) Close(ctx context.Context) error {
	return errors.Join(s.Head.Close(ctx), s.lower.Wait(ctx))
}

// Push puts a module on top of the stack; see the function, and for modules on this side that
// of the Head.
func (s *Session) Push(ctx context.Context, name string) error {
	if s.far == nil {
		return s.Head.Push(ctx, name)
	}
	return s.far.Push(ctx, name)
}

// Pop takes the top module off the stack; see the function, and for modules on this side that
// of the Head.
func (s *Session) Pop(ctx context.Context) error {
	if s.far == nil {
		return s.Head.Pop(ctx)
	}
	return s.far.Pop(ctx)
}

// List returns the names of the stack; see Names, and for modules on this side List of the
// Head.
func (s *Session) List(ctx context.Context) ([]string, error) {
	if s.far == nil {
		return s.Head.List()
	}
	return s.far.Names(ctx)
}

// stack is the driver's. It implements head.Stack.
type stack struct{ conn Caller }

func (s stack) Push(ctx context.Context, name string) error { return Push(ctx, s.conn, name) }
func (s stack) Pop(ctx context.Context) error               { return Pop(ctx, s.conn) }
func (s stack) Names(ctx context.Context) ([]string, error) { return Names(ctx, s.conn) }
