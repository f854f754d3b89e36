// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// BugNumbersAlways numbers entries whether or not the client selected it.
const BugNumbersAlways Bug = "numbers always"

// describing makes hooks that change the description.
func describing(change func(*userclient.Description)) func() Hooks {
	return func() Hooks {
		return Hooks{Describe: func(d userclient.Description) userclient.Description {
			change(&d)
			return d
		}}
	}
}

func descMutants() []Mutant {
	return append(descriptionMutants(), selectMutants()...)
}

func descriptionMutants() []Mutant {
	return []Mutant{
		{
			Name: "ring-described-small", Rule: "DESC-01",
			Wrong: "Its description says that a ring has one entry, for four buffers.",
			New:   hooked("ring-described-small", describing(func(d *userclient.Description) { d.RingCount = 1 })),
		},
		{
			Name: "requires-unoffered", Rule: "DESC-01",
			Wrong: "It requires a feature that it does not offer.",
			New:   hooked("requires-unoffered", describing(func(d *userclient.Description) { d.Required = 1 << 41 })),
		},
		{
			Name: "description-garbage", Rule: "DESC-01",
			Wrong: "Its description is cut off in the middle.",
			New: hooked("description-garbage", onCall(userclient.SelDescribe,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					err := next()
					a.NOutBytes /= 2
					return err
				})),
		},
		{
			Name: "declares-too-much", Rule: "DESC-02",
			Wrong: "It is declared to have the classic layout, which it does not offer.",
			New: func() conformance.Target {
				cfg := LoopbackConfig()
				cfg.Classic = false
				return conformance.FromStart("declares-too-much", Served(cfg, nil, Echo, nil), conformance.CapClassic)
			},
		},
		{
			Name: "declares-too-little", Rule: "DESC-02",
			Wrong: "It is declared to have the native layout and nothing else, but has much more.",
			New: func() conformance.Target {
				return conformance.FromStart("declares-too-little", Served(LoopbackConfig(), nil, Echo, nil), conformance.CapNative)
			},
		},
		{
			Name: "instance-changes", Rule: "DESC-03",
			Wrong: "Each client is told another instance number.",
			New: hooked("instance-changes", func() Hooks {
				var n atomic.Uint64
				return describing(func(d *userclient.Description) { d.Instance = n.Add(1) })()
			}),
		},
		{
			Name: "selector-not-listed", Rule: "DESC-04",
			Wrong: "It answers flush, but leaves its bit clear.",
			New: hooked("selector-not-listed", describing(func(d *userclient.Description) {
				d.Selectors[userclient.SelFlush/64] &^= 1 << (userclient.SelFlush % 64)
			})),
		},
		{
			Name: "unknown-selector-code", Rule: "DESC-04",
			Wrong: "It refuses selectors that it does not know as an internal error.",
			New: hooked("unknown-selector-code", func() Hooks {
				return Hooks{Call: func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
					if err := next(); ioreturn.Of(err) != ioreturn.Unsupported {
						return err
					}
					return ioreturn.InternalError
				}}
			}),
		},
		{
			Name: "same-instance", Rule: "DESC-09",
			Wrong: "Its instance number is always 42.",
			New:   hooked("same-instance", describing(func(d *userclient.Description) { d.Instance = 42 })),
		},
	}
}

func selectMutants() []Mutant {
	changeIn := func(name string, change func(in []uint64)) func() conformance.Target {
		return hooked(name, onCall(userclient.SelSelect,
			func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				if len(a.In) == 2 {
					change(a.In)
				}
				return next()
			}))
	}
	known := userclient.FeatureSequence | userclient.FeatureEvents | userclient.FeatureSharedWord
	return []Mutant{
		{
			Name: "feature-ignored", Rule: "DESC-05",
			Wrong: "It ignores feature bits that it does not know.",
			New:   changeIn("feature-ignored", func(in []uint64) { in[0] &= known }),
		},
		{
			Name: "layout-cut", Rule: "DESC-06",
			Wrong: "It looks at the low five bits of the layout only.",
			New:   changeIn("layout-cut", func(in []uint64) { in[1] &= 31 }),
		},
		{
			Name: "required-is-optional", Rule: "DESC-07",
			Wrong: "It says that it requires sequence numbers, and goes on without them.",
			New: hooked("required-is-optional", describing(func(d *userclient.Description) {
				d.Required = userclient.FeatureSequence
			})),
		},
		{
			Name: "grants-more", Rule: "DESC-08",
			Wrong: "It grants sequence numbers to a client that did not ask for them.",
			New: hooked("grants-more", onCall(userclient.SelSelect,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					err := next()
					if err == nil && a.NOut == 1 {
						a.Out[0] |= userclient.FeatureSequence
					}
					return err
				})),
		},
		{
			Name: "first-select-counts", Rule: "DESC-08",
			Wrong: "It keeps what was selected first, and says so, when a client selects again.",
			New: hooked("first-select-counts", onCall(userclient.SelSelect,
				func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
					if s.Count("select") > 0 {
						return words(a, known)
					}
					return next()
				})),
		},
		{
			Name: "numbers-always", Rule: "DESC-08",
			Wrong: "It writes sequence numbers into the entries of a client that did not select them.",
			New:   buggy("numbers-always", RawConfig{Direction: iostream.FromDevice}, BugNumbersAlways),
		},
	}
}
