// SPDX-License-Identifier: Apache-2.0

// Package monotime reads the machine's monotonic clock as a number that means the
// same in every process, which the standard library's time does not offer.
package monotime

import "time"

// Now returns the monotonic clock in nanoseconds: CLOCK_MONOTONIC on Linux,
// CLOCK_UPTIME_RAW (mach_absolute_time) on darwin. Both stand still while the
// machine sleeps. Readings of different processes on one machine can be compared
// (on Linux: within one time namespace); readings before and after a boot cannot.
//
// Now does not block or allocate and may be called from any goroutine. It is a
// system call, so code that needs the time of every entry uses a Clock.
func Now() int64 { return now() }

// A Clock gives the same time as Now at the cost of the standard library's
// monotonic clock, which needs no system call. It is off by a constant, less than
// a microsecond on an idle machine, that Error bounds. The zero Clock is not
// usable; see Start. A Clock may be copied and used from any goroutine.
type Clock struct {
	base time.Time
	at   int64
	err  time.Duration
}

// samples is how often Start compares the two clocks; it keeps the comparison
// that was disturbed least.
const samples = 5

// Start compares Now with the standard library's clock and returns a Clock that
// continues from there. Within a testing/synctest bubble the Clock runs on the
// bubble's time.
func Start() Clock {
	var best Clock
	for i := range samples {
		before := Now()
		base := time.Now()
		after := Now()
		half := (after - before + 1) / 2
		if i == 0 || time.Duration(half) < best.err {
			best = Clock{base: base, at: before + half, err: time.Duration(half)}
		}
	}
	return best
}

// Now returns the time in nanoseconds on the scale of the package's Now.
func (c Clock) Now() int64 { return c.at + int64(time.Since(c.base)) }

// Error returns the largest possible difference between c.Now and Now, measured by Start.
func (c Clock) Error() time.Duration { return c.err }
