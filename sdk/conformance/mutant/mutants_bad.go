// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func badMutants() []Mutant {
	return append(badCallMutants(), badObjectMutants()...)
}

func badCallMutants() []Mutant {
	return []Mutant{
		{
			Name: "agrees-below-0x100", Rule: "BAD-01",
			Wrong: "It answers success to every selector below 0x100 that it does not know.",
			New:   hooked("agrees-below-0x100", agreeing(8, userclient.SelExtBase-1)),
		},
		{
			Name: "unknown-stops", Rule: "BAD-01",
			Wrong: "It refuses selectors that it does not know, but stops the stream first.",
			New: hooked("unknown-stops", func() Hooks {
				return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
					if _, known := userclient.OperationOf(a.Selector); !known {
						_ = s.Driver(ctx, &userclient.Args{Selector: userclient.SelStop}) // refused where there is nothing to stop
					}
					return next()
				}}
			}),
		},
		{
			Name: "vendor-default", Rule: "BAD-02",
			Wrong: "The default case of its vendor methods answers success.",
			New:   hooked("vendor-default", agreeing(userclient.SelExtLast+1, 0xffffffff)),
		},
		{
			Name: "missing-is-zero", Rule: "BAD-03",
			Wrong: "It takes a scalar that the client did not send for 0.",
			New: hooked("missing-is-zero", func() Hooks {
				return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
					if a.Selector != userclient.SelDoorbell || len(a.In) > 0 {
						return next()
					}
					return s.Driver(ctx, &userclient.Args{Selector: a.Selector, In: []uint64{0}})
				}}
			}),
		},
		{
			Name: "eight-scalars", Rule: "BAD-04",
			Wrong: "It has room for eight scalars, and breaks down when a client sends more.",
			New: hooked("eight-scalars", func() Hooks {
				return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
					if len(a.In) <= 8 {
						return next()
					}
					s.Resources.Hangup(ioreturn.ErrGone)
					<-ctx.Done()
					return ctx.Err()
				}}
			}),
		},
		{
			Name: "any-format", Rule: "BAD-05",
			Wrong: "It answers success to set format without having looked at more than the length word.",
			New: hooked("any-format", onCall(userclient.SelSetFormat,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					if len(a.InBytes) < 4 {
						return next()
					}
					return nil
				})),
		},
		{
			Name: "cut-records", Rule: "BAD-06",
			Wrong: "It cuts its statistics to the room that the client has.",
			New: hooked("cut-records", onCall(userclient.SelStats,
				func(ctx context.Context, s *Session, a *userclient.Args, _ func() error) error {
					whole := userclient.Args{Selector: a.Selector, OutBytes: make([]byte, userclient.MaxInline)}
					if err := s.Driver(ctx, &whole); err != nil {
						return err
					}
					a.NOutBytes = copy(a.OutBytes, whole.OutBytes[:whole.NOutBytes])
					return nil
				})),
		},
		{
			Name: "always-one", Rule: "BAD-07",
			Wrong: "It says that one scalar came out, also when the client has no room for it.",
			New: hooked("always-one", onCall(userclient.SelGetMode,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					err := next()
					a.NOut = 1
					return err
				})),
		},
		{
			Name: "chokes-on-bytes", Rule: "BAD-12",
			Wrong: "It never answers a call that brings more than 200 bytes.",
			New: hooked("chokes-on-bytes", func() Hooks {
				return Hooks{Call: func(ctx context.Context, _ *Session, a *userclient.Args, next func() error) error {
					if len(a.InBytes) > 200 {
						<-ctx.Done()
						return ctx.Err()
					}
					return next()
				}}
			}),
		},
	}
}

func badObjectMutants() []Mutant {
	return []Mutant{
		{
			Name: "any-port", Rule: "BAD-08",
			Wrong: "Its transport makes the output port for every port type that it does not know.",
			New:   linked("any-port", func(c userclient.Conn) userclient.Conn { return anyPort{c} }),
		},
		{
			Name: "refused-but-taken", Rule: "BAD-09",
			Wrong: "It refuses open options that it does not know only after it has taken the stream for the client.",
			New: hooked("refused-but-taken", onCall(userclient.SelOpen,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					known := uint64(userclient.OpenExclusive | userclient.OpenShared)
					err := next()
					if err == nil && len(a.In) > 0 && a.In[0]&^known != 0 {
						return ioreturn.BadArgument
					}
					return err
				})),
		},
		{
			Name: "stores-then-checks", Rule: "BAD-10",
			Wrong: "It stores the layout that a client selects before it looks at the features, and does not take it back when it refuses them.",
			New:   hooked("stores-then-checks", storingLayouts),
		},
		{
			Name: "cursor-moves-log", Rule: "BAD-11",
			Wrong: "It forgets every event before the cursor that a client asks from, without looking whether that is sensible.",
			New:   hooked("cursor-moves-log", forgettingEvents),
		},
	}
}

// agreeing makes hooks that answer success to a range of selectors.
func agreeing(from, to uint32) func() Hooks {
	return func() Hooks {
		return Hooks{Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
			if a.Selector >= from && a.Selector <= to {
				return nil
			}
			return next()
		}}
	}
}

// storingLayouts selects the other layout whenever a select is refused.
func storingLayouts() Hooks {
	return onCall(userclient.SelSelect, func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
		err := next()
		if err != nil && len(a.In) == 2 {
			_ = s.Driver(ctx, &userclient.Args{
				Selector: a.Selector, In: []uint64{0, uint64(userclient.LayoutClassic)}, Out: make([]uint64, 1),
			}) // refused once the stream is open
		}
		return err
	})()
}

// anyPort is a connection that knows every port.
type anyPort struct{ userclient.Conn }

func (c anyPort) Port(typ uint32) (userclient.Port, error) {
	if typ != userclient.PortEvents {
		typ = userclient.PortOutput
	}
	return c.Conn.Port(typ)
}

// forgettingEvents answers from the largest cursor that the session has ever seen.
func forgettingEvents() Hooks {
	var most atomic.Uint64
	return onCall(userclient.SelEvents, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		if len(a.In) == 1 {
			most.Store(max(most.Load(), a.In[0]))
			a.In[0] = most.Load()
		}
		return next()
	})()
}
