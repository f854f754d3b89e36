// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
)

// TestTable runs two mutants. That all are caught, and every must-rule has one, is
// tested beside the mutants.
func TestTable(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), &b, false, []string{"reopen-busy", "open-refused"}); err != nil {
		t.Fatal(err)
	}
	want := "RULE     LEVEL  CAUGHT  MUTANTS\n" +
		"LIFE-01  must   1 of 1  open-refused\n" +
		"LIFE-02  must   1 of 1  reopen-busy\n" +
		"\n2 rules, 2 mutants: 2 caught, 0 missed\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	b.Reset()
	if err := run(t.Context(), &b, true, []string{"reopen-busy"}); err != nil || !strings.Contains(b.String(), "reopen-busy also breaks LIFE-0") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestMissesAreErrors reports a mutant that got away, and rules without one.
func TestMissesAreErrors(t *testing.T) {
	must, should := conformance.Rule{ID: "A-01", Level: conformance.Must, Title: "One"}, conformance.Rule{ID: "A-02", Level: conformance.Should, Title: "Two"}
	away := hunt{Mutant: mutant.Mutant{Name: "fox", Rule: "A-01", Wrong: "It runs."}, missed: errors.New("A-01 passed")}
	for _, tc := range []struct {
		rules []conformance.Rule
		all   []hunt
		text  string
		err   string
	}{
		{[]conformance.Rule{must}, []hunt{away}, "\nMissed\n  fox: It runs.\n    A-01 passed\n", "does not catch: 1"},
		{[]conformance.Rule{must}, nil, "\nRules without a mutant\n  A-01 (must) One\n", "have no mutant: 1"},
		{[]conformance.Rule{should}, nil, "\nRules without a mutant\n  A-02 (should) Two\n", ""},
	} {
		var b strings.Builder
		err := report(&b, tc.rules, tc.all)
		if !strings.Contains(b.String(), tc.text) {
			t.Errorf("got\n%swant\n%s", b.String(), tc.text)
		}
		if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%v, want %q", err, tc.err)
		}
	}
}

func TestWrongNamesAndInterrupts(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), &b, false, []string{"unicorn"}); err == nil || !strings.Contains(err.Error(), `no mutant "unicorn"`) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, &b, false, nil); !errors.Is(err, context.Canceled) || b.Len() > 0 {
		t.Errorf("%v, printed %q", err, b.String())
	}
}
