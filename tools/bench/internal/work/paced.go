// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// nearPaced measures how long after it was posted a frame is there, and what both sides
// cost.
func nearPaced(ctx context.Context, t *job.Task) (_ job.Result, err error) {
	c, err := open(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := c.turn(); err != nil {
		return nil, err
	}
	b, err := begin(c.far)
	if err != nil {
		return nil, err
	}
	r := make(job.Result)
	entries, err := c.arrivals(r)
	if err != nil {
		return nil, err
	}
	return r, b.finish(c.far, entries, r)
}

// arrivals measures from the stamp of a frame to its arrival.
func (c *client) arrivals(r job.Result) (entries int, err error) {
	var h stat.Histogram
	epoch := c.s.Description().Clock.Epoch
	now := c.clock.Now()
	for stop := now + int64(c.long()); now < stop; {
		n, err := c.s.NextBatch(c.ctx, c.frames, 1)
		if err != nil {
			return 0, err
		}
		now = c.clock.Now()
		for i := range c.frames[:n] {
			f := &c.frames[i]
			h.Add(now - epoch - int64(f.Time()))
			if c.t.Job.Full {
				c.sum += look(f.Data())
			}
		}
		entries += n
		if err := c.s.ReleaseBatch(c.frames[:n]); err != nil {
			return 0, err
		}
	}
	distribution(&h, r)
	return entries, nil
}
