// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

func TestC50ErrorsPageIsUpToDate(t *testing.T) {
	content, err := page()
	if err != nil {
		t.Fatal(err)
	}
	if err := gen.Stale(path, content); err != nil {
		t.Errorf("%v; run: go run ./internal/gen/errors", err)
	}
}

// TestEveryConstantHasItsPlace holds the constants of package ioreturn against its
// tables: a code or rule without a text is an error, and so is a text without a constant.
func TestEveryConstantHasItsPlace(t *testing.T) {
	root, err := gen.Root()
	if err != nil {
		t.Fatal(err)
	}
	consts, err := gen.Consts(filepath.Join(root, "sdk/ioreturn"))
	if err != nil {
		t.Fatal(err)
	}
	codes, rules := map[ioreturn.Code]bool{}, map[ioreturn.Rule]bool{}
	for _, c := range consts {
		v, ok := c.Uint64()
		switch {
		case c.Type == "Code" && ok:
			codes[ioreturn.Code(v)] = true
			if text, ok := ioreturn.Code(v).Text(); !ok || text.Name != appleName(c.Name) {
				t.Errorf("%s is called %q in the table", c.Name, text.Name)
			}
		case c.Type == "Rule" && ok:
			rules[ioreturn.Rule(v)] = true
			want := strings.ReplaceAll(strings.TrimPrefix(gen.Macro(c.Name), "RULE_"), "_", "-")
			if got := ioreturn.Rule(v).String(); got != want {
				t.Errorf("%s is called %q, want %q", c.Name, got, want)
			}
		default:
			t.Errorf("%s of type %s is neither a code nor a rule", c.Name, c.Type)
		}
	}
	for c := range ioreturn.Codes() {
		if !codes[c.Code] {
			t.Errorf("%s has no constant", c.Name)
		}
	}
	for r := range ioreturn.Rules() {
		if !rules[r.Rule] {
			t.Errorf("%s has no constant", r.Name)
		}
	}
}

func appleName(name string) string {
	if strings.HasPrefix(name, "Mach") || strings.HasPrefix(name, "MIG") {
		return gen.Macro(name)
	}
	return "kIOReturn" + name
}

func TestEveryMeaningIsOnThePage(t *testing.T) {
	root, err := gen.Root()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "sdk/ioreturn/errors.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range meanings() {
		listed[m.name] = true
	}
	found := 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, id := range spec.Names {
			if strings.HasPrefix(id.Name, "Err") {
				if found++; !listed[id.Name] {
					t.Errorf("%s is missing", id.Name)
				}
			}
		}
		return false
	})
	if found != len(listed) {
		t.Errorf("the source has %d meanings, the page %d", found, len(listed))
	}
}
