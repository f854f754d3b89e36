// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"cmp"
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// Session is a client's control plane: a stream head whose modules and driver are in the
// driver's process. Commands go through the embedded Head; Push, Pop and List are those of
// the driver's stack.
type Session struct {
	*head.Head
	conn  Caller
	lower *Lower
}

// Open makes the control plane of a connection, whether the stream behind it is open or
// not. Nothing is sent: a driver without a control plane refuses the first command with
// EOPNOTSUPP, and what can't cross a process, links and passed files, fails with it too.
// cfg may be nil; its Modules would be pushed on this side and are not used.
// The connection stays the caller's, who closes it after the Session.
func Open(conn Caller, cfg *head.Config) (*Session, error) {
	c := *cmp.Or(cfg, &head.Config{})
	c.Name = cmp.Or(c.Name, "control plane")
	tun := c.Profile.Tunables()
	if c.Tunables != nil {
		tun = *c.Tunables
	}
	tun.DataSize = min(cmp.Or(tun.DataSize, MaxData), MaxData)
	c.Tunables = &tun
	s := &Session{conn: conn, lower: NewLower(conn)}
	c.Modules, c.Remote, c.Line = nil, true, s.lower
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

// Push puts a module on top of the driver's stack; see the function.
func (s *Session) Push(ctx context.Context, name string) error { return Push(ctx, s.conn, name) }

// Pop takes the top module off the driver's stack; see the function.
func (s *Session) Pop(ctx context.Context) error { return Pop(ctx, s.conn) }

// List returns the names of the driver's stack; see Names.
func (s *Session) List(ctx context.Context) ([]string, error) { return Names(ctx, s.conn) }
