// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// dropping is a module that frees each nth data message on its way up.
func dropping(name string, nth int64) *streams.Module {
	var n atomic.Int64
	return &streams.Module{Name: name, Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if m.Type() == streams.MData && n.Add(1)%nth == 0 {
			m.Free()
			return
		}
		q.PassOn(m)
	}}}
}

// passing makes a loopback driver with another module "pass". hooks may be nil.
func passing(name string, pass *streams.Module, hooks func() Hooks) func() conformance.Target {
	return func() conformance.Target {
		return conformance.FromStart(name, func() (userclient.Provider, func() error, error) {
			var wrap func(userclient.Provider) userclient.Provider
			if hooks != nil {
				wrap = Wrapping(hooks())
			}
			return withPlane(func(v *voice) (userclient.ControlPlane, error) {
				t, err := v.tableOf(nil)
				if err != nil {
					return nil, err
				}
				return planeWith(pass, from(t))
			}, wrap)()
		})
	}
}

func safeModuleMutants() []Mutant {
	return []Mutant{
		{
			Name: "pops-nothing", Rule: "CTL-44", Wrong: "It says that it has popped a module, and keeps it.",
			New: commanded("pops-nothing", onCall(userclient.SelControlPop, func(context.Context, *Session, *userclient.Args, func() error) error {
				return nil
			})),
		},
		{
			Name: "one-stack-for-all", Rule: "CTL-45", Wrong: "What one session pushes is on the stacks of all.",
			New: commanded("one-stack-for-all", func() Hooks {
				var pushed atomic.Bool
				return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
					if a.Selector == userclient.SelControlNames && pushed.Load() && !s.marked("pushed") {
						s.mark("pushed", true)
						if err := s.Driver(ctx, &userclient.Args{Selector: userclient.SelControlPush, InBytes: []byte("pass")}); err != nil {
							return err
						}
					}
					err := next()
					if a.Selector == userclient.SelControlPush && err == nil {
						s.mark("pushed", true)
						pushed.Store(true)
					}
					return err
				}}
			}),
		},
		{
			Name: "swallows-payload", Rule: "CTL-46", Wrong: "Its module lets commands pass, and no payload.",
			New: passing("swallows-payload", dropping("pass", 1), nil),
		},
		{
			Name: "hides-drops", Rule: "CTL-47", Wrong: "It counts what its module drops as posted.",
			New: passing("hides-drops", dropping("pass", 3), changedStats(func(st *userclient.Stats) {
				st.Posted += st.Lost[userclient.LossModule]
				st.Lost[userclient.LossModule] = 0
			})),
		},
	}
}
