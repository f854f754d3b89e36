// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"cmp"
	"fmt"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Frame is one buffer at the client's end, on loan from Next until Release, Send or
// the end of a loop body. Its memory is the driver's own: nothing was copied. The
// memory of a from-device stream is read-only; writing to it faults.
//
// A Frame is a small value; copies of it are the same loan. Slices of a Frame must not
// be used after the loan has ended.
type Frame struct {
	s      *Stream
	e      entry
	seq    uint64
	missed uint64
	gen    uint32
	empty  bool // to be filled by this side
}

// BufferID returns the number of the buffer.
func (f *Frame) BufferID() uint32 { return f.e.Buffer }

// Data returns what this side is to work on: what the driver filled, or on a to-device
// stream the whole data region, to be filled.
func (f *Frame) Data() []byte {
	d := f.Region()
	if f.empty {
		return d
	}
	return d[f.e.DataOffset : f.e.DataOffset+f.e.DataLength]
}

// Region returns the whole data region, nil for the zero Frame.
func (f *Frame) Region() []byte {
	if f.s == nil {
		return nil
	}
	return f.s.data[f.e.Buffer]
}

// Memory returns the data region as memory that can travel: its kind, and descriptor
// and offset by which the same pages can be found. The descriptor is the session's.
func (f *Frame) Memory() userclient.Mem {
	if f.s == nil {
		return userclient.Mem{FD: -1}
	}
	return f.s.place[f.e.Buffer]
}

// Control returns the valid part of the control region, or on a to-device stream all
// of it; nil if the stream has none.
func (f *Frame) Control() []byte {
	if f.s == nil {
		return nil
	}
	c := f.s.control[f.e.Buffer]
	if f.empty {
		return c
	}
	return c[f.e.ControlOffset : f.e.ControlOffset+f.e.ControlLength]
}

// Seq returns the number that the driver gave the entry, counted from 0 since the
// session was opened. Without FeatureSequence it counts the received entries, and
// gaps can't be seen.
func (f *Frame) Seq() uint64 { return f.seq }

// Missed returns how many numbers lie between this entry and the one received before
// it: entries that were lost. The driver's Stats say why.
func (f *Frame) Missed() uint64 { return f.missed }

// Time returns the stream time of the frame, counted from the stream's epoch; 0 if
// the driver gave none. Correlate turns it into the host's time.
func (f *Frame) Time() time.Duration {
	if f.e.Flags()&FlagTime == 0 {
		return 0
	}
	return time.Duration(f.e.Time())
}

// Flags returns the entry's flags. On a to-device stream that is FlagFlushed if a module of
// the driver has dropped what was sent in this buffer before, and otherwise nothing.
func (f *Frame) Flags() Flags { return f.e.Flags() }

// Metadata returns the header of the control region. The error matches ErrUnsupported
// if the stream does not carry one.
func (f *Frame) Metadata() (userclient.MetadataHeader, error) {
	var h userclient.MetadataHeader
	if f.s == nil || f.empty || !f.s.has(userclient.FeatureMetadata) {
		return h, ioreturn.Unsupported
	}
	err := h.UnmarshalBinary(f.Control())
	return h, err
}

// Keep turns the loan into a new one that no loop ends: the Frame it returns must be
// released or sent by the caller, and f is over. The error matches ErrInvalid if it is
// over already.
func (f *Frame) Keep() (Frame, error) {
	s := f.s
	if s == nil {
		return Frame{}, ioreturn.Op("keep", "frame", errNoFrame)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.lease.end(f.e.Buffer, f.gen) {
		return Frame{}, ioreturn.Op("keep frame of", s.Name(), errLoanOver)
	}
	k := *f
	k.gen = s.lease.lend(f.e.Buffer)
	return k, nil
}

// Release gives the buffer back to the driver. It does not block. Releasing twice is
// an error matching ErrInvalid. After Close of the stream it only ends the loan. On
// streams to the device the driver gets a buffer without data, marked with FlagFlushed
// where entries have flags.
func (f *Frame) Release() error {
	if f.s == nil {
		return ioreturn.Op("release", "frame", errNoFrame)
	}
	if err := f.s.giveBack([]Frame{*f}, nil); err != nil {
		return ioreturn.Op("release frame of", f.s.Name(), err)
	}
	return nil
}

// Send gives the buffer to the driver with its first n data bytes valid. It is for
// to-device streams and those that go both ways, and does not block.
func (f *Frame) Send(n int) error { return f.SendEntry(Posting{Length: n}) }

// SendEntry is Send with every field of the entry (Apple's EnqueueInputEntry). The
// error matches ErrInvalid if the loan is over or a range leaves the buffer, which is
// then still lent, and ErrUnsupported on a stream that goes from the device only.
func (f *Frame) SendEntry(p Posting) error {
	if f.s == nil {
		return ioreturn.Op("send", "frame", errNoFrame)
	}
	return ioreturn.Op("send frame of", f.s.Name(), f.s.giveBack([]Frame{*f}, []Posting{p}))
}

// ReleaseBatch releases frames of this stream with one publication for every 16 of
// them, and one notification at most. If one of them is over already, or no frame of
// this stream, none is released, and the error matches ErrInvalid.
func (s *Stream) ReleaseBatch(frames []Frame) error {
	if err := s.giveBack(frames, nil); err != nil {
		return ioreturn.Op("release frames of", s.Name(), err)
	}
	return nil
}

// SendBatch is ReleaseBatch for SendEntry. ps[i] belongs to frames[i].
func (s *Stream) SendBatch(frames []Frame, ps []Posting) error {
	if len(frames) != len(ps) {
		return ioreturn.Op("send frames of", s.Name(),
			fmt.Errorf("%d frames and %d postings: %w", len(frames), len(ps), ioreturn.BadArgument))
	}
	return ioreturn.Op("send frames of", s.Name(), s.giveBack(frames, ps))
}

var (
	errNoFrame  = fmt.Errorf("this is no frame that a stream has lent: %w", ioreturn.BadArgument)
	errLoanOver = fmt.Errorf("it was released or sent before: %w", ioreturn.BadArgument)
)

// giveBack ends the loans of fs and publishes the buffers on the input queue: all or
// none. ps says what of them is valid; nil means nothing.
func (s *Stream) giveBack(fs []Frame, ps []Posting) error {
	if len(fs) == 0 {
		return nil
	}
	now := int64(0)
	if ps != nil {
		now = s.stampOf(ps)
	}
	s.mu.Lock()
	s.end.Prepare(len(fs))
	if err := s.endLoans(fs, ps); err != nil {
		s.mu.Unlock()
		return err
	}
	if s.closed {
		last := s.lease.closed && s.lease.n == 0
		s.mu.Unlock()
		if last {
			s.lease.unmap()
		}
		if ps != nil {
			return ioreturn.ErrClosed
		}
		return nil
	}
	wake, err := s.publish(fs, ps, now)
	s.owed = false // the driver looks at both queues when it takes these in
	s.mu.Unlock()
	if err != nil {
		s.broken(err)
		return err
	}
	if wake == queue.WakeNone {
		return nil
	}
	if err := s.ring(wake); err != nil && ps != nil {
		return err
	}
	return nil // a driver that is gone needs no buffers; reading will tell
}

// endLoans ends the loans of fs, all or none. mu is held.
func (s *Stream) endLoans(fs []Frame, ps []Posting) error {
	if ps != nil && !s.mode.ToDevice() {
		return &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: "this stream goes from the device only"}
	}
	for i := range fs {
		f := &fs[i]
		if f.s == s && (len(ps) == 0 || s.fits(&ps[i], f.e.Buffer)) && s.lease.end(f.e.Buffer, f.gen) {
			continue
		}
		for j := range fs[:i] {
			s.lease.undo(fs[j].e.Buffer)
		}
		return s.mistake(fs, ps, i)
	}
	return nil
}

// fits reports whether the ranges of p lie in the buffer with that number.
func (s *Stream) fits(p *Posting, id uint32) bool {
	return p.fits(len(s.data[id]), len(s.control[id]))
}

// mistake says why the loan of fs[i] can't be ended.
func (s *Stream) mistake(fs []Frame, ps []Posting, i int) error {
	id := fs[i].e.Buffer
	switch {
	case fs[i].s != s:
		return errNoFrame
	case len(ps) > 0 && !s.fits(&ps[i], id):
		return ps[i].misfit(id, len(s.data[id]), len(s.control[id]))
	}
	return errLoanOver
}

// publish puts the buffers of fs, whose loans are over, on the input queue. It fails
// only if the driver has broken a rule. mu is held.
func (s *Stream) publish(fs []Frame, ps []Posting, now int64) (wake queue.Wake, err error) {
	stamp := uint64(0) // of what goes back with nothing in it
	if s.mode.ToDevice() && s.has(userclient.FeatureSequence) {
		stamp = queue.MakeStamp(0, FlagFlushed)
	}
	for len(fs) > 0 && err == nil {
		n := min(len(fs), pieceSize)
		var w queue.Wake
		switch {
		case ps != nil:
			w, err = s.sendFilled(fs[:n], ps[:n], now)
			ps = ps[n:]
		case s.end.Room(n):
			for i := range fs[:n] {
				id := fs[i].e.Buffer
				empty(s.end.Slot(i, id), id, stamp)
			}
			w = s.end.Publish(n, 0)
		default:
			for i := range fs[:n] {
				empty(&s.give[i], fs[i].e.Buffer, stamp)
			}
			w, err = s.end.SendChecked(s.give[:n])
		}
		wake = max(wake, w)
		fs = fs[n:]
	}
	return wake, err
}

// empty makes e, which may lie in shared memory, the entry of a buffer with nothing in it.
// Field by field, because a whole entry would be made elsewhere first.
func empty(e *entry, id uint32, stamp uint64) {
	e.Buffer, e.Stamp = id, stamp
	e.DataOffset, e.DataLength, e.ControlOffset, e.ControlLength, e.Seq = 0, 0, 0, 0, 0
}

// sendFilled gives fs back as ps say. They are not more than pieceSize.
func (s *Stream) sendFilled(fs []Frame, ps []Posting, now int64) (queue.Wake, error) {
	bytes := s.filled(fs, ps, now)
	w, err := s.end.SendChecked(s.give[:len(fs)])
	if err == nil {
		s.sendSeq += uint32(len(fs))
		s.st.Sent += uint64(len(fs))
		s.st.Bytes += bytes
	}
	return w, err
}

// filled makes the entries that give fs back as ps say, and returns the sum of their
// data bytes.
func (s *Stream) filled(fs []Frame, ps []Posting, now int64) (bytes uint64) {
	numbered := s.has(userclient.FeatureSequence)
	for i := range fs {
		p, e := &ps[i], &s.give[i]
		p.into(fs[i].e.Buffer, e)
		e.Seq, e.Stamp = 0, 0
		bytes += uint64(p.Length)
		if numbered {
			t, flags := cmp.Or(p.Time, now), p.Flags
			if t != 0 {
				flags |= FlagTime
			}
			e.Seq, e.Stamp = s.sendSeq+uint32(i), queue.MakeStamp(t, flags)
		}
	}
	return bytes
}

// stampOf returns the stream time of this moment if a posting needs it and the
// stream's clock is the host's, else 0.
func (s *Stream) stampOf(ps []Posting) int64 {
	if s.desc.Clock.ID != userclient.ClockMonotonic || !s.has(userclient.FeatureSequence) {
		return 0
	}
	for i := range ps {
		if ps[i].Time == 0 {
			return s.clock.Now() - s.desc.Clock.Epoch
		}
	}
	return 0
}
