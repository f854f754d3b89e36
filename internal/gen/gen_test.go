// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMacro(t *testing.T) {
	for give, want := range map[string]string{
		"SelGetMode": "SEL_GET_MODE", "MemDMABuf": "MEM_DMA_BUF", "PortEventFD": "PORT_EVENT_FD", "ABIMajor": "ABI_MAJOR",
		"RuleFrameFDs": "RULE_FRAME_FDS", "IPCError": "IPC_ERROR", "MIGBadID": "MIG_BAD_ID", "Busy": "BUSY", "IsoTooOld": "ISO_TOO_OLD",
		"RingCPUOff": "RING_CPU_OFF", "ClockNone": "CLOCK_NONE",
	} {
		if got := Macro(give); got != want {
			t.Errorf("Macro(%q) = %q, want %q", give, got, want)
		}
	}
}

func TestConsts(t *testing.T) {
	dir := t.TempDir()
	source := `package p

import "example.com/absent"

// Kind is a kind.
type Kind uint32

// The kinds
// of things.
const (
	A Kind = iota + 4 // the first
	// B is above.
	B
	hidden = 7
)

const Size, Neg = 1 << 20, -1 // both

const Big uint64 = 1 << 63

var X = absent.Y
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	consts, err := Consts(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range consts {
		got = append(got, strings.Join([]string{c.Name, c.Type, c.Value.ExactString(), c.Comment, c.Group, c.File}, "|"))
	}
	want := []string{
		"A|Kind|4|the first|The kinds of things.|p.go",
		"B|Kind|5|B is above.|The kinds of things.|p.go",
		"Size|untyped int|1048576|both||p.go",
		"Neg|untyped int|-1|both||p.go",
		"Big|uint64|9223372036854775808|||p.go",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, ok := consts[3].Uint64(); ok {
		t.Error("-1 is an unsigned number")
	}
	if v, ok := consts[4].Uint64(); !ok || v != 1<<63 {
		t.Errorf("Big is %d", v)
	}
}

func TestConstsOfNothing(t *testing.T) {
	if _, err := Consts(t.TempDir()); err == nil {
		t.Error("an empty directory has constants")
	}
}

func TestUpdateAndStale(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if Stale("docs/a.md", "x\n") == nil {
		t.Error("a file that is missing is up to date")
	}
	if err := Update("docs/a.md", "x\ny\n"); err != nil {
		t.Fatal(err)
	}
	if err := Stale("docs/a.md", "x\ny\n"); err != nil {
		t.Error(err)
	}
	for content, say := range map[string]string{
		"x\nz\n": "line 2", "x\ny\n\nz": "ends before line 4", "x": "from line 2 on",
	} {
		if err := Stale("docs/a.md", content); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %v, want %q", content, err, say)
		}
	}
}
