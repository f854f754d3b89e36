// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// Loopback returns a driver that gives each buffer back with what the client put
// into it, in the same memory. Its stream goes both ways: the client first gets
// every buffer empty.
func Loopback(cfg iostream.DriverConfig) (*iostream.Driver, Loop, error) {
	cfg.Direction = iostream.BothWays
	return answering(cfg, "loopback", "echo", func(d *iostream.Driver, b *iostream.Buffer) error {
		t, _ := b.Time()
		return d.PostEntry(b, iostream.Posting{
			Offset: offset(b.Region(), b.Filled()), Length: len(b.Filled()),
			ControlOffset: offset(b.Control(), b.FilledControl()), ControlLength: len(b.FilledControl()),
			Time: int64(t),
		})
	})
}

// offset returns where part begins in whole, a slice of its own memory.
func offset(whole, part []byte) int { return cap(whole) - cap(part) }

// Null returns a driver that takes everything it is sent and forgets it.
func Null(cfg iostream.DriverConfig) (*iostream.Driver, Loop, error) {
	cfg.Direction = iostream.ToDevice
	return answering(cfg, "null", "sink", func(d *iostream.Driver, b *iostream.Buffer) error {
		return d.Post(b, 0)
	})
}

// answering makes a driver that only reacts to its client.
func answering(cfg iostream.DriverConfig, model, stream string, answer func(*iostream.Driver, *iostream.Buffer) error) (*iostream.Driver, Loop, error) {
	var c clients
	if err := newDriver(cfg, &c, model, stream); err != nil {
		return nil, nil, err
	}
	return c.d, func(ctx context.Context) error {
		for {
			b, err := c.d.Take(ctx)
			if err == nil {
				err = answer(c.d, b)
			}
			if err != nil && !goOn(err) {
				return err
			}
		}
	}, nil
}
