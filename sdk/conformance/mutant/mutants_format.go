// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func formatMutants() []Mutant {
	return []Mutant{
		{
			Name: "format-busy", Rule: "FMT-01", Wrong: "It refuses to tell its format while it runs.",
			New: hooked("format-busy", answering(userclient.SelGetFormat, userclient.StateRunning, ioreturn.Busy)),
		},
		{
			Name: "format-described", Rule: "FMT-02", Wrong: "It describes another epoch of the format than it answers.",
			New: hooked("format-described", rewriting(userclient.SelDescribe, func(_ *Session, d *userclient.Description) { d.Format.Epoch++ })),
		},
		{
			Name: "format-hidden", Rule: "FMT-03", Wrong: "It tells its format to the client that has it open only.",
			New: hooked("format-hidden", onCall(userclient.SelGetFormat, func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
				if s.Peer.Observe {
					return ioreturn.NotPermitted
				}
				return next()
			})),
		},
		{
			Name: "format-in-flight", Rule: "FMT-04", Wrong: "It answers success to a change of the format while it runs.",
			New: hookedRaw("format-in-flight", answering(userclient.SelSetFormat, userclient.StateRunning, ioreturn.Success)),
		},
		{
			Name: "format-pretended", Rule: "FMT-05", Wrong: "It answers with a format that it has not taken.",
			New: hookedRaw("format-pretended", rewriting(userclient.SelSetFormat, func(_ *Session, f *userclient.Format) { f.Code += 100 })),
		},
		{
			Name: "format-epoch-stays", Rule: "FMT-06", Wrong: "It keeps the epoch when the format changes.",
			New: hookedRaw("format-epoch-stays", sameEpoch),
		},
		{
			Name: "format-epoch-grows", Rule: "FMT-07", Wrong: "It makes a new epoch of the format with each open.",
			New: hooked("format-epoch-grows", rewriting(userclient.SelGetFormat, func(s *Session, f *userclient.Format) {
				if s.State() != userclient.StateClosed {
					f.Epoch++
				}
			})),
		},
		{
			Name: "format-untold", Rule: "FMT-08", Wrong: "It tells nobody that the format has changed.",
			New: hookedRaw("format-untold", events(func(_ *Session, es []userclient.Event) []userclient.Event {
				return slices.DeleteFunc(es, func(e userclient.Event) bool { return e.Kind == userclient.EventFormatChanged })
			})),
		},
		{
			Name: "generation-stays", Rule: "FMT-09", Wrong: "It keeps the generation when the format changes.",
			New: hookedRaw("generation-stays", rewriting(userclient.SelDescribe, func(_ *Session, d *userclient.Description) { d.Generation = 1 })),
		},
		{
			Name: "format-unchecked", Rule: "FMT-10", Wrong: "It takes bytes that are no format.",
			New: hookedRaw("format-unchecked", onCall(userclient.SelSetFormat,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					var f userclient.Format
					if f.UnmarshalBinary(a.InBytes) != nil {
						return nil
					}
					return next()
				})),
		},
		{
			Name: string(BugHeaderEpoch), Rule: "FMT-11", Wrong: "It writes another epoch of the format into the header than the format has.",
			New: buggy(string(BugHeaderEpoch), RawConfig{Metadata: true}, BugHeaderEpoch),
		},
	}
}

// sameEpoch makes every format that is answered of the same epoch.
func sameEpoch() Hooks {
	one := func(_ *Session, f *userclient.Format) { f.Epoch = 1 }
	get, set := rewriting(userclient.SelGetFormat, one)(), rewriting(userclient.SelSetFormat, one)()
	return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
		return get.Call(ctx, s, a, func() error { return set.Call(ctx, s, a, next) })
	}}
}
