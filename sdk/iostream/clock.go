// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"os"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Clock is a device's clock.
type Clock interface {
	// Describe tells about the clock; Epoch is filled in by the Driver.
	Describe() userclient.Clock
	// Now returns the stream time in ns, which is 0 at the stream's epoch. It is called
	// once per batch, and where something is lost, with locks held: it must not block or
	// use the Driver.
	Now() int64
}

// streamClock is the time base of a stream's stamps.
type streamClock struct {
	clock    Clock // nil: the host's
	host     monotime.Clock
	epoch    int64 // host monotonic time, ns
	instance uint64
}

func newStreamClock(c Clock) streamClock {
	host := monotime.Start()
	now := host.Now()
	return streamClock{clock: c, host: host, epoch: now, instance: uint64(now)<<16 ^ uint64(os.Getpid())}
}

func (c *streamClock) now() int64 {
	if c.clock != nil {
		return c.clock.Now()
	}
	return c.host.Now() - c.epoch
}

func (c *streamClock) describe() userclient.Clock {
	d := userclient.Clock{ID: userclient.ClockMonotonic, Resolution: 1}
	if c.clock != nil {
		d = c.clock.Describe()
	}
	d.Epoch = c.epoch
	return d
}

// correlate reads stream time and host time close together.
func (c *streamClock) correlate() (stream, host, uncertainty int64) {
	before := c.host.Now()
	stream = c.now()
	after := c.host.Now()
	return stream, before + (after-before)/2, (after-before+1)/2 + int64(c.host.Error()) + 1
}
