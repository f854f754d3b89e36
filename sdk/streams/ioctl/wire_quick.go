// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"encoding/binary"
	"math"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// A command between processes costs about as much as writing and reading its two records by
// their tables. So a Request and a Next are written here without them, with the same bytes,
// and read so if they have exactly those fields in that order. All else goes by the tables.

// heading is the header of a field as one number.
func heading(tag record.Tag, n int) uint64 { return uint64(tag) | uint64(n)<<32 }

func appendWord(b []byte, tag record.Tag, v uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(b, heading(tag, 4)), v)
}

func appendLong(b []byte, tag record.Tag, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, heading(tag, 8)), v)
}

// appendLast appends data, unless there are none, and writes the size of the record that
// begins at start.
func appendLast(b []byte, start int, tag record.Tag, data []byte) []byte {
	if len(data) > 0 {
		b = append(binary.LittleEndian.AppendUint64(b, heading(tag, len(data))), data...)
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

// quick appends r. Its data must not be longer than a record can be.
func (r *Request) quick(b []byte) []byte {
	start := len(b)
	flags := uint32(0)
	if r.Transparent {
		flags = 1
	}
	if r.Named {
		flags |= 2
	}
	b = append(b, 0, 0, 0, 0)
	b = appendLong(b, tagRequestID, r.ID)
	b = appendWord(b, tagRequestCommand, uint32(r.Command))
	b = appendWord(b, tagRequestFlags, flags)
	b = appendLong(b, tagRequestArg, r.Arg)
	return appendLast(b, start, tagRequestData, r.Data)
}

// quick appends n. Its data must not be longer than a record can be.
func (n *Next) quick(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = appendLong(b, tagNextID, n.ID)
	b = appendWord(b, tagNextKind, uint32(n.Kind))
	b = appendLong(b, tagNextAddr, n.Addr)
	b = appendWord(b, tagNextSize, uint32(n.Size))
	b = appendWord(b, tagNextRval, uint32(n.Rval))
	b = appendWord(b, tagNextErrno, uint32(n.Errno))
	return appendLast(b, start, tagNextData, n.Data)
}

// reader reads the fields of a record as they were written above. When one is not what it
// should be, odd is set and the rest reads as zero.
type reader struct {
	b   []byte
	odd bool
}

// read begins to read a record.
func read(b []byte) reader {
	if len(b) < record.HeaderSize || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) {
		return reader{odd: true}
	}
	return reader{b: b[record.HeaderSize:]}
}

// field returns the value of the next field, which has n bytes; nil if it has not.
func (r *reader) field(tag record.Tag, n int) []byte {
	if len(r.b) < record.FieldHeaderSize+n || binary.LittleEndian.Uint64(r.b) != heading(tag, n) {
		r.b, r.odd = nil, true
		return nil
	}
	v := r.b[record.FieldHeaderSize:][:n]
	r.b = r.b[record.FieldHeaderSize+n:]
	return v
}

func (r *reader) word(tag record.Tag) uint32 {
	if v := r.field(tag, 4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (r *reader) long(tag record.Tag) uint64 {
	if v := r.field(tag, 8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

// last returns a copy of the data, which are the last field if there are any.
func (r *reader) last(tag record.Tag) []byte {
	if len(r.b) == 0 {
		return nil
	}
	n := len(r.b) - record.FieldHeaderSize
	if n < 0 {
		r.odd = true
		return nil
	}
	return append([]byte(nil), r.field(tag, n)...)
}

// readQuick reads r if it was written above.
func (r *Request) readQuick(b []byte) bool {
	in := read(b)
	v := Request{ID: in.long(tagRequestID), Command: streams.Command(in.word(tagRequestCommand))}
	flags := in.word(tagRequestFlags)
	v.Transparent, v.Named = flags&1 != 0, flags&2 != 0
	v.Arg = in.long(tagRequestArg)
	v.Data = in.last(tagRequestData)
	if in.odd || v.check() != nil {
		return false
	}
	*r = v
	return true
}

// readQuick reads n if it was written above.
func (n *Next) readQuick(b []byte) bool {
	in := read(b)
	v := Next{ID: in.long(tagNextID), Kind: NextKind(min(in.word(tagNextKind), uint32(Nak)+1))}
	v.Addr = in.long(tagNextAddr)
	v.Size = int(min(in.word(tagNextSize), math.MaxInt32))
	v.Rval = int32(in.word(tagNextRval))
	v.Errno = streams.Errno(in.word(tagNextErrno))
	v.Data = in.last(tagNextData)
	if v.Kind == NeedOut {
		v.Size = len(v.Data)
	}
	if in.odd || v.check() != nil {
		return false
	}
	*n = v
	return true
}
