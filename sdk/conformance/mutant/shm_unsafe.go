// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"sync/atomic"
	"unsafe"
)

// shared returns a word of shared memory; off is a multiple of 4 within b.
func shared(b []byte, off int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&b[off : off+4][0]))
}
