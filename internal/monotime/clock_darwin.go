// SPDX-License-Identifier: Apache-2.0

package monotime

import "golang.org/x/sys/unix"

// clock is not CLOCK_MONOTONIC, which on darwin goes on while the machine sleeps
// and so differs from Linux, from IOKit's time stamps and from Go's own clock.
const clock = unix.CLOCK_UPTIME_RAW
