// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// client is the near side of a stream.
type client struct {
	t      *job.Task
	s      *iostream.Stream
	far    *far            // nil: in this process
	driver *driverLoop     // of job.Code: its turns are this goroutine's
	ctx    context.Context // of the calls that are measured
	clock  monotime.Clock
	frames []iostream.Frame
	allocs *allocs
	sum    uint64 // of what was read, so that it is read
	close  func() error
}

// open starts the driver, wherever it runs, and the stream.
func open(ctx context.Context, t *job.Task) (_ *client, err error) {
	c := &client{
		t: t, ctx: context.Background(), clock: monotime.Start(),
		frames: make([]iostream.Frame, t.Job.Batch), allocs: newAllocs(t.Job.Count),
	}
	conn, closeDriver, err := c.reach(ctx)
	if err != nil {
		return nil, err
	}
	cancel := func() {}
	if t.Job.Cancel {
		c.ctx, cancel = context.WithCancel(ctx)
	}
	c.close = func() error {
		cancel()
		var err error
		if c.s != nil {
			err = c.s.Close()
		}
		return errors.Join(err, closeDriver())
	}
	if c.s, err = iostream.Open(ctx, conn, &iostream.Config{Wait: t.Job.Wait}); err == nil {
		err = c.start(ctx, conn)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// start starts the stream. Its port is there.
func (c *client) start(ctx context.Context, conn userclient.Conn) error {
	p, err := conn.Port(userclient.PortOutput)
	if err != nil {
		return err
	}
	listenTo(p)
	return c.s.Start(ctx)
}

// reach connects to a driver in another process, or makes one in this one.
func (c *client) reach(ctx context.Context) (userclient.Conn, func() error, error) {
	switch {
	case c.t.Job.Program == job.Code:
		d, err := newDriver(c.t)
		if err != nil {
			return nil, nil, err
		}
		c.driver = newDriverLoop(c.t, d)
		conn, err := inproc.Connect(ctx, d, nil)
		if err != nil {
			return nil, nil, errors.Join(err, d.Close())
		}
		return conn, d.Close, nil
	case !c.t.Job.Inproc:
		f, err := startFar(c.t)
		if err != nil {
			return nil, nil, err
		}
		c.far = f
		conn, err := socket.Dial(ctx, socketPath(c.t), nil)
		if err != nil {
			return nil, nil, errors.Join(err, f.close())
		}
		return conn, f.close, nil
	}
	d, err := newDriver(c.t)
	if err != nil {
		return nil, nil, err
	}
	driving, stop := context.WithCancel(ctx)
	over := make(chan error, 1)
	go func() {
		err := drive(driving, c.t, d)
		if driving.Err() != nil {
			err = nil // it was told to end
		}
		over <- errors.Join(err, d.Close()) // the client must not wait for more
	}()
	conn, err := inproc.Connect(ctx, d, nil)
	closeDriver := func() error {
		stop()
		return <-over
	}
	if err != nil {
		return nil, nil, errors.Join(err, closeDriver())
	}
	return conn, closeDriver, nil
}

func socketPath(t *job.Task) string { return filepath.Join(t.Dir, "s") }

// turn takes frames, looks at them and gives them back. Where nobody else drives, it has the
// driver post them first.
func (c *client) turn() (int, error) {
	if c.driver != nil {
		if err := c.driver.turn(); err != nil {
			return 0, err
		}
	}
	n, err := c.s.NextBatch(c.ctx, c.frames, 1)
	if err != nil {
		return 0, err
	}
	if c.t.Job.Full {
		for i := range c.frames[:n] {
			c.sum += look(c.frames[i].Data())
		}
	}
	return n, c.s.ReleaseBatch(c.frames[:n])
}

// warmUp is how many round trips come before those that count.
const warmUp = 500

// nearStream measures round trips with one buffer, and the rate with more.
func nearStream(ctx context.Context, t *job.Task) (_ job.Result, err error) {
	c, err := open(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	for range warmUp {
		if _, err := c.turn(); err != nil {
			return nil, err
		}
	}
	b, err := begin(c.far)
	if err != nil {
		return nil, err
	}
	r := make(job.Result)
	measure := c.rate
	if t.Job.Buffers == 1 {
		measure = c.roundTrips
	}
	entries, err := measure(r)
	if err != nil {
		return nil, err
	}
	if err := b.finish(c.far, entries, r); err != nil {
		return nil, err
	}
	if _, counted := r[job.Allocs]; t.Job.Count && !counted {
		return nil, fmt.Errorf("%d entries are too few to count allocations", entries)
	}
	return r, nil
}

// long returns how long to measure.
func (c *client) long() time.Duration { return time.Duration(c.t.Millis) * time.Millisecond }

// roundTrips measures from the arrival of the buffer to its next one.
func (c *client) roundTrips(r job.Result) (entries int, err error) {
	var h stat.Histogram
	if _, err := c.turn(); err != nil { // the one that came while readings were taken
		return 0, err
	}
	before := c.clock.Now()
	for stop := before + int64(c.long()); before < stop || c.t.Job.Count && entries < countAtLeast; entries++ {
		if _, err := c.turn(); err != nil {
			return 0, err
		}
		now := c.clock.Now()
		h.Add(now - before)
		before = now
		c.allocs.add(1)
	}
	distribution(&h, r)
	return entries, nil
}

func distribution(h *stat.Histogram, r job.Result) {
	for _, p := range job.Percentiles() {
		r[p.Metric] = h.At(p.Share)
	}
	r[job.Max], r[job.Mean] = h.Max(), h.Mean()
}

// rate measures entries per second.
func (c *client) rate(r job.Result) (entries int, err error) {
	often, since := 256, 0
	if c.t.Job.Full {
		often = stat.Often(c.t.Job.Size)
	}
	now := c.clock.Now()
	rates := stat.NewRates(now, c.long())
	for stop := now + int64(c.long()); now < stop || c.t.Job.Count && entries < countAtLeast; {
		n, err := c.turn()
		if err != nil {
			return 0, err
		}
		entries += n
		c.allocs.add(n)
		if since += n; since >= often {
			now = c.clock.Now()
			rates.Add(now, since)
			since = 0
		}
	}
	r[job.PerSecond] = rates.PerSecond()
	return entries, nil
}
