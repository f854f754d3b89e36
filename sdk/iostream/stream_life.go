// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Start makes the driver run the stream, or go on after Suspend. Starting a running
// stream does nothing.
func (s *Stream) Start(ctx context.Context) error {
	return s.change(ctx, userclient.OpStart, userclient.SelStart, nil)
}

// Stop makes the driver stop. When it returns nil, nothing more is posted; what was
// posted can still be read and returned; the driver's backlog is discarded and counted
// (C24). Stats then has the last number that the driver gave, by which a loss at the
// end shows (C14).
func (s *Stream) Stop(ctx context.Context) error {
	var out [1]uint64
	a := Args{Out: out[:]}
	err := s.change(ctx, userclient.OpStop, userclient.SelStop, &a)
	if err == nil && a.NOut == 1 {
		s.mu.Lock()
		s.st.LastGiven, s.st.Given = out[0], true
		s.mu.Unlock()
	}
	return err
}

// Suspend pauses the stream: nothing is posted until Start, and nothing is discarded.
func (s *Stream) Suspend(ctx context.Context) error {
	return s.change(ctx, userclient.OpSuspend, userclient.SelSuspend, nil)
}

// change runs one transition: the state table is asked first, so that every transport
// gives the same error; then the driver, whose answer wins (C23).
func (s *Stream) change(ctx context.Context, op userclient.Operation, selector uint32, a *Args) error {
	fail := func(err error) error { return ioreturn.Op(op.String(), s.Name(), err) }
	select {
	case s.life <- struct{}{}:
		defer func() { <-s.life }()
	case <-ctx.Done():
		return fail(context.Cause(ctx))
	}
	next, err := s.allowed(op)
	if err != nil {
		return fail(err)
	}
	if a == nil {
		a = new(Args)
	}
	a.Selector = selector
	if err := s.conn.Call(ctx, a); err != nil {
		s.diverges(op, err)
		return fail(err)
	}
	s.mu.Lock()
	if !s.closed {
		s.state = next
	}
	s.mu.Unlock()
	s.log(op.String(), "state", next.String())
	return nil
}

// allowed asks the state table.
func (s *Stream) allowed(op userclient.Operation) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, ioreturn.ErrClosed
	}
	t := userclient.Next(s.state, op)
	return t.Next, t.Code.Err()
}

// diverges notes a refusal that the state table has for op in another state than the
// one that this end believes in. The driver is right: this end takes its state over
// where only one fits.
func (s *Stream) diverges(op userclient.Operation, err error) {
	var c ioreturn.Code
	if !errors.As(err, &c) {
		return
	}
	s.mu.Lock()
	before, fits, state := s.state, 0, s.state
	for st := userclient.StateClosed; st < userclient.StateGone; st++ {
		if userclient.Next(st, op).Code == c && st != before {
			fits, state = fits+1, st
		}
	}
	if fits > 0 {
		s.st.Divergences++
	}
	if fits == 1 && !s.closed {
		s.state = state
	}
	s.mu.Unlock()
	if fits > 0 {
		s.log("the driver differs from the state table", "operation", op.String(), "state", before.String(), "err", c)
	}
}

// SetDirection switches the direction of a stopped stream to another that the driver
// offers. Every buffer must be with the driver. The error matches ErrUnsupported if the
// buffers can't be written here and d needs that.
func (s *Stream) SetDirection(ctx context.Context, d Direction) error {
	if d.mode().ToDevice() && !s.writable {
		return ioreturn.Op("set mode", s.Name(), &ioreturn.StatusError{
			Code: ioreturn.UnsupportedMode, Detail: "the buffers are read-only on this side",
		})
	}
	a := Args{In: []uint64{uint64(d.mode())}}
	if err := s.change(ctx, userclient.OpSetMode, userclient.SelSetMode, &a); err != nil {
		return err
	}
	s.mu.Lock()
	s.mode = d.mode()
	s.mu.Unlock()
	return nil
}

// query runs a selector in its place in the state table.
func (s *Stream) query(ctx context.Context, a *Args) error {
	op, ok := userclient.OperationOf(a.Selector)
	if !ok {
		return ioreturn.Op(fmt.Sprintf("call selector %#x of", a.Selector), s.Name(), s.conn.Call(ctx, a))
	}
	_, err := s.allowed(op)
	if err == nil {
		if err = s.conn.Call(ctx, a); err != nil {
			s.diverges(op, err)
		}
	}
	return ioreturn.Op(op.String(), s.Name(), err)
}

// Call runs an external method of the driver, for the vendor's own selectors and others
// that have no method here. It refuses those that would change the state of the stream
// behind its back, with an error matching ErrInvalid. When ctx ends first the error
// matches its cause and ErrOutcomeUnknown.
func (s *Stream) Call(ctx context.Context, a *Args) error {
	if err := s.callable(a.Selector); err != nil {
		return err
	}
	return s.query(ctx, a)
}

func (s *Stream) callable(selector uint32) error {
	switch selector {
	case userclient.SelOpen, userclient.SelClose, userclient.SelStart, userclient.SelStop, userclient.SelSuspend,
		userclient.SelSetMode, userclient.SelSelect:
		return ioreturn.Op(fmt.Sprintf("call selector %#x of", selector), s.Name(), &ioreturn.StatusError{
			Code: ioreturn.BadArgument, Detail: "it has a method of its own, which keeps this end's state",
		})
	}
	return nil
}

// Completion is the result of a call made by CallAsync.
type Completion struct {
	Err error
	Out []uint64 // at most userclient.MaxScalars words
	Buf []byte
}

// CallAsync is Call in a goroutine of its own: it returns at once, and the channel gets
// its one Completion. Ending ctx gives the call up: the Completion then says so. a is
// copied.
func (s *Stream) CallAsync(ctx context.Context, a Args) <-chan Completion {
	own := Args{
		Selector: a.Selector, In: slices.Clone(a.In), InBytes: slices.Clone(a.InBytes),
		Out: make([]uint64, len(a.Out)), OutBytes: make([]byte, len(a.OutBytes)),
	}
	done := make(chan Completion, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		done <- Completion{Err: ioreturn.Op("call", s.Name(), ioreturn.ErrClosed)}
		return done
	}
	s.work.Go(func() {
		if err := s.Call(ctx, &own); err != nil {
			done <- Completion{Err: err}
			return
		}
		done <- Completion{Out: own.Out[:own.NOut], Buf: own.OutBytes[:own.NOutBytes]}
	})
	return done
}

// Notify rings the driver, whether it asked for it or not, with a token for its input
// callback (Apple's sendInputNotification). Send and Release notify by themselves
// where that is needed.
func (s *Stream) Notify(token uint32) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ioreturn.Op("notify", s.Name(), ioreturn.ErrClosed)
	}
	s.end.SetToken(token)
	s.mu.Unlock()
	s.rings.add(1)
	return ioreturn.Op("notify", s.Name(), s.bell.Ring())
}

// Sync waits until the driver has consumed every buffer that was sent or released
// before the call (Apple's sendInputSyncNotification). The error matches ErrState if
// the stream is stopped before that, and ErrOutcomeUnknown when ctx ends first.
func (s *Stream) Sync(ctx context.Context, token uint32) error {
	return s.query(ctx, &Args{Selector: userclient.SelInputSync, In: []uint64{uint64(token)}})
}

// Flush discards what the driver holds in its backlog, and returns how many entries
// that were. They are counted as lost under LossFlushed.
func (s *Stream) Flush(ctx context.Context) (int, error) {
	var out [1]uint64
	a := Args{Selector: userclient.SelFlush, Out: out[:]}
	err := s.query(ctx, &a)
	return int(out[0]), err
}

// Format returns the stream's format.
func (s *Stream) Format(ctx context.Context) (Format, error) {
	var f Format
	b, err := s.record(ctx, &Args{Selector: userclient.SelGetFormat})
	if err != nil {
		return f, err
	}
	err = f.UnmarshalBinary(b)
	return f, ioreturn.Op("get format", s.Name(), err)
}

// SetFormat asks for another format and returns the one that the driver took. It is
// refused unless the stream is stopped.
func (s *Stream) SetFormat(ctx context.Context, f Format) (Format, error) {
	b, err := f.AppendBinary(nil)
	if err != nil {
		return f, ioreturn.Op("set format", s.Name(), err)
	}
	b, err = s.record(ctx, &Args{Selector: userclient.SelSetFormat, InBytes: b})
	if err != nil {
		return f, err
	}
	var got Format
	err = got.UnmarshalBinary(b)
	return got, ioreturn.Op("set format", s.Name(), err)
}

// DriverStats returns the counters of the driver's end.
func (s *Stream) DriverStats(ctx context.Context) (Stats, error) {
	var st Stats
	b, err := s.record(ctx, &Args{Selector: userclient.SelStats})
	if err != nil {
		return st, err
	}
	err = st.UnmarshalBinary(b)
	return st, ioreturn.Op("get stats", s.Name(), err)
}

// record runs a selector that answers with a record.
func (s *Stream) record(ctx context.Context, a *Args) ([]byte, error) {
	a.OutBytes = make([]byte, userclient.MaxInline)
	if err := s.query(ctx, a); err != nil {
		return nil, err
	}
	return a.OutBytes[:a.NOutBytes], nil
}

// Correlation ties the stream's clock to the host's.
type Correlation struct {
	Stream      time.Duration // since the stream's epoch
	Host        int64         // host monotonic time at that moment, ns
	Uncertainty time.Duration
}

// Correlate reads the stream's clock and the host's as close together as the driver
// can (C44).
func (s *Stream) Correlate(ctx context.Context) (Correlation, error) {
	var out [3]uint64
	a := Args{Selector: userclient.SelCorrelate, Out: out[:]}
	if err := s.query(ctx, &a); err != nil {
		return Correlation{}, err
	}
	if a.NOut != 3 {
		return Correlation{}, ioreturn.Op("correlate", s.Name(),
			ioreturn.Broken(ioreturn.RuleAnswer, "correlate answered %d words of 3", a.NOut))
	}
	return Correlation{time.Duration(out[0]), int64(out[1]), time.Duration(out[2])}, nil
}
