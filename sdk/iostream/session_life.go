// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func (s *session) open(ctx context.Context, a *Args) error {
	if len(a.In) > 0 && uint32(a.In[0])&userclient.OpenShared != 0 {
		return &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: "this stream has one client at a time"}
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.check(userclient.OpOpen); err != nil {
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
	if p, ok := s.d.cfg.Control.(userclient.PayloadPlane); err == nil && ok && p.SeesPayload() {
		_, err = s.controlPlane()
	}
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
	if s.payload != nil {
		ln.join(s.payload)
	}
	s.lane, s.opened = ln, monotime.Now()
	s.state = userclient.StateOpen
	s.mu.Unlock()
	s.d.opened(s)
	ln.listen()
	s.announce(userclient.StateOpen)
	return nil
}

func (s *session) close(ctx context.Context, _ *Args) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	before := s.currentState()
	t := userclient.Next(before, userclient.OpClose)
	if t.Code != ioreturn.Success {
		return t.Code
	}
	if before != userclient.StateOpen {
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

// shut ends a lane: what handlers must know, what is in the backlog, its memory. The
// caller holds the turn; the state is closed or gone already.
func (s *session) shut(ln *lane) {
	if h, ok := s.d.handler.(OpenHandler); ok {
		h.HandleClose(s.peer)
	}
	ln.finish()
	s.d.release(s)
}

func (s *session) start(ctx context.Context, _ *Args) error {
	return s.turnState(ctx, userclient.OpStart, func(before State) error {
		s.mu.Lock()
		s.state = userclient.StateRunning
		wake, err := s.lane.resume()
		_ = s.lane.unlock(nil, wake) // a bell that fails says that the client is gone, and so will ctx
		if err != nil {
			return s.fail(err)
		}
		s.d.stateChanged()
		if err := s.d.handler.Start(ctx); err != nil {
			s.notStarted(before)
			return err
		}
		return nil
	})
}

// notStarted goes back to the state before a start that the handler refused.
func (s *session) notStarted(before State) {
	s.mu.Lock()
	if s.state == userclient.StateRunning {
		s.state = before
		if before == userclient.StateOpen {
			s.lane.stopped(uint32(ioreturn.NotReady))
		}
	}
	s.mu.Unlock()
	s.lane.kick()
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
		if s.state != userclient.StateOpen { // if the driver has halted it, its reason stands
			s.state = userclient.StateOpen
			s.lane.stopped(uint32(ioreturn.NotReady))
		}
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
	s.log("state changed", "state", st.String())
	s.d.Emit(Event{Kind: userclient.EventStateChanged, Value: uint64(st)})
}

// Halt stops the stream from the driver's side: nothing is posted until a client
// starts it again, and a client that has read what was posted gets cause, or io.EOF
// if cause is nil. At the end of the stream the backlog is posted too, and what modules have:
// the stream then ends when they are through; otherwise it is lost and counted. Handler.Stop is not called. Halt does not block. Without a client
// that runs or has suspended the stream it does nothing.
func (d *Driver) Halt(cause error) {
	d.mu.Lock()
	s := d.owner
	d.mu.Unlock()
	if s != nil {
		s.halt(cause)
	}
}

// halt is Halt for this session's client.
func (s *session) halt(cause error) {
	status := queue.StatusEnd
	if cause != nil {
		if status = uint32(ioreturn.Of(cause)); status == queue.StatusEnd {
			status = uint32(ioreturn.Error)
		}
	}
	s.mu.Lock()
	if s.state != userclient.StateRunning && s.state != userclient.StateSuspended {
		s.mu.Unlock()
		return
	}
	ln, wake, err := s.lane, queue.WakeNone, error(nil)
	if cause == nil {
		if ln.inModules() > 0 {
			ln.ending = true
			s.mu.Unlock()
			return
		}
		wake, err = ln.drain(ln.backlog.n)
	}
	ln.halted(status)
	_ = ln.unlock(nil, wake) // a bell that fails is the session's end
	if err != nil {
		_ = s.fail(err)
	}
	ln.tellHalted()
}

// halted takes the stream out of its run. mu is held, and tellHalted has to follow
// when it is not.
func (ln *lane) halted(status uint32) {
	ln.s.state = userclient.StateOpen
	ln.stopped(status)
}

// tellHalted tells everybody who waits about halted.
func (ln *lane) tellHalted() {
	ln.s.d.stateChanged()
	ln.kick()
	ln.s.announce(userclient.StateOpen)
}
