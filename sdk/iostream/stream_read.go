// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"io"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Next returns the next frame: on a from-device stream one that the driver filled, on
// a to-device stream one to fill and Send. It waits for one as Config.Wait says.
//
// It returns io.EOF at the end of the stream; an error matching ErrState once the
// stream is stopped and everything posted was read; the driver's code if the driver
// stopped it; the context's cause when ctx ends; ErrClosed after Close; ErrGone when
// the driver died; ErrProtocol when it broke a rule. None of these loses an entry, and
// what was posted before is returned first.
func (s *Stream) Next(ctx context.Context) (Frame, error) {
	var one [1]Frame
	_, err := s.read(ctx, one[:], 1)
	return one[0], err
}

// NextBatch fills dst with frames. It waits until atLeast of them are there (at least
// one, at most len(dst)), or no more can come: because the stream ends, or because
// every buffer is on this side. It returns how many; the error is that of Next, and
// only comes with 0 frames.
func (s *Stream) NextBatch(ctx context.Context, dst []Frame, atLeast int) (n int, err error) {
	if len(dst) == 0 {
		return 0, nil
	}
	return s.read(ctx, dst, min(max(atLeast, 1), len(dst)))
}

// TryNext is Next without waiting; ok is false when there is no frame now.
func (s *Stream) TryNext() (f Frame, ok bool, err error) {
	var one [1]Frame
	n, err := s.fill(one[:])
	if n == 0 && err == nil {
		select {
		case <-s.conn.Done():
			if n, err = s.fill(one[:]); n == 0 && err == nil { // it may have come together with the end
				err = s.conn.Err()
			}
		default:
		}
	}
	return one[0], n > 0, s.readError(err)
}

// read is NextBatch with sound arguments.
func (s *Stream) read(ctx context.Context, dst []Frame, atLeast int) (int, error) {
	n, err := s.fill(dst)
	if n >= atLeast {
		return n, nil
	}
	if err != nil {
		return n, s.readError(err)
	}
	if err := s.waiter.lock(ctx); err != nil {
		return n, s.readError(unless(n > 0, err))
	}
	n, err = s.readInTurn(ctx, dst, n, atLeast)
	s.waiter.unlock()
	return n, err
}

// readInTurn is read with n frames in dst already. The caller has the right to wait.
func (s *Stream) readInTurn(ctx context.Context, dst []Frame, n, atLeast int) (int, error) {
	for again := s.fetched(); ; again = true { // another reader may have fetched more than it took
		if again {
			m, err := s.fill(dst[n:])
			if n += m; n >= atLeast || err != nil {
				return n, s.readError(unless(n > 0, err))
			}
		}
		if n > 0 && s.hasAll() {
			return n, nil
		}
		if err := s.wait(ctx, uint32(atLeast-n)); err != nil {
			m, _ := s.fill(dst[n:]) // they came together with the end
			n += m
			return n, s.readError(unless(n > 0, err))
		}
	}
}

// fetched reports whether entries that were received wait to be handed out.
func (s *Stream) fetched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.aheadAt < len(s.ahead)
}

// hasAll reports whether every buffer is on this side.
func (s *Stream) hasAll() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end.Owned() == len(s.data)
}

// unless returns err if cond is false. An error that is left out comes again.
func unless(cond bool, err error) error {
	if cond {
		return nil
	}
	return err
}

// wait blocks until the driver may have posted. The caller has the right to wait.
func (s *Stream) wait(ctx context.Context, after uint32) error {
	if err := s.tellRead(); err != nil {
		return err
	}
	if s.desc.Policy == DropOldest {
		after = min(after, s.desc.Backlog) // more are never there at once
	}
	return s.waiter.wait(ctx, after)
}

// tellRead rings the driver if it can't know of what was read since it was told last:
// under DropOldest it posts more then (C13).
func (s *Stream) tellRead() error {
	if s.desc.Policy != DropOldest {
		return nil
	}
	s.mu.Lock()
	owed := s.owed
	s.owed = false
	s.mu.Unlock()
	if !owed {
		return nil
	}
	return s.ring(queue.WakeBell)
}

// fill puts frames that are there into dst, without waiting. It returns an error only
// with 0 frames; without one, 0 means that there is nothing now.
func (s *Stream) fill(dst []Frame) (n int, err error) {
	s.mu.Lock()
	for n < len(dst) {
		if s.aheadAt == len(s.ahead) {
			if err = s.fetch(); err != nil || len(s.ahead) == 0 {
				break
			}
		}
		var m int
		m, err = s.lend(s.ahead[s.aheadAt:], dst[n:])
		s.aheadAt += m
		if n += m; err != nil {
			s.fault = err
			break
		}
	}
	s.mu.Unlock()
	return n, unless(n > 0, err)
}

// lend makes received entries frames, as many as dst holds.
func (s *Stream) lend(es []entry, dst []Frame) (n int, err error) {
	es = es[:min(len(es), len(dst))]
	if len(es) > 0 {
		hint(s.data[es[0].Buffer], s.mode == userclient.ModeInput)
	}
	if s.mode == userclient.ModeInput {
		flushed := uint64(0)
		if s.has(userclient.FeatureSequence) {
			flushed = queue.MakeStamp(0, FlagFlushed)
		}
		for i := range es {
			dst[i] = Frame{s: s, e: entry{Buffer: es[i].Buffer, Stamp: es[i].Stamp & flushed}, seq: s.nextSeq, empty: true, gen: s.lease.lend(es[i].Buffer)}
		}
		return len(es), nil
	}
	numbered, next, bytes := s.has(userclient.FeatureSequence), s.nextSeq, uint64(0)
	for i := range es {
		f, e := &dst[i], &es[i]
		missed := uint32(0)
		if numbered {
			missed = e.Seq - uint32(next)
			if missed >= 1<<31 {
				err = ioreturn.Broken(ioreturn.RuleEntrySeq, "output queue: number %d after %d", e.Seq, uint32(next-1))
				break
			}
		} else {
			e.Seq, e.Stamp = 0, 0 // words without a meaning (C15)
		}
		next += uint64(missed)
		f.e, f.seq, f.missed, f.empty = *e, next, uint64(missed), false
		if f.s != s { // a pointer costs more to write than to read
			f.s = s
		}
		f.gen = s.lease.lend(e.Buffer)
		next++
		bytes += uint64(e.DataLength)
		n++
	}
	if n > 0 {
		s.st.Missed += next - s.nextSeq - uint64(n)
		s.nextSeq = next
		s.st.Entries += uint64(n)
		s.st.Bytes += bytes
		s.st.LastSeq = next - 1
	}
	return n, err
}

// fetch receives the next batch. It leaves ahead empty when there is nothing now, and
// returns an error when nothing will come.
func (s *Stream) fetch() error {
	s.ahead, s.aheadAt = s.buf[:0], 0
	switch {
	case s.closed:
		return ioreturn.ErrClosed
	case s.fault != nil:
		return s.fault
	}
	n, err := s.end.Receive(s.buf)
	if n == 0 && err == nil {
		// The status is read before the queue is looked at again: what was posted before
		// the end is seen first.
		if status, stopped := s.stopped(); stopped {
			if n, err = s.end.Receive(s.buf); n == 0 && err == nil {
				err = s.endError(status)
			}
		}
	}
	if err != nil {
		return err
	}
	s.ahead = s.buf[:n]
	s.owed = s.owed || n > 0
	return nil
}

// stopped reports whether no more entries come for now, and why.
func (s *Stream) stopped() (status uint32, yes bool) {
	if s.layout == userclient.LayoutNative {
		status = s.end.Status()
		return status, status != queue.StatusRunning
	}
	return uint32(ioreturn.NotReady), s.state == userclient.StateOpen || s.state == userclient.StateClosed
}

// endError turns the driver's status word into an error, and notes the new state.
func (s *Stream) endError(status uint32) error {
	if s.state == userclient.StateRunning || s.state == userclient.StateSuspended {
		s.state = userclient.StateOpen
	}
	switch status {
	case queue.StatusEnd:
		return io.EOF
	case uint32(ioreturn.NotReady):
		return &ioreturn.StatusError{Code: ioreturn.NotReady, Detail: "the stream is not started"}
	}
	return &ioreturn.StatusError{Code: ioreturn.Code(status), Detail: "the driver stopped the stream"}
}

// readError gives an error the operation and the stream's name. io.EOF stays itself.
func (s *Stream) readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if errors.Is(err, ioreturn.ErrProtocol) {
		s.broken(err)
	}
	return ioreturn.Op("read", s.Name(), err)
}

// broken ends the session because the driver broke a rule. Closing waits for the
// transport, so it happens beside the caller; Close joins it.
func (s *Stream) broken(err error) {
	s.mu.Lock()
	if s.fault == nil {
		s.fault = err
	}
	first := !s.hungUp && !s.closed
	if first {
		s.hungUp = true
		s.work.Go(func() { _ = s.conn.Close() }) // Close reports its error
	}
	s.mu.Unlock()
	if first {
		s.log("hang up", "err", err)
	}
}

// ring does what a publication on the input queue asked for.
func (s *Stream) ring(w queue.Wake) error {
	if w == queue.WakeNone {
		return nil
	}
	s.rings.add(1)
	if wb, ok := s.bell.(userclient.WordBell); ok && w == queue.WakeWord {
		return wb.WakeWord(s.end.OutWord())
	}
	return s.bell.Ring()
}
