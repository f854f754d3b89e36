// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func exclMutants() []Mutant {
	return append(ownerMutants(), observerMutants()...)
}

func ownerMutants() []Mutant {
	return []Mutant{
		{
			Name: "open-for-two", Rule: "EXCL-01",
			Wrong: "It answers success to the open of a second client.",
			New: hooked("open-for-two", onCall(userclient.SelOpen,
				func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
					if err := next(); ioreturn.Of(err) != ioreturn.ExclusiveAccess {
						return err
					}
					return nil
				})),
		},
		{
			Name: "second-ends-first", Rule: "EXCL-01",
			Wrong: "It refuses the open of a second client as it should, but ends the session of the first.",
			New:   hooked("second-ends-first", secondEndsFirst),
		},
		{
			Name: "refused-for-ever", Rule: "EXCL-02",
			Wrong: "A client whose open was refused once can never open the stream.",
			New: hooked("refused-for-ever", onCall(userclient.SelOpen,
				func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
					if s.Count("open") > 0 {
						return ioreturn.NoResources
					}
					return next()
				})),
		},
		{
			Name: "race-without-winner", Rule: "EXCL-03",
			Wrong: "Of two clients that open the stream at once, it refuses both.",
			New:   hooked("race-without-winner", raceWithoutWinner),
		},
		{
			Name: "shared-ignored", Rule: "EXCL-04",
			Wrong: "It takes an open for shared use for one that is exclusive.",
			New: hooked("shared-ignored", onCall(userclient.SelOpen,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					for i := range a.In {
						a.In[i] &^= uint64(userclient.OpenShared)
					}
					return next()
				})),
		},
		{
			Name: "busy-without-a-word", Rule: "EXCL-05",
			Wrong: "It does not say who has the stream open.",
			New: hooked("busy-without-a-word", onCall(userclient.SelOpen,
				func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
					return ioreturn.Of(next()).Err()
				})),
		},
	}
}

func observerMutants() []Mutant {
	return []Mutant{
		{
			Name: "no-look-while-open", Rule: "EXCL-06",
			Wrong: "It takes no observers while a client has the stream open.",
			New:   hooked("no-look-while-open", noLookWhileOpen),
		},
		{
			Name: "observer-must-open", Rule: "EXCL-06",
			Wrong: "It tells an observer its counters only if that has opened the stream, which it can't.",
			New: hooked("observer-must-open", onCall(userclient.SelStats,
				func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
					if s.Peer.Observe {
						return ioreturn.NotOpen
					}
					return next()
				})),
		},
		{
			Name: "observer-stops", Rule: "EXCL-07",
			Wrong: "It lets an observer stop the stream.",
			New:   hooked("observer-stops", observerStops),
		},
		{
			Name: "owner-wrong", Rule: "EXCL-08",
			Wrong: "Its observation names process 1 as the owner.",
			New: hooked("owner-wrong", onCall(userclient.SelObserve,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					return tellAnother(a, next, func(o *userclient.Observation) {
						if o.OwnerPID > 0 {
							o.OwnerPID = 1
						}
					})
				})),
		},
		{
			Name: "owner-stays", Rule: "EXCL-08",
			Wrong: "Its observation names the last owner after that has closed the stream.",
			New:   hooked("owner-stays", ownerStays),
		},
		{
			Name: "observer-takes-the-place", Rule: "EXCL-09",
			Wrong: "It counts observers as clients, and serves one.",
			New:   hooked("observer-takes-the-place", observerTakesPlace),
		},
		{
			Name: "observer-leaving-stops", Rule: "EXCL-09",
			Wrong: "It stops the stream when an observer hangs up.",
			New:   hooked("observer-leaving-stops", leavingStops),
		},
	}
}

// owners keeps the session that has the stream open.
type owners struct {
	mu sync.Mutex
	s  *Session
}

// owner returns it, or nil.
func (o *owners) owner() *Session {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.s
}

// call passes a call on and follows who opens and closes.
func (o *owners) call(s *Session, a *userclient.Args, next func() error) error {
	err := next()
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch a.Selector {
	case userclient.SelOpen:
		o.s = s
	case userclient.SelClose:
		o.s = nil
	}
	return nil
}

// closed forgets a session that is over.
func (o *owners) closed(s *Session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.s == s {
		o.s = nil
	}
}

func secondEndsFirst() Hooks {
	var o owners
	return Hooks{
		Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
			err := o.call(s, a, next)
			if first := o.owner(); a.Selector == userclient.SelOpen && ioreturn.Of(err) == ioreturn.ExclusiveAccess && first != nil {
				first.Resources.Hangup(ioreturn.ErrBusy)
			}
			return err
		},
		Closed: func(s *Session, _ error, next func()) { next(); o.closed(s) },
	}
}

// raceWithoutWinner lets an open wait for another for a while, and refuses both if one
// comes.
func raceWithoutWinner() Hooks {
	var mu sync.Mutex
	var waiting chan struct{}
	meet := func(ctx context.Context) (met bool) {
		mu.Lock()
		if waiting != nil {
			close(waiting)
			waiting = nil
			mu.Unlock()
			return true
		}
		mine := make(chan struct{})
		waiting = mine
		mu.Unlock()
		timer := time.NewTimer(20 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-mine:
			return true
		case <-timer.C:
		case <-ctx.Done():
		}
		mu.Lock()
		defer mu.Unlock()
		if waiting == mine {
			waiting = nil
			return false
		}
		return true
	}
	return onCall(userclient.SelOpen, func(ctx context.Context, _ *Session, _ *userclient.Args, next func() error) error {
		if meet(ctx) {
			return ioreturn.ExclusiveAccess
		}
		return next()
	})()
}

func noLookWhileOpen() Hooks {
	var o owners
	return Hooks{
		NewSession: func(p userclient.Peer, next func() (userclient.Session, error)) (userclient.Session, error) {
			if p.Observe && o.owner() != nil {
				return nil, ioreturn.Busy
			}
			return next()
		},
		Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
			return o.call(s, a, next)
		},
		Closed: func(s *Session, _ error, next func()) { next(); o.closed(s) },
	}
}

func observerStops() Hooks {
	var o owners
	return Hooks{
		Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
			if first := o.owner(); s.Peer.Observe && a.Selector == userclient.SelStop && first != nil {
				return first.Driver(ctx, a)
			}
			return o.call(s, a, next)
		},
		Closed: func(s *Session, _ error, next func()) { next(); o.closed(s) },
	}
}

func ownerStays() Hooks {
	var mu sync.Mutex
	last := -1
	return onCall(userclient.SelObserve, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		return tellAnother(a, next, func(o *userclient.Observation) {
			mu.Lock()
			defer mu.Unlock()
			if o.OwnerPID == -1 {
				o.OwnerPID = last
			}
			last = o.OwnerPID
		})
	})()
}

func observerTakesPlace() Hooks {
	var mu sync.Mutex
	observers := 0
	return Hooks{
		NewSession: func(p userclient.Peer, next func() (userclient.Session, error)) (userclient.Session, error) {
			if p.Observe {
				mu.Lock()
				observers++
				mu.Unlock()
			}
			return next()
		},
		Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
			mu.Lock()
			taken := observers > 0
			mu.Unlock()
			if a.Selector == userclient.SelOpen && taken {
				return ioreturn.ExclusiveAccess
			}
			return next()
		},
		Closed: func(s *Session, _ error, next func()) {
			next()
			if s.Peer.Observe {
				mu.Lock()
				observers--
				mu.Unlock()
			}
		},
	}
}

func leavingStops() Hooks {
	var o owners
	return Hooks{
		Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
			return o.call(s, a, next)
		},
		Closed: func(s *Session, _ error, next func()) {
			if first := o.owner(); s.Peer.Observe && first != nil {
				_ = first.Driver(context.Background(), &userclient.Args{Selector: userclient.SelStop}) // the bug
			}
			next()
			o.closed(s)
		},
	}
}
