// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// oddPlanes are drivers whose control plane is slow, roundabout or large.
func oddPlanes() []Eccentric {
	holding := &streams.Module{Name: "holding", Write: lingering(), Read: lingering()}
	return []Eccentric{
		{
			Name: "slow-commands", Odd: "It takes 200 ms for each command, and as long for each named control.",
			New: planned("slow-commands", func(v *voice) (*control.Table, error) {
				return v.tableOf(func(s *setting) {
					if s.Access&control.CanGet == 0 || s.Volatile {
						return
					}
					var now atomic.Pointer[control.Value]
					now.Store(&s.Default)
					s.Get = func(ctx context.Context) (control.Value, error) { return *now.Load(), pause(ctx, 200*time.Millisecond) }
					s.Set = func(ctx context.Context, v control.Value) (control.Value, error) {
						now.Store(&v)
						return v, pause(ctx, 200*time.Millisecond)
					}
				})
			}, nil, Hooks{Call: func(ctx context.Context, _ *Session, a *userclient.Args, next func() error) error {
				if a.Selector == userclient.SelIoctl {
					if err := pause(ctx, 200*time.Millisecond); err != nil {
						return err
					}
				}
				return next()
			}}),
			Device: &conformance.Device{TimeScale: 10},
		},
		{
			Name: "holding-modules", Odd: "Commands and answers pass two modules that keep each message for their service procedures.",
			New: planned("holding-modules", func(v *voice) (*control.Table, error) { return v.tableOf(nil) }, []*streams.Module{holding, holding}),
		},
		{
			Name: "dropping-module", Odd: "A module on each session's stack drops every seventh entry, which is counted.",
			New: func() conformance.Target {
				return conformance.FromStart("dropping-module", withPlaneOn(CounterConfig(), Count, func(v *voice) (userclient.ControlPlane, error) {
					t, err := v.tableOf(nil)
					if err != nil {
						return nil, err
					}
					return planeOf(from(t), dropping("dropping", 7))
				}, nil), conformance.CapCounter)
			},
		},
		{
			Name: "many-controls", Odd: "It has 200 controls, whose list takes many conversations.",
			New: planned("many-controls", manyControls, nil),
		},
	}
}

// planned makes a loopback driver with a control plane.
func planned(name string, table func(v *voice) (*control.Table, error), stack []*streams.Module, hooks ...Hooks) func() conformance.Target {
	wrap := func(p userclient.Provider) userclient.Provider {
		for _, h := range hooks {
			p = Wrap(p, h)
		}
		return p
	}
	return func() conformance.Target {
		return conformance.FromStart(name, withPlane(func(v *voice) (userclient.ControlPlane, error) {
			t, err := table(v)
			if err != nil {
				return nil, err
			}
			return planeOf(from(t), stack...)
		}, wrap), conformance.CapLoopback)
	}
}

// lingering keeps each message until its service procedure runs.
func lingering() streams.Procedures {
	return streams.Procedures{Put: (*streams.Queue).Putq, Service: func(q *streams.Queue) {
		for m := q.Getq(); m != nil; m = q.Getq() {
			q.PassOn(m)
		}
	}}
}

func manyControls(v *voice) (*control.Table, error) {
	t, err := v.tableOf(nil)
	for i := 0; i < 200 && err == nil; i++ {
		err = t.Add(control.Info{
			Name: fmt.Sprintf("lamp/%03d", i), Text: strings.Repeat("A lamp. ", 25), Access: control.CanGet | control.CanSet,
			Shape: control.Shape{Type: control.TypeBool, Default: control.Bool(false)},
		}, control.Handler{})
	}
	return t, err
}
