// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

func TestStreamsPageIsUpToDate(t *testing.T) {
	content, err := page()
	if err != nil {
		t.Fatal(err)
	}
	if err := gen.Stale(path, content); err != nil {
		t.Errorf("%v; run: go run ./internal/gen/streams", err)
	}
}

// TestEveryConstantHasItsPlace holds the constants of package streams against its
// tables: a command or an errno without a name is an error, and so is a name without
// a constant.
func TestEveryConstantHasItsPlace(t *testing.T) {
	consts, err := constants()
	if err != nil {
		t.Fatal(err)
	}
	errnos := map[streams.Errno]bool{}
	commands := map[streams.Command]bool{}
	for _, c := range consts {
		v, ok := c.Uint64()
		switch {
		case ok && c.Type == "Errno" && c.Name != "MaxErrno":
			e := streams.Errno(v)
			if errnos[e] = true; e.Name() != c.Name {
				t.Errorf("%s is called %q in the table", c.Name, e.Name())
			}
		case ok && c.Type == "Command":
			cmd := streams.Command(v)
			commands[cmd] = true
			if got, err := streams.ParseCommand(cmd.String()); err != nil || got != cmd || cmd.String()[0] == '0' {
				t.Errorf("%s has no name in the table: %s", c.Name, cmd)
			}
		}
	}
	for e := range streams.Errnos() {
		if !errnos[e.Errno] {
			t.Errorf("%s has no constant", e.Name)
		}
	}
	for c := range streams.Commands() {
		if !commands[c.Command] {
			t.Errorf("%s has no constant", c.Name)
		}
	}
}
