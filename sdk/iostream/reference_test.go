// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReferenceNamesTests checks that every row of docs/reference/iostream.md names
// tests, and that these exist.
func TestReferenceNamesTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/iostream.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, dir := range []string{".", "../queue"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range function.FindAllStringSubmatch(string(src), -1) {
				known[m[1]] = true
			}
		}
	}
	name := regexp.MustCompile("`(Test\\w+)`")
	rows := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		rows++
		named := name.FindAllStringSubmatch(line, -1)
		if len(named) == 0 {
			t.Errorf("no test shows: %s", line)
		}
		for _, m := range named {
			if !known[m[1]] {
				t.Errorf("there is no %s, which should show: %s", m[1], line)
			}
		}
	}
	if rows < 40 {
		t.Errorf("%d rows, which can't be all of Apple's methods", rows)
	}
}
