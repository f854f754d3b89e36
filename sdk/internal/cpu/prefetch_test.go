// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"bytes"
	"testing"
	"unsafe"
)

// TestPrefetchIsAHint asks for lines that there are and for some that there are not, in pieces
// of every length: it must come to an end, and neither fault nor change anything.
func TestPrefetchIsAHint(t *testing.T) {
	b := bytes.Repeat([]byte{42}, 1000)
	for _, p := range []unsafe.Pointer{unsafe.Pointer(&b[0]), nil} {
		Prefetch(p)
		PrefetchWrite(p)
	}
	for n := range b {
		for _, part := range [][]byte{b[:n], b[n:], b[n:n], nil} {
			PrefetchAll(part)
			PrefetchAllWrite(part)
		}
	}
	if !bytes.Equal(b, bytes.Repeat([]byte{42}, 1000)) {
		t.Error("memory has changed")
	}
}
