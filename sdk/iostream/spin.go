// SPDX-License-Identifier: Apache-2.0

package iostream

import "time"

const (
	// spinMax is the longest that WaitAdaptive spins. Above the price of a wake-up
	// across CPUs, or a wake-up that comes just after the spin would end every one of them.
	spinMax = 200 * time.Microsecond
	// spinMin is where a spin starts.
	spinMin = 10 * time.Microsecond
	// missesMax is how many spins in a row may catch nothing. The limit grows from
	// spinMin to spinMax meanwhile.
	missesMax = 6
	// pauseMax bounds the sleeps between two attempts to spin.
	pauseMax = 256
)

// spinner decides for WaitAdaptive how long to spin before a sleep: about as long as
// it took lately. It tries longer and longer spins while sleeps are short, and gives
// spinning up where it catches nothing all the same: there the other side gets no CPU
// while this one spins.
type spinner struct {
	limit  time.Duration // 0: sleep at once
	misses int           // spins in a row that caught nothing
	pause  int           // sleeps after giving up; it doubles
	left   int           // sleeps until the next attempt
}

func newSpinner() spinner { return spinner{limit: spinMin, pause: 1} }

// caught notes that a spin saw what it waited for, after a time.
func (s *spinner) caught(after time.Duration) {
	s.misses, s.pause = 0, 1
	s.limit = min(s.limit, max(2*after, spinMin))
}

// slept notes a sleep, and that the spin before it, if there was one, caught nothing.
func (s *spinner) slept(d time.Duration) {
	switch {
	case s.limit == 0:
		if s.left--; s.left <= 0 && d <= spinMax {
			s.limit = spinMin
		}
	case d > spinMax: // the other side is idle, not near
		s.limit, s.misses = 0, 0
	case s.misses+1 == missesMax:
		s.limit, s.misses = 0, 0
		s.left, s.pause = s.pause, min(2*s.pause, pauseMax)
	default:
		s.misses++
		s.limit = min(2*s.limit, spinMax)
	}
}
