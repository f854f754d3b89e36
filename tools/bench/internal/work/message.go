// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// Transport is a peer's way to send messages of a fixed size from the far process to the
// near one, with an answer of AnswerSize bytes to each where round trips are measured.
type Transport struct {
	Name string
	// Near returns the near end. It calls start once, which starts the far process with
	// files as descriptors 3 and up, and returns when that process is ready.
	Near func(ctx context.Context, t *job.Task, start func(files ...*os.File) error) (Receiver, error)
	// Far returns the far end. It calls ready once the near side can go on.
	Far func(ctx context.Context, t *job.Task, ready func() error) (Sender, error)
}

// AnswerSize is how long an answer is.
const AnswerSize = 8

// Receiver is the near end of a transport. One goroutine uses it.
type Receiver interface {
	// Receive returns the next message, which is there until the next call.
	Receive() ([]byte, error)
	// Answer sends an answer to it.
	Answer() error
	Close() error
}

// Sender is the far end of a transport. One goroutine uses it.
type Sender interface {
	// Send makes a message by copying source, and sends it.
	Send(source []byte) error
	// Hear waits for an answer.
	Hear() error
	// Close may be called meanwhile by another goroutine; then what is under way fails.
	Close() error
}

// near is the side of the messages that measures.
func (tr *Transport) near(ctx context.Context, t *job.Task) (_ job.Result, err error) {
	var f *far
	r, err := tr.Near(ctx, t, func(files ...*os.File) (err error) {
		f, err = startFar(t, files...)
		return err
	})
	if err == nil {
		defer r.Close() // when the other side has ended, which would take it for a failure
	}
	if f != nil {
		defer func() { err = errors.Join(err, f.close()) }()
	}
	if err != nil {
		return nil, err
	}
	m := messages{Receiver: r, full: t.Job.Full, clock: monotime.Start(), long: time.Duration(t.Millis) * time.Millisecond}
	if t.Job.Buffers == 1 {
		return m.roundTrips()
	}
	return m.rate(stat.Often(t.Job.Size))
}

// messages measures with a receiver.
type messages struct {
	Receiver
	full  bool
	clock monotime.Clock
	long  time.Duration
	sum   uint64 // of what was read
}

func (m *messages) take() error {
	message, err := m.Receive()
	if err == nil && m.full {
		m.sum += look(message)
	}
	return err
}

// rate measures messages per second.
func (m *messages) rate(often int) (job.Result, error) {
	now := m.clock.Now()
	rates, stop := stat.NewRates(now, m.long), now+int64(m.long)
	for now < stop {
		for range often {
			if err := m.take(); err != nil {
				return nil, err
			}
		}
		now = m.clock.Now()
		rates.Add(now, often)
	}
	return job.Result{job.PerSecond: rates.PerSecond()}, m.worked()
}

// roundTrips measures from the arrival of a message, over its answer, to the next one.
func (m *messages) roundTrips() (job.Result, error) {
	var h stat.Histogram
	before, stop := int64(0), int64(0)
	for n := 0; n <= warmUp || before < stop; n++ {
		if err := m.take(); err != nil {
			return nil, err
		}
		now := m.clock.Now()
		if n == warmUp {
			stop = now + int64(m.long)
		} else if n > warmUp {
			h.Add(now - before)
		}
		before = now
		if err := m.Answer(); err != nil {
			return nil, err
		}
	}
	r := make(job.Result)
	distribution(&h, r)
	return r, m.worked()
}

// worked says whether what was read is what was written, as far as that can be seen.
func (m *messages) worked() error {
	if m.full && m.sum == 0 {
		return errors.New("the messages were empty")
	}
	return nil
}

// far is the side that sends.
func (tr *Transport) far(ctx context.Context, t *job.Task, ready func() error) error {
	s, err := tr.Far(ctx, t, ready)
	if err != nil {
		return err
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })() // ends a call that nobody answers
	source := make([]byte, t.Job.Size)
	for i := range source {
		source[i] = 1
	}
	for ctx.Err() == nil {
		if err := s.Send(source); err != nil {
			return err
		}
		if t.Job.Buffers != 1 {
			continue
		}
		if err := s.Hear(); err != nil {
			return err
		}
	}
	return nil
}
