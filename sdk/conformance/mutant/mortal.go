// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Mortal returns a target whose driver is in this process and dies all the same when it
// is killed: from one moment to the next it answers nobody and touches nothing, and every
// session is over because it is gone.
func Mortal(name string, start conformance.Start, declared ...conformance.Capability) conformance.Target {
	return newMortal(name, start, declared...)
}

// mortal stands between the suite and a driver that it can kill.
type mortal struct {
	conformance.Target
	wrap func(userclient.Conn) userclient.Conn // may be nil

	mu   sync.Mutex
	dead bool
	live []userclient.Resources
	seen [][]byte // memory that goes with the driver
}

var (
	_ conformance.Killer    = (*mortal)(nil)
	_ conformance.Restarter = (*mortal)(nil)
)

func newMortal(name string, start conformance.Start, declared ...conformance.Capability) *mortal {
	m := &mortal{}
	m.Target = conformance.FromStart(name, func() (userclient.Provider, func() error, error) {
		p, stop, err := start()
		if err != nil {
			return nil, nil, err
		}
		return Wrap(p, Hooks{
			Resources: func(_ *Session, r userclient.Resources) userclient.Resources {
				m.mu.Lock()
				m.live = append(m.live, r)
				m.mu.Unlock()
				return r
			},
		}), stop, nil
	}, declared...)
	return m
}

var errKilled = fmt.Errorf("%w: the driver was killed", ioreturn.ErrGone)

// Kill implements conformance.Killer.
func (m *mortal) Kill() error {
	m.mu.Lock()
	live, seen := m.live, m.seen
	m.live, m.seen, m.dead = nil, nil, true
	m.mu.Unlock()
	for _, b := range seen {
		clear(b)
	}
	for _, r := range live {
		r.Hangup(errKilled)
	}
	return m.Close()
}

// Restart implements conformance.Restarter.
func (m *mortal) Restart(ctx context.Context) error {
	r, _ := m.Target.(conformance.Restarter) // FromStart makes nothing else
	if err := r.Restart(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	m.dead = false
	m.mu.Unlock()
	return nil
}

// Connect implements conformance.Target.
func (m *mortal) Connect(ctx context.Context, observe bool) (userclient.Conn, error) {
	m.mu.Lock()
	dead := m.dead
	m.mu.Unlock()
	if dead {
		return nil, ioreturn.Op("connect to", m.Name(), errKilled)
	}
	c, err := m.Target.Connect(ctx, observe)
	if err != nil || m.wrap == nil {
		return c, err
	}
	return m.wrap(c), nil
}

// mortalMutant makes the New of a mutant whose driver can be killed. wrap changes its
// connections; hooks are made for each start. Both may be nil.
func mortalMutant(name string, wrap func(*mortal, userclient.Conn) userclient.Conn, hooks func() Hooks) func() conformance.Target {
	return func() conformance.Target {
		m := newMortal(name, func() (userclient.Provider, func() error, error) {
			var h Hooks
			if hooks != nil {
				h = hooks()
			}
			return Served(LoopbackConfig(), nil, Echo, Wrapping(h))()
		}, conformance.CapLoopback)
		if wrap != nil {
			m.wrap = func(c userclient.Conn) userclient.Conn { return wrap(m, c) }
		}
		return m
	}
}

// staleLock makes hooks of a driver that refuses every open from its second start on.
func staleLock() func() Hooks {
	var starts atomic.Int32
	return func() Hooks {
		first := starts.Add(1) == 1
		return onCall(userclient.SelOpen, func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
			if !first {
				return ioreturn.ExclusiveAccess
			}
			return next()
		})()
	}
}

// undead is a connection whose session is over only when it is closed here.
type undead struct {
	userclient.Conn
	once sync.Once
	done chan struct{}
}

// Done implements userclient.Conn.
func (c *undead) Done() <-chan struct{} { return c.done }

// Close implements userclient.Conn.
func (c *undead) Close() error {
	c.once.Do(func() { close(c.done) })
	return c.Conn.Close()
}

// closedConn is a connection that takes every end of its session for a close.
type closedConn struct{ userclient.Conn }

// Err implements userclient.Conn.
func (c closedConn) Err() error {
	if c.Conn.Err() != nil {
		return ioreturn.ErrClosed
	}
	return nil
}

// sleepyConn is a connection whose ports do not tell of the session's end.
type sleepyConn struct{ userclient.Conn }

// Port implements userclient.Conn.
func (c sleepyConn) Port(typ uint32) (userclient.Port, error) {
	p, err := c.Conn.Port(typ)
	if err != nil {
		return nil, err
	}
	return sleepyPort{p}, nil
}

type sleepyPort struct{ userclient.Port }

// Wait implements userclient.Port.
func (p sleepyPort) Wait(ctx context.Context) error {
	err := p.Port.Wait(ctx)
	if errors.Is(err, ioreturn.ErrGone) {
		<-ctx.Done()
		err = context.Cause(ctx)
	}
	return err
}

// mortalMemory is a connection whose memory goes with the driver.
type mortalMemory struct {
	userclient.Conn
	m *mortal
}

// Map implements userclient.Conn.
func (c mortalMemory) Map(ctx context.Context, typ uint32) (*userclient.Mapping, error) {
	m, err := c.Conn.Map(ctx, typ)
	if err == nil {
		c.m.mu.Lock()
		c.m.seen = append(c.m.seen, m.Bytes)
		c.m.mu.Unlock()
	}
	return m, err
}

// againConn is a connection that begins a new session when its own is over.
type againConn struct {
	userclient.Conn
	m *mortal

	mu   sync.Mutex
	next userclient.Conn
}

// Call implements userclient.Conn.
func (c *againConn) Call(ctx context.Context, a *userclient.Args) error {
	err := c.Conn.Call(ctx, a)
	if !errors.Is(err, ioreturn.ErrGone) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		next, connErr := c.m.Target.Connect(ctx, false)
		if connErr != nil {
			return err
		}
		c.next = next
	}
	return c.next.Call(ctx, a)
}

// Close implements userclient.Conn.
func (c *againConn) Close() error {
	c.mu.Lock()
	next := c.next
	c.mu.Unlock()
	if next != nil {
		return errors.Join(c.Conn.Close(), next.Close())
	}
	return c.Conn.Close()
}
