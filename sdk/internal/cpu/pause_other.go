// SPDX-License-Identifier: Apache-2.0

//go:build !386 && !amd64 && !arm64

package cpu

// Pause does nothing here; see the other systems' for what it is for.
//
//go:noinline
func Pause() {}
