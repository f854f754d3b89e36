// SPDX-License-Identifier: Apache-2.0

// Command abi fills the tables of docs/reference/abi.md from the constants and
// tables of packages userclient and queue. The text around them is written by
// hand. Run it as
//
//	go run ./internal/gen/abi
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/iostreamkit/iostreamkit/internal/gen"
)

const path = "docs/reference/abi.md"

func main() {
	content, err := page()
	if err == nil {
		err = gen.Update(path, content)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "abi:", err)
		os.Exit(1)
	}
}

// page returns the page as it should be: its own text with the tables made anew.
func page() (string, error) {
	root, err := gen.Root()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return "", err
	}
	src, err := load(root)
	if err != nil {
		return "", err
	}
	return fill(string(text), src.tables())
}

// fill replaces what stands between the marks of each table. Every table needs
// its marks and all marks need a table.
func fill(text string, tables map[string]string) (string, error) {
	const begin, end = "<!-- begin ", "<!-- end "
	var b strings.Builder
	used := map[string]bool{}
	for {
		before, after, found := strings.Cut(text, begin)
		b.WriteString(before)
		if !found {
			break
		}
		name, rest, ok := strings.Cut(after, " -->\n")
		table, known := tables[name]
		if !ok || !known || used[name] {
			return "", fmt.Errorf("the table %q is unknown or comes twice", name)
		}
		used[name] = true
		_, rest, ok = strings.Cut(rest, end+name+" -->")
		if !ok {
			return "", fmt.Errorf("the table %q has no end", name)
		}
		fmt.Fprintf(&b, "%s%s -->\n%s%s%s -->", begin, name, table, end, name)
		text = rest
	}
	for name := range tables {
		if !used[name] {
			return "", fmt.Errorf("the page has no place for the table %q", name)
		}
	}
	return b.String(), nil
}
