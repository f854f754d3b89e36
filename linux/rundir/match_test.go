// SPDX-License-Identifier: Apache-2.0

package rundir

import (
	"errors"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

func TestC45FilterMatchesNamesAndProperties(t *testing.T) {
	const name = "acme/cam0/video"
	props := map[string]string{"vendor": "Acme", "serial": "4711", "bus": "usb/1-2", "empty": ""}
	for _, tc := range []struct {
		words []string
		want  bool
	}{
		{nil, true},
		{[]string{"acme"}, true},
		{[]string{"acme/cam0"}, true},
		{[]string{"acme/cam0/video"}, true},
		{[]string{"acme/cam0/vide"}, false},
		{[]string{"acme/cam1"}, false},
		{[]string{"*/*/video"}, true},
		{[]string{"*/*/audio"}, false},
		{[]string{"*/cam[0-3]/v?deo"}, true},
		{[]string{"a*o"}, false}, // a star stays within its part
		{[]string{""}, true},
		{[]string{"serial=4711"}, true},
		{[]string{"serial=47*"}, true},
		{[]string{"serial=48*"}, false},
		{[]string{"serial="}, false},
		{[]string{"empty="}, true},
		{[]string{"model=*"}, false}, // a property that is not there matches nothing
		{[]string{"bus=usb/*"}, true},
		{[]string{"bus=*"}, true}, // a star crosses the slashes of a value
		{[]string{"bus=pci/*"}, false},
		{[]string{"serial=4711", "*/*/video", "vendor=Acme"}, true},
		{[]string{"serial=4711", "*/*/audio"}, false},
		{[]string{"serial=4711", "vendor=Umbrella"}, false},
	} {
		f, err := ParseFilter(tc.words...)
		if err != nil {
			t.Errorf("%q: %v", tc.words, err)
		}
		if got := f.Match(name, props); got != tc.want {
			t.Errorf("%q: got %v", tc.words, got)
		}
	}
}

func TestParseFilterRefuses(t *testing.T) {
	for _, words := range [][]string{
		{"=x"}, {"a", "b"}, {"serial=1", "serial=2"}, {"a/b/c/d"}, {"[a/b/c"}, {"serial=["},
	} {
		if f, err := ParseFilter(words...); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("%q: got %+v, %v", words, f, err)
		}
	}
	if (Filter{Name: "["}).Match("acme/cam0/video", nil) {
		t.Error("a pattern that cannot be read selects something")
	}
}

func TestSelectKeepsOrderAndArgument(t *testing.T) {
	all := []Stream{{Name: "b/x/1"}, {Name: "a/x/1"}, {Name: "b/y/1"}}
	f, err := ParseFilter("b")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range f.Select(all) {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, []string{"b/x/1", "b/y/1"}) || all[1].Name != "a/x/1" {
		t.Errorf("selected %q of %v", got, all)
	}
}

func TestEventKindString(t *testing.T) {
	for k, want := range map[EventKind]string{Added: "added", Removed: "removed", Changed: "changed", 0: "unknown event"} {
		if k.String() != want {
			t.Errorf("%d is %q", k, k)
		}
	}
}
