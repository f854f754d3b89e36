// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"
	"math"
	"os"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// ringPair is one side of the two-queue loop made of package queue's ends alone: nobody
// checks who owns a buffer, nothing is locked, and no time is read.
type ringPair struct {
	in      *queue.Consumer
	out     *queue.Producer
	entries []queue.Entry
}

func newRingPair(in, out queue.Memory, t *job.Task) (p ringPair, err error) {
	cfg := queue.Config{Name: "queue", Buffers: queueBuffers}
	if p.in, err = queue.NewConsumer(in, cfg); err == nil {
		p.out, err = queue.NewProducer(out, cfg)
	}
	p.entries = make([]queue.Entry, t.Job.Batch)
	return p, err
}

// turn passes on what has come, which may be nothing.
func (p *ringPair) turn() (int, error) {
	n, err := p.in.Get(p.entries)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		if p.in.Look(looksAtOnce) {
			p.out.Prepare(1)
		}
		return 0, nil
	}
	for i := range p.entries[:n] {
		p.entries[i].Seq++
	}
	_, err = p.out.Put(p.entries[:n])
	return n, err
}

// nearRings is the client: it makes the queue by which buffers are lent, and the one by
// which they come back.
func nearRings(_ context.Context, t *job.Task) (_ job.Result, err error) {
	lend, in, err := newQueue()
	if err != nil {
		return nil, err
	}
	defer lend.Close()
	back, out, err := newQueue()
	if err != nil {
		return nil, err
	}
	defer back.Close()
	p, err := newRingPair(in, out, t)
	if err != nil {
		return nil, err
	}
	for range t.Job.Buffers { // which the client has at first
		if _, err := p.out.Put(p.entries[:1]); err != nil {
			return nil, err
		}
	}
	far, err := startFar(t, lend, back)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, far.close()) }()
	measure := p.rate
	if t.Job.Buffers == 1 {
		measure = p.roundTrips
	}
	return measure(monotime.Start(), time.Duration(t.Millis)*time.Millisecond)
}

func (p *ringPair) rate(clock monotime.Clock, long time.Duration) (job.Result, error) {
	now := clock.Now()
	rates, stop, since := stat.NewRates(now, long), now+int64(long), 0
	for now < stop {
		n, err := p.turn()
		if err != nil {
			return nil, err
		}
		if since += n; since >= stat.Often(0) {
			now = clock.Now()
			rates.Add(now, since)
			since = 0
		}
	}
	return job.Result{job.PerSecond: rates.PerSecond()}, nil
}

func (p *ringPair) roundTrips(clock monotime.Clock, long time.Duration) (job.Result, error) {
	var h stat.Histogram
	before, stop := int64(0), int64(math.MaxInt64)
	for trips := 0; before < stop; {
		n, err := p.turn()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		now := clock.Now()
		if trips++; trips == warmUp {
			stop = now + int64(long)
		} else if trips > warmUp {
			h.Add(now - before)
		}
		before = now
	}
	r := make(job.Result)
	distribution(&h, r)
	return r, nil
}

// farRings is the driver.
func farRings(ctx context.Context, t *job.Task, ready func() error) error {
	lend, back := os.NewFile(firstFile, "queue"), os.NewFile(firstFile+1, "queue")
	defer lend.Close()
	defer back.Close()
	out, err := mapQueue(lend)
	if err != nil {
		return err
	}
	in, err := mapQueue(back)
	if err != nil {
		return err
	}
	p, err := newRingPair(in, out, t)
	if err == nil {
		err = ready()
	}
	for err == nil && ctx.Err() == nil {
		for range looks {
			if _, err = p.turn(); err != nil {
				break
			}
		}
	}
	return err
}
