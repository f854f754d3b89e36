// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func modeMutants() []Mutant {
	threeWays := func(name string, hooks func() Hooks) Mutant {
		cfg := LoopbackConfig()
		cfg.Directions = []iostream.Direction{iostream.FromDevice, iostream.ToDevice, iostream.BothWays}
		return Mutant{Name: name, New: changed(name, cfg, Echo, hooks)}
	}
	generation := threeWays("mode-old-generation", func() Hooks {
		return Hooks{Describe: func(d userclient.Description) userclient.Description {
			d.Generation = 1
			return d
		}}
	})
	generation.Rule, generation.Wrong = "MODE-05", "The generation of its description stays when the direction changes."
	idle := threeWays("mode-not-set", onCall(userclient.SelSetMode,
		func(context.Context, *Session, *userclient.Args, func() error) error { return nil }))
	idle.Rule, idle.Wrong = "MODE-05", "It answers success to set mode and keeps its direction."
	lent := threeWays("mode-while-lent", onCall(userclient.SelSetMode,
		func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
			if err := next(); ioreturn.Of(err) != ioreturn.Busy {
				return err
			}
			return nil
		}))
	lent.Rule, lent.Wrong = "MODE-06", "It lets a client change the direction while that has buffers."

	setMode := func(answer func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error) func() Hooks {
		return onCall(userclient.SelSetMode, answer)
	}
	return []Mutant{
		{
			Name: "mode-seven", Rule: "MODE-01",
			Wrong: "It answers 7 when it is asked for its direction.",
			New: hooked("mode-seven", onCall(userclient.SelGetMode,
				func(_ context.Context, _ *Session, a *userclient.Args, _ func() error) error { return words(a, 7) })),
		},
		{
			Name: "mode-two-answers", Rule: "MODE-01",
			Wrong: "Get mode says from-device, and the description says both ways.",
			New: hooked("mode-two-answers", onCall(userclient.SelGetMode,
				func(_ context.Context, _ *Session, a *userclient.Args, _ func() error) error {
					return words(a, uint64(userclient.ModeOutput))
				})),
		},
		{
			Name: "mode-anything", Rule: "MODE-02",
			Wrong: "It accepts directions that do not exist.",
			New: hooked("mode-anything", setMode(func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				if len(a.In) == 1 && a.In[0] > 2 {
					return nil
				}
				return next()
			})),
		},
		{
			Name: "mode-cut", Rule: "MODE-02",
			Wrong: "It looks at the low 32 bits of the direction only.",
			New: hooked("mode-cut", setMode(func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
				if len(a.In) == 1 && a.In[0]>>32 != 0 {
					return s.Driver(ctx, &userclient.Args{Selector: a.Selector, In: []uint64{a.In[0] & 0xffffffff}})
				}
				return next()
			})),
		},
		{
			Name: "mode-not-offered", Rule: "MODE-03",
			Wrong: "It accepts a direction that it does not offer.",
			New: hooked("mode-not-offered", setMode(func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				if len(a.In) == 1 && a.In[0] <= 2 {
					return nil
				}
				return next()
			})),
		},
		{
			Name: "mode-same-refused", Rule: "MODE-04",
			Wrong: "It refuses to set the direction that it has.",
			New:   hooked("mode-same-refused", answering(userclient.SelSetMode, userclient.StateOpen, ioreturn.UnsupportedMode)),
		},
		generation, idle, lent,
	}
}
