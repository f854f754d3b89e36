// SPDX-License-Identifier: Apache-2.0

package iostream

import (
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
	d := f.s.data[f.e.Buffer]
	if f.empty {
		return d
	}
	return d[f.e.DataOffset : f.e.DataOffset+f.e.DataLength]
}

// Region returns the whole data region.
func (f *Frame) Region() []byte { return f.s.data[f.e.Buffer] }

// Memory returns the data region as memory that can travel: its kind, and descriptor
// and offset by which the same pages can be found. The descriptor is the session's.
func (f *Frame) Memory() userclient.Mem { return f.s.place[f.e.Buffer] }

// Control returns the valid part of the control region, or on a to-device stream all
// of it.
func (f *Frame) Control() []byte {
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
	if f.e.Flags()&queue.FlagTime == 0 {
		return 0
	}
	return time.Duration(f.e.Time())
}

// Flags returns the entry's flags.
func (f *Frame) Flags() Flags { return f.e.Flags() }

// Metadata returns the header of the control region. The error matches ErrUnsupported
// if the stream does not carry one.
func (f *Frame) Metadata() (userclient.MetadataHeader, error) {
	var h userclient.MetadataHeader
	if f.s.features&userclient.FeatureMetadata == 0 {
		return h, ioreturn.Unsupported
	}
	return h, h.UnmarshalBinary(f.Control())
}

// Keep turns the loan into a new one that no loop ends: the Frame it returns must be
// released or sent by the caller, and f is over.
func (f *Frame) Keep() (Frame, error) {
	s := f.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.lease.end(f.e.Buffer, f.gen) {
		return Frame{}, errLeaseOver(f)
	}
	k := *f
	k.gen = s.lease.lend(f.e.Buffer)
	return k, nil
}

// Release gives the buffer back to the driver. It does not block. Releasing twice is
// an error matching ErrInvalid. After Close of the stream it only ends the loan.
func (f *Frame) Release() error {
	return f.s.giveBack(f, entry{Buffer: f.e.Buffer, Stamp: queue.MakeStamp(0, queue.FlagFlushed)}, false)
}

// Send gives the buffer to the driver with its first n data bytes valid. It is for
// to-device streams and those that go both ways, and does not block.
func (f *Frame) Send(n int) error { return f.SendEntry(Posting{Length: n}) }

// SendEntry is Send with every field of the entry.
func (f *Frame) SendEntry(p Posting) error {
	s := f.s
	b := Buffer{id: f.e.Buffer, data: s.data[f.e.Buffer], control: s.control[f.e.Buffer]}
	if err := p.check(&b); err != nil {
		return ioreturn.Op("send", s.Name(), err)
	}
	e := entry{
		Buffer: f.e.Buffer, DataOffset: uint32(p.Offset), DataLength: uint32(p.Length),
		ControlOffset: uint32(p.ControlOffset), ControlLength: uint32(p.ControlLength),
	}
	if s.features&userclient.FeatureSequence != 0 {
		t, flags := p.Time, p.Flags
		if now, ok := s.now(); ok && t == 0 {
			t = now
		}
		if t != 0 {
			flags |= queue.FlagTime
		}
		e.Stamp = queue.MakeStamp(t, flags)
	}
	return s.giveBack(f, e, true)
}

func errLeaseOver(f *Frame) error {
	return ioreturn.Op("release frame", f.s.Name(), &ioreturn.StatusError{
		Code: ioreturn.BadArgument, Detail: "the frame was released or sent before",
	})
}

// giveBack ends f's loan and publishes e on the input queue.
func (s *Stream) giveBack(f *Frame, e entry, payload bool) error {
	s.mu.Lock()
	if !s.lease.end(f.e.Buffer, f.gen) {
		s.mu.Unlock()
		return errLeaseOver(f)
	}
	if s.closed {
		last := s.lease.closed && s.lease.n == 0
		s.mu.Unlock()
		if last {
			s.lease.unmap()
		}
		if payload {
			return ioreturn.Op("send", s.Name(), ioreturn.ErrClosed)
		}
		return nil
	}
	if payload {
		e.Seq = s.sendSeq
	}
	if s.features&userclient.FeatureSequence == 0 {
		e.Seq, e.Stamp = 0, 0
	}
	s.one[0] = e
	wake, err := s.end.Send(s.one[:])
	if err != nil {
		s.lease.undo(f.e.Buffer)
	} else if payload {
		s.sendSeq++
		s.st.Sent++
		s.st.Bytes += uint64(e.DataLength)
	}
	s.mu.Unlock()
	if err == nil {
		err = s.ring(wake)
		if err != nil && !payload {
			err = nil // the loan is over and the driver is gone, which reading will tell
		}
	}
	return ioreturn.Op("return buffer", s.Name(), err)
}
