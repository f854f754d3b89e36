// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// A driver that breaks a rule which it should keep fails that rule, and stays conformant.
func TestShouldRulesBite(t *testing.T) {
	for _, m := range []Mutant{
		{Name: "short-log", Rule: "EVENT-06", Wrong: "It keeps eight events.", New: hooked("short-log", shortLog)},
	} {
		t.Run(m.Name, func(t *testing.T) {
			target := m.New()
			defer func() {
				if err := target.Close(); err != nil {
					t.Error(err)
				}
			}()
			rep, err := conformance.Run(t.Context(), target, m.Options(m.Rule))
			if err != nil {
				t.Fatal(err)
			}
			if rep.Fail != 1 || rep.ShouldFail != 1 || rep.Result == conformance.NotConformant {
				t.Errorf("%d rules failed, %d of them should-rules, and the driver is %s", rep.Fail, rep.ShouldFail, rep.Result)
			}
		})
	}
}

// shortLog leaves all but the newest events out, and counts them as missed.
func shortLog() Hooks {
	const keep = 8
	return onCall(userclient.SelEvents, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		if err := next(); err != nil {
			return err
		}
		es, err := userclient.ParseEvents(a.OutBytes[:a.NOutBytes])
		if err != nil {
			return err
		}
		drop := max(0, len(es)-keep)
		b, err := userclient.AppendEvents(nil, es[drop:])
		a.NOutBytes = copy(a.OutBytes, b)
		a.Out[1] += uint64(drop)
		return err
	})()
}
