// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// prbs is the loop of a driver whose payload is PRBS31. spoil changes a frame, and
// reports whether it is posted.
func prbs(spoil func(n int, frame []byte) bool) mutant.Loop {
	return func(ctx context.Context, d *iostream.Driver) error {
		bits := uint32(1)
		for n := 0; ; n++ {
			b, err := d.Take(ctx)
			if err != nil && !errors.Is(err, ioreturn.ErrProtocol) {
				return err
			}
			if err != nil {
				continue
			}
			frame := b.Data()[:len(b.Data())-n%7] // of any length
			for i := range frame {
				for range 8 {
					bits = bits<<1 | (bits>>27^bits>>30)&1
				}
				frame[i] = byte(bits)
			}
			if spoil(n, frame) {
				err = d.Post(b, len(frame))
			} else {
				err = d.Return(b)
			}
			if err != nil {
				return err
			}
		}
	}
}

// The pattern prbs is known to the rules about payload as the counter is.
func TestPRBSDrivers(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(n int, frame []byte) bool
		fails []string
	}{
		"correct": {func(int, []byte) bool { return true }, nil},
		"flipped": {func(_ int, f []byte) bool { f[len(f)/2] ^= 1; return true }, []string{"DATA-01"}},
		"dropped": {func(n int, _ []byte) bool { return n%5 != 4 }, []string{"DATA-02", "DATA-03", "DATA-04"}},
	} {
		t.Run(name, func(t *testing.T) {
			target := conformance.FromStart(name, mutant.Served(mutant.CounterConfig(), nil, prbs(c.spoil), nil))
			defer closeTarget(t, target)
			rep, err := conformance.Run(t.Context(), target, &conformance.Options{
				Device: &conformance.Device{Pattern: conformance.PatternPRBS}, Only: []string{"DATA-01", "DATA-02", "DATA-03", "DATA-04"},
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := range rep.Rules {
				r := &rep.Rules[i]
				switch {
				case r.Reason == "not selected":
				case r.Verdict == conformance.Fail && !slices.Contains(c.fails, r.ID), r.Verdict != conformance.Fail && r.Verdict != conformance.Pass:
					t.Errorf("%s: %s %s %q", r.ID, r.Verdict, r.Reason, r.Messages)
				case r.Verdict == conformance.Pass && len(c.fails) > 0 && r.ID == c.fails[0]:
					t.Errorf("%s has passed", r.ID)
				}
			}
		})
	}
}
