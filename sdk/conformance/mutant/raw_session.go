// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// rawSession is one client. mu is held around everything but waits; it comes before the
// driver's.
type rawSession struct {
	d    *Raw
	peer userclient.Peer
	res  userclient.Resources
	turn sync.Mutex // held around a call: they run one after the other; comes before mu

	mu       sync.Mutex
	state    userclient.State
	layout   userclient.Layout
	features uint64
	bell     userclient.Bell
	opened   int64
	lane     *rawLane // of the last open

	evMu   sync.Mutex
	evBell userclient.Bell
	events []userclient.Event // all of them: a session is short
}

type rawMethod func(*rawSession, context.Context, *userclient.Args) error

// rawMethods are what the driver answers.
func rawMethods() map[uint32]rawMethod {
	return map[uint32]rawMethod{
		userclient.SelOpen: (*rawSession).open, userclient.SelClose: (*rawSession).close,
		userclient.SelStart: (*rawSession).start, userclient.SelStop: (*rawSession).stop,
		userclient.SelSuspend: (*rawSession).suspend,
		userclient.SelGetMode: (*rawSession).getMode, userclient.SelSetMode: (*rawSession).setMode,
		userclient.SelGetBufferCount: (*rawSession).getBufferCount,
		userclient.SelDescribe:       (*rawSession).describe, userclient.SelSelect: (*rawSession).choose,
		userclient.SelMemoryMap: (*rawSession).memoryMap, userclient.SelStats: (*rawSession).getStats,
		userclient.SelEvents: (*rawSession).getEvents, userclient.SelCorrelate: (*rawSession).correlate,
		userclient.SelGetFormat: (*rawSession).getFormat, userclient.SelSetFormat: (*rawSession).setFormat,
		userclient.SelObserve: (*rawSession).observe, userclient.SelInputSync: (*rawSession).inputSync,
		userclient.SelDoorbell: (*rawSession).doorbell, userclient.SelFlush: (*rawSession).flush,
	}
}

// observable are the selectors of an observer.
func observable(sel uint32) bool {
	switch sel {
	case userclient.SelDescribe, userclient.SelStats, userclient.SelEvents, userclient.SelCorrelate,
		userclient.SelGetFormat, userclient.SelObserve, userclient.SelGetMode, userclient.SelGetBufferCount,
		userclient.SelClose, userclient.SelSelect:
		return true
	}
	return false
}

// Call implements userclient.Session.
func (s *rawSession) Call(ctx context.Context, a *userclient.Args) error {
	m := rawMethods()[a.Selector]
	if m == nil {
		return ioreturn.Unsupported
	}
	if s.peer.Observe && !observable(a.Selector) {
		return ioreturn.NotPermitted
	}
	op, _ := userclient.OperationOf(a.Selector)
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := userclient.Next(s.state, op); t.Code != ioreturn.Success {
		return t.Code
	}
	return m(s, ctx, a)
}

// Notify implements userclient.Session.
func (s *rawSession) Notify(typ uint32, b userclient.Bell) {
	if typ == userclient.PortEvents {
		s.evMu.Lock()
		s.evBell = b
		s.evMu.Unlock()
		return
	}
	s.mu.Lock()
	s.bell = b
	s.mu.Unlock()
}

// Memory implements userclient.Session.
func (s *rawSession) Memory(typ uint32) (userclient.Mem, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peer.Observe {
		return userclient.Mem{}, ioreturn.NotPermitted
	}
	if t := userclient.Next(s.state, userclient.OpMap); t.Code != ioreturn.Success {
		return userclient.Mem{}, t.Code
	}
	return s.lane.memory(typ)
}

// Closed implements userclient.Session.
func (s *rawSession) Closed(reason error) {
	s.mu.Lock()
	s.bequeath(reason)
	open := s.state != userclient.StateClosed
	s.state = userclient.StateGone
	s.mu.Unlock()
	if open {
		s.shut()
	}
	s.d.forget(s)
	if open && !s.d.has(BugSilentDeath) {
		s.announce(userclient.StateClosed)
	}
}

// shut ends the lane and gives the stream up. mu is free, the state is not open.
func (s *rawSession) shut() {
	s.lane.finish()
	s.d.release(s)
}

func (s *rawSession) open(_ context.Context, a *userclient.Args) error {
	if len(a.In) > 0 && uint32(a.In[0])&userclient.OpenShared != 0 {
		return ioreturn.Unsupported
	}
	if s.d.cfg.Layouts&(1<<s.layout) == 0 {
		return ioreturn.Unsupported
	}
	if err := s.d.claim(s); err != nil {
		s.d.wipeOwner()
		return err
	}
	lane, err := newRawLane(s)
	if err != nil {
		s.d.release(s)
		return err
	}
	s.lane, s.opened, s.state = lane, monotime.Now(), userclient.StateOpen
	lane.run()
	lane.resumesAtOpen()
	s.announce(s.state)
	return nil
}

func (s *rawSession) close(context.Context, *userclient.Args) error {
	if err := s.lane.refusesClose(); err != nil {
		return err
	}
	s.state = userclient.StateClosed
	s.mu.Unlock() // the lane's goroutines take it
	s.shut()
	s.mu.Lock()
	s.announce(s.state)
	return nil
}

func (s *rawSession) start(context.Context, *userclient.Args) error {
	if s.state == userclient.StateRunning {
		return nil
	}
	s.state = userclient.StateRunning
	s.lane.resume()
	s.announce(s.state)
	return nil
}

func (s *rawSession) stop(ctx context.Context, a *userclient.Args) error {
	if err := s.lane.waitsForBuffers(ctx); err != nil {
		return err
	}
	if s.state != userclient.StateOpen {
		s.state = userclient.StateOpen
		s.lane.stopped(uint32(ioreturn.NotReady))
		s.announce(s.state)
	}
	if s.lane.seq > 0 {
		return words(a, s.lane.seq-1)
	}
	return nil
}

func (s *rawSession) suspend(context.Context, *userclient.Args) error {
	if s.state == userclient.StateRunning {
		s.state = userclient.StateSuspended
		s.lane.spoilSuspend()
		s.announce(s.state)
	}
	return nil
}

// announce tells every session of a state, and wakes the client.
func (s *rawSession) announce(st userclient.State) {
	s.d.emit(userclient.Event{Kind: userclient.EventStateChanged, Value: uint64(st)})
}

// event keeps an event and rings.
func (s *rawSession) event(e userclient.Event) {
	s.evMu.Lock()
	s.events = append(s.events, e)
	b := s.evBell
	s.evMu.Unlock()
	if b != nil {
		_ = b.Ring() // an error is the session's end
	}
}

// ring wakes the client.
func (s *rawSession) ring() {
	if s.bell != nil {
		_ = s.bell.Ring() // an error is the session's end
	}
}
