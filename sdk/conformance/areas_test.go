// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/conformtest"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// flowAreas are the areas about how entries flow, are lost and are timed.
var flowAreas = []string{"SEQ", "LOSS", "STOP", "CLOCK", "EVENT", "FMT"}

// pipeline is the loop of a driver that keeps up to depth buffers in the hardware beside
// the one that is being filled. Each tick finishes a frame.
func pipeline(depth int, tick time.Duration) mutant.Loop {
	return func(ctx context.Context, d *iostream.Driver) error {
		var queued []*iostream.Buffer
		t := time.NewTicker(tick)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-t.C:
			}
			if len(queued) == 0 { // the frame is there, and no buffer
				b, err := d.Take(ctx)
				if ioreturn.Of(err) == ioreturn.Overrun {
					continue
				}
				if err != nil {
					return err
				}
				queued = append(queued, b)
			}
			if err := d.Post(queued[0], len(queued[0].Data())); err != nil {
				return err
			}
			for queued = queued[1:]; len(queued) < depth; {
				b, err := d.TryTake()
				if err != nil {
					break // the next frame tells
				}
				queued = append(queued, b)
			}
		}
	}
}

// unstoppable is the loop of hardware that can't stop: what finds no buffer is told as
// lost in the device.
func unstoppable(tick time.Duration) mutant.Loop {
	return func(ctx context.Context, d *iostream.Driver) error {
		t := time.NewTicker(tick)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-t.C:
			}
			b, err := d.TryTake()
			switch ioreturn.Of(err) {
			case ioreturn.Success:
				err = d.Post(b, len(b.Data()))
			case ioreturn.Overrun:
				d.Lost(3)
				err = nil
			case ioreturn.NotReady:
				err = nil
			}
			if err != nil {
				return err
			}
		}
	}
}

// picky is a handler that takes any rate, corrects widths, and refuses everything else.
type picky struct{}

func (picky) Start(context.Context) error   { return nil }
func (picky) Stop(context.Context) error    { return nil }
func (picky) Suspend(context.Context) error { return nil }

func (picky) SetFormat(_ context.Context, f *iostream.Format) error {
	if f.Code != 0 {
		return ioreturn.Unsupported
	}
	f.Kind, f.Width = userclient.FormatVideo, 640
	return nil
}

// quartz is a device clock of 1 MHz.
type quartz struct{ start time.Time }

func (quartz) Describe() userclient.Clock {
	return userclient.Clock{ID: userclient.ClockDevice, Resolution: time.Microsecond, TickRate: 1e6}
}

func (q quartz) Now() int64 { return int64(time.Since(q.start).Truncate(time.Microsecond)) }

// Drivers that do what hardware does keep the rules of the flow of entries.
func TestHardwareLikeDriversPass(t *testing.T) {
	const tick = time.Millisecond
	counter := func(change func(*iostream.DriverConfig)) iostream.DriverConfig {
		cfg := mutant.CounterConfig()
		cfg.Buffers = 8
		change(&cfg)
		return cfg
	}
	policy := func(p iostream.Policy) iostream.DriverConfig {
		return counter(func(c *iostream.DriverConfig) { c.Policy, c.Metadata = p, true })
	}
	for name, start := range map[string]conformance.Start{
		"pipeline-block":       mutant.Served(policy(iostream.Block), nil, pipeline(3, tick), nil),
		"pipeline-drop-newest": mutant.Served(policy(iostream.DropNewest), nil, pipeline(3, tick), nil),
		"pipeline-drop-oldest": mutant.Served(policy(iostream.DropOldest), nil, pipeline(3, tick), nil),
		"pipeline-fail":        mutant.Served(policy(iostream.Fail), nil, pipeline(3, 5*tick), nil),
		"unstoppable":          mutant.Served(policy(iostream.Block), nil, unstoppable(tick), nil),
		"unstoppable-oldest":   mutant.Served(policy(iostream.DropOldest), nil, unstoppable(tick), nil),
		"formats": mutant.Served(counter(func(c *iostream.DriverConfig) {
			c.Format = iostream.Format{Kind: userclient.FormatVideo, Width: 640, Height: 480, RateNum: 30, RateDen: 1}
		}), picky{}, mutant.Count, nil),
		"device-clock": mutant.Served(counter(func(c *iostream.DriverConfig) { c.Clock = quartz{time.Now()} }), nil, mutant.Count, nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := conformance.FromStart(name, start)
			defer func() {
				if err := target.Close(); err != nil {
					t.Error(err)
				}
			}()
			conformtest.Run(t, target, &conformance.Options{Device: device(), Only: flowAreas})
		})
	}
}
