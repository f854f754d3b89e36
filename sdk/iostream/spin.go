// SPDX-License-Identifier: Apache-2.0

package iostream

import "time"

const (
	// nearby is the longest sleep after which the other side counts as near. Above the
	// price of a wake-up across CPUs, which is part of every sleep.
	nearby = 200 * time.Microsecond
	// missesMax is how many spins in a row may catch nothing. The limit grows from
	// the range's min to its max meanwhile.
	missesMax = 6
	// pauseMax bounds the sleeps between two attempts to spin.
	pauseMax = 256
)

// spinRange is from where to where the time of a spin goes.
type spinRange struct{ min, max time.Duration }

var (
	// longSpins outlast a wake-up across CPUs, or one that comes just after the spin
	// would end every one of them.
	longSpins = spinRange{10 * time.Microsecond, nearby}
	// briefSpins cost less than the sleep that they may save. They are for a side that is
	// a little faster than the other: without them it sleeps after every few entries, and
	// is rung for each.
	briefSpins = spinRange{time.Microsecond, 4 * time.Microsecond}
)

// spinner decides how long to spin before a sleep: about as long as it took lately. It
// tries longer and longer spins while sleeps are short, and gives spinning up where it
// catches nothing all the same: there the other side gets no CPU while this one spins,
// or it takes longer than a spin may.
type spinner struct {
	spinRange
	limit  time.Duration // 0: sleep at once
	misses int           // spins in a row that caught nothing
	pause  int           // sleeps after giving up; it doubles
	left   int           // sleeps until the next attempt
}

func newSpinner(r spinRange) spinner { return spinner{spinRange: r, limit: r.min, pause: 1} }

// caught notes that a spin saw what it waited for, after a time.
func (s *spinner) caught(after time.Duration) {
	s.misses, s.pause = 0, 1
	s.limit = min(s.limit, max(2*after, s.min))
}

// slept notes a sleep, and that the spin before it, if there was one, caught nothing.
func (s *spinner) slept(d time.Duration) {
	switch {
	case s.limit == 0:
		if s.left--; s.left <= 0 && d <= nearby {
			s.limit = s.min
		}
	case d > nearby: // the other side is idle
		s.limit, s.misses = 0, 0
	case s.misses+1 == missesMax:
		s.limit, s.misses = 0, 0
		s.left, s.pause = s.pause, min(2*s.pause, pauseMax)
	default:
		s.misses++
		s.limit = min(2*s.limit, s.max)
	}
}
