// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"sync/atomic"
	"unsafe"
)

// word returns the 32-bit word of shared memory at off, which is a multiple of 4. Rules
// that break the protocol on purpose write queue headers and indices by it. It returns
// nil where the memory is too short.
func word(b []byte, off int) *atomic.Uint32 {
	if off < 0 || off%4 != 0 || off+4 > len(b) {
		return nil
	}
	return (*atomic.Uint32)(unsafe.Pointer(&b[off]))
}
