// SPDX-License-Identifier: Apache-2.0

//go:build race

package queue

// raceEnabled says that the race detector is on, which makes every access dearer.
const raceEnabled = true
