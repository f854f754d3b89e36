// SPDX-License-Identifier: Apache-2.0

package house

import (
	"path"
	"strings"
	"testing"
)

const spdx = "SPDX-License-Identifier: "

// licences gives each place its licence expression (C48). The first row that
// matches counts: a pattern of whole paths, or everything below a path that ends in
// a slash.
var licences = []struct{ place, expression string }{
	// What a vendor compiles into a driver or a plug-in must suit any licence.
	{"cbridge/include/iostreamkit/abi*.h", "Apache-2.0 OR MIT"},
	{"cbridge/include/iostreamkit/queue.h", "Apache-2.0 OR MIT"},
	{"cbridge/include/iostreamkit/iosk_core.h", "Apache-2.0 OR MIT"},
	{"cbridge/core/", "Apache-2.0 OR MIT"},
	{"cbridge/client/", "Apache-2.0 OR MIT"},
	// The kernel takes nothing that is not compatible with its own licence.
	{"samples/kmod/", "MIT OR GPL-2.0-only"},
	// Samples are there to be copied without a thought.
	{"samples/", "MIT-0"},
	{"", "Apache-2.0"},
}

// licenceOf returns the licence expression that belongs to p.
func licenceOf(p string) string {
	for _, l := range licences {
		whole, err := path.Match(l.place, p)
		below := strings.HasSuffix(l.place, "/") && strings.HasPrefix(p, l.place)
		if err == nil && whole || below || l.place == "" {
			return l.expression
		}
	}
	return ""
}

// isSource reports whether p is written by hand in a language with comments.
// go.mod, go.sum and documents carry no licence line.
func isSource(p string) bool {
	switch path.Ext(p) {
	case ".go", ".c", ".h", ".cc", ".cpp", ".hpp", ".iig", ".s", ".S", ".sh", ".pml", ".py", ".mk", ".yml", ".yaml", ".cmake":
		return true
	}
	return path.Base(p) == "Makefile" || path.Base(p) == ".gitignore" || strings.HasPrefix(p, ".ci/")
}

func TestC48LicenceLines(t *testing.T) {
	used := make(map[string]bool)
	for _, f := range tree(t, isSource) {
		want := licenceOf(f.path)
		lines := f.lines()
		got := ""
		for _, line := range lines[:min(len(lines), 2)] { // a script's first line is its interpreter's
			if _, after, ok := strings.Cut(line, spdx); ok {
				got = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(after), "*/"))
				break
			}
		}
		if got != want {
			t.Errorf("%s: licence line is %q, want %q in the first two lines", f.path, got, spdx+want)
		}
		for _, id := range strings.Split(want, " OR ") {
			used[id] = true
		}
	}
	texts := map[string]string{"Apache-2.0": "LICENSE"}
	for id := range used {
		name := texts[id]
		if name == "" {
			name = "LICENSES/" + id + ".txt"
		}
		isText := func(p string) bool { return p == name }
		if f := tree(t, isText); len(f[0].text) < 500 {
			t.Errorf("%s is not the text of %s", name, id)
		}
	}
}

func TestC48LicenceOfEachPlace(t *testing.T) {
	for p, want := range map[string]string{
		"cbridge/include/iostreamkit/abi.h":         "Apache-2.0 OR MIT",
		"cbridge/include/iostreamkit/abi_state.h":   "Apache-2.0 OR MIT",
		"cbridge/include/iostreamkit/iostreamkit.h": "Apache-2.0",
		"cbridge/core/ring.h":                       "Apache-2.0 OR MIT",
		"cbridge/client/open.c":                     "Apache-2.0 OR MIT",
		"samples/kmod/iosk.c":                       "MIT OR GPL-2.0-only",
		"samples/loopback/main.go":                  "MIT-0",
		"sdk/queue/end.go":                          "Apache-2.0",
		"Makefile":                                  "Apache-2.0",
	} {
		if got := licenceOf(p); got != want {
			t.Errorf("licence of %s is %q, want %q", p, got, want)
		}
	}
}
