// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bounds on what a driver may take, before the device's time scale.
const (
	connectBound = 2 * time.Second
	answerBound  = 2 * time.Second // one external method
	frameBound   = time.Second     // for a frame, beside the device's own period
	closeBound   = 4 * time.Second // two of the transports' own
	deathBound   = time.Second     // for the survivor to learn of a death
	quietWindow  = 20 * time.Millisecond
	quietFrames  = 3
)

func (s *Suite) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * s.scale) }

func (s *Suite) period() time.Duration { return time.Duration(s.device.FramePeriod) }

// Within returns a context that ends with the rule, or after d times the device's time
// scale if that is earlier. Its cause says how long was waited.
func (t *T) Within(d time.Duration) (context.Context, context.CancelFunc) {
	d = t.s.scaled(d)
	return context.WithTimeoutCause(t.ctx, d, fmt.Errorf("%w after %v", errTimeUp, d))
}

// Frames returns a context that gives the driver time for n frames after a start: its
// warm-up, n of its periods, and a bound for the rest. The warm-up counts twice, because
// the device may still be at that of a client which left early.
func (t *T) Frames(n int) (context.Context, context.CancelFunc) {
	d := t.s.scaled(frameBound) + 2*time.Duration(t.s.device.WarmUp) + time.Duration(n)*2*t.s.period()
	return context.WithTimeoutCause(t.ctx, d, fmt.Errorf("%w after %v", errTimeUp, d))
}

// QuietTime is how long a rule watches for something that must not happen: some frame
// periods, and at least some milliseconds.
func (t *T) QuietTime() time.Duration {
	return t.s.scaled(max(quietWindow, quietFrames*t.s.period()))
}

// Quiet returns a context that ends after QuietTime.
func (t *T) Quiet() (context.Context, context.CancelFunc) {
	d := t.QuietTime()
	return context.WithTimeoutCause(t.ctx, d, fmt.Errorf("%w after %v", errTimeUp, d))
}

// StaysQuiet reports whether no ring came to p for QuietTime.
func (t *T) StaysQuiet(p userclient.Port) bool {
	ctx, cancel := t.Quiet()
	defer cancel()
	return p.Wait(ctx) != nil
}

// Until waits until cond holds and reports whether it did before ctx ended. It is for
// what can only be asked for, such as counters; what rings is waited for at its port.
func (t *T) Until(ctx context.Context, cond func() bool) bool {
	pause := 50 * time.Microsecond
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		if cond() {
			return true
		}
		select {
		case <-ctx.Done():
			return cond()
		case <-timer.C:
		}
		pause = min(2*pause, 10*time.Millisecond)
		timer.Reset(pause)
	}
}
