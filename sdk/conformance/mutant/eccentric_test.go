// SPDX-License-Identifier: Apache-2.0

package mutant_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
)

// Drivers that are unusual and correct fail no rule. Time is virtual, so that a device
// with one frame a second takes no longer than another.
func TestEccentricDriversPass(t *testing.T) {
	for _, e := range mutant.Eccentrics() {
		t.Run(e.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := e.New()
				defer func() {
					if err := target.Close(); err != nil {
						t.Error(err)
					}
				}()
				rep, err := conformance.Run(t.Context(), target, e.Options())
				if err != nil {
					t.Fatal(err)
				}
				mustPass(t, rep)
			})
		})
	}
}

// mustPass reports every rule that failed or could not be checked, should-rules too.
func mustPass(t *testing.T, rep *conformance.Report) {
	t.Helper()
	for i := range rep.Rules {
		if r := &rep.Rules[i]; r.Verdict == conformance.Fail || r.Verdict == conformance.Error {
			t.Errorf("%s: %s: %s\n  %s\n  %s", r.ID, r.Verdict, r.Reason,
				strings.Join(r.Messages, "\n  "), strings.Join(r.Notes, "\n  "))
		}
	}
	if rep.Pass == 0 || rep.Result == conformance.NotConformant {
		t.Errorf("%d rules passed, the driver is %s", rep.Pass, rep.Result)
	}
}

// The list has every kind that the suite promises to get along with.
func TestEccentricDriversAreMany(t *testing.T) {
	want := []string{
		"one-buffer", "thousand-buffers", "one-byte", "no-control", "slow-start", "one-frame-a-second", "bursts",
		"policy-block", "policy-drop-newest", "policy-drop-oldest", "policy-fail", "odd-offsets", "late-answers",
		"huge-describe", "older-minor", "slow-commands", "holding-modules", "dropping-module", "many-controls",
	}
	var have []string
	for _, e := range mutant.Eccentrics() {
		if slices.Contains(have, e.Name) || !strings.HasSuffix(e.Odd, ".") {
			t.Errorf("%q is there twice, or does not say what is odd: %q", e.Name, e.Odd)
		}
		have = append(have, e.Name)
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
			t.Errorf("there is no eccentric driver %q", w)
		}
	}
}
