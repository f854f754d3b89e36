// SPDX-License-Identifier: Apache-2.0

package inproc

import "unsafe"

// address returns where b begins. The collector does not move heap memory.
func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// within reports whether inner is a part of outer.
func within(inner, outer []byte) bool {
	from := address(inner) - address(outer) // wraps around, and so is large, if inner begins first
	return from <= uintptr(len(outer)) && uintptr(len(inner)) <= uintptr(len(outer))-from
}
