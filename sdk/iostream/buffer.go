// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/internal/cpu"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Flags say what is special about an entry.
type Flags = queue.Flags

// The flags of an entry; see the constants of package queue.
const (
	FlagDiscontinuity = queue.FlagDiscontinuity
	FlagPartial       = queue.FlagPartial
	FlagEnd           = queue.FlagEnd
	FlagKey           = queue.FlagKey
	FlagFlushed       = queue.FlagFlushed
	FlagTime          = queue.FlagTime
)

// Buffer is a buffer at the driver's end, from Take until Post. The driver owns its
// memory in between: the client neither reads nor writes it by the rules, but a client
// that breaks them can still write into buffers that it fills, so copy before you
// trust (C40). The memory stays valid until Post even if the client is gone.
//
// A Buffer is used by one goroutine at a time.
type Buffer struct {
	ln            *lane
	id            uint32
	entry         entry
	data, control []byte
	place         userclient.Mem
	taken         bool
	filled        bool // the client has sent it, and the driver is not done with it
	scratch       bool
}

// ID returns the buffer's number (Apple's getBufferID). It is userclient.NoBuffer for
// a private buffer that stands in because none was free; what is posted in one is lost
// and counted.
func (b *Buffer) ID() uint32 { return b.id }

// Data returns what the driver is to work on: the whole data region where the driver
// fills it, and what the client filled on a to-device stream.
func (b *Buffer) Data() []byte {
	if b.ln != nil && b.ln.mode == userclient.ModeInput {
		return b.Filled()
	}
	return b.data
}

// Filled returns the part of the data region that the client says it filled.
func (b *Buffer) Filled() []byte {
	return b.data[b.entry.DataOffset : b.entry.DataOffset+b.entry.DataLength]
}

// Region returns the whole data region (Apple's getDataBuffer).
func (b *Buffer) Region() []byte { return b.data }

// Memory returns the data region as memory that can travel: its kind, and descriptor
// and offset by which the same pages can be found. The descriptor is the session's.
func (b *Buffer) Memory() userclient.Mem { return b.place }

// Control returns the whole control region (Apple's getControlBuffer), nil if the
// stream has none. Where FeatureMetadata was selected its first 64 bytes are written
// by Post.
func (b *Buffer) Control() []byte { return b.control }

// FilledControl returns the part of the control region that the client says it filled.
func (b *Buffer) FilledControl() []byte {
	return b.control[b.entry.ControlOffset : b.entry.ControlOffset+b.entry.ControlLength]
}

// Seq returns the low 32 bits of the number that the client gave the entry.
func (b *Buffer) Seq() uint32 { return b.entry.Seq }

// Time returns the client's time stamp, if it gave one.
func (b *Buffer) Time() (t time.Duration, ok bool) {
	return time.Duration(b.entry.Time()), b.entry.Flags()&FlagTime != 0
}

// Flags returns the flags that the client gave the entry.
func (b *Buffer) Flags() Flags { return b.entry.Flags() }

// ClientReferences returns 1 while the client has the buffer and 0 while it is with
// the driver (Apple's getClientReferenceCount). Post and Take do what
// sendClientReference and receiveClientReference do there.
func (b *Buffer) ClientReferences() int {
	if b.ln == nil || b.scratch {
		return 0
	}
	b.ln.s.mu.Lock()
	defer b.ln.s.mu.Unlock()
	if b.ln.end.Owns(b.id) {
		return 0
	}
	return 1
}

// Posting says what of a buffer is valid and what is special about it.
type Posting struct {
	Offset, Length               int // of the data region
	ControlOffset, ControlLength int
	Flags                        Flags // FlagTime and, where something was lost, FlagDiscontinuity are added
	// Time is the stream time of the first byte in ns. Zero means now.
	Time int64
	// DeviceTime is the time in ticks of the device's clock. Zero means the stream time.
	// It goes into the metadata header, if there is one, as TriggerID does.
	DeviceTime uint64
	TriggerID  uint64
}

// fits reports whether the ranges lie in a buffer with so many bytes of data and control.
func (p *Posting) fits(data, control int) bool {
	return within(p.Offset, p.Length, data) && within(p.ControlOffset, p.ControlLength, control)
}

// within reports whether n bytes at off lie in size bytes. As an unsigned number a negative
// one is larger than any size.
func within(off, n, size int) bool {
	return uint(off) <= uint(size) && uint(n) <= uint(size-off)
}

// misfit says which range does not.
func (p *Posting) misfit(id uint32, data, control int) error {
	what, off, n, size := "data", p.Offset, p.Length, data
	if (&Posting{Offset: off, Length: n}).fits(data, 0) {
		what, off, n, size = "control", p.ControlOffset, p.ControlLength, control
	}
	return fmt.Errorf("post buffer %d: %s %d+%d leaves its %d bytes: %w", id, what, off, n, size, ioreturn.BadArgument)
}

// into makes e the entry of a buffer, but for number, time and flags.
func (p *Posting) into(id uint32, e *entry) {
	e.Buffer, e.DataOffset, e.DataLength = id, uint32(p.Offset), uint32(p.Length)
	e.ControlOffset, e.ControlLength = uint32(p.ControlOffset), uint32(p.ControlLength)
}

// checkTaken returns an error unless the driver has the buffer. The session's mu is held.
func (b *Buffer) checkTaken() error {
	if !b.taken {
		return fmt.Errorf("buffer %d is not taken: %w", b.id, ioreturn.BadArgument)
	}
	return nil
}

// number makes e, which may lie in shared memory, the entry of posting p of b with a number.
// now is its time if it has none, and gap says that it follows a loss.
func (b *Buffer) number(p *Posting, seq uint64, now int64, gap bool, e *entry) {
	t, flags := p.Time, p.Flags|FlagTime
	if t == 0 {
		t = now
	}
	if gap {
		flags |= FlagDiscontinuity
	}
	p.into(b.id, e)
	e.Seq, e.Stamp = uint32(seq), queue.MakeStamp(t, flags)
	if b.ln.has(userclient.FeatureMetadata) {
		b.head(p, seq, t, flags)
		e.ControlOffset, e.ControlLength = 0, uint32(max(p.ControlOffset+p.ControlLength, userclient.MetadataSize))
	}
}

// head writes the metadata header of an entry.
func (b *Buffer) head(p *Posting, seq uint64, t int64, flags Flags) {
	h := userclient.MetadataHeader{
		Flags: uint32(flags), FormatEpoch: b.ln.epoch, Sequence: seq,
		DeviceTime: cmp.Or(p.DeviceTime, uint64(t)), TriggerID: p.TriggerID,
	}
	_, _ = h.AppendBinary(b.control[:0]) // never fails: the region has room
}

// hintSize is how much of a buffer's data hint asks for: about as many lines as are under
// way at once. What follows the processor asks for by itself.
const hintSize = 512

// hint asks the processor for the beginning of a buffer's data, which the other side had
// last. write says that who gets the buffer next fills it.
func hint(data []byte, write bool) {
	data = data[:min(len(data), hintSize)]
	if write {
		cpu.PrefetchAllWrite(data)
	} else {
		cpu.PrefetchAll(data)
	}
}

// setMetadataFlags corrects the header of an entry that was not published yet.
func (b *Buffer) setMetadataFlags(f Flags) {
	if b.ln.has(userclient.FeatureMetadata) {
		binary.LittleEndian.PutUint32(b.control[userclient.MetadataFlagsOff:], uint32(f))
	}
}
