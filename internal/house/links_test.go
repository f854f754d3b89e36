// SPDX-License-Identifier: Apache-2.0

package house

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func isMarkdown(p string) bool { return path.Ext(p) == ".md" }

var (
	inlineLink = regexp.MustCompile(`\]\(<?([^()<>\s]+(?:\([^()\s]*\))?)>?(?:\s+"[^"]*")?\)`)
	refLink    = regexp.MustCompile(`^\s{0,3}\[[^\]]+\]:\s+<?([^<>\s]+)>?`)
	codeSpan   = regexp.MustCompile("`+[^`]*`+")
	linkText   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// prose returns the lines of a document without its code blocks, which are empty
// in the result, so that line numbers stay.
func prose(f file) []string {
	lines := f.lines()
	fence := ""
	for i, line := range lines {
		trimmed := strings.TrimLeft(line, " ")
		marker := ""
		if strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~") {
			marker = trimmed[:3]
		}
		switch {
		case fence == "" && marker != "":
			fence = marker
		case fence == "":
			continue
		case marker == fence:
			fence = ""
		}
		lines[i] = ""
	}
	return lines
}

// link is one link of a document.
type link struct {
	line   int
	target string
}

func links(f file) []link {
	var list []link
	for i, line := range prose(f) {
		line = codeSpan.ReplaceAllString(line, "")
		for _, m := range inlineLink.FindAllStringSubmatch(line, -1) {
			list = append(list, link{i + 1, m[1]})
		}
		if m := refLink.FindStringSubmatch(line); m != nil {
			list = append(list, link{i + 1, m[1]})
		}
	}
	return list
}

// anchors returns the anchors of a document's headings, as the usual web views of
// repositories make them.
func anchors(f file) map[string]bool {
	set := make(map[string]bool)
	for _, line := range prose(f) {
		level := len(line) - len(strings.TrimLeft(line, "#"))
		if level == 0 || level > 6 || !strings.HasPrefix(line[level:], " ") {
			continue
		}
		slug := anchor(strings.TrimSpace(line[level:]))
		name := slug
		for n := 1; set[name]; n++ {
			name = fmt.Sprintf("%s-%d", slug, n)
		}
		set[name] = true
	}
	return set
}

func anchor(heading string) string {
	heading = linkText.ReplaceAllString(heading, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// resolve returns why a link from the document at from leads nowhere, or "".
func resolve(from, target string, docs map[string]file) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return "" // another site's to keep
	}
	p, fragment, _ := strings.Cut(target, "#")
	if p == "" {
		p = from
	} else {
		p = path.Join(path.Dir(from), p)
	}
	if strings.HasPrefix(p, "..") || path.IsAbs(target) {
		return "it leaves the repository"
	}
	if doc, ok := docs[p]; ok {
		if fragment != "" && !anchors(doc)[fragment] {
			return fmt.Sprintf("%s has no heading #%s", p, fragment)
		}
		return ""
	}
	if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(p))); err != nil {
		return "there is no " + p
	}
	return ""
}

func TestDocumentLinksResolve(t *testing.T) {
	docs := make(map[string]file)
	for _, f := range tree(t, isMarkdown) {
		docs[f.path] = f
	}
	for p, f := range docs {
		for _, l := range links(f) {
			if problem := resolve(p, l.target, docs); problem != "" {
				t.Errorf("%s:%d: link to %s: %s", p, l.line, l.target, problem)
			}
		}
	}
}

// A page that the index of the documentation does not lead to, directly or by
// other pages, is not found by readers.
func TestDocumentationIndexIsComplete(t *testing.T) {
	const index = "docs/README.md"
	pages := make(map[string]file)
	for _, f := range tree(t, func(p string) bool { return isMarkdown(p) && strings.HasPrefix(p, "docs/") }) {
		pages[f.path] = f
	}
	found := map[string]bool{index: true}
	for next := []string{index}; len(next) > 0; next = next[1:] {
		for _, l := range links(pages[next[0]]) {
			target, _, _ := strings.Cut(l.target, "#")
			p := path.Join(path.Dir(next[0]), target)
			if _, ok := pages[p]; ok && !found[p] {
				found[p] = true
				next = append(next, p)
			}
		}
	}
	for p := range pages {
		if !found[p] {
			t.Errorf("no link leads from %s to %s", index, p)
		}
	}
}

func TestLinksAndAnchors(t *testing.T) {
	f := file{path: "docs/a.md", text: "# One *two* `three`\n# One two three\n[x](b.md \"title\") `[no](code.md)` [y](#one-two-three-1)\n" +
		"```\n[no](block.md)\n# no heading\n```\n[ref]: ../c.md#d\n"}
	got := links(f)
	want := []link{{3, "b.md"}, {3, "#one-two-three-1"}, {8, "../c.md#d"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("links: %v, want %v", got, want)
	}
	if a := anchors(f); len(a) != 2 || !a["one-two-three"] || !a["one-two-three-1"] {
		t.Errorf("anchors: %v", a)
	}
	docs := map[string]file{f.path: f}
	for target, broken := range map[string]bool{
		"#one-two-three": false, "#four": true, "missing.md": true, "../../etc/passwd": true, "/etc/passwd": true,
		"https://example.com/x": false, "../go.mod": false,
	} {
		if problem := resolve(f.path, target, docs); (problem != "") != broken {
			t.Errorf("link to %s: %q, want broken %v", target, problem, broken)
		}
	}
}
