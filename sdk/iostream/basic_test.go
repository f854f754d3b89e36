// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

func TestMain(m *testing.M) { leak.Main(m) }

// pair returns a driver and a client that has it open, in this process.
func pair(t testing.TB, cfg iostream.DriverConfig, h iostream.Handler, ccfg *iostream.Config) (*iostream.Driver, *iostream.Stream) {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "test/dev/stream"
	}
	if cfg.DataSize == 0 {
		cfg.DataSize = 4096
	}
	d, err := iostream.NewDriver(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); <-d.Done() })
	return d, connect(t, d, ccfg)
}

func connect(t testing.TB, d *iostream.Driver, cfg *iostream.Config) *iostream.Stream {
	t.Helper()
	conn, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := iostream.Open(t.Context(), conn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// produce posts n frames "frame 0", "frame 1", … and ends the stream.
func produce(ctx context.Context, d *iostream.Driver, n int) error {
	for i := range n {
		b, err := d.Take(ctx)
		if err != nil {
			return err
		}
		if err := d.Post(b, copy(b.Data(), fmt.Sprintf("frame %d", i))); err != nil {
			return err
		}
	}
	d.Halt(nil)
	return nil
}

func TestFramesArriveInOrder(t *testing.T) {
	for _, wait := range []iostream.WaitPolicy{iostream.WaitPoller, iostream.WaitThread, iostream.WaitAdaptive, iostream.WaitSpin} {
		t.Run(wait.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			d, s := pair(t, iostream.DriverConfig{Buffers: 4, Wait: wait}, nil, &iostream.Config{Wait: wait})
			const n = 1000
			sent := make(chan error, 1)
			go func() { sent <- produce(ctx, d, n) }()
			if err := s.Start(ctx); err != nil {
				t.Fatal(err)
			}
			i := 0
			for f, err := range s.Frames(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("frame %d", i); string(f.Data()) != want || f.Seq() != uint64(i) {
					t.Fatalf("got %q, number %d, want %q", f.Data(), f.Seq(), want)
				}
				i++
			}
			if i != n {
				t.Errorf("got %d frames, want %d", i, n)
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
			if _, err := s.Next(ctx); !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %v, want io.EOF", err)
			}
		})
	}
}
