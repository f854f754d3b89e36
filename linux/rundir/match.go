// SPDX-License-Identifier: Apache-2.0

package rundir

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Filter selects streams by name and properties. The zero value selects all.
// Patterns are those of path.Match: *, ?, [a-z].
type Filter struct {
	// Name is a pattern for each part of the name: "acme/*/video". Parts that are
	// missing at the end match anything: "acme" selects every stream of the vendor,
	// "acme/cam0" those of one device. Empty matches every name.
	Name string
	// Properties has a pattern for the value of each property that must be there.
	Properties map[string]string
}

// ParseFilter makes a Filter from words as a user types them: at most one name
// pattern, and any number of "property=pattern". The error matches ErrInvalid.
func ParseFilter(words ...string) (Filter, error) {
	var f Filter
	for _, w := range words {
		key, value, isProperty := strings.Cut(w, "=")
		switch {
		case isProperty && key == "":
			return Filter{}, badFilter(w, "a property needs a name: serial=4711")
		case isProperty:
			if _, dup := f.Properties[key]; dup {
				return Filter{}, badFilter(w, "the property is given twice")
			}
			if f.Properties == nil {
				f.Properties = make(map[string]string)
			}
			f.Properties[key] = value
		case f.Name != "":
			return Filter{}, badFilter(w, "there is a name pattern already: "+f.Name)
		default:
			f.Name = w
		}
	}
	return f, f.check()
}

// check reports the first pattern that path.Match cannot read.
func (f Filter) check() error {
	if strings.Count(f.Name, "/") > 2 {
		return badFilter(f.Name, "a name has three parts: vendor/device/stream")
	}
	for pattern := range strings.SplitSeq(f.Name, "/") {
		if _, err := path.Match(pattern, ""); err != nil {
			return badFilter(f.Name, "it is not a pattern of *, ? and [a-z]")
		}
	}
	for key, pattern := range f.Properties {
		if _, err := path.Match(pattern, ""); err != nil {
			return badFilter(key+"="+pattern, "it is not a pattern of *, ? and [a-z]")
		}
	}
	return nil
}

func badFilter(word, why string) error {
	return fmt.Errorf("filter %q: %s (%w)", word, why, ioreturn.ErrInvalid)
}

// Match reports whether a stream of that name with those properties is selected.
// A Filter with a pattern that cannot be read selects nothing.
func (f Filter) Match(name string, properties map[string]string) bool {
	if f.Name != "" && !matchName(f.Name, name) {
		return false
	}
	for key, pattern := range f.Properties {
		value, ok := properties[key]
		// A property's value may hold slashes; to path.Match they are separators.
		if !ok || !glob(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(value, "/", "\x00")) {
			return false
		}
	}
	return true
}

// Select returns the streams that Match accepts, in their order.
func (f Filter) Select(streams []Stream) []Stream {
	return slices.DeleteFunc(slices.Clone(streams), func(s Stream) bool { return !f.Match(s.Name, s.Properties) })
}

func matchName(pattern, name string) bool {
	patterns, parts := strings.Split(pattern, "/"), strings.Split(name, "/")
	if len(patterns) > len(parts) {
		return false
	}
	for i, p := range patterns {
		if !glob(p, parts[i]) {
			return false
		}
	}
	return true
}

func glob(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}
