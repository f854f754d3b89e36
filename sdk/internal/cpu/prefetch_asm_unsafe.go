// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package cpu

import "unsafe"

// Prefetch asks the processor to bring the cache line at p near, for reading, while the
// caller goes on. It is a hint: it never waits and never faults, whatever p is.
//
//go:noescape
func Prefetch(p unsafe.Pointer)

// PrefetchWrite is Prefetch for a line that is going to be written.
//
//go:noescape
func PrefetchWrite(p unsafe.Pointer)

// PrefetchAll is Prefetch for all lines of b. It takes about a nanosecond for a line that
// is near, and a processor has only some ten or so under way.
//
//go:noescape
func PrefetchAll(b []byte)

// PrefetchAllWrite is PrefetchAll for lines that are going to be written.
//
//go:noescape
func PrefetchAllWrite(b []byte)
