// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// BenchmarkTurn is the cost of the code alone: a batch of entries goes to the client
// and back on one goroutine, so that nobody waits. Per entry.
func BenchmarkTurn(b *testing.B) {
	for _, batch := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			ctx := b.Context()
			d, s := running(b, iostream.DriverConfig{Buffers: 128, DataSize: 64}, nil, nil)
			bs, ps := make([]*iostream.Buffer, batch), make([]iostream.Posting, batch)
			frames := make([]iostream.Frame, batch)
			b.ReportAllocs()
			for n := 0; n < b.N; n += batch {
				if n, err := d.TakeBatch(ctx, bs); n != batch || err != nil {
					b.Fatal(n, err)
				}
				if err := d.PostBatch(bs, ps); err != nil {
					b.Fatal(err)
				}
				if n, err := s.NextBatch(ctx, frames, batch); n != batch || err != nil {
					b.Fatal(n, err)
				}
				if err := s.ReleaseBatch(frames); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSingle is the same with the calls of the README.
func BenchmarkSingle(b *testing.B) {
	ctx := b.Context()
	d, s := running(b, iostream.DriverConfig{Buffers: 8, DataSize: 64}, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		buf, err := d.Take(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Post(buf, 8); err != nil {
			b.Fatal(err)
		}
		f, err := s.Next(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.Release(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPingPong is a round trip of one entry between two goroutines: with one
// buffer, each waits for the other.
func BenchmarkPingPong(b *testing.B) {
	for _, wait := range waitPolicies {
		b.Run(wait.String(), func(b *testing.B) {
			stream(b, iostream.DriverConfig{Buffers: 1, DataSize: 64, Wait: wait}, 1)
		})
	}
}

// BenchmarkStream moves entries as fast as both sides can, per entry.
func BenchmarkStream(b *testing.B) {
	for _, wait := range []iostream.WaitPolicy{iostream.WaitPoller, iostream.WaitAdaptive} {
		for _, batch := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%v/batch=%d", wait, batch), func(b *testing.B) {
				stream(b, iostream.DriverConfig{Buffers: 256, DataSize: 64, Wait: wait}, batch)
			})
		}
	}
}

func stream(b *testing.B, cfg iostream.DriverConfig, batch int) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	d, s := running(b, cfg, nil, &iostream.Config{Wait: cfg.Wait})
	done := make(chan error, 1)
	go func() { done <- endless(ctx, d, batch) }()
	frames := make([]iostream.Frame, batch)
	b.ReportAllocs()
	b.ResetTimer()
	for got := 0; got < b.N; {
		n, err := s.NextBatch(ctx, frames, batch)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.ReleaseBatch(frames[:n]); err != nil {
			b.Fatal(err)
		}
		got += n
	}
	b.StopTimer()
	cancel()
	wantIs(b, <-done, context.Canceled)
	st := s.Stats()
	b.ReportMetric(float64(st.Wakeups)/float64(st.Entries), "wakeups/entry")
}
