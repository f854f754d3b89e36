// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Loop is what a driver does as long as it is served.
type Loop func(ctx context.Context, d *iostream.Driver) error

// Served returns a start of a driver on package iostream with its loop beside it. wrap
// may be nil; otherwise it stands between the driver and the transport.
func Served(cfg iostream.DriverConfig, h iostream.Handler, loop Loop, wrap func(userclient.Provider) userclient.Provider) conformance.Start {
	return func() (userclient.Provider, func() error, error) {
		d, err := iostream.NewDriver(cfg, h)
		if err != nil {
			return nil, nil, err
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- loop(ctx, d) }()
		stop := func() error {
			cancel()
			err := d.Close()
			if loopErr := <-ended; !errors.Is(loopErr, context.Canceled) && !errors.Is(loopErr, ioreturn.ErrClosed) {
				err = errors.Join(err, loopErr)
			}
			<-d.Done()
			return err
		}
		var p userclient.Provider = d
		if wrap != nil {
			p = wrap(d)
		}
		return p, stop, nil
	}
}

// The configurations of the correct drivers. Both layouts are offered.
func baseConfig(stream string) iostream.DriverConfig {
	return iostream.DriverConfig{
		Name: "conformance/correct/" + stream, Driver: "correct", Version: "1.0",
		Buffers: 4, DataSize: 4096, ControlSize: 128, Classic: true,
	}
}

// LoopbackConfig is of a stream that goes both ways.
func LoopbackConfig() iostream.DriverConfig {
	cfg := baseConfig("loopback")
	cfg.Direction = iostream.BothWays
	return cfg
}

// CounterConfig is of a stream from the device.
func CounterConfig() iostream.DriverConfig { return baseConfig("counter") }

// SinkConfig is of a stream to the device.
func SinkConfig() iostream.DriverConfig {
	cfg := baseConfig("sink")
	cfg.Direction = iostream.ToDevice
	return cfg
}

// Loopback returns a target whose driver gives each buffer back with what the client
// put into it. It has a control plane with named controls.
func Loopback() conformance.Target {
	return conformance.FromStart("loopback", withPlane(plain, nil), conformance.CapLoopback)
}

// Counter returns a target whose driver counts as fast as the client reads.
func Counter() conformance.Target {
	return conformance.FromStart("counter", Served(CounterConfig(), nil, Count, nil), conformance.CapCounter)
}

// Sink returns a target whose driver swallows what it is sent.
func Sink() conformance.Target {
	return conformance.FromStart("sink", Served(SinkConfig(), nil, Swallow, nil))
}

// Echo is the loop of a loopback driver.
func Echo(ctx context.Context, d *iostream.Driver) error {
	return each(ctx, d, func(b *iostream.Buffer) error {
		p := iostream.Posting{
			Offset: part(b.Region(), b.Filled()), Length: len(b.Filled()),
			ControlOffset: part(b.Control(), b.FilledControl()), ControlLength: len(b.FilledControl()),
		}
		return d.PostEntry(b, p)
	})
}

// part returns where b begins in whole, a slice of its own memory.
func part(whole, b []byte) int { return cap(whole) - cap(b) }

// Count is the loop of a driver whose payload is the numbers 0, 1, 2 … as 64-bit
// little-endian words; a frame that is lost takes its numbers with it. What does not
// fill a word at the end of a buffer is not posted.
func Count(ctx context.Context, d *iostream.Driver) error {
	var word uint64
	return each(ctx, d, func(b *iostream.Buffer) error {
		data := b.Data()
		n := len(data) / 8 * 8
		for i := 0; i < n; i += 8 {
			binary.LittleEndian.PutUint64(data[i:], word)
			word++
		}
		return d.Post(b, n)
	})
}

// Swallow is the loop of a driver that consumes.
func Swallow(ctx context.Context, d *iostream.Driver) error {
	return each(ctx, d, func(b *iostream.Buffer) error { return d.Post(b, 0) })
}

// each runs f for each buffer until ctx ends. A client that breaks a rule, and an
// overrun that stops the stream, end nothing here.
func each(ctx context.Context, d *iostream.Driver, f func(*iostream.Buffer) error) error {
	for {
		b, err := d.Take(ctx)
		if err == nil {
			err = f(b)
		}
		if err != nil && !errors.Is(err, ioreturn.ErrProtocol) && !errors.Is(err, ioreturn.ErrOverrun) {
			return err
		}
	}
}
