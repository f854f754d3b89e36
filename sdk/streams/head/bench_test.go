// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// benchHead opens a stream whose driver acknowledges everything at once.
func benchHead(b *testing.B) *head.Head {
	b.Helper()
	driver := &streams.Module{Name: "driver", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if m.Type() != streams.MIoctl || q.ReplyAck(m, m.Next().Size(), 0) != nil {
			q.PassOn(m)
		}
	}}}
	h, err := head.Open(streams.NewDomain(nil), driver, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := h.Close(b.Context()); err != nil {
			b.Error(err)
		}
	})
	return h
}

// What an I_STR costs in a quiet stream, beside a question and its answer between two
// goroutines. The ratio is to be 3 at most.
func BenchmarkStr(b *testing.B) {
	b.Run("channel", func(b *testing.B) {
		ask, answer := make(chan int), make(chan int)
		go func() {
			for n := range ask {
				answer <- n
			}
			close(answer)
		}()
		for b.Loop() {
			ask <- 1
			<-answer
		}
		close(ask)
		<-answer
	})
	for name, size := range map[string]int{"data=0": 0, "data=64": 64} {
		b.Run(name, func(b *testing.B) {
			h := benchHead(b)
			s := head.Str{Command: cmdOne, Data: make([]byte, size)}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Str(b.Context(), &s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
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
