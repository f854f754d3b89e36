// SPDX-License-Identifier: Apache-2.0

package house

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// file is one file of the repository; its path has slashes and begins at the root.
type file struct {
	path string
	text string
}

func (f file) lines() []string { return strings.Split(strings.TrimSuffix(f.text, "\n"), "\n") }

func (f file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// tree returns the repository's files that keep accepts, in order of their paths.
// Test data, release files and what tools left behind are not ours to check.
func tree(t *testing.T, keep func(p string) bool) []file {
	t.Helper()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the repository's root is not where this package expects it: %v", err)
	}
	var files []file
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "testdata", "dist", "bin":
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		p := filepath.ToSlash(rel)
		if !d.Type().IsRegular() || !keep(p) {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files = append(files, file{p, string(text)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no file to check was found")
	}
	return files
}

func isGo(p string) bool { return path.Ext(p) == ".go" }
