// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func lifeMutants() []Mutant {
	return []Mutant{
		{
			Name: "open-refused", Rule: "LIFE-01",
			Wrong: "It refuses the first client that opens the stream.",
			New: hooked("open-refused", onCall(userclient.SelOpen,
				func(context.Context, *Session, *userclient.Args, func() error) error { return ioreturn.NotPermitted })),
		},
		{
			Name: "close-refused", Rule: "LIFE-01",
			Wrong: "It refuses to close an open stream.",
			New:   hooked("close-refused", answering(userclient.SelClose, userclient.StateOpen, ioreturn.NotPermitted)),
		},
		{
			Name: "reopen-busy", Rule: "LIFE-02",
			Wrong: "After a close it is busy for one attempt to open, as if it gave the stream up in the background.",
			New:   hooked("reopen-busy", busyOnce),
		},
		{
			Name: "taken-at-connect", Rule: "LIFE-03",
			Wrong: "It gives the stream to the client that connects first, not to the one that opens it.",
			New:   hooked("taken-at-connect", takenAtConnect),
		},
		{
			Name: "close-needs-stop", Rule: "LIFE-04",
			Wrong: "It refuses to close a stream that runs.",
			New:   hooked("close-needs-stop", answering(userclient.SelClose, userclient.StateRunning, ioreturn.Busy)),
		},
		{
			Name: "close-suspended-sticks", Rule: "LIFE-04",
			Wrong: "It does not give the stream up when it is closed while it is suspended.",
			New:   hooked("close-suspended-sticks", suspendedSticks),
		},
		{
			Name: "posts-at-open", Rule: "LIFE-05",
			Wrong: "It begins to post when the stream is opened.",
			New:   buggy("posts-at-open", RawConfig{}, BugPostsAtOpen),
		},
		{
			Name: "start-does-nothing", Rule: "LIFE-06",
			Wrong: "It answers success to a start and posts nothing.",
			New: hooked("start-does-nothing", onCall(userclient.SelStart,
				func(context.Context, *Session, *userclient.Args, func() error) error { return nil })),
		},
		{
			Name: "starts-once", Rule: "LIFE-06",
			Wrong: "It posts nothing after the second start of a session.",
			New: hooked("starts-once", onCall(userclient.SelStart,
				func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
					if s.Count("start") > 0 {
						return nil
					}
					return next()
				})),
		},
		{
			Name: "forgets-returned", Rule: "LIFE-06",
			Wrong: "A start forgets the buffers that came back while the stream was stopped.",
			New:   buggy("forgets-returned", RawConfig{Direction: iostream.ToDevice}, BugForgetsAtStart),
		},
		{
			Name: "slots-run-out", Rule: "LIFE-07",
			Wrong: "It keeps one of 30 slots for each client that has ever opened the stream.",
			New:   hooked("slots-run-out", slotsRunOut),
		},
		{
			Name: "deadlock", Rule: "LIFE-08",
			Wrong: "It deadlocks when two calls run at the same time.",
			New:   hooked("deadlock", deadlocks),
		},
	}
}

// Mistakes of a raw driver with the life of a session.
const (
	BugPostsAtOpen    Bug = "posts at open"    // does not wait for a start
	BugForgetsAtStart Bug = "forgets at start" // begins each run without the buffers that came back before it
)

// resumesAtOpen begins to post with the open.
func (ln *rawLane) resumesAtOpen() {
	if ln.d.has(BugPostsAtOpen) {
		ln.publish(queue.Entry{Buffer: ln.takeFree()})
	}
}

// forgetFree loses the buffers that came back while the stream was stopped.
func (ln *rawLane) forgetFree() {
	if ln.d.has(BugForgetsAtStart) && ln.receive() {
		ln.free = nil
	}
}

// busyOnce refuses the first open after each close.
func busyOnce() Hooks {
	var mu sync.Mutex
	closing := false
	return Hooks{Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		mu.Lock()
		defer mu.Unlock()
		switch a.Selector {
		case userclient.SelOpen:
			if closing {
				closing = false
				return ioreturn.ExclusiveAccess
			}
		case userclient.SelClose:
			err := next()
			closing = err == nil
			return err
		}
		return next()
	}}
}

// takenAtConnect refuses an open while another client is connected that came before.
func takenAtConnect() Hooks {
	var clients atomic.Int32
	return Hooks{
		NewSession: func(p userclient.Peer, next func() (userclient.Session, error)) (userclient.Session, error) {
			if !p.Observe {
				clients.Add(1)
			}
			return next()
		},
		Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
			if a.Selector == userclient.SelOpen && clients.Load() > 1 {
				return ioreturn.ExclusiveAccess
			}
			return next()
		},
		Closed: func(s *Session, _ error, next func()) {
			next()
			if !s.Peer.Observe {
				clients.Add(-1)
			}
		},
	}
}

// suspendedSticks answers success to the close of a suspended stream without doing it.
// The end of the session gives the stream up in the end, but late.
func suspendedSticks() Hooks {
	var stuck atomic.Bool
	return Hooks{Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		switch {
		case a.Selector == userclient.SelClose && s.State() == userclient.StateSuspended:
			stuck.Store(true)
		case a.Selector == userclient.SelOpen && stuck.Swap(false):
			return ioreturn.ExclusiveAccess
		}
		return next()
	}}
}

// slotsRunOut refuses every open after the first thirty.
func slotsRunOut() Hooks {
	var opens atomic.Int32
	return onCall(userclient.SelOpen, func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
		if opens.Add(1) > 30 {
			return ioreturn.NoResources
		}
		return next()
	})()
}

// deadlocks answers no call any more once two have run at the same time.
func deadlocks() Hooks {
	var inside atomic.Int32
	var dead atomic.Bool
	return Hooks{Call: func(ctx context.Context, _ *Session, _ *userclient.Args, next func() error) error {
		defer inside.Add(-1)
		if inside.Add(1) > 1 {
			dead.Store(true)
		}
		if err := pause(ctx, time.Millisecond); err != nil { // calls of a real device take some time
			return err
		}
		if dead.Load() {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return next()
	}}
}
