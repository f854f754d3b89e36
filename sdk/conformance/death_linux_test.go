// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Memory that has gone is a fault that is told, not the end of the suite. DEATH-16 needs
// it; no mutant in the same process can take memory away like this.
func TestC2MemoryThatIsGoneIsTold(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "arena"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size := os.Getpagesize()
	if err := f.Truncate(int64(size)); err != nil {
		t.Fatal(err)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(b)
	read := func() { _ = bytes.Clone(b) }
	if fault := faulted(read); fault != nil {
		t.Errorf("memory that is there: %v", fault)
	}
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if faulted(read) == nil {
		t.Error("the file was cut off, and nothing was told")
	}
}
