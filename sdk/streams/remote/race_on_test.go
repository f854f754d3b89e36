// SPDX-License-Identifier: Apache-2.0

//go:build race

package remote_test

// raceEnabled says that the race detector is on, which makes pools drop what they were given.
const raceEnabled = true
