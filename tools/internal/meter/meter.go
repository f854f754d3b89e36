// SPDX-License-Identifier: Apache-2.0

// Package meter measures a stream as its client sees it: how many frames a second, how
// long each one takes, and what that costs this side.
package meter

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// Touch says what is done with the payload of a frame: it is read, or on streams to the
// device written.
type Touch string

// What can be done with the payload.
const (
	TouchNothing Touch = "none"  // only buffers are handed over
	TouchLines   Touch = "lines" // one word of every cache line of 64 bytes
	TouchAll     Touch = "all"   // every byte
)

// Options say how to measure.
type Options struct {
	Duration time.Duration // of a sample
	Batch    int           // how many frames are taken and given back at once, at most; at least 1
	Depth    int           // to-device and both-ways: how many buffers are under way at a time; 0 is all
	Touch    Touch
	Patience time.Duration // how much longer than a sample a frame may keep it waiting; 0 is 10 s
}

// Sample is what was seen in one stretch of time.
type Sample struct {
	Frames  uint64
	Bytes   uint64
	Seconds float64
	Lost    uint64
	Wakeups uint64  // of this side
	CPU     float64 // that this process used, in seconds
	// Latency has the times in ns, or nothing if the driver gives no stamps. From the
	// device it is the age of a frame when this side has it; else the time from sending
	// a buffer until it comes back.
	Latency *hdrhistogram.Histogram
	// Ended is set if the stream ended before the time was up.
	Ended bool
}

// longest is the longest time that is told apart.
const longest = 10 * time.Second

// Meter measures one stream. It is used by one goroutine.
type Meter struct {
	s      *iostream.Stream
	o      Options
	frames []iostream.Frame
	posts  []iostream.Posting
	kept   []iostream.Frame // beyond the depth
	sent   []int64          // host time at which each buffer was sent, by ID; 0 if it was not
	offset int64            // of the host's clock from the stream's, ns
	stamps bool             // offset is known
	sum    uint64           // of what was read, so that reading is not optimised away
}

// Check reports whether a stream can be measured in this way.
func (o *Options) Check(s *iostream.Stream) error {
	buffers := s.BufferCount()
	switch {
	case o.Batch < 1 || o.Batch > buffers:
		return fmt.Errorf("a batch of %d can't be taken from %d buffers", o.Batch, buffers)
	case o.Depth < 0 || o.Depth > buffers:
		return fmt.Errorf("%d buffers can't be under way of %d", o.Depth, buffers)
	case o.Depth > 0 && s.Direction() == iostream.FromDevice:
		return errors.New("the depth of a stream from the device is the driver's affair")
	}
	return nil
}

// New returns a meter of a stream that is not started, and starts it.
func New(ctx context.Context, s *iostream.Stream, o Options) (*Meter, error) {
	if err := o.Check(s); err != nil {
		return nil, err
	}
	m := &Meter{s: s, o: o, frames: make([]iostream.Frame, o.Batch), sent: make([]int64, s.BufferCount())}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	prepare := m.hold
	if s.Direction() == iostream.FromDevice {
		prepare = m.correlate
	}
	if err := prepare(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// hold keeps the buffers that shall not be under way.
func (m *Meter) hold(ctx context.Context) error {
	if m.o.Depth == 0 {
		return nil
	}
	for len(m.kept) < m.s.BufferCount()-m.o.Depth {
		f, err := m.s.Next(ctx)
		if err != nil {
			return err
		}
		m.kept = append(m.kept, f)
	}
	return nil
}

// tries is how often the clocks are compared; the closest counts.
const tries = 5

// correlate compares the stream's clock with the host's.
func (m *Meter) correlate(ctx context.Context) error {
	var best iostream.Correlation
	for i := range tries {
		c, err := m.s.Correlate(ctx)
		if errors.Is(err, ioreturn.ErrUnsupported) {
			return nil
		}
		if err != nil {
			return err
		}
		if i == 0 || c.Uncertainty < best.Uncertainty {
			best = c
		}
	}
	m.offset, m.stamps = best.Host-int64(best.Stream), true
	return nil
}

// patience is the default of Options.Patience.
const patience = 10 * time.Second

// Silent is the error of a sample in which not one frame came.
type Silent struct{ For time.Duration }

// Error says for how long nothing came.
func (e *Silent) Error() string { return fmt.Sprintf("not one frame came for %v", e.For) }

// Sample measures for one stretch of time, or until the stream ends. A device that falls
// silent ends it later, with what came before; if nothing did the error is a [Silent].
func (m *Meter) Sample(ctx context.Context) (*Sample, error) {
	silent := &Silent{m.o.Duration + cmp.Or(m.o.Patience, patience)}
	ctx, cancel := context.WithTimeoutCause(ctx, silent.For, silent)
	defer cancel()
	r := &Sample{}
	if m.stamps || m.s.Direction() != iostream.FromDevice {
		r.Latency = hdrhistogram.New(1, int64(longest), 3)
	}
	before, cpu, begin := m.s.Stats(), processTime(), monotime.Now()
	end := begin + int64(m.o.Duration)
	now := begin
	for now < end {
		n, err := m.s.NextBatch(ctx, m.frames, 1)
		now = monotime.Now()
		if errors.Is(err, io.EOF) {
			r.Ended = true
			break
		}
		if errors.Is(err, silent) && r.Frames > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := m.pass(r, m.frames[:n], now); err != nil {
			return nil, err
		}
	}
	after := m.s.Stats()
	r.Seconds = float64(now-begin) / 1e9
	r.CPU = processTime() - cpu
	r.Lost = after.Missed - before.Missed
	r.Wakeups = after.Wakeups - before.Wakeups
	return r, nil
}

// pass notes frames, touches their payload and hands them on.
func (m *Meter) pass(r *Sample, fs []iostream.Frame, now int64) error {
	if m.s.Direction() == iostream.FromDevice {
		for i := range fs {
			m.age(r, &fs[i], now)
			m.read(fs[i].Data())
			r.Bytes += uint64(len(fs[i].Data()))
		}
		r.Frames += uint64(len(fs))
		return m.s.ReleaseBatch(fs)
	}
	m.posts = m.posts[:0]
	for i := range fs {
		f := &fs[i]
		if at := m.sent[f.BufferID()]; at != 0 {
			r.record(now - at)
			r.Frames++
			r.Bytes += uint64(len(f.Region()))
		}
		m.write(f.Region())
		m.posts = append(m.posts, iostream.Posting{Length: len(f.Region())})
	}
	now = monotime.Now() // filling took time
	for i := range fs {
		m.sent[fs[i].BufferID()] = now
	}
	return m.s.SendBatch(fs, m.posts)
}

// age records how old a frame is.
func (m *Meter) age(r *Sample, f *iostream.Frame, now int64) {
	if at := int64(f.Time()); m.stamps && at != 0 {
		r.record(now - at - m.offset)
	}
}

func (r *Sample) record(ns int64) {
	_ = r.Latency.RecordValue(min(max(ns, 1), int64(longest))) // in its range
}

func (m *Meter) read(p []byte) {
	switch m.o.Touch {
	case TouchLines:
		for ; len(p) >= 8; p = p[min(64, len(p)):] {
			m.sum += binary.NativeEndian.Uint64(p)
		}
	case TouchAll:
		for ; len(p) >= 8; p = p[8:] {
			m.sum += binary.NativeEndian.Uint64(p)
		}
		for _, b := range p {
			m.sum += uint64(b)
		}
	}
}

func (m *Meter) write(p []byte) {
	switch m.o.Touch {
	case TouchLines:
		for ; len(p) >= 8; p = p[min(64, len(p)):] {
			m.sum++
			binary.NativeEndian.PutUint64(p, m.sum)
		}
	case TouchAll:
		m.sum++
		for i := range p {
			p[i] = byte(m.sum)
		}
	}
}

// SetDuration changes how long the next samples take.
func (m *Meter) SetDuration(d time.Duration) { m.o.Duration = d }

// Close gives back what the meter holds. The stream stays open.
func (m *Meter) Close() error {
	err := m.s.ReleaseBatch(m.kept)
	m.kept = nil
	return err
}
