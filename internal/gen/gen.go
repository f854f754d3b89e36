// SPDX-License-Identifier: Apache-2.0

// Package gen is what the generators of documentation share: where the module is,
// and the exported constants of a package with their comments, read from its
// source. The test of the C header uses it too, so that a constant which is added
// to one language only is seen.
package gen

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Root returns the directory of the module that the current directory is in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above: run this inside the module")
		}
		dir = up
	}
}

// Const is one exported constant.
type Const struct {
	Name    string
	Type    string // name of its type without the package; "untyped int" and the like
	Value   constant.Value
	Comment string // the comment on its line, else the one above it, as one line
	Group   string // the comment above the block that it is declared in, as one line
	File    string // base name of the file
}

// Uint64 returns the constant's value; ok is false if it is no unsigned number.
func (c Const) Uint64() (v uint64, ok bool) {
	n := constant.ToInt(c.Value)
	if n.Kind() != constant.Int {
		return 0, false
	}
	return constant.Uint64Val(n)
}

// Consts returns the exported constants of the package in dir as it is built for
// Linux on amd64, in the order of its files and declarations. A constant that is
// made from one of another package has an unknown value.
func Consts(dir string) ([]Const, error) {
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH, ctx.CgoEnabled = "linux", "amd64", false
	pkg, err := ctx.ImportDir(dir, 0)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	// Imports are not loaded, so most expressions do not check, and that is
	// ignored: constants of the package itself do.
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}}
	_, _ = conf.Check(pkg.Name, fset, files, info)

	var out []Const
	for i, f := range files {
		for _, c := range fileConsts(f, info) {
			c.File = pkg.GoFiles[i]
			out = append(out, c)
		}
	}
	return out, nil
}

type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return nil, errors.New("imports are not loaded: " + path)
}

func fileConsts(f *ast.File, info *types.Info) []Const {
	var out []Const
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			continue
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.ValueSpec)
			for _, id := range spec.Names {
				if !id.IsExported() {
					continue
				}
				obj, ok := info.Defs[id].(*types.Const)
				if !ok {
					continue // an error of the source, which the compiler reports better
				}
				c := Const{Name: id.Name, Value: obj.Val(), Group: oneLine(decl.Doc)}
				c.Type = types.TypeString(obj.Type(), func(*types.Package) string { return "" })
				if c.Comment = oneLine(spec.Comment); c.Comment == "" {
					c.Comment = oneLine(spec.Doc)
				}
				out = append(out, c)
			}
		}
	}
	return out
}

func oneLine(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }

// Macro returns a Go name as the C header spells it: "SelGetMode" is "SEL_GET_MODE".
func Macro(name string) string {
	name = strings.ReplaceAll(name, "FDs", "Fds")
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) {
			after := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if !unicode.IsUpper(runes[i-1]) || after {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// Update writes content to path, which is relative to the module, unless it is
// there already. It says on standard output what it did.
func Update(path, content string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	if Stale(path, content) == nil {
		fmt.Println(path, "is up to date")
		return nil
	}
	full := filepath.Join(root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		return err
	}
	fmt.Println(path, "was written")
	return nil
}

// Stale returns an error unless the file at path, relative to the module, is
// content. The error names the first line that differs.
func Stale(path, content string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	have, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return err
	}
	got, want := strings.Split(string(have), "\n"), strings.Split(content, "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Errorf("%s ends before line %d, %q", path, i+1, want[i])
		case i >= len(want):
			return fmt.Errorf("%s has more than it should from line %d on, %q", path, i+1, got[i])
		case got[i] != want[i]:
			return fmt.Errorf("line %d of %s is %q, should be %q", i+1, path, got[i], want[i])
		}
	}
	return nil
}
