// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Hooks change what a correct driver does at the seam. A nil hook changes nothing.
// next is what the correct driver would have done; a hook may call it, once, or not.
// Hooks are called from any goroutine.
type Hooks struct {
	Describe   func(userclient.Description) userclient.Description
	NewSession func(p userclient.Peer, next func() (userclient.Session, error)) (userclient.Session, error)
	Call       func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error
	Memory     func(s *Session, typ uint32, next func() (userclient.Mem, error)) (userclient.Mem, error)
	// Notify returns the bell that the driver shall have instead of b.
	Notify func(s *Session, typ uint32, b userclient.Bell) userclient.Bell
	Closed func(s *Session, reason error, next func())
	// Resources returns what the driver shall have instead of r.
	Resources func(s *Session, r userclient.Resources) userclient.Resources
}

// Wrap returns p with some of its behaviour changed.
func Wrap(p userclient.Provider, h Hooks) userclient.Provider { return &wrapped{p, h} }

// Wrapping returns a function that wraps a provider, for Served.
func Wrapping(h Hooks) func(userclient.Provider) userclient.Provider {
	return func(p userclient.Provider) userclient.Provider { return Wrap(p, h) }
}

type wrapped struct {
	userclient.Provider
	h Hooks
}

func (w *wrapped) Describe() userclient.Description {
	d := w.Provider.Describe()
	if w.h.Describe != nil {
		d = w.h.Describe(d)
	}
	return d
}

func (w *wrapped) NewSession(p userclient.Peer, r userclient.Resources) (userclient.Session, error) {
	s := &Session{h: &w.h, Peer: p, Resources: r, describe: w.Describe}
	if w.h.Resources != nil {
		r = w.h.Resources(s, r)
	}
	next := func() (userclient.Session, error) { return w.Provider.NewSession(p, r) }
	var err error
	if w.h.NewSession != nil {
		s.next, err = w.h.NewSession(p, next)
	} else {
		s.next, err = next()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Session is a session of a wrapped driver, as hooks see it.
type Session struct {
	Peer      userclient.Peer
	Resources userclient.Resources // the transport's own

	h        *Hooks
	next     userclient.Session
	describe func() userclient.Description

	mu    sync.Mutex
	state userclient.State
	n     map[string]int
}

// State returns the state that the driver's answers so far amount to.
func (s *Session) State() userclient.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Count adds one to a counter of the session and returns what it was before.
func (s *Session) Count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == nil {
		s.n = map[string]int{}
	}
	s.n[name]++
	return s.n[name] - 1
}

// Has reports whether Count was ever called for a counter of the session.
func (s *Session) Has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n[name] > 0
}

// Counted returns how often Count was called for a counter of the session.
func (s *Session) Counted(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n[name]
}

// mark notes something about the session, marked asks for it.
func (s *Session) mark(name string, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == nil {
		s.n = map[string]int{}
	}
	s.n[name] = 0
	if yes {
		s.n[name] = 1
	}
}

func (s *Session) marked(name string) bool { return s.Counted(name) > 0 }

// Driver calls the correct driver behind the session with other arguments.
func (s *Session) Driver(ctx context.Context, a *userclient.Args) error { return s.next.Call(ctx, a) }

// Call implements userclient.Session.
func (s *Session) Call(ctx context.Context, a *userclient.Args) error {
	next := func() error { return s.pass(ctx, a) }
	if s.h.Call != nil {
		return s.h.Call(ctx, s, a, next)
	}
	return next()
}

// pass calls the driver and follows its state.
func (s *Session) pass(ctx context.Context, a *userclient.Args) error {
	err := s.next.Call(ctx, a)
	if a.Selector == userclient.SelDescribe && s.h.Describe != nil && err == nil {
		b, encErr := s.describe().AppendBinary(nil)
		return record(a, b, encErr)
	}
	if op, ok := userclient.OperationOf(a.Selector); ok && err == nil {
		s.mu.Lock()
		if t := userclient.Next(s.state, op); t.Code == 0 {
			s.state = t.Next
		}
		s.mu.Unlock()
	}
	return err
}

// Memory implements userclient.Session.
func (s *Session) Memory(typ uint32) (userclient.Mem, error) {
	next := func() (userclient.Mem, error) { return s.next.Memory(typ) }
	if s.h.Memory != nil {
		return s.h.Memory(s, typ, next)
	}
	return next()
}

// Notify implements userclient.Session.
func (s *Session) Notify(typ uint32, b userclient.Bell) {
	if s.h.Notify != nil {
		b = s.h.Notify(s, typ, b)
	}
	s.next.Notify(typ, b)
}

// Closed implements userclient.Session.
func (s *Session) Closed(reason error) {
	next := func() { s.next.Closed(reason) }
	if s.h.Closed != nil {
		s.h.Closed(s, reason, next)
		return
	}
	next()
}
