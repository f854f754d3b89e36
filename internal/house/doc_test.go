// SPDX-License-Identifier: Apache-2.0

package house

import (
	"go/ast"
	"go/parser"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// packages returns the module's packages, each as its directory's files, tests
// left out. The files of all systems are there, as go/doc for one system would not
// show them.
func packages(t *testing.T) map[string][]*ast.File {
	t.Helper()
	pkgs := make(map[string][]*ast.File)
	for _, f := range tree(t, isGo) {
		if !f.isTest() {
			dir := path.Dir(f.path)
			pkgs[dir] = append(pkgs[dir], parse(t, f, parser.ParseComments|parser.SkipObjectResolution))
		}
	}
	return pkgs
}

func TestEveryPackageHasADoc(t *testing.T) {
	for dir, files := range packages(t) {
		var docs []string
		for _, f := range files {
			if f.Doc != nil {
				docs = append(docs, f.Doc.Text())
			}
		}
		name := files[0].Name.Name
		switch {
		case len(docs) != 1:
			t.Errorf("%s: %d files have a package comment, want one", dir, len(docs))
		case name != "main" && !strings.HasPrefix(docs[0], "Package "+name+" "):
			t.Errorf("%s: the package comment begins %.30q, want \"Package %s …\"", dir, docs[0], name)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for dir, files := range packages(t) {
		if files[0].Name.Name == "main" {
			continue
		}
		documented := make(map[string]bool)
		for _, f := range files {
			for _, decl := range f.Decls {
				declared(decl, documented)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(documented)) {
			if !documented[name] {
				t.Errorf("%s: %s has no doc comment", dir, name)
			}
		}
	}
}

// declared adds the exported names of a declaration and whether they have a
// comment. A name that each system declares anew needs a comment once.
func declared(decl ast.Decl, documented map[string]bool) {
	note := func(name string, comments ...*ast.CommentGroup) {
		for _, c := range comments {
			documented[name] = documented[name] || c.Text() != ""
		}
	}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if name, ok := exportedFunc(d); ok {
			note(name, d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					note(s.Name.Name, s.Doc, s.Comment, shared(d, s))
				}
			case *ast.ValueSpec:
				for _, name := range s.Names {
					if name.IsExported() {
						note(name.Name, s.Doc, s.Comment, d.Doc)
					}
				}
			}
		}
	}
}

// shared returns the comment above the whole declaration if it describes s. A
// comment above a group of new types describes none of them; above a group of
// aliases it is enough, because each is described where it comes from.
func shared(d *ast.GenDecl, s *ast.TypeSpec) *ast.CommentGroup {
	if d.Lparen.IsValid() && !s.Assign.IsValid() {
		return nil
	}
	return d.Doc
}

// exportedFunc returns the name of an exported function, or of an exported method
// of an exported type.
func exportedFunc(d *ast.FuncDecl) (name string, ok bool) {
	if !d.Name.IsExported() {
		return "", false
	}
	if d.Recv == nil {
		return d.Name.Name, true
	}
	recv := d.Recv.List[0].Type
	for {
		switch r := recv.(type) {
		case *ast.StarExpr:
			recv = r.X
		case *ast.IndexExpr:
			recv = r.X
		case *ast.IndexListExpr:
			recv = r.X
		case *ast.Ident:
			return r.Name + "." + d.Name.Name, r.IsExported()
		default:
			return "", false
		}
	}
}
