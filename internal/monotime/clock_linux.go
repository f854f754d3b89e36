// SPDX-License-Identifier: Apache-2.0

package monotime

import "golang.org/x/sys/unix"

const clock = unix.CLOCK_MONOTONIC
