// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/gen"
)

func TestPageIsUpToDate(t *testing.T) {
	if err := gen.Stale(path, page()); err != nil {
		t.Errorf("%v\nrun: go run ./tools/ctldoc", err)
	}
}

// TestPageIsComplete looks for what the generator can't make by itself: the text of
// every flag and of every field.
func TestPageIsComplete(t *testing.T) {
	p := page()
	for _, command := range []string{"cat", "conform", "conform diff", "conform rules", "demo", "info", "list", "send", "serve", "version"} {
		if !strings.Contains(p, "\n## "+command+"\n") {
			t.Errorf("nothing about %s", command)
		}
	}
	if strings.Contains(p, "demo-driver") {
		t.Error("a hidden command is on the page")
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `.*$").FindAllString(p, -1) {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		if name, text := cells[0], strings.TrimSpace(cells[len(cells)-1]); name == "``" || text == "" || len(cells) < 2 {
			t.Errorf("no text in %s", row)
		}
	}
}
