// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 9994: "9.99 kB", 9996: "10.0 kB", 99_960: "100 kB",
		999_499: "999 kB", 999_500: "1.00 MB", 65_536_000: "65.5 MB", 1<<64 - 1: "18.4 EB",
	} {
		if got := size(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if got := rate(3_000_000, 2*time.Second); got != "1.50 MB/s" {
		t.Errorf("rate %q", got)
	}
	if got := rate(1, 0); got != "-" {
		t.Errorf("rate in no time %q", got)
	}
	for want, got := range map[string]string{
		"899 frames": number(899, "frames"), "1.20 k frames": number(1200, "frames"), "899": number(899, ""), "1.20 M": number(1.2e6, ""),
		"1 frame": plural(1, "frame"), "2 frames": plural(uint64(2), "frame"), "0 copies": plural(uint32(0), "copy"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	p := startProgress(io.Discard, 2000)
	if got, want := p.line(500, 2*time.Second), "[#####...............]  25%  500 B  250 B/s  2s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := p.line(5000, time.Second); !strings.HasPrefix(got, "[####################] 100%") {
		t.Errorf("more than all is %q", got)
	}
	if p.finish() <= 0 {
		t.Error("it took no time")
	}
	p = startProgress(io.Discard, 0)
	defer p.finish()
	if got, want := p.line(1000, 1500*time.Millisecond), "1.00 kB  667 B/s  2s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFormatText(t *testing.T) {
	for want, f := range map[string]iostream.Format{
		"raw":                                   {},
		"video 640x480 29.97/s code 0x32595559": {Kind: userclient.FormatVideo, Code: 0x32595559, Width: 640, Height: 480, RateNum: 30000, RateDen: 1001},
		"audio 2 channels of 16 bits 48000/s":   {Kind: userclient.FormatAudio, Channels: 2, BitsPerSample: 16, RateNum: 48000},
		"vendor code 0x00000007":                {Kind: userclient.FormatVendor + 1, Code: 7},
	} {
		r := formatOf(f)
		if got := r.text(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestC50ErrorsHaveCodesAndHints is the table of how an error is printed.
func TestC50ErrorsHaveCodesAndHints(t *testing.T) {
	rule := ioreturn.Broken(ioreturn.RuleEntryOwner, "buffer 3 is the driver's")
	remedy, _ := ioreturn.RuleEntryOwner.Text()
	busy, _ := ioreturn.Busy.Text()
	for _, tc := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "tool: plain\n"},
		{ioreturn.Op("open", "a/b/c", ioreturn.Busy), "tool: open a/b/c: busy (kIOReturnBusy, 0xe00002d5)\n  " + busy.Remedy + "\n  code IOSK-E02D5\n"},
		{
			&ioreturn.StatusError{Code: ioreturn.Busy, Detail: "taken by PID 1"},
			"tool: taken by PID 1: busy (kIOReturnBusy, 0xe00002d5)\n  code IOSK-E02D5\n",
		},
		{rule, fmt.Sprintf("tool: %v\n  %s\n", rule, remedy.Remedy)},
		{&hintedError{ioreturn.NotFound, []string{"one", "two"}}, "tool: not found (kIOReturnNotFound, 0xe00002f0)\n  one\n  two\n  code IOSK-E02F0\n"},
	} {
		p := problem{Error: tc.err.Error(), Code: codeOf(tc.err), Hints: hintsOf(tc.err)}
		if got := p.text("tool"); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
	if !strings.Contains(rule.Error(), codeOf(rule)) {
		t.Error("a broken rule does not show its code")
	}
}

func TestLossIsBlamedOnWhoWasLate(t *testing.T) {
	l := lossOf(iostream.LossRecord{Cause: userclient.LossDropOldest, Count: 3, Backlog: 2, Posted: 2})
	if got, want := l.blame(8), "when of 8 buffers 4 were with the client, 2 posted and unread, 2 in the backlog, 0 free: the client was late"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	l = lossOf(iostream.LossRecord{Cause: userclient.LossDevice, Free: 8})
	if got := l.blame(8); strings.Contains(got, "late") {
		t.Errorf("a loss of the device's is blamed: %q", got)
	}
}

// TestCheckWritable asks before a long run whether its result will have a place, and
// leaves everything as it is.
func TestCheckWritable(t *testing.T) {
	dir := t.TempDir()
	kept, link := filepath.Join(dir, "kept"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(kept, []byte("contents"), 0o600), os.Symlink("nowhere", link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", kept, link, filepath.Join(dir, "fresh"), os.DevNull} {
		if err := checkWritable(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing", "file"), filepath.Join(kept, "file")} {
		if err := checkWritable(path); err == nil {
			t.Errorf("%q can be written", path)
		}
	}
	if b, err := os.ReadFile(kept); err != nil || string(b) != "contents" {
		t.Errorf("%q, %v", b, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
}
