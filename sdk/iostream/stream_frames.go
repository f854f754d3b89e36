// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Frames yields frames until the stream ends, ctx ends, or an error; the last pair
// carries the error, and none does at the end of the stream. Each frame goes back to
// the driver at the end of the loop's body, unless the body released, sent or kept it.
func (s *Stream) Frames(ctx context.Context) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		for {
			f, err := s.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Frame{}, err)
				return
			}
			if more, err := s.lendTo(&f, yield); err != nil {
				if more {
					yield(Frame{}, err)
				}
				return
			} else if !more {
				return
			}
		}
	}
}

// lendTo runs the loop's body with f and takes f back, also when the body panics.
func (s *Stream) lendTo(f *Frame, yield func(Frame, error) bool) (more bool, err error) {
	defer func() {
		if s.lent(f) {
			err = f.Release()
		}
	}()
	return yield(*f, nil), nil
}

// lent reports whether f's loan is not over.
func (s *Stream) lent(f *Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lease.gen[f.e.Buffer] == f.gen
}

// WithFrame calls fn with the next frame, which goes back to the driver when fn
// returns, whatever it returned. It returns fn's error, or that of Next.
func (s *Stream) WithFrame(ctx context.Context, fn func(*Frame) error) error {
	f, err := s.Next(ctx)
	if err != nil {
		return err
	}
	var fnErr error
	_, err = s.lendTo(&f, func(f Frame, _ error) bool { fnErr = fn(&f); return true })
	return errors.Join(fnErr, err)
}

// Arm prepares to sleep in poll(2) or select(2) on FD: it forgets the rings so far and
// asks the driver for one. ready means that there is something already: do not sleep.
// After FD has become readable, call TryNext until it has nothing, then Arm again
// (C32).
func (s *Stream) Arm() (ready bool, err error) {
	if !s.waiter.tryLock() {
		return false, ioreturn.Op("arm", s.Name(), &ioreturn.StatusError{
			Code: ioreturn.Busy, Detail: "another goroutine waits for a frame",
		})
	}
	defer s.waiter.unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false, s.readError(ioreturn.ErrClosed)
	}
	ready = s.aheadAt < len(s.ahead)
	s.mu.Unlock()
	if ready {
		return true, nil
	}
	if err := s.tellRead(); err != nil {
		return false, s.readError(err)
	}
	if c, ok := s.port.(userclient.Clearer); ok {
		c.Clear()
	}
	s.mu.Lock()
	ready, err = s.end.Arm(1, queue.SleepBell)
	s.mu.Unlock()
	if err == nil && !ready {
		select {
		case <-s.conn.Done():
			ready = true
		default:
			ready = s.end.Ended()
		}
	}
	return ready, s.readError(err)
}

// FD returns a descriptor that polls readable when the driver has rung or is gone, or
// -1 where the transport has none. It belongs to the stream: only poll it. It is
// silent until Arm.
func (s *Stream) FD() int { return s.port.FD() }
