// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCheckFindsDescriptor(t *testing.T) {
	r := &recorder{TB: t}
	Check(r)
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := r.finish(); !strings.Contains(got, "still open: /dev/null") || len(r.errors) != 1 {
		t.Errorf("Check said %q, want one complaint about /dev/null", got)
	}
}

func TestCheckFindsMapping(t *testing.T) {
	r := &recorder{TB: t}
	Check(r)
	fd, err := unix.MemfdCreate("leaktest", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Ftruncate(fd, 8192); err != nil {
		t.Fatal(err)
	}
	// A private mapping of a memfd counts as well.
	b, err := unix.Mmap(fd, 4096, 4096, unix.PROT_READ, unix.MAP_PRIVATE)
	unix.Close(fd)
	if err != nil {
		t.Fatal(err)
	}
	got := r.finish()
	if err := unix.Munmap(b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "4096 bytes are still mapped: /memfd:leaktest") || len(r.errors) != 1 {
		t.Errorf("Check said %q, want one complaint about 4096 bytes of the memfd", got)
	}
}

func TestParseMapping(t *testing.T) {
	for _, tc := range []struct {
		line string
		size uint64 // 0: does not count
	}{
		{"7f0000000000-7f0000002000 rw-s 00000000 00:01 42                         /memfd:iosk (deleted)", 0x2000},
		{"7f0000000000-7f0000001000 r--p 00001000 00:01 42                         /memfd:iosk (deleted)", 0x1000},
		{"7f0000000000-7f0000001000 rw-s 00000000 00:10 7                          anon_inode:[io_uring]", 0x1000},
		{"c000000000-c000400000 rw-p 00000000 00:00 0", 0},
		{"00400000-00500000 r-xp 00000000 08:01 99                                 /usr/bin/true", 0},
		{"not a mapping", 0},
		{"", 0},
	} {
		if what, size, ok := parseMapping(tc.line); ok != (tc.size > 0) || size != tc.size {
			t.Errorf("parseMapping(%q) = %q, %#x, %v, want size %#x", tc.line, what, size, ok, tc.size)
		}
	}
}
