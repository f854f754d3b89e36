// SPDX-License-Identifier: Apache-2.0

// Package ratelimit has a module that lets data pass at so many bytes in a second. It is
// the model of a module with a service procedure: messages wait in its queue, the queue's
// water marks tell those before it to wait too, and a timeout wakes it when more may go.
package ratelimit

import (
	"cmp"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// DefaultBurst is the Burst of a Config that has none.
const DefaultBurst = 100 * time.Millisecond

// Config tunes the module.
type Config struct {
	// Name is the module's name. Empty means "rate".
	Name string
	// Down and Up are the bytes that may pass in a second. Zero means no limit.
	Down, Up int
	// Burst is how much of the time in which nothing passed can be made up for. Zero means
	// DefaultBurst.
	Burst time.Duration
	// HighWater and LowWater are the marks of the queues in which messages wait, in bytes.
	// Zero means streams.DefaultHighWater and streams.DefaultLowWater.
	HighWater, LowWater int
}

// Module returns the module. It may be pushed on any number of streams, each of which has
// its own rate. The error is EINVAL for a Config with a negative number or a name that
// can't be one.
//
// A message goes as a whole, and what it has more than it should delays the next one.
// Messages with high priority and those of ioctls don't wait.
func Module(cfg Config) (*streams.Module, error) {
	if cfg.Down < 0 || cfg.Up < 0 || cfg.Burst < 0 {
		return nil, streams.EINVAL
	}
	cfg.Burst = cmp.Or(cfg.Burst, DefaultBurst)
	m := &streams.Module{Name: cmp.Or(cfg.Name, "rate"), Read: cfg.side(cfg.Up), Write: cfg.side(cfg.Down)}
	m.Open = func(q *streams.Queue, _ streams.OpenInfo) error {
		q.SetPrivate(&state{
			down: meter{rate: cfg.Down, burst: cfg.Burst}, up: meter{rate: cfg.Up, burst: cfg.Burst},
		})
		return nil
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

func (c *Config) side(rate int) streams.Procedures {
	if rate == 0 {
		return streams.Procedures{} // no queue: others look through it
	}
	return streams.Procedures{Put: put, Service: service, HighWater: c.HighWater, LowWater: c.LowWater}
}

func put(q *streams.Queue, m *streams.Block) {
	if m.Type().High() || m.Type().IsIoctl() {
		q.PassOn(m)
		return
	}
	q.Putq(m)
}

func service(q *streams.Queue) {
	s := q.Private().(*state).of(q)
	for m := q.Getq(); m != nil; m = q.Getq() {
		if !q.CanPutNext(m.Band()) { // runs again when there is room
			q.Putbq(m)
			return
		}
		if wait := s.take(m.Size()); wait > 0 {
			q.Putbq(m)
			s.wake(q, wait)
			return
		}
		q.PutNext(m)
	}
}

// state is the module in one stream.
type state struct{ down, up meter }

func (s *state) of(q *streams.Queue) *meter {
	if q.IsRead() {
		return &s.up
	}
	return &s.down
}

// meter measures one direction.
type meter struct {
	rate  int
	burst time.Duration
	next  time.Time // when the bytes so far will have had their time
	timer bool      // a timeout is under way
}

// take counts n bytes, or says how long they must wait.
func (m *meter) take(n int) (wait time.Duration) {
	now := time.Now()
	if wait := m.next.Sub(now); wait > 0 {
		return wait
	}
	if earliest := now.Add(-m.burst); m.next.Before(earliest) {
		m.next = earliest
	}
	m.next = m.next.Add(time.Duration(float64(n) / float64(m.rate) * float64(time.Second)))
	return 0
}

// wake enables the queue after wait, unless something will before.
func (m *meter) wake(q *streams.Queue, wait time.Duration) {
	if m.timer {
		return
	}
	_, err := q.Timeout(wait, func() {
		m.timer = false
		q.Enable()
	})
	m.timer = err == nil // an error means that the queue is being closed
}
