// SPDX-License-Identifier: Apache-2.0

package mutant_test

import (
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
)

// C28: correct drivers that can be killed keep every rule about deaths, and none of them
// is left out.
func TestC28DriversThatCanBeKilled(t *testing.T) {
	for name, target := range map[string]conformance.Target{
		"loopback": mutant.Mortal("loopback", mutant.Served(mutant.LoopbackConfig(), nil, mutant.Echo, nil)),
		"counter":  mutant.Mortal("counter", mutant.Served(mutant.CounterConfig(), nil, mutant.Count, nil)),
		"sink":     mutant.Mortal("sink", mutant.Served(mutant.SinkConfig(), nil, mutant.Swallow, nil)),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if err := target.Close(); err != nil {
					t.Error(err)
				}
			}()
			rep, err := conformance.Run(t.Context(), target, &conformance.Options{
				Only: []string{"DEATH"}, Device: &conformance.Device{AllowDestructive: true},
			})
			if err != nil {
				t.Fatal(err)
			}
			mustPass(t, rep)
			for i := range rep.Rules {
				r := &rep.Rules[i]
				if strings.HasPrefix(r.ID, "DEATH-") && r.ID >= "DEATH-14" && r.Verdict != conformance.Pass {
					t.Errorf("%s came to %q: %s", r.ID, r.Verdict, r.Reason)
				}
				t.Logf("%s %s %v", r.ID, r.Verdict, r.Duration)
			}
		})
	}
}
