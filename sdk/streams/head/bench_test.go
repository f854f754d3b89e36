// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// benchHead opens a stream whose driver acknowledges everything at once.
func benchHead(tb testing.TB) *head.Head {
	tb.Helper()
	driver := &streams.Module{Name: "driver", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if m.Type() != streams.MIoctl || q.ReplyAck(m, m.Next().Size(), 0) != nil {
			q.PassOn(m)
		}
	}}}
	h, err := head.Open(streams.NewDomain(nil), driver, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := h.Close(tb.Context()); err != nil {
			tb.Error(err)
		}
	})
	return h
}

// channel returns what asks another goroutine over a channel and waits for its answer on
// another.
func channel(tb testing.TB) (ask func()) {
	tb.Helper()
	question, answer, done := make(chan int), make(chan int), make(chan struct{})
	go func() {
		defer close(done)
		for n := range question {
			answer <- n
		}
	}()
	tb.Cleanup(func() { close(question); <-done })
	return func() {
		question <- 1
		<-answer
	}
}

// ratio measures two functions by turns and returns how much longer the first takes. It
// compares their best turns, because whatever else the machine does makes a turn longer.
func ratio(a, b func()) float64 {
	const turns, calls = 20, 1000
	best := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for range turns {
		for i, fn := range [2]func(){a, b} {
			start := time.Now()
			for range calls {
				fn()
			}
			best[i] = min(best[i], time.Since(start))
		}
	}
	return float64(best[0]) / float64(best[1])
}

// What an I_STR costs in a quiet stream, and in x/channel how many times as long as a
// question and its answer between two goroutines it takes, which is to be 3 at most.
func BenchmarkStr(b *testing.B) {
	for _, size := range []int{0, 64, 1024} {
		b.Run(fmt.Sprintf("data=%d", size), func(b *testing.B) {
			h, ctx := benchHead(b), b.Context()
			s := head.Str{Command: cmdOne, Data: make([]byte, size)}
			str := func() {
				if _, err := h.Str(ctx, &s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				str()
			}
			b.ReportMetric(ratio(str, channel(b)), "x/channel")
		})
	}
	b.Run("channel", func(b *testing.B) {
		ask := channel(b)
		for b.Loop() {
			ask()
		}
	})
	// Many callers share the one turn that a stream has.
	b.Run("callers", func(b *testing.B) {
		h := benchHead(b)
		b.SetParallelism(8)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			s := head.Str{Command: cmdOne, Data: make([]byte, 64)}
			for pb.Next() {
				if _, err := h.Str(b.Context(), &s); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// A message through a pipe and out again.
func BenchmarkPipe(b *testing.B) {
	x, y, done := pipe(b, nil)
	defer done()
	in, out := make([]byte, 64), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Write(b.Context(), in); err != nil {
			b.Fatal(err)
		}
		if _, err := y.Read(b.Context(), out); err != nil {
			b.Fatal(err)
		}
	}
}

// A command in a quiet stream costs no memory, whatever its answer brings.
func TestStrAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools drop what they were given")
	}
	for _, size := range []int{0, 64, 1024} {
		h, ctx := benchHead(t), t.Context()
		s := head.Str{Command: cmdOne, Data: make([]byte, size)}
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := h.Str(ctx, &s); err != nil || s.Len != size {
				t.Errorf("%d bytes of %d, %v", s.Len, size, err)
			}
		}); n != 0 {
			t.Errorf("%d bytes: %v allocations", size, n)
		}
	}
}
