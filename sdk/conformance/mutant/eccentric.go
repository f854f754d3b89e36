// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Eccentric is a driver that is unusual and keeps every rule.
type Eccentric struct {
	Name string
	Odd  string // what is unusual, in one sentence
	New  func() conformance.Target
	// Device is what its device file says. Nil is nothing special.
	Device  *conformance.Device
	Classic bool // it has no extension selectors at all
}

// Eccentrics returns every eccentric driver.
func Eccentrics() []Eccentric {
	var out []Eccentric
	out = append(out, oddShapes()...)
	out = append(out, oddTimes()...)
	out = append(out, oddPolicies()...)
	out = append(out, oddDialects()...)
	return append(out, oddPlanes()...)
}

// Options returns how the suite is run on the driver.
func (e *Eccentric) Options() *conformance.Options {
	m := Mutant{Device: e.Device}
	return m.Options()
}

// odd makes a correct driver of another configuration.
func odd(name string, cfg iostream.DriverConfig, loop Loop, change func(*iostream.DriverConfig), hooks ...Hooks) func() conformance.Target {
	if change != nil {
		change(&cfg)
	}
	var caps []conformance.Capability
	switch cfg.Direction {
	case iostream.FromDevice:
		caps = append(caps, conformance.CapCounter)
	case iostream.BothWays:
		caps = append(caps, conformance.CapLoopback)
	case iostream.ToDevice:
	}
	wrap := func(p userclient.Provider) userclient.Provider {
		for _, h := range hooks {
			p = Wrap(p, h)
		}
		return p
	}
	return func() conformance.Target {
		return conformance.FromStart(name, Served(cfg, nil, loop, wrap), caps...)
	}
}

// oddShapes are drivers with unusual buffers.
func oddShapes() []Eccentric {
	loopback := func(name string, change func(*iostream.DriverConfig)) func() conformance.Target {
		return odd(name, LoopbackConfig(), Echo, change)
	}
	return []Eccentric{
		{
			Name: "one-buffer", Odd: "It has a single buffer, so the two sides take turns.",
			New: loopback("one-buffer", func(c *iostream.DriverConfig) { c.Buffers = 1 }),
		},
		{
			Name: "one-buffer-counter", Odd: "It has a single buffer, from the device.",
			New: odd("one-buffer-counter", CounterConfig(), Count, func(c *iostream.DriverConfig) { c.Buffers = 1 }),
		},
		{
			Name: "thousand-buffers", Odd: "It has 1,000 buffers.",
			New: loopback("thousand-buffers", func(c *iostream.DriverConfig) { c.Buffers, c.DataSize = 1000, 64 }),
		},
		{
			Name: "one-byte", Odd: "Each buffer has one byte.",
			New: loopback("one-byte", func(c *iostream.DriverConfig) { c.DataSize = 1 }),
		},
		{
			Name: "one-byte-sink", Odd: "Each buffer has one byte, to the device.",
			New: odd("one-byte-sink", SinkConfig(), Swallow, func(c *iostream.DriverConfig) { c.DataSize = 1 }),
		},
		{
			Name: "no-control", Odd: "It has no control regions.",
			New: loopback("no-control", func(c *iostream.DriverConfig) { c.ControlSize = 0 }),
		},
		{
			Name: "odd-sizes", Odd: "Sizes are prime numbers, and regions are only 64-byte aligned.",
			New: loopback("odd-sizes", func(c *iostream.DriverConfig) {
				c.Buffers, c.DataSize, c.ControlSize, c.Alignment = 7, 4099, 61, 64
			}),
		},
		{
			Name: "odd-offsets", Odd: "Its payload begins at odd places of the buffers.",
			New: odd("odd-offsets", CounterConfig(), countAtOddPlaces, nil),
		},
		{
			Name: "metadata", Odd: "It writes a header into each control region.",
			New: odd("metadata", CounterConfig(), Count, func(c *iostream.DriverConfig) { c.Metadata = true }),
		},
	}
}

// countAtOddPlaces counts like Count, but moves the payload about in the buffer.
func countAtOddPlaces(ctx context.Context, d *iostream.Driver) error {
	var word uint64
	frame := 0
	return each(ctx, d, func(b *iostream.Buffer) error {
		off := 1 + 2*(frame%5)
		n := 8 * (1 + frame%17)
		frame++
		for i := off; i < off+n; i += 8 {
			binary.LittleEndian.PutUint64(b.Region()[i:], word)
			word++
		}
		return d.PostEntry(b, iostream.Posting{Offset: off, Length: n})
	})
}

// oddTimes are drivers that are slow or uneven.
func oddTimes() []Eccentric {
	second := conformance.Duration(time.Second)
	return []Eccentric{
		{
			Name: "slow-start", Odd: "Its first frame after a start takes two seconds.",
			New:    odd("slow-start", CounterConfig(), paced(2*time.Second, time.Millisecond, 1), nil),
			Device: &conformance.Device{WarmUp: 2 * second, FramePeriod: conformance.Duration(time.Millisecond)},
		},
		{
			Name: "one-frame-a-second", Odd: "It makes one frame a second.",
			New:    odd("one-frame-a-second", CounterConfig(), paced(0, time.Second, 1), nil),
			Device: &conformance.Device{FramePeriod: second},
		},
		{
			Name: "bursts", Odd: "It makes nothing for 100 ms, and then as many frames at once as there are buffers.",
			New:    odd("bursts", CounterConfig(), paced(0, 100*time.Millisecond, 4), nil),
			Device: &conformance.Device{FramePeriod: conformance.Duration(100 * time.Millisecond)},
		},
		{
			Name: "slow-sink", Odd: "It takes 50 ms for each buffer that it is sent.",
			New: odd("slow-sink", SinkConfig(), func(ctx context.Context, d *iostream.Driver) error {
				return each(ctx, d, func(b *iostream.Buffer) error {
					if err := pause(ctx, 50*time.Millisecond); err != nil {
						return err
					}
					return d.Post(b, 0)
				})
			}, nil),
			Device: &conformance.Device{FramePeriod: conformance.Duration(50 * time.Millisecond)},
		},
		{
			Name: "late-answers", Odd: "It takes 300 ms to answer each call.",
			New: odd("late-answers", LoopbackConfig(), Echo, nil, Hooks{
				Call: func(ctx context.Context, _ *Session, _ *userclient.Args, next func() error) error {
					if err := pause(ctx, 300*time.Millisecond); err != nil {
						return err
					}
					return next()
				},
			}),
			Device: &conformance.Device{TimeScale: 10},
		},
	}
}

// pause waits, or returns the cause of ctx's end.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// paced returns a loop that counts in bursts: n frames each period, the first of a
// client's run only after warm-up.
func paced(warmUp, period time.Duration, n int) Loop {
	return func(ctx context.Context, d *iostream.Driver) error {
		var word uint64
		made := 0
		var client uint64
		return each(ctx, d, func(b *iostream.Buffer) error {
			wait := time.Duration(0)
			if made%n == 0 {
				wait = period
			}
			if o := uint64(d.Observe().Opened); o != client {
				client, wait = o, wait+warmUp
			}
			made++
			if err := pause(ctx, wait); err != nil {
				return err
			}
			data := b.Data()
			for i := 0; i+8 <= len(data); i += 8 {
				binary.LittleEndian.PutUint64(data[i:], word)
				word++
			}
			return d.Post(b, len(data)/8*8)
		})
	}
}

// oddPolicies are drivers of every overrun policy whose device does not wait.
func oddPolicies() []Eccentric {
	var out []Eccentric
	for _, p := range []iostream.Policy{iostream.Block, iostream.DropNewest, iostream.DropOldest, iostream.Fail} {
		name := "policy-" + p.String()
		out = append(out,
			Eccentric{
				Name: name, Odd: fmt.Sprintf("Its device makes a frame each millisecond, and its policy is %v.", p),
				New:    odd(name, CounterConfig(), paced(0, time.Millisecond, 1), func(c *iostream.DriverConfig) { c.Policy = p }),
				Device: &conformance.Device{FramePeriod: conformance.Duration(time.Millisecond)},
			},
			Eccentric{
				Name: "raw-" + name, Odd: fmt.Sprintf("It is written without package iostream, and its policy is %v.", p),
				New:    buggy("raw-"+name, RawConfig{Policy: p, Period: time.Millisecond}),
				Device: &conformance.Device{FramePeriod: conformance.Duration(time.Millisecond)},
			})
	}
	return append(out, Eccentric{
		Name: "impatient", Odd: "It has two buffers and makes a frame each 20 µs, and its policy is fail, so it stops by itself all the time.",
		New: odd("impatient", CounterConfig(), paced(0, 20*time.Microsecond, 1), func(c *iostream.DriverConfig) {
			c.Policy, c.Buffers = iostream.Fail, 2
		}),
	}, Eccentric{
		Name: "raw-impatient", Odd: "It is written without package iostream, has two buffers, and stops by itself all the time.",
		New: buggy("raw-impatient", RawConfig{Policy: iostream.Fail, Buffers: 2, Period: 20 * time.Microsecond}),
	})
}

// oddDialects are drivers that speak less, more or older ABI.
func oddDialects() []Eccentric {
	return []Eccentric{
		{
			Name: "native-only", Odd: "It has no classic layout.",
			New: odd("native-only", LoopbackConfig(), Echo, func(c *iostream.DriverConfig) { c.Classic = false }),
		},
		{
			Name: "no-extensions", Odd: "It knows Apple's selectors only, and so only the classic layout.", Classic: true,
			New: odd("no-extensions", LoopbackConfig(), Echo, nil, withoutExtensions()),
		},
		{
			Name: "older-minor", Odd: "It speaks ABI 0.0, which has no stats, observers' view, correlation or flush.",
			New: odd("older-minor", LoopbackConfig(), Echo, nil,
				without(userclient.SelStats, userclient.SelObserve, userclient.SelCorrelate, userclient.SelFlush),
				Hooks{Describe: func(d userclient.Description) userclient.Description {
					d.ABIMin, d.ABIMax = userclient.Version{}, userclient.Version{}
					return d
				}}),
		},
		{
			Name: "newer-minor", Odd: "It speaks ABI 0.0 to 0.9, and offers a feature that nobody knows yet.",
			New: odd("newer-minor", LoopbackConfig(), Echo, nil, Hooks{
				Describe: func(d userclient.Description) userclient.Description {
					d.ABIMin, d.ABIMax = userclient.Version{}, userclient.Version{Minor: 9}
					d.Offered |= 1 << 40
					return d
				},
			}),
		},
		{
			Name: "huge-describe", Odd: "Its description has 64 long properties and a format with 4,096 bytes of its own.",
			New: odd("huge-describe", LoopbackConfig(), Echo, func(c *iostream.DriverConfig) {
				c.Properties = map[string]string{}
				for i := range 64 {
					c.Properties[fmt.Sprintf("property-%03d", i)] = strings.Repeat("x", 200)
				}
				c.Format = iostream.Format{Kind: userclient.FormatVendor, Extra: make([]byte, 4096)}
			}),
		},
		{
			Name: "three-ways", Odd: "A client can switch its direction.",
			New: odd("three-ways", LoopbackConfig(), Echo, func(c *iostream.DriverConfig) {
				c.Directions = []iostream.Direction{iostream.FromDevice, iostream.ToDevice, iostream.BothWays}
			}),
		},
	}
}

// withoutExtensions hides every selector that is not Apple's.
func withoutExtensions() Hooks {
	return Hooks{Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		if a.Selector >= userclient.SelExtBase {
			return ioreturn.BadArgument
		}
		return next()
	}}
}

// without hides some selectors, in the description too.
func without(sels ...uint32) Hooks {
	return Hooks{
		Describe: func(d userclient.Description) userclient.Description {
			for _, sel := range sels {
				d.Selectors[sel/64] &^= 1 << (sel % 64)
			}
			return d
		},
		Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
			for _, sel := range sels {
				if a.Selector == sel {
					return ioreturn.Unsupported
				}
			}
			return next()
		},
	}
}
