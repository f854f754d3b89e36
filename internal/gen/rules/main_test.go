// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/sdk/conformance"
)

// The pages are as the rules are.
func TestPagesAreUpToDate(t *testing.T) {
	pages := pages()
	for path, content := range pages {
		if err := gen.Stale(path, content); err != nil {
			t.Errorf("%v; run go run ./internal/gen/rules", err)
		}
	}
	gone, err := strays(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range gone {
		t.Errorf("%s belongs to no rule; run go run ./internal/gen/rules", path)
	}
}

// Every rule is on the index.
func TestAreasAreKnown(t *testing.T) {
	for _, r := range conformance.Rules() {
		if !slices.ContainsFunc(areas(), func(a [2]string) bool { return a[0] == r.Area() }) {
			t.Errorf("the index has no area %s for %s", r.Area(), r.ID)
		}
	}
}
