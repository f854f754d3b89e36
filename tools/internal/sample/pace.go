// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"context"
	"time"
)

// maxLag is how far a pace may be behind its schedule before it gives the schedule
// up: less is caught up by a burst.
const maxLag = 100 * time.Millisecond

// pace lets a loop run at a rate. The zero value does not slow it down.
type pace struct {
	period time.Duration // 0: as fast as it goes
	next   time.Time
	timer  *time.Timer
}

func newPace(perSecond float64) pace {
	if perSecond <= 0 {
		return pace{}
	}
	return pace{period: time.Duration(float64(time.Second) / perSecond)}
}

// wait returns at the time of the next round, or with ctx's cause.
func (p *pace) wait(ctx context.Context) error {
	if p.period <= 0 {
		return nil
	}
	now := time.Now()
	p.next = p.next.Add(p.period)
	if now.Sub(p.next) > maxLag {
		p.next = now
	}
	if !p.next.After(now) {
		return nil
	}
	if p.timer == nil {
		p.timer = time.NewTimer(p.next.Sub(now))
	} else {
		p.timer.Reset(p.next.Sub(now))
	}
	select {
	case <-p.timer.C:
		return nil
	case <-ctx.Done():
		p.timer.Stop()
		return context.Cause(ctx)
	}
}
