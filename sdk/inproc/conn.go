// SPDX-License-Identifier: Apache-2.0

// Package inproc is the transport within one process: a driver and its client
// share an address space, so memory is plain heap memory and a notification is a
// value in a channel.
//
// It keeps the rules of every other transport. Calls work on copies of their
// arguments, run concurrently and can be given up; memory is fresh for each
// session; a driver's error arrives as its code and text; closing is a call, then
// a hang-up. So a program that is tested in one process behaves the same when its
// driver moves to another.
//
// What one process cannot give is protection: the client could write memory that
// is marked read-only.
package inproc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// closeBound is how long Close waits for the driver's answer to SelClose, and how
// long after that for calls that are still running.
const closeBound = time.Second

// Config adjusts a connection. The zero value, and a nil *Config, is an ordinary client.
type Config struct {
	// Observe connects as an observer, which looks but does not open (C34).
	Observe bool
}

// conn is both ends of a session: it is the client's Conn and the driver's Resources.
type conn struct {
	session userclient.Session
	peer    userclient.Peer

	base context.Context // of every driver call; ends when the session is over
	stop context.CancelFunc

	over   chan struct{} // closed when the session is over
	idle   chan struct{} // closed when it is over and the driver runs no call of it
	joined chan struct{} // closed when Session.Closed has returned

	mu        sync.Mutex
	running   int   // driver calls that have not returned
	clientErr error // why the session is over, as the client sees it; nil: it is not
	driverErr error // the same for the driver's doorbell
	reason    error // the argument of Session.Closed
	allocs    []allocation

	// portMu is held while a port is made and handed over, so that SelOpen cannot
	// overtake Notify.
	portMu sync.Mutex
	ports  map[uint32]*port
	opened bool // the driver may take the session for open

	doorbell *port

	closeOnce sync.Once
	closeErr  error
}

var (
	_ userclient.Conn      = (*conn)(nil)
	_ userclient.Resources = (*conn)(nil)
)

// Connect begins a session with the driver p and returns the client's end of it.
//
// Connect does not block, unless p.NewSession does. ctx is only looked at before
// the session begins; it does not end it later. cfg may be nil and is not kept. The
// error is the driver's refusal or the context's cause.
//
// The Conn also has a method Orphans() int: the number of calls that the driver
// still runs although the session is over. Close waits for them for a second, then
// returns an error that matches ErrTimeout; Session.Closed follows when the last of
// them has returned.
func Connect(ctx context.Context, p userclient.Provider, cfg *Config) (userclient.Conn, error) {
	if p == nil {
		return nil, ioreturn.Op("connect", "", refuse(ioreturn.BadArgument, "there is no provider"))
	}
	name := p.Describe().Name
	if ctx.Err() != nil {
		return nil, ioreturn.Op("connect", name, context.Cause(ctx))
	}
	c := &conn{
		peer:   self(),
		over:   make(chan struct{}),
		idle:   make(chan struct{}),
		joined: make(chan struct{}),
		ports:  make(map[uint32]*port),
	}
	c.base, c.stop = context.WithCancel(context.Background())
	c.doorbell = newPort(c.over, c.driverError)
	peer := c.peer
	peer.Observe = cfg != nil && cfg.Observe
	session, err := p.NewSession(peer, c)
	if err == nil && session == nil {
		err = refuse(ioreturn.InternalError, "the driver returned no session")
	}
	if err != nil {
		c.end(ioreturn.ErrClosed, ioreturn.ErrClosed, nil)
		return nil, ioreturn.Op("connect", name, travelled(err))
	}
	c.session = session
	go c.supervise()
	return c, nil
}

// self identifies this process.
func self() userclient.Peer {
	p := userclient.Peer{PID: os.Getpid(), UID: os.Getuid(), GID: os.Getgid()}
	if exe, err := os.Executable(); err == nil {
		p.Program = filepath.Base(exe)
	}
	return p
}

// Done implements userclient.Conn.
func (c *conn) Done() <-chan struct{} { return c.over }

// Err implements userclient.Conn.
func (c *conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clientErr
}

func (c *conn) driverError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.driverErr
}

// Peer implements userclient.Conn: the other end is this process.
func (c *conn) Peer() userclient.Peer { return c.peer }

// Orphans returns the number of calls that the driver still runs although the
// session is over.
func (c *conn) Orphans() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clientErr == nil {
		return 0
	}
	return c.running
}

// Hangup implements userclient.Resources. The client sees the text of reason, as
// it would from another process.
func (c *conn) Hangup(reason error) {
	gone := fmt.Errorf("%w: the driver ended the session", ioreturn.ErrGone)
	if reason != nil {
		gone = fmt.Errorf("%w: the driver ended the session: %s", ioreturn.ErrGone, reason.Error())
	}
	c.end(gone, ioreturn.ErrClosed, reason)
}

// end makes the session over, once: no call begins any more, the contexts of the
// running ones end, and every wait returns.
func (c *conn) end(clientErr, driverErr, reason error) {
	c.mu.Lock()
	if c.clientErr != nil {
		c.mu.Unlock()
		return
	}
	c.clientErr, c.driverErr, c.reason = clientErr, driverErr, reason
	if c.running == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	close(c.over)
	c.stop()
}

// supervise tells the driver that the session is over, after its last call.
func (c *conn) supervise() {
	<-c.over
	<-c.idle
	c.session.Closed(c.reason) // c.reason does not change any more
	close(c.joined)
}

// Close implements userclient.Conn. It waits up to a second for the driver's
// answer to SelClose, and up to another for calls that are still running.
func (c *conn) Close() error {
	c.closeOnce.Do(func() { c.closeErr = c.close() })
	return c.closeErr
}

func (c *conn) close() error {
	err := c.sayClose()
	var reason error
	if err != nil {
		reason = fmt.Errorf("%w: the client hung up, because closing failed: %s", ioreturn.ErrGone, err.Error())
	}
	driverErr := reason
	if driverErr == nil {
		driverErr = ioreturn.ErrClosed
	}
	c.end(ioreturn.ErrClosed, driverErr, reason)
	timer := time.NewTimer(closeBound)
	defer timer.Stop()
	select {
	case <-c.joined:
		return ioreturn.Op("close", "", err)
	case <-timer.C:
	}
	if err == nil {
		err = fmt.Errorf("%w: the driver has not returned from %d calls after %v", ioreturn.ErrTimeout, c.Orphans(), closeBound)
	}
	return ioreturn.Op("close", "", err)
}

// sayClose makes the SelClose call if the session may be open. A driver that says
// that it was not open agrees with the client.
func (c *conn) sayClose() error {
	c.portMu.Lock()
	opened := c.opened
	c.portMu.Unlock()
	if !opened || c.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), closeBound,
		fmt.Errorf("%w: the driver has not answered within %v", ioreturn.ErrTimeout, closeBound))
	defer cancel()
	err := c.Call(ctx, &userclient.Args{Selector: userclient.SelClose})
	if ioreturn.Of(err) == ioreturn.NotOpen || c.Err() != nil {
		return nil
	}
	return err
}
