// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"testing"
	"time"
)

// A spin of many pauses ends, and none takes as long as a system call would.
func TestPauseIsShort(t *testing.T) {
	const n = 10_000
	best := time.Hour
	for range 20 { // another program may have the processor
		begin := time.Now()
		for range n {
			Pause()
		}
		best = min(best, time.Since(begin))
	}
	if per := best / n; per > time.Microsecond {
		t.Errorf("a pause takes %v", per)
	}
}

func BenchmarkPause(b *testing.B) {
	for b.Loop() {
		Pause()
	}
}
