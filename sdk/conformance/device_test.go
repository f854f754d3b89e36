// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
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
  "safe_calls": ["self-test"], "safe_modules": ["trace"],
  "safe_commands": [{"name": "SWAP", "number": 22017, "data": "00ff 10", "memory": [{"addr": 4096, "data": "aa", "size": 16}]}],
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
		SafeCalls: []string{"self-test"}, SafeModules: []string{"trace"},
		SafeCommands: []SafeCommand{{
			Name: "SWAP", Number: 0x5601, Data: Hex{0, 0xff, 0x10}, Memory: []SafeMemory{{Addr: 0x1000, Data: Hex{0xaa}, Size: 16}},
		}},
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

// TestDeviceFileWithoutEnd reads no more of a file than a device file can have.
func TestDeviceFileWithoutEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "long.json")
	if err := os.WriteFile(file, bytes.Repeat([]byte(" "), 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadDevice(file); !errors.Is(err, ioreturn.ErrInvalid) || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("got %v", err)
	}
}

// TestCapabilitiesAreAll knows each capability that a rule needs or a driver shows.
func TestCapabilitiesAreAll(t *testing.T) {
	all := setOf(capabilities()...)
	for _, r := range Rules() {
		for _, c := range r.Needs {
			if !all[c] {
				t.Errorf("%s needs %s, which is not among all capabilities", r.ID, c)
			}
		}
	}
	for c := range selectorCaps() {
		if !all[c] {
			t.Errorf("%s is not among all capabilities", c)
		}
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
		"capability":      {`{"capabilities": ["drop-newest"]}`, `"drop-newest"; there are describe, native,`},
		"bad call":        {`{"safe_calls": ["self test"]}`, "safe_calls: 1"},
		"bad module":      {`{"safe_modules": [""]}`, "safe_modules: 1"},
		"no number":       {`{"safe_commands": [{"name": "SWAP"}]}`, "SWAP: it has no number"},
		"head's command":  {`{"safe_commands": [{"number": 21250}]}`, "0x5302: it is a command of the stream head"},
		"odd digits":      {`{"safe_commands": [{"number": 7, "data": "123"}]}`, "hexadecimal"},
		"data twice":      {`{"safe_commands": [{"number": 7, "transparent": true, "data": "12"}]}`, "put them into memory"},
		"stray argument":  {`{"safe_commands": [{"number": 7, "arg": 1}]}`, "not transparent"},
		"small memory":    {`{"safe_commands": [{"number": 7, "memory": [{"addr": 1, "data": "1234", "size": 1}]}]}`, "memory 1"},
		"memory at zero":  {`{"safe_commands": [{"number": 7, "memory": [{"data": "1234"}]}]}`, "at 0"},
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
