// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"testing"
	"time"
)

func TestSpinnerGrowsWhileSleepsAreShort(t *testing.T) {
	s := newSpinner(longSpins)
	for s.limit < longSpins.max {
		before := s.limit
		s.slept(time.Microsecond)
		if s.limit <= before || s.limit > longSpins.max {
			t.Fatalf("the limit went from %v to %v", before, s.limit)
		}
	}
	s.caught(80 * time.Microsecond)
	if s.limit != 160*time.Microsecond || s.misses != 0 {
		t.Errorf("after a catch at 80 µs the limit is %v", s.limit)
	}
	s.caught(0)
	if s.limit != longSpins.min {
		t.Errorf("after a catch at once the limit is %v", s.limit)
	}
	s.caught(time.Second)
	if s.limit != longSpins.min {
		t.Errorf("a catch has raised the limit to %v", s.limit)
	}
}

func TestSpinnerRestsWhileTheOtherSideIsIdle(t *testing.T) {
	s := newSpinner(longSpins)
	for range 10 {
		s.slept(time.Second)
		if s.limit != 0 {
			t.Fatalf("it spins for %v before a sleep of a second", s.limit)
		}
	}
	s.slept(time.Microsecond) // it is near again
	if s.limit != longSpins.min {
		t.Errorf("the limit is %v", s.limit)
	}
}

// TestSpinnerGivesUpWhatIsInVain has sleeps that are short although no spin ever
// catches anything: both sides share a CPU.
func TestSpinnerGivesUpWhatIsInVain(t *testing.T) {
	const waits = 10_000
	for _, test := range []struct {
		spinRange
		most time.Duration // for each wait
	}{{longSpins, 5 * time.Microsecond}, {briefSpins, 100 * time.Nanosecond}} {
		s := newSpinner(test.spinRange)
		var spun time.Duration
		for range waits {
			spun += s.limit
			s.slept(time.Microsecond)
		}
		if per := spun / waits; per > test.most {
			t.Errorf("from %v to %v: %v of spinning per wait", s.min, s.max, per)
		}
		s.caught(0)
		for s.limit == 0 {
			s.slept(time.Microsecond)
		}
		if s.pause != 1 {
			t.Errorf("one success has not brought it back: pause %d", s.pause)
		}
	}
}
