// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every rule says in whole sentences what it is about, to a reader who does not know
// the suite, and IDs are unique and in order.
func TestRulesAreComplete(t *testing.T) {
	id := regexp.MustCompile(`^[A-Z]+-[0-9]{2}$`)
	seen := map[string]bool{}
	last := map[string]string{}
	for _, r := range Rules() {
		if !id.MatchString(r.ID) || seen[r.ID] {
			t.Errorf("%q is no ID, or there are two of it", r.ID)
		}
		seen[r.ID] = true
		if r.ID <= last[r.Area()] {
			t.Errorf("%s stands after %s", r.ID, last[r.Area()])
		}
		last[r.Area()] = r.ID
		if r.Title == "" || strings.HasSuffix(r.Title, ".") || len(r.Title) > 90 {
			t.Errorf("%s: title %q is empty, too long or ends with a stop", r.ID, r.Title)
		}
		for what, text := range map[string]string{"What": r.What, "Why": r.Why, "Remedy": r.Remedy} {
			if len(text) < 20 || !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s is no sentence: %q", r.ID, what, text)
			}
		}
		if !slices.Contains(Profiles(), r.Profile) || r.Level != Must && r.Level != Should ||
			!slices.Contains([]Origin{VendorCode, HostLibrary, Both}, r.Origin) || r.Since == "" || r.Check == nil {
			t.Errorf("%s lacks a profile, level, origin, version or check", r.ID)
		}
	}
}
