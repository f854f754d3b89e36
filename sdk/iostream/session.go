// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"fmt"
	"sync"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
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
	selected bool
	opened   int64
	bell     userclient.Bell // rings the client's output port
	evBell   userclient.Bell
	events   eventLog
	lane     *lane // nil until the first open; then that of the last one
}

func newSession(d *Driver, p Peer, r userclient.Resources) *session {
	return &session{
		d: d, peer: p, res: r, turn: make(chan struct{}, 1), over: make(chan struct{}),
		layout: userclient.LayoutClassic, // a client that selects nothing knows nothing else
	}
}

// enter takes the turn.
func (s *session) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *session) leave() { <-s.turn }

func (s *session) currentState() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// check answers whether the state table allows op now, and what comes after it.
func (s *session) check(op userclient.Operation) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := userclient.Next(s.state, op)
	return t.Next, t.Code.Err()
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

// Call runs one external method; see userclient.Session.
func (s *session) Call(ctx context.Context, a *Args) error {
	if a.Selector >= userclient.SelVendorBase {
		h, ok := s.d.handler.(MethodHandler)
		if !ok || s.peer.Observe {
			return ioreturn.Unsupported
		}
		return h.Call(ctx, a)
	}
	m := methodOf(a.Selector)
	if m == nil {
		return ioreturn.Unsupported
	}
	if s.peer.Observe && !forObserver[a.Selector] {
		return &ioreturn.StatusError{Code: ioreturn.NotPermitted, Detail: "an observer may only look"}
	}
	op, _ := userclient.OperationOf(a.Selector)
	if _, err := s.check(op); err != nil {
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
		return s.lane.mem[0], nil
	case userclient.MemClientArena:
		return s.lane.mem[1], nil
	}
	return s.lane.mem.slice(s.lane.plan.regions, typ)
}

// Closed ends the session; see userclient.Session.
func (s *session) Closed(reason error) {
	s.turn <- struct{}{} // every Call has returned; a handler's input callback may still run
	s.mu.Lock()
	wasOpen := s.state != userclient.StateClosed && s.state != userclient.StateGone
	wasRunning := wasOpen && s.state != userclient.StateOpen
	s.state, s.reason = userclient.StateGone, reason
	if s.reason == nil {
		s.reason = ioreturn.ErrGone
	}
	ln := s.lane
	close(s.over)
	s.mu.Unlock()
	if wasRunning {
		// The client is gone: a handler that can't stop changes nothing about that.
		_ = s.d.handler.Stop(context.Background())
	}
	if wasOpen {
		s.shut(ln)
	}
	s.leave()
	s.d.forget(s)
	if wasOpen {
		s.announce(userclient.StateClosed) // to the others; this client is not there any more
	}
}

// shut ends a lane: what handlers must know, what is in the backlog, its memory. The
// caller holds the turn; the state is closed or gone already.
func (s *session) shut(ln *lane) {
	if h, ok := s.d.handler.(OpenHandler); ok {
		h.HandleClose(s.peer)
	}
	ln.finish()
	s.d.release(s)
}

func (s *session) open(ctx context.Context, a *Args) error {
	if len(a.In) > 0 && uint32(a.In[0])&userclient.OpenShared != 0 {
		return &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: "this stream has one client at a time"}
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if _, err := s.check(userclient.OpOpen); err != nil {
		return err
	}
	s.mu.Lock()
	layout, features := s.layout, s.features
	s.mu.Unlock()
	if layout == userclient.LayoutClassic && !s.d.cfg.Classic {
		return &ioreturn.StatusError{Code: ioreturn.Unsupported,
			Detail: "this driver offers only the native queue layout, and the client did not select it"}
	}
	if err := s.d.claim(s); err != nil {
		return err
	}
	ln, err := newLane(s, layout, features)
	if err == nil {
		if h, ok := s.d.handler.(OpenHandler); ok {
			err = h.HandleOpen(ctx, s.peer)
		}
	}
	if err != nil {
		if ln != nil {
			ln.finish()
		}
		s.d.release(s)
		return err
	}
	s.mu.Lock()
	s.lane, s.opened = ln, monotime.Now()
	s.state = userclient.StateOpen
	s.mu.Unlock()
	ln.listen()
	s.announce(userclient.StateOpen)
	return nil
}

func (s *session) close(ctx context.Context, _ *Args) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	s.mu.Lock()
	t := userclient.Next(s.state, userclient.OpClose)
	running := s.state == userclient.StateRunning || s.state == userclient.StateSuspended
	s.mu.Unlock()
	if t.Code != ioreturn.Success {
		return t.Code
	}
	if running {
		// The client is leaving: a handler that can't stop changes nothing about that.
		_ = s.d.handler.Stop(ctx)
	}
	s.mu.Lock()
	s.state = t.Next
	ln := s.lane
	s.mu.Unlock()
	s.shut(ln)
	s.announce(t.Next)
	return nil
}

func (s *session) start(ctx context.Context, _ *Args) error {
	return s.turnState(ctx, userclient.OpStart, func(before State) error {
		s.mu.Lock()
		s.state = userclient.StateRunning
		wake, err := s.lane.resume()
		s.mu.Unlock()
		if err == nil {
			err = s.lane.ring(wake)
		}
		if err == nil {
			s.d.stateChanged()
			err = s.d.handler.Start(ctx)
		}
		if err != nil {
			s.mu.Lock()
			if s.state == userclient.StateRunning {
				s.state = before
				if before == userclient.StateOpen {
					s.lane.stopped(uint32(ioreturn.NotReady))
				}
			}
			s.mu.Unlock()
		}
		return err
	})
}

func (s *session) stop(ctx context.Context, a *Args) error {
	return s.turnState(ctx, userclient.OpStop, func(before State) error {
		if before != userclient.StateOpen {
			if err := s.d.handler.Stop(ctx); err != nil {
				return err
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.state == userclient.StateGone {
			return ioreturn.NoDevice
		}
		s.state = userclient.StateOpen
		s.lane.stopped(uint32(ioreturn.NotReady))
		if len(a.Out) > 0 && s.lane.numbered {
			a.Out[0], a.NOut = s.lane.lastSeq(), 1
		}
		return nil
	})
}

func (s *session) suspend(ctx context.Context, _ *Args) error {
	return s.turnState(ctx, userclient.OpSuspend, func(State) error {
		if err := s.d.handler.Suspend(ctx); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.state == userclient.StateRunning {
			s.state = userclient.StateSuspended
		}
		return nil
	})
}

// turnState runs one transition that the table allows, in its turn, and tells the
// sessions about the new state.
func (s *session) turnState(ctx context.Context, op userclient.Operation, run func(before State) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	before := s.currentState()
	if t := userclient.Next(before, op); t.Code != ioreturn.Success {
		return t.Code
	} else if t.Next == before {
		if op == userclient.OpStop {
			return run(before) // answers with the last sequence number
		}
		return nil
	}
	if err := run(before); err != nil {
		return err
	}
	s.d.stateChanged()
	s.lane.kick()
	s.announce(s.currentState())
	return nil
}

// announce tells every session the state of the stream.
func (s *session) announce(st State) {
	s.d.Emit(Event{Kind: userclient.EventStateChanged, Value: uint64(st)})
}

// Halt stops the stream from the driver's side: nothing is posted until a client
// starts it again, and a client that has read what was posted gets cause, or io.EOF
// if cause is nil. Handler.Stop is not called. Halt does not block. Without a running
// client it does nothing.
func (d *Driver) Halt(cause error) {
	d.mu.Lock()
	s := d.owner
	d.mu.Unlock()
	if s == nil {
		return
	}
	status := queue.StatusEnd
	if cause != nil {
		status = uint32(ioreturn.Of(cause))
	}
	s.mu.Lock()
	if s.state != userclient.StateRunning && s.state != userclient.StateSuspended {
		s.mu.Unlock()
		return
	}
	wake, err := s.lane.drainBacklog(status == queue.StatusEnd)
	s.state = userclient.StateOpen
	s.lane.stopped(status)
	s.mu.Unlock()
	if err == nil {
		_ = s.lane.ring(wake) // an error is the session's end, which it will hear of
	}
	d.stateChanged()
	s.lane.kick()
	s.announce(userclient.StateOpen)
}

// fail ends the session because the client broke a rule.
func (s *session) fail(err error) error {
	s.res.Hangup(err)
	return fmt.Errorf("session with %s: %w", peerText(s.peer), err)
}
