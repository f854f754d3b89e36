// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"errors"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

func TestC45ParseName(t *testing.T) {
	long := strings.Repeat("x", MaxNamePart)
	for _, tc := range []struct {
		give string
		say  string // a part of the error; empty for a good name
	}{
		{"acme/cam0/video", ""},
		{"a/b/c", ""},
		{"A-1/_x/9.raw", ""},
		{"-/_/-.", ""},
		{long + "/" + strings.Repeat("y", 45) + "/z", ""},
		{"", "1 part,"},
		{"acme", "1 part,"},
		{"acme/cam0", "2 parts"},
		{"acme/cam0/video/raw", "4 parts"},
		{"/cam0/video", "the vendor is empty"},
		{"acme//video", "the device is empty"},
		{"acme/cam0/", "the stream is empty"},
		{"acme/../video", `the device ".." begins with a dot`},
		{".acme/cam0/video", "the vendor"},
		{"acme/cam 0/video", `the device "cam 0" has ' '`},
		{"acme/cam0/vidéo", "the stream"},
		{"acme/cam0/v\x00", "the stream"},
		{"acme/cam0/v\n", "the stream"},
		{long + "x/b/c", "the vendor has 49 bytes, at most 48"},
		{long + "/" + long + "/c", "99 bytes, at most 96"},
		{strings.Repeat("/", 1<<16), "65536 bytes"},
	} {
		vendor, device, stream, err := ParseName(tc.give)
		if tc.say == "" {
			if err != nil || vendor+"/"+device+"/"+stream != tc.give {
				t.Errorf("ParseName(%q) = %q, %q, %q, %v", tc.give, vendor, device, stream, err)
			}
			continue
		}
		if !errors.Is(err, ioreturn.ErrInvalid) || !strings.Contains(err.Error(), tc.say) || vendor+device+stream != "" {
			t.Errorf("ParseName(%q): %v, want an error with %q", tc.give, err, tc.say)
		}
		if len(err.Error()) > 300 {
			t.Errorf("ParseName of %d bytes made an error of %d bytes", len(tc.give), len(err.Error()))
		}
	}
}
