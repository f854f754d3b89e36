// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bugs of deaths.
const (
	BugSeqOverDeath Bug = "seq-over-death" // numbers go on with the next client after a death
	BugSilentDeath  Bug = "silent-death"   // a death is no event
)

// inherited is the first number of a lane whose stream a client had that died.
func (ln *rawLane) inherited() uint64 {
	if !ln.d.has(BugSeqOverDeath) {
		return 0
	}
	ln.d.mu.Lock()
	defer ln.d.mu.Unlock()
	return ln.d.bequest
}

// bequeath keeps what the next client gets that should not. reason says how the session
// ended.
func (s *rawSession) bequeath(reason error) {
	if !errors.Is(reason, ioreturn.ErrGone) || s.lane == nil {
		return
	}
	s.d.mu.Lock()
	s.d.bequest = s.lane.seq
	s.d.mu.Unlock()
}

// diedOf reports whether a session ended by the client's death.
func diedOf(reason error) bool { return errors.Is(reason, ioreturn.ErrGone) }

// onDeath makes hooks that see how a session ends by the client's death, before the
// driver learns of it.
func onDeath(h Hooks, f func(*Session)) Hooks {
	h.Closed = func(s *Session, reason error, next func()) {
		if diedOf(reason) {
			f(s)
		}
		next()
	}
	return h
}

// slotted has so many slots for sessions of a kind, and gets none back from a death that
// counts.
func slotted(slots int, kind func(userclient.Peer) bool, counts func(*Session) bool) Hooks {
	free := make(chan struct{}, slots) // holds a token for each slot
	for range slots {
		free <- struct{}{}
	}
	return Hooks{
		NewSession: func(p userclient.Peer, next func() (userclient.Session, error)) (userclient.Session, error) {
			if !kind(p) {
				return next()
			}
			select {
			case <-free:
			default:
				return nil, ioreturn.NoResources
			}
			s, err := next()
			if err != nil {
				free <- struct{}{}
			}
			return s, err
		},
		Closed: func(s *Session, reason error, next func()) {
			if kind(s.Peer) && !(diedOf(reason) && counts(s)) {
				free <- struct{}{}
			}
			next()
		},
	}
}

func everyPeer(userclient.Peer) bool   { return true }
func observing(p userclient.Peer) bool { return p.Observe }
func everySession(*Session) bool       { return true }
func unopened(s *Session) bool         { return s.State() == userclient.StateClosed }

// keptForTheDead refuses every open when a client has died whose stream was suspended.
func keptForTheDead() Hooks {
	var kept atomic.Bool
	return onDeath(onCall(userclient.SelOpen, func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
		if kept.Load() {
			return ioreturn.ExclusiveAccess
		}
		return next()
	})(), func(s *Session) {
		if s.State() == userclient.StateSuspended {
			kept.Store(true)
		}
	})
}

// keepsTheLock has a stop that takes a while, and a start that waits for it.
func keepsTheLock() Hooks {
	lock := make(chan struct{}, 1)
	return Hooks{Call: func(ctx context.Context, _ *Session, a *userclient.Args, next func() error) error {
		if a.Selector != userclient.SelStop && a.Selector != userclient.SelStart {
			return next()
		}
		select {
		case lock <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if a.Selector == userclient.SelStop {
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return err
			}
		}
		defer func() { <-lock }()
		return next()
	}}
}

// buryingBuffers makes the New of a loopback driver that posts one buffer less for each
// death.
func buryingBuffers(name string) func() conformance.Target {
	return func() conformance.Target {
		var deaths atomic.Uint32
		hooks := func(*spy) Hooks { return onDeath(Hooks{}, func(*Session) { deaths.Add(1) }) }
		return spied(name, LoopbackConfig(), hooks, func(*spy) Loop {
			return func(ctx context.Context, d *iostream.Driver) error {
				return each(ctx, d, func(b *iostream.Buffer) error {
					if b.ID() < deaths.Load() {
						return nil
					}
					return d.PostEntry(b, echoOf(b))
				})
			}
		})()
	}
}

// bequest is what a hook does with the data of a dead client's buffers when the next
// session has come to a call.
type bequest func(buffers [][]byte, next *Session)

// give writes it into the next client's buffers.
func give(buffers [][]byte, next *Session) {
	for i, b := range buffers {
		copy(next.memory(userclient.MemBufferData|uint32(i)), b)
	}
}

// haunt changes it.
func haunt(buffers [][]byte, _ *Session) {
	for _, b := range buffers {
		b[0] ^= 0xff
	}
}

// passingOn does something with the buffers of a dead client after the next successful
// call of a selector.
func (p *spy) passingOn(sel uint32, do bequest) Hooks {
	var mu sync.Mutex
	var buffers [][]byte
	return onDeath(onCall(sel, func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
		err := next()
		mu.Lock()
		defer mu.Unlock()
		if err == nil && buffers != nil {
			do(buffers, s)
			buffers = nil
		}
		return err
	})(), func(s *Session) {
		mu.Lock()
		defer mu.Unlock()
		for i := range LoopbackConfig().Buffers {
			if b := s.memory(userclient.MemBufferData | uint32(i)); b != nil {
				buffers = append(buffers, b)
			}
		}
	})
}

// statsOf asks a session for its counters.
func statsOf(s *Session) (st userclient.Stats, err error) {
	a := userclient.Args{Selector: userclient.SelStats, OutBytes: make([]byte, userclient.MaxInline)}
	if err = s.Driver(context.Background(), &a); err == nil {
		err = st.UnmarshalBinary(a.OutBytes[:a.NOutBytes])
	}
	return st, err
}

// countsOverDeath adds what was posted for dead clients to the counters.
func countsOverDeath() Hooks {
	var posted atomic.Uint64
	return onDeath(changedStats(func(st *userclient.Stats) { st.Posted += posted.Load() })(), func(s *Session) {
		if st, err := statsOf(s); err == nil {
			posted.Add(st.Posted)
		}
	})
}

// keepsClassic refuses another layout than the classic one when a client has died that
// had selected it.
func keepsClassic() Hooks {
	var classic, kept atomic.Bool
	return onDeath(onCall(userclient.SelSelect, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		want := len(a.In) > 1 && a.In[1] == uint64(userclient.LayoutClassic)
		if kept.Load() && !want {
			return ioreturn.Unsupported
		}
		classic.Store(want)
		return next()
	})(), func(s *Session) { kept.Store(classic.Load() && s.State() != userclient.StateClosed) })
}

// showsTheDead says that a client which died still runs the stream.
func showsTheDead() Hooks {
	var dead atomic.Int64
	return onDeath(onCall(userclient.SelObserve, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		if err := next(); err != nil || dead.Load() == 0 {
			return err
		}
		var o userclient.Observation
		if err := o.UnmarshalBinary(a.OutBytes[:a.NOutBytes]); err != nil {
			return err
		}
		o.State, o.OwnerPID = userclient.StateRunning, int(dead.Load())
		b, err := o.AppendBinary(nil)
		return record(a, b, err)
	})(), func(s *Session) {
		if s.State() != userclient.StateClosed {
			dead.Store(int64(s.Peer.PID))
		}
	})
}

// takingAlong ends the session that has the stream open when an observer, or another
// client, dies.
func (p *spy) takingAlong(observers bool) Hooks {
	return onDeath(Hooks{}, func(s *Session) {
		if owner := p.session(); owner != nil && owner != s && s.Peer.Observe == observers {
			owner.Resources.Hangup(ioreturn.Aborted)
		}
	})
}
