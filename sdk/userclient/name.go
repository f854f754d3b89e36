// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"fmt"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Limits of a stream's name. They keep a socket's path within what a system
// allows, and every name usable as a file's.
const (
	MaxName     = 96 // bytes of "vendor/device/stream"
	MaxNamePart = 48 // bytes of each of the three
)

// ParseName splits a stream's name, "vendor/device/stream" (C45). Each part has 1
// to MaxNamePart letters, digits, dots, underscores or hyphens of ASCII and does
// not begin with a dot. The error matches ErrInvalid and says which part is wrong.
func ParseName(s string) (vendor, device, stream string, err error) {
	parts, err := splitName(s)
	if err != nil {
		return "", "", "", fmt.Errorf("%w (%w)", err, ioreturn.ErrInvalid)
	}
	return parts[0], parts[1], parts[2], nil
}

// splitName is ParseName with an error that says only what is wrong.
func splitName(s string) (parts [3]string, err error) {
	if len(s) > MaxName {
		return parts, fmt.Errorf("stream name %q has %d bytes, at most %d are allowed", s[:MaxName]+"…", len(s), MaxName)
	}
	split := strings.Split(s, "/")
	if len(split) != len(parts) {
		has := fmt.Sprintf("%d parts", len(split))
		if len(split) == 1 {
			has = "1 part"
		}
		return parts, fmt.Errorf("stream name %q has %s, it needs three: vendor/device/stream", s, has)
	}
	for i, what := range [...]string{"vendor", "device", "stream"} {
		if wrong := wrongPart(split[i]); wrong != "" {
			return parts, fmt.Errorf("stream name %q: the %s %s", s, what, wrong)
		}
		parts[i] = split[i]
	}
	return parts, nil
}

// wrongPart says what is wrong with one part of a name, or "".
func wrongPart(p string) string {
	switch {
	case p == "":
		return "is empty"
	case len(p) > MaxNamePart:
		return fmt.Sprintf("has %d bytes, at most %d are allowed", len(p), MaxNamePart)
	case p[0] == '.':
		return fmt.Sprintf("%q begins with a dot", p)
	}
	for _, r := range p {
		if !nameRune(r) {
			return fmt.Sprintf("%q has %q; only letters, digits, '.', '_' and '-' are allowed", p, r)
		}
	}
	return ""
}

func nameRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	return r == '.' || r == '_' || r == '-'
}
