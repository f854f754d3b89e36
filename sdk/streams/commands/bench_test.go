// SPDX-License-Identifier: Apache-2.0

package commands_test

import (
	"context"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// A typed command from the head to its function, which runs in a goroutine of its own, and
// back: beside a question and its answer between two goroutines.
func BenchmarkCommand(b *testing.B) {
	b.Run("channel", func(b *testing.B) {
		question, answer, done := make(chan int), make(chan int), make(chan struct{})
		go func() {
			defer close(done)
			for n := range question {
				answer <- n
			}
		}()
		for b.Loop() {
			question <- 1
			<-answer
		}
		close(question)
		<-done
	})
	table, err := ioctl.NewTable(nil, ioctl.Command[number, number]{
		Number: cmdDouble, Name: "DOUBLE",
		Do: func(_ context.Context, _ *ioctl.Job, in number) (number, error) { return number{2 * in.N}, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	driver, err := commands.Module("driver", table, nil)
	if err != nil {
		b.Fatal(err)
	}
	h, err := head.Open(streams.NewDomain(nil), driver, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := h.Close(b.Context()); err != nil {
			b.Error(err)
		}
	})
	b.Run("I_STR", func(b *testing.B) {
		s := head.Str{Command: cmdDouble, Data: make([]byte, 8)}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := h.Str(b.Context(), &s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
