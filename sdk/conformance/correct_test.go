// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/conformtest"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

func TestMain(m *testing.M) { leak.Main(m) }

// device allows everything: the drivers of the tests have nothing to lose.
func device() *conformance.Device { return &conformance.Device{AllowDestructive: true} }

// Drivers that do nothing unusual pass: on package iostream, and written without it.
func TestCorrectDriversPass(t *testing.T) {
	for name, target := range map[string]conformance.Target{
		"loopback": mutant.Loopback(), "counter": mutant.Counter(), "sink": mutant.Sink(),
		"raw-loopback": mutant.RawTarget("raw-loopback", mutant.RawConfig{Direction: iostream.BothWays, ControlSize: 64}),
		"raw-counter":  mutant.RawTarget("raw-counter", mutant.RawConfig{Metadata: true}),
		"raw-sink":     mutant.RawTarget("raw-sink", mutant.RawConfig{Direction: iostream.ToDevice}),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if err := target.Close(); err != nil {
					t.Error(err)
				}
			}()
			conformtest.Run(t, target, &conformance.Options{Device: device()})
		})
	}
}
