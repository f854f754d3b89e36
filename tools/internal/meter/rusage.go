// SPDX-License-Identifier: Apache-2.0

package meter

import "golang.org/x/sys/unix"

// processTime returns how long this process has run on processors, in seconds. It
// cannot fail: the arguments are valid.
func processTime() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
