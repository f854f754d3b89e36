// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

const deviceFile = `{
  "warmup": "2s", "frame_period": "33ms", "time_scale": 1.5, "pattern": "counter",
  "needs_cable": ["DATA-*"], "allow_destructive": true, "capabilities": ["native"],
  "waivers": [{"rule": "LIFE-02", "reason": "firmware 2.2 mends it", "expires": "2026-12-31"}]
}`

func TestDeviceFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cam0.json")
	if err := os.WriteFile(file, []byte(deviceFile), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := ReadDevice(file)
	if err != nil {
		t.Fatal(err)
	}
	want := &Device{
		WarmUp: Duration(2 * time.Second), FramePeriod: Duration(33 * time.Millisecond), TimeScale: 1.5,
		Pattern: PatternCounter, NeedsCable: []string{"DATA-*"}, AllowDestructive: true,
		Capabilities: []Capability{CapNative},
		Waivers:      []Waiver{{Rule: "LIFE-02", Reason: "firmware 2.2 mends it", Expires: "2026-12-31"}},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got %+v, want %+v", d, want)
	}
	if _, err := ReadDevice(file + ".missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestDeviceFileIsStrict(t *testing.T) {
	for name, tc := range map[string]struct{ text, says string }{
		"empty":           {"", "EOF"},
		"unknown field":   {`{"waivrs": []}`, "waivrs"},
		"behind":          {`{} {}`, "behind"},
		"negative time":   {`{"warmup": "-1s"}`, "negative"},
		"no time":         {`{"warmup": "soon"}`, "soon"},
		"scale":           {`{"time_scale": -1}`, "time_scale"},
		"pattern":         {`{"pattern": "stripes"}`, "stripes"},
		"cable":           {`{"needs_cable": ["["]}`, "needs_cable"},
		"unknown rule":    {`{"waivers": [{"rule": "NONE-01", "reason": "x", "expires": "2026-12-31"}]}`, "NONE-01"},
		"without reason":  {`{"waivers": [{"rule": "LIFE-01", "reason": " ", "expires": "2026-12-31"}]}`, "no reason"},
		"without a date":  {`{"waivers": [{"rule": "LIFE-01", "reason": "x"}]}`, "no date"},
		"with a bad date": {`{"waivers": [{"rule": "LIFE-01", "reason": "x", "expires": "tomorrow"}]}`, "tomorrow"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ParseDevice([]byte(tc.text))
			if !errors.Is(err, ioreturn.ErrInvalid) || !strings.Contains(err.Error(), tc.says) || d != nil {
				t.Errorf("got %v (%v), want ErrInvalid about %q", err, d, tc.says)
			}
		})
	}
}
