// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Loop is what a driver does while it is served.
type Loop func(context.Context) error

// Options tune the samples that produce. The zero value is ready to use.
type Options struct {
	Rate  float64 // frames per second; 0 is as fast as the client takes them
	Loop  bool    // begin again at the end
	Count uint64  // end the stream after so many frames; 0 is never

	// Began is called from the loop before the first frame for a client. Nil is nobody.
	Began func()
	// Filled is called from the loop with each buffer and how many of its bytes are
	// valid, before it is posted. Nil is nobody.
	Filled func(b *iostream.Buffer, n int)
	// Method answers the vendor's selectors; see iostream.MethodHandler. Nil refuses them.
	Method func(ctx context.Context, a *iostream.Args) error
	// Stack lists modules that commands pass on their way to the controls, the top one
	// last. The payload does not pass them.
	Stack []*streams.Module
}

// source is the loop of a driver that produces frames.
type source struct {
	clients
	opts   Options
	ctl    *controls
	rewind func() error                      // goes to the first frame
	fill   func(p []byte) (n int, err error) // makes the next frame; io.EOF ends the stream

	client uint64 // that the frames are for
	made   uint64 // frames for it
	ended  bool   // the stream has ended for it
}

func newSource(opts Options) (*source, error) {
	ctl, err := newControls(opts.Rate)
	return &source{opts: opts, ctl: ctl, clients: clients{method: opts.Method}}, err
}

// offer makes the source's driver, with its controls.
func (s *source) offer(cfg iostream.DriverConfig, model, stream string) (err error) {
	if cfg.Control, err = s.ctl.plane(s.opts.Stack); err != nil {
		return err
	}
	if err := newDriver(cfg, &s.clients, model, stream); err != nil {
		return err
	}
	s.ctl.table.OnChange(func(name string) {
		s.d.Emit(iostream.Event{Kind: userclient.EventControlChanged, Text: name})
	})
	return nil
}

// run produces until ctx ends or the source fails.
func (s *source) run(ctx context.Context) error {
	rate := s.ctl.wanted()
	p := newPace(rate)
	for {
		if now := s.ctl.wanted(); now != rate {
			rate = now
			p = newPace(rate)
		}
		if err := p.wait(ctx); err != nil {
			return err
		}
		b, client, err := s.take(ctx)
		if err == nil {
			err = s.produce(b, client)
		}
		if err != nil && !goOn(err) {
			return err
		}
	}
}

// produce fills b and posts it, or ends the stream.
func (s *source) produce(b *iostream.Buffer, client uint64) error {
	n, err := s.next(b.Data(), client)
	if err == nil {
		if s.opts.Filled != nil {
			s.opts.Filled(b, n)
		}
		s.made++
		s.ctl.made.Store(int64(s.made))
		return s.d.Post(b, n)
	}
	if returned := s.d.Return(b); returned != nil {
		return returned
	}
	if errors.Is(err, io.EOF) {
		s.ended = true
		s.end(client, nil)
		return nil
	}
	s.end(client, err)
	return err
}

// next makes the next frame for a client. Each client gets the stream from its
// beginning, and so does one that starts it again after the end.
func (s *source) next(p []byte, client uint64) (int, error) {
	if s.ctl.restart.Swap(false) || client != s.client || s.ended {
		if err := s.rewind(); err != nil {
			return 0, err
		}
		s.client, s.made, s.ended = client, 0, false
		s.ctl.made.Store(0)
		if s.opts.Began != nil {
			s.opts.Began()
		}
	}
	if s.opts.Count > 0 && s.made >= s.opts.Count {
		return 0, io.EOF
	}
	n, err := s.fill(p)
	if errors.Is(err, io.EOF) && s.opts.Loop {
		if err := s.rewind(); err != nil {
			return 0, err
		}
		return s.fill(p) // io.EOF again if there is nothing at all
	}
	return n, err
}

// newDriver makes the driver of a sample. model is what kind of sample it is; fields
// of cfg that are zero get the samples' defaults.
func newDriver(cfg iostream.DriverConfig, c *clients, model, stream string) (err error) {
	cfg.Name = cmp.Or(cfg.Name, "sample/"+model+"/"+stream)
	cfg.DataSize = cmp.Or(cfg.DataSize, 64<<10)
	properties := map[string]string{"vendor": "IOStreamKit", "model": model}
	maps.Copy(properties, cfg.Properties)
	cfg.Properties = properties
	cfg.Classic = true // a sample is there for clients of every kind
	c.d, err = iostream.NewDriver(cfg, c)
	return err
}
