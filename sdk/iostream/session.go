// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// session is the driver's end of one connection.
//
// turn is held around everything that runs a Handler's method or changes the state on
// a client's behalf, so that these run one at a time (C39). mu guards the rest and is
// never held while foreign code runs.
type session struct {
	d    *Driver
	peer Peer
	res  userclient.Resources
	turn chan struct{}
	over chan struct{} // closed by Closed

	mu       sync.Mutex
	state    State
	reason   error // why the session is over
	features uint64
	layout   Layout
	opened   int64           // host monotonic time, ns
	bell     userclient.Bell // rings the client's output port
	evBell   userclient.Bell
	events   eventLog
	lane     *lane // nil until the first open; then that of the last one
	spare    []*memory

	controlMu sync.Mutex // held around the beginning of control, and its end
	control   userclient.ControlSession

	payload userclient.PayloadPath // of control, if its modules see payload; guarded by mu
}

func newSession(d *Driver, p Peer, r userclient.Resources) *session {
	return &session{
		d: d, peer: p, res: r, turn: make(chan struct{}, 1), over: make(chan struct{}),
		layout: userclient.LayoutClassic, // a client that selects nothing knows nothing else
	}
}

// enter takes the turn. A call that was given up never gets it: its client may have
// gone on, and would find the stream stopped by a stop from before its start.
func (s *session) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if ctx.Err() != nil { // both were ready
		s.leave()
		return context.Cause(ctx)
	}
	return nil
}

func (s *session) leave() { <-s.turn }

func (s *session) currentState() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// check returns the state table's refusal of op now, or nil.
func (s *session) check(op userclient.Operation) error {
	return userclient.Next(s.currentState(), op).Code.Err()
}

// forObserver are the selectors that an observer may call.
var forObserver = map[uint32]bool{
	userclient.SelDescribe: true, userclient.SelStats: true, userclient.SelEvents: true, userclient.SelCorrelate: true,
	userclient.SelGetFormat: true, userclient.SelObserve: true, userclient.SelGetMode: true,
	userclient.SelGetBufferCount: true, userclient.SelClose: true, userclient.SelSelect: true,
}

type method func(*session, context.Context, *Args) error

// methodOf returns what answers a selector below userclient.SelVendorBase, or nil.
func methodOf(selector uint32) method {
	switch selector {
	case userclient.SelOpen:
		return (*session).open
	case userclient.SelClose:
		return (*session).close
	case userclient.SelStart:
		return (*session).start
	case userclient.SelStop:
		return (*session).stop
	case userclient.SelSuspend:
		return (*session).suspend
	case userclient.SelGetMode:
		return (*session).getMode
	case userclient.SelSetMode:
		return (*session).setMode
	case userclient.SelGetBufferCount:
		return (*session).getBufferCount
	case userclient.SelDescribe:
		return (*session).describe
	case userclient.SelSelect:
		return (*session).selectFeatures
	case userclient.SelMemoryMap:
		return (*session).memoryMap
	case userclient.SelStats:
		return (*session).getStats
	case userclient.SelEvents:
		return (*session).getEvents
	case userclient.SelCorrelate:
		return (*session).correlate
	case userclient.SelGetFormat:
		return (*session).getFormat
	case userclient.SelSetFormat:
		return (*session).setFormat
	case userclient.SelObserve:
		return (*session).observe
	case userclient.SelInputSync:
		return (*session).inputSync
	case userclient.SelDoorbell:
		return (*session).doorbell
	case userclient.SelFlush:
		return (*session).flush
	}
	return nil
}

// methodOf returns what answers a selector below userclient.SelVendorBase with this
// driver, or nil.
func (d *Driver) methodOf(selector uint32) method {
	if userclient.IsControl(selector) && d.cfg.Control != nil {
		if _, known := userclient.OperationOf(selector); known {
			return (*session).callControl
		}
	}
	return methodOf(selector)
}

// Call runs one external method; see userclient.Session.
func (s *session) Call(ctx context.Context, a *Args) error {
	if a.Selector >= userclient.SelVendorBase {
		h, ok := s.d.handler.(MethodHandler)
		if !ok || s.peer.Observe {
			return ioreturn.Unsupported
		}
		return h.Call(ctx, a)
	}
	m := s.d.methodOf(a.Selector)
	if m == nil {
		return ioreturn.Unsupported
	}
	if s.peer.Observe && !forObserver[a.Selector] {
		return &ioreturn.StatusError{Code: ioreturn.NotPermitted, Detail: "an observer may only look"}
	}
	op, _ := userclient.OperationOf(a.Selector)
	if err := s.check(op); err != nil {
		return err
	}
	return m(s, ctx, a)
}

// Notify keeps the bell of one of the client's ports.
func (s *session) Notify(typ uint32, b userclient.Bell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch typ {
	case userclient.PortOutput:
		s.bell = b
	case userclient.PortEvents:
		s.evBell = b
	}
}

// Memory returns the memory of a type; see userclient.Session.
func (s *session) Memory(typ uint32) (userclient.Mem, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := userclient.Next(s.state, userclient.OpMap); t.Code != ioreturn.Success {
		return userclient.Mem{}, t.Code
	}
	if s.peer.Observe {
		return userclient.Mem{}, ioreturn.NotPermitted
	}
	switch typ {
	case userclient.MemDriverArena:
		return s.lane.mem.arenas[0], nil
	case userclient.MemClientArena:
		return s.lane.mem.arenas[1], nil
	}
	return s.lane.mem.arenas.slice(s.lane.plan.regions, typ)
}

// Closed ends the session; see userclient.Session. Every Call has returned; a handler's
// input callback may still run.
func (s *session) Closed(reason error) {
	s.turn <- struct{}{}
	s.mu.Lock()
	before := s.state
	s.state, s.reason = userclient.StateGone, cmp.Or(reason, ioreturn.ErrGone)
	ln := s.lane
	close(s.over)
	s.mu.Unlock()
	open := before != userclient.StateClosed
	if open {
		if before != userclient.StateOpen {
			// Nobody is left to give it up, or to be told that it failed.
			_ = s.d.handler.Stop(context.Background())
		}
		s.shut(ln)
	}
	s.freeSpares()
	s.closeControl()
	s.leave()
	s.log("session over", "reason", s.reason)
	if open {
		s.announce(userclient.StateClosed) // to the others; this client is not there any more
	}
	s.d.forget(s)
}

// why says why the session is over.
func (s *session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.reason, ioreturn.ErrGone)
}

// fail hangs up, because the client broke a rule or can't be waited for any more. It
// does nothing for an error that only says that the session or its lane is over.
func (s *session) fail(err error) error {
	if errors.Is(err, errNotRunning) || errors.Is(err, ioreturn.ErrClosed) || errors.Is(err, context.Canceled) {
		return err
	}
	s.log("hang up", "err", err)
	s.res.Hangup(err)
	return fmt.Errorf("session with %s: %w", peerText(s.peer), err)
}

func (s *session) log(msg string, args ...any) {
	s.d.cfg.Logger.Debug(msg, append([]any{"stream", s.d.cfg.Name, "client", peerText(s.peer)}, args...)...)
}
