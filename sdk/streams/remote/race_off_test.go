// SPDX-License-Identifier: Apache-2.0

//go:build !race

package remote_test

// raceEnabled says that the race detector is off.
const raceEnabled = false
