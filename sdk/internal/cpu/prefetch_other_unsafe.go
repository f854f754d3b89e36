// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package cpu

import "unsafe"

// Prefetch does nothing here; see the other systems' for what it is for.
func Prefetch(unsafe.Pointer) {}

// PrefetchWrite does nothing here; see the other systems' for what it is for.
func PrefetchWrite(unsafe.Pointer) {}

// PrefetchAll does nothing here; see the other systems' for what it is for.
func PrefetchAll([]byte) {}

// PrefetchAllWrite does nothing here; see the other systems' for what it is for.
func PrefetchAllWrite([]byte) {}
