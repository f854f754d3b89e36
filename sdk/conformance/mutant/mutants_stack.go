// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// changedNames makes hooks that answer other names.
func changedNames(change func(s *Session, b []byte) []byte) func() Hooks {
	return onCall(userclient.SelControlNames, func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		err := next()
		if err == nil {
			a.NOutBytes = copy(a.OutBytes, change(s, slices.Clone(a.OutBytes[:a.NOutBytes])))
		}
		return err
	})
}

func stackMutants() []Mutant {
	return []Mutant{
		{
			Name: "no-names", Rule: "CTL-23", Wrong: "It answers nothing when it is asked for its modules.",
			New: commanded("no-names", changedNames(func(*Session, []byte) []byte { return nil })),
		},
		{
			Name: "names-grow", Rule: "CTL-24", Wrong: "A module is pushed for each session that opens the stream.",
			New: commanded("names-grow", func() Hooks {
				return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
					err := next()
					if a.Selector == userclient.SelOpen && err == nil {
						err = s.Driver(ctx, &userclient.Args{Selector: userclient.SelControlPush, InBytes: []byte("pass")})
					}
					return err
				}}
			}),
		},
		{
			Name: "cut-names", Rule: "CTL-25", Wrong: "It cuts a list of modules that does not fit.",
			New: commanded("cut-names", cutting(userclient.SelControlNames)),
		},
		{
			Name: "pushes-anything", Rule: "CTL-26", Wrong: "It says that it has pushed modules which it does not have.",
			New: commanded("pushes-anything", accepting(userclient.SelControlPush)),
		},
		{
			Name: "pushes-and-refuses", Rule: "CTL-27", Wrong: "It pushes another module before it refuses.",
			New: commanded("pushes-and-refuses", onCall(userclient.SelControlPush, func(ctx context.Context, s *Session, _ *userclient.Args, next func() error) error {
				err := next()
				if err != nil {
					err = errors.Join(err, s.Driver(ctx, &userclient.Args{Selector: userclient.SelControlPush, InBytes: []byte("pass")}))
				}
				return err
			})),
		},
		{
			Name: "names-end-it", Rule: "CTL-28", Wrong: "It ends the session for a name that it does not know.",
			New: commanded("names-end-it", hangingUp(userclient.SelControlPush)),
		},
		{
			Name: "pops-anything", Rule: "CTL-29", Wrong: "It says that it has popped what it keeps.",
			New: commanded("pops-anything", accepting(userclient.SelControlPop)),
		},
		{
			Name: "few-bands", Rule: "CTL-30", Wrong: "It refuses flushes of a band above 127.",
			New: commanded("few-bands", onCall(userclient.SelControlFlush, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				if len(a.In) == 2 && a.In[1] > 127 {
					return ioreturn.BadArgument
				}
				return next()
			})),
		},
		{
			Name: "cuts-flushes", Rule: "CTL-31", Wrong: "It cuts the numbers of a flush to a byte.",
			New: commanded("cuts-flushes", onCall(userclient.SelControlFlush, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				if len(a.In) == 2 {
					a.In = []uint64{a.In[0] & 7, a.In[1] & 255}
				}
				return next()
			})),
		},
		{
			Name: "flushes-by-chance", Rule: "CTL-32", Wrong: "It does not look how many scalars a flush has.",
			New: commanded("flushes-by-chance", accepting(userclient.SelControlFlush)),
		},
		{
			Name: "flushed-away", Rule: "CTL-33", Wrong: "A flush of the write side throws its commands away as well.",
			New: commanded("flushed-away", func() Hooks {
				return Hooks{Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
					switch {
					case a.Selector == userclient.SelControlFlush && len(a.In) == 2 && a.In[0]&2 != 0:
						s.Count("flushed")
					case a.Selector == userclient.SelIoctl && s.Has("flushed"):
						return say(a, ioctl.Next{Kind: ioctl.Silent})
					}
					return next()
				}}
			}),
		},
	}
}

func planeStateMutants() []Mutant {
	return []Mutant{
		{
			Name: "no-commands-suspended", Rule: "CTL-34", Wrong: "It answers no commands while the stream is suspended.",
			New: commanded("no-commands-suspended", answering(userclient.SelIoctl, userclient.StateSuspended, ioreturn.NotReady)),
		},
		{
			Name: "no-names-running", Rule: "CTL-35", Wrong: "It does not list its modules while the stream is running.",
			New: commanded("no-names-running", answering(userclient.SelControlNames, userclient.StateRunning, ioreturn.Busy)),
		},
		{
			Name: "no-flush-closed", Rule: "CTL-36", Wrong: "It flushes its control plane only while the stream is open.",
			New: commanded("no-flush-closed", answering(userclient.SelControlFlush, userclient.StateClosed, ioreturn.NotOpen)),
		},
		{
			Name: "flush-suspends", Rule: "CTL-37", Wrong: "A flush of the control plane suspends the stream.",
			New: commanded("flush-suspends", stopsStream(userclient.SelControlFlush, userclient.SelSuspend)),
		},
		{
			Name: "command-stops", Rule: "CTL-38", Wrong: "A command stops the stream.",
			New: commanded("command-stops", stopsStream(userclient.SelIoctl, userclient.SelStop)),
		},
		{
			Name: "deaf-after-close", Rule: "CTL-39", Wrong: "It closes its control plane with the stream.",
			New: commanded("deaf-after-close", func() Hooks {
				return Hooks{Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
					switch {
					case a.Selector == userclient.SelClose:
						s.Count("closed")
					case a.Selector == userclient.SelIoctl && s.Has("closed"):
						return ioreturn.NotOpen
					}
					return next()
				}}
			}),
		},
		{
			Name: "owner-controls", Rule: "CTL-40", Wrong: "While a client has the stream open it answers the commands of no other one.",
			New: commanded("owner-controls", ownerControls),
		},
		{
			Name: "sixteen-stacks", Rule: "CTL-41", Wrong: "It has sixteen stacks and never gets one back.",
			New: commanded("sixteen-stacks", func() Hooks {
				var used atomic.Int32
				return Hooks{Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
					if a.Selector == userclient.SelIoctl && s.Count("commands") == 0 && used.Add(1) > 16 {
						return ioreturn.NoResources
					}
					return next()
				}}
			}),
		},
	}
}

// stopsStream makes hooks that call another selector with each call of one.
func stopsStream(sel, also uint32) func() Hooks {
	return onCall(sel, func(ctx context.Context, s *Session, _ *userclient.Args, next func() error) error {
		_ = s.Driver(ctx, &userclient.Args{Selector: also, Out: make([]uint64, userclient.MaxScalars)}) // refused in some states
		return next()
	})
}

func ownerControls() Hooks {
	var mu sync.Mutex
	var owner *Session
	return Hooks{Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		mu.Lock()
		other := owner != nil && owner != s
		mu.Unlock()
		if a.Selector == userclient.SelIoctl && other {
			return ioreturn.ExclusiveAccess
		}
		err := next()
		mu.Lock()
		defer mu.Unlock()
		switch s.State() {
		case userclient.StateClosed:
			if owner == s {
				owner = nil
			}
		default:
			owner = s
		}
		return err
	}}
}
