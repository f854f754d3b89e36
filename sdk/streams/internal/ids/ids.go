// SPDX-License-Identifier: Apache-2.0

// Package ids gives ioctls their numbers.
package ids

import "sync/atomic"

// Last is the number that was given last. It is exported for tests of where it wraps.
var Last atomic.Uint64

// Next returns a number that no other ioctl of this program has, whoever sends it: a reply to
// another one must never look right. 0 is none: it stands for no ioctl. Next does not block
// and may be called from any goroutine.
func Next() uint64 {
	for {
		if id := Last.Add(1); id != 0 {
			return id
		}
	}
}
