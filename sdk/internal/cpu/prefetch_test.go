// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"testing"
	"unsafe"
)

// TestPrefetchIsAHint asks for lines that there are and for some that there are not: it
// must neither fault nor change anything.
func TestPrefetchIsAHint(t *testing.T) {
	word := uint64(42)
	for _, p := range []unsafe.Pointer{unsafe.Pointer(&word), nil} {
		Prefetch(p)
		PrefetchWrite(p)
	}
	if word != 42 {
		t.Errorf("the word is %d", word)
	}
}
