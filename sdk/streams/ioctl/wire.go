// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"errors"
	"fmt"
	"math"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// The three kinds of record in which a call crosses a transport. What a caller may do
// is not among the fields: the driver's end of the session knows that, and must
// not learn it from the other side.

// Fields of a Request.
const (
	tagRequestID      record.Tag = 1 // u64
	tagRequestCommand record.Tag = 2 // u32
	tagRequestFlags   record.Tag = 3 // u32: 1 transparent, 2 named
	tagRequestArg     record.Tag = 4 // u64
	tagRequestData    record.Tag = 5 // bytes
)

// Fields of an Event.
const (
	tagEventID    record.Tag = 1 // u64
	tagEventKind  record.Tag = 2 // u32
	tagEventErrno record.Tag = 3 // u32
	tagEventData  record.Tag = 4 // bytes
)

// Fields of a Next.
const (
	tagNextID    record.Tag = 1 // u64
	tagNextKind  record.Tag = 2 // u32
	tagNextAddr  record.Tag = 3 // u64
	tagNextSize  record.Tag = 4 // u32: of need-in; that of need-out is the length of its data
	tagNextRval  record.Tag = 5 // u32
	tagNextErrno record.Tag = 6 // u32
	tagNextData  record.Tag = 7 // bytes
	tagNextFrom  record.Tag = 8 // text: for a named request
)

var requestFields = []record.Field[Request]{
	record.Word64(tagRequestID, "ID", func(r *Request) *uint64 { return &r.ID }),
	record.Word32(tagRequestCommand, "command", func(r *Request) *streams.Command { return &r.Command }),
	record.Bits(tagRequestFlags, "flags", func(r *Request) *bool { return &r.Transparent }, func(r *Request) *bool { return &r.Named }),
	record.Word64(tagRequestArg, "argument", func(r *Request) *uint64 { return &r.Arg }),
	bytesField(tagRequestData, func(r *Request) *[]byte { return &r.Data }),
}

var eventFields = []record.Field[Event]{
	record.Word64(tagEventID, "ID", func(e *Event) *uint64 { return &e.ID }),
	kindField(tagEventKind, Abandoned, func(e *Event) *EventKind { return &e.Kind }),
	record.Word32(tagEventErrno, "errno", func(e *Event) *streams.Errno { return &e.Errno }),
	bytesField(tagEventData, func(e *Event) *[]byte { return &e.Data }),
}

var nextFields = []record.Field[Next]{
	record.Word64(tagNextID, "ID", func(n *Next) *uint64 { return &n.ID }),
	kindField(tagNextKind, Nak, func(n *Next) *NextKind { return &n.Kind }),
	record.Word64(tagNextAddr, "address", func(n *Next) *uint64 { return &n.Addr }),
	record.Value32(tagNextSize, "size",
		func(n *Next) uint32 { return uint32(n.Size) },
		func(n *Next, w uint32) { n.Size = int(min(w, math.MaxInt32)) }), // more is over any limit as well
	record.Value32(tagNextRval, "result",
		func(n *Next) uint32 { return uint32(n.Rval) },
		func(n *Next, w uint32) { n.Rval = int32(w) }),
	record.Word32(tagNextErrno, "errno", func(n *Next) *streams.Errno { return &n.Errno }),
	bytesField(tagNextData, func(n *Next) *[]byte { return &n.Data }),
	record.Text(tagNextFrom, "module", func(n *Next) *string { return &n.From }),
}

// bytesField is a row of bytes; none are left out. Get copies them.
func bytesField[T any](tag record.Tag, at func(*T) *[]byte) record.Field[T] {
	return record.Field[T]{
		Tag: tag, Name: "data",
		Put: func(b []byte, t *T) ([]byte, error) {
			data := *at(t)
			if len(data) == 0 {
				return b, nil
			}
			if uint64(len(data)) > math.MaxUint32 {
				return b, fmt.Errorf("%d bytes", len(data))
			}
			return append(record.Header(b, tag, len(data)), data...), nil
		},
		Get: func(t *T, v []byte) error {
			*at(t) = append([]byte(nil), v...)
			return nil
		},
	}
}

// kindField is a row of a kind, which is last at most.
func kindField[T any, K ~uint8](tag record.Tag, last K, at func(*T) *K) record.Field[T] {
	return record.Value32(tag, "kind",
		func(t *T) uint32 { return uint32(*at(t)) },
		func(t *T, w uint32) { *at(t) = K(min(w, uint32(last)+1)) }) // what is greater is refused later
}

// AppendBinary appends r as a record. Rights and credential of the caller are not in it.
func (r Request) AppendBinary(b []byte) ([]byte, error) {
	if uint64(len(r.Data)) <= math.MaxUint32 {
		return r.quick(b), nil
	}
	v := r // so that r need not be in the heap
	return appended(b, requestFields, &v, nil)
}

// UnmarshalBinary reads a record made by AppendBinary of this or of another version.
// The caller has no rights in it. Nothing of b is kept. The error matches EPROTO, and
// then r is as it was.
func (r *Request) UnmarshalBinary(b []byte) error {
	if r.readQuick(b) {
		return nil
	}
	var v Request // so that r need not be in the heap
	err := parsed(b, requestFields, &v, (*Request).check)
	if err == nil {
		*r = v
	}
	return err
}

func (r *Request) check() error {
	if r.Transparent && len(r.Data) > 0 {
		return errors.New("a transparent request with data")
	}
	return nil
}

// AppendBinary appends e as a record. The error matches EPROTO if e can't be sent: a
// Begin, which is what a Request is, or one with the parts of another kind.
func (e Event) AppendBinary(b []byte) ([]byte, error) {
	return appended(b, eventFields, &e, (*Event).check)
}

// UnmarshalBinary reads a record made by AppendBinary of this or of another version.
// Nothing of b is kept. The error matches EPROTO, and then e is as it was.
func (e *Event) UnmarshalBinary(b []byte) error { return parsed(b, eventFields, e, (*Event).check) }

func (e *Event) check() error {
	switch {
	case e.Kind <= Begin || e.Kind > Abandoned:
		return fmt.Errorf("%v does not travel", e.Kind)
	case (e.Kind == CopyFailed) != (e.Errno != 0) || e.Errno > streams.MaxErrno:
		return fmt.Errorf("%v with errno %d", e.Kind, uint32(e.Errno))
	case e.Kind != CopiedIn && len(e.Data) > 0:
		return fmt.Errorf("%v with %d bytes of data", e.Kind, len(e.Data))
	}
	return nil
}

// AppendBinary appends n as a record. The error matches EPROTO if n can't be sent: a
// NeedOut whose Size isn't that of its data, or one with the parts of another kind.
func (n Next) AppendBinary(b []byte) ([]byte, error) {
	if n.Kind == NeedOut && n.Size != len(n.Data) {
		return b, fmt.Errorf("%v of %d bytes with %d: %w", n.Kind, n.Size, len(n.Data), streams.EPROTO)
	}
	if n.check() == nil && n.From == "" && uint64(len(n.Data)) <= math.MaxUint32 {
		return n.quick(b), nil
	}
	v := n
	return appended(b, nextFields, &v, (*Next).check)
}

// UnmarshalBinary reads a record made by AppendBinary of this or of another version.
// Nothing of b is kept. The error matches EPROTO, and then n is as it was. Whether
// the size and the address are sensible is for a Copier to judge.
func (n *Next) UnmarshalBinary(b []byte) error {
	if n.readQuick(b) {
		return nil
	}
	var v Next
	err := parsed(b, nextFields, &v, (*Next).checkRead)
	if err == nil {
		*n = v
	}
	return err
}

// checkRead is check for what was read by the table.
func (n *Next) checkRead() error {
	if n.Kind == NeedOut {
		n.Size = len(n.Data)
	}
	return n.check()
}

func (n *Next) check() error {
	copies := n.Kind == NeedIn || n.Kind == NeedOut
	switch {
	case len(n.From) > streams.MaxName:
		return fmt.Errorf("the name of a module with %d bytes", len(n.From))
	case n.Kind > Nak:
		return fmt.Errorf("%v does not exist", n.Kind)
	case (n.Kind == Nak) != (n.Errno != 0) || n.Errno > streams.MaxErrno:
		return fmt.Errorf("%v with errno %d", n.Kind, uint32(n.Errno))
	case n.Kind != NeedOut && n.Kind != Ack && len(n.Data) > 0:
		return fmt.Errorf("%v with %d bytes of data", n.Kind, len(n.Data))
	case n.Kind != Ack && n.Rval != 0:
		return fmt.Errorf("%v with the result %d", n.Kind, n.Rval)
	case !copies && (n.Addr != 0 || n.Size != 0) || n.Size < 0 || n.Size > math.MaxInt32:
		return fmt.Errorf("%v of %d bytes at %#x", n.Kind, n.Size, n.Addr)
	}
	return nil
}

// appended appends t as a record if check, unless nil, finds nothing wrong with it.
func appended[T any](b []byte, rows []record.Field[T], t *T, check func(*T) error) ([]byte, error) {
	if check != nil {
		if err := check(t); err != nil {
			return b, fmt.Errorf("%w: %w", streams.EPROTO, err)
		}
	}
	out, err := record.Append(b, rows, t)
	if err != nil {
		return b, fmt.Errorf("%w: %w", streams.EPROTO, err)
	}
	return out, nil
}

// parsed reads t from a record that check finds nothing wrong with.
func parsed[T any](b []byte, rows []record.Field[T], t *T, check func(*T) error) error {
	var v T
	err := record.Parse(b, rows, &v)
	if err == nil {
		err = check(&v)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", streams.EPROTO, err)
	}
	*t = v
	return nil
}
