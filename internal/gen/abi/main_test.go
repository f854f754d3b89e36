// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/gen"
)

func TestABIPageIsUpToDate(t *testing.T) {
	content, err := page()
	if err != nil {
		t.Fatal(err)
	}
	if err := gen.Stale(path, content); err != nil {
		t.Errorf("%v; run: go run ./internal/gen/abi", err)
	}
}

// TestEveryNumberIsOnThePage fails when a number is added that no table takes.
func TestEveryNumberIsOnThePage(t *testing.T) {
	root, err := gen.Root()
	if err != nil {
		t.Fatal(err)
	}
	src, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	src.tables()
	// The text has these, or they are sums of what a table has.
	inText := map[string]bool{
		"ABIMajor": true, "ABIMinor": true, "KnownFeatures": true, "Causes": true, "States": true, "Operations": true,
		"EntrySize": true, "MaxTime": true, "MaxCount": true, "RecordHeaderSize": true, "FieldHeaderSize": true, "FieldMust": true,
	}
	for _, c := range append(src.client, src.queue...) {
		private := map[string]bool{"Writer": true, "Operation": true, "Wake": true, "Role": true}[c.Type]
		if !src.used[c.Name] && !inText[c.Name] && !private {
			t.Errorf("%s of type %s is in no table", c.Name, c.Type)
		}
	}
}

func TestFill(t *testing.T) {
	tables := map[string]string{"a": "A\n", "b": "B\n"}
	const good = "x\n<!-- begin a -->\nold\n<!-- end a -->\ny\n<!-- begin b -->\n<!-- end b -->\n"
	want := "x\n<!-- begin a -->\nA\n<!-- end a -->\ny\n<!-- begin b -->\nB\n<!-- end b -->\n"
	got, err := fill(good, tables)
	if err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if again, err := fill(got, tables); err != nil || again != want {
		t.Errorf("filled twice: %q, %v", again, err)
	}
	for bad, say := range map[string]string{
		strings.Replace(good, "begin b", "begin c", 1):   "unknown",
		strings.Replace(good, "<!-- end a -->", "", 1):   "no end",
		"<!-- begin a -->\n<!-- end a -->":               "no place",
		good + "<!-- begin a -->\nx\n<!-- end a -->\n\n": "twice",
	} {
		if _, err := fill(bad, tables); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %v, want %q", bad, err, say)
		}
	}
}
