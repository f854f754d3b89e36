// SPDX-License-Identifier: Apache-2.0

package house

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Lengths of Go files, in lines: above the first a file is named in the output of
// go test -v, above the second the test fails.
const (
	longFile    = 400
	tooLongFile = 800
)

func TestFileLength(t *testing.T) {
	for _, f := range tree(t, isGo) {
		switch n := len(f.lines()); {
		case n > tooLongFile:
			t.Errorf("%s has %d lines, at most %d: split it by subject", f.path, n, tooLongFile)
		case n > longFile:
			t.Logf("warning: %s has %d lines, more than %d", f.path, n, longFile)
		}
	}
}

// unsafeFile matches the names of files that may import unsafe.
var unsafeFile = regexp.MustCompile(`_unsafe(_[a-z0-9]+)*\.go$`)

func TestUnsafeStandsApart(t *testing.T) {
	for _, f := range tree(t, isGo) {
		if f.isTest() {
			continue
		}
		for _, imp := range parse(t, f, parser.ImportsOnly).Imports {
			if p, _ := strconv.Unquote(imp.Path.Value); p == "unsafe" && !unsafeFile.MatchString(path.Base(f.path)) {
				t.Errorf("%s imports unsafe: move what needs it to a file named *_unsafe.go", f.path)
			}
		}
	}
}

// processors is where code for one processor, which no system makes another, may be.
const processors = "sdk/internal/cpu/"

// sdk is one program on every system: a file that is compiled on some only would
// make two. Tests may be for one system, where they need its calls.
func TestSDKHasNoBuildConstraints(t *testing.T) {
	for _, f := range tree(t, isGo) {
		if !strings.HasPrefix(f.path, "sdk/") || strings.HasPrefix(f.path, processors) || f.isTest() {
			continue
		}
		for i, line := range f.lines() {
			if constraint.IsGoBuild(line) || constraint.IsPlusBuild(line) {
				t.Errorf("%s:%d: %s: sdk has no build constraints", f.path, i+1, line)
			}
		}
		if system := systemInName(f.path); system != "" {
			t.Errorf("%s: the name restricts the file to %s: sdk has no build constraints", f.path, system)
		}
	}
}

// systemInName returns the system or machine that a file's name restricts it to,
// of those that the project knows.
func systemInName(p string) string {
	parts := strings.Split(strings.TrimSuffix(path.Base(p), ".go"), "_")
	for _, part := range parts[1:] {
		switch part {
		case "linux", "darwin", "windows", "freebsd", "unix", "amd64", "arm64", "arm", "386":
			return part
		}
	}
	return ""
}

func parse(t *testing.T, f file, mode parser.Mode) *ast.File {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), f.path, f.text, mode)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
