// SPDX-License-Identifier: Apache-2.0

package meter

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

func TestMain(m *testing.M) { leak.Main(m) }

// open opens a stream of a driver that posts each buffer that it gets, n of them and
// then the end of the stream; for ever if n is 0; -n of them and then nothing if n is
// below 0.
func open(t *testing.T, d iostream.Direction, n int) *iostream.Stream {
	t.Helper()
	driver, err := iostream.NewDriver(iostream.DriverConfig{
		Name: "acme/dev0/meter", Direction: d, Buffers: 4, DataSize: 256,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		for i := 0; n == 0 || i < max(n, -n); i++ {
			b, err := driver.Take(ctx)
			if err != nil || driver.Post(b, 256) != nil {
				return
			}
		}
		if n >= 0 {
			driver.Halt(nil)
		}
	}()
	conn, err := inproc.Connect(t.Context(), driver, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := iostream.Open(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		<-over
		if err := driver.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSample(t *testing.T) {
	for _, tc := range []struct {
		name      string
		direction iostream.Direction
		options   Options
	}{
		{"from the device", iostream.FromDevice, Options{Batch: 2, Touch: TouchAll}},
		{"both ways", iostream.BothWays, Options{Batch: 4, Touch: TouchAll}},
		{"both ways, one under way", iostream.BothWays, Options{Batch: 1, Depth: 1, Touch: TouchLines}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, tc.direction, 0)
			tc.options.Duration = 5 * time.Millisecond
			m, err := New(t.Context(), s, tc.options)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			}()
			r, err := m.Sample(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Frames == 0 || r.Bytes != 256*r.Frames || r.Lost != 0 || r.Ended || r.Seconds < 0.005 {
				t.Errorf("got %+v", r)
			}
			if n := r.Latency.TotalCount(); n == 0 || uint64(n) > r.Frames || r.Latency.Max() > int64(r.Seconds*1e9) {
				t.Errorf("%d latencies of %d frames, at most %d ns in %v s", n, r.Frames, r.Latency.Max(), r.Seconds)
			}
			if d := tc.options.Depth; d > 0 && s.Stats().Leased != s.BufferCount()-d {
				t.Errorf("%d buffers are kept of %d, and %d shall be under way", s.Stats().Leased, s.BufferCount(), d)
			}
		})
	}
}

// TestSampleAtTheEnd measures a stream that ends.
func TestSampleAtTheEnd(t *testing.T) {
	m, err := New(t.Context(), open(t, iostream.FromDevice, 10), Options{Duration: time.Hour, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := m.Sample(t.Context()); err != nil || r.Frames != 10 || !r.Ended {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestSampleOfSilence measures a device that has nothing to send any more: a sample ends
// with what it has, or says that it has nothing.
func TestSampleOfSilence(t *testing.T) {
	m, err := New(t.Context(), open(t, iostream.FromDevice, -3), Options{
		Duration: time.Millisecond, Batch: 1, Patience: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	frames := uint64(0)
	for {
		r, err := m.Sample(t.Context())
		if silent := (*Silent)(nil); errors.As(err, &silent) {
			if silent.For != 101*time.Millisecond {
				t.Errorf("silent for %v", silent.For)
			}
			break
		}
		if err != nil || r.Frames == 0 || r.Ended {
			t.Fatalf("got %+v, %v", r, err)
		}
		frames += r.Frames
	}
	if frames != 3 {
		t.Errorf("%d frames, want 3", frames)
	}
}

// TestSampleGivenUp ends a sample with its context.
func TestSampleGivenUp(t *testing.T) {
	m, err := New(t.Context(), open(t, iostream.BothWays, 0), Options{Duration: time.Hour, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := m.Sample(ctx); err == nil {
		t.Errorf("got %+v", r)
	}
}

// TestTouch touches exactly what it says.
func TestTouch(t *testing.T) {
	for touch, want := range map[Touch][3]byte{TouchNothing: {0, 0, 0}, TouchLines: {1, 2, 0}, TouchAll: {1, 1, 1}} {
		m := &Meter{o: Options{Touch: touch}}
		p := make([]byte, 130)
		m.write(p)
		if got := [3]byte{p[0], p[64], p[129]}; got != want {
			t.Errorf("%s wrote %v, want %v", touch, got, want)
		}
	}
	p := make([]byte, 130)
	p[0], p[64], p[8], p[129] = 1, 2, 4, 8
	for touch, want := range map[Touch]uint64{TouchNothing: 0, TouchLines: 3, TouchAll: 15} {
		m := &Meter{o: Options{Touch: touch}}
		if m.read(p); m.sum != want {
			t.Errorf("%s read %d, want %d", touch, m.sum, want)
		}
	}
}
