// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"encoding/binary"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// AppendBinary appends s as a record. The error matches ErrInvalid when the log
// has more than MaxLossLog records; b is then returned as it was.
func (s Stats) AppendBinary(b []byte) ([]byte, error) {
	out, err := record.Append(b, statsFields, &s)
	return encoded(out, "stats", err)
}

// UnmarshalBinary reads a record made by AppendBinary, like Description's.
func (s *Stats) UnmarshalBinary(b []byte) error {
	var v Stats
	if err := record.Parse(b, statsFields, &v); err != nil {
		return decoded("stats", err)
	}
	*s = v
	return nil
}

var statsFields = []field[Stats]{
	record.Bits(TagStatsFlags, "flags", func(s *Stats) *bool { return &s.Numbered }),
	record.Word64(TagStatsLastSeq, "last sequence number", func(s *Stats) *uint64 { return &s.LastSeq }),
	record.Word64(TagStatsPosted, "posted", func(s *Stats) *uint64 { return &s.Posted }),
	record.Word64(TagStatsReturned, "returned", func(s *Stats) *uint64 { return &s.Returned }),
	record.Word64(TagStatsBacklogged, "backlogged", func(s *Stats) *uint64 { return &s.Backlogged }),
	record.Words64(TagStatsLost, "lost", func(s *Stats) []uint64 { return s.Lost[:] }),
	record.Word64(TagStatsBytes, "bytes", func(s *Stats) *uint64 { return &s.Bytes }),
	record.Word64(TagStatsCopies, "copies", func(s *Stats) *uint64 { return &s.Copies }),
	record.Word64(TagStatsRings, "rings", func(s *Stats) *uint64 { return &s.Rings }),
	record.Word64(TagStatsWakeups, "wake-ups", func(s *Stats) *uint64 { return &s.Wakeups }),
	record.Word64(TagStatsDiscarded, "discarded", func(s *Stats) *uint64 { return &s.Discarded }),
	{Tag: TagStatsLoss, Name: "loss log", Many: MaxLossLog, Put: putLossLog, Get: getLoss},
}

const lossSize = 40

func putLossLog(b []byte, s *Stats) ([]byte, error) {
	if len(s.Log) > MaxLossLog {
		return b, fmt.Errorf("%d records, at most %d are allowed", len(s.Log), MaxLossLog)
	}
	le := binary.LittleEndian
	for _, r := range s.Log {
		b = record.Header(b, TagStatsLoss, lossSize)
		b = le.AppendUint64(b, uint64(r.Time))
		b = le.AppendUint32(b, uint32(r.Cause))
		b = le.AppendUint32(b, r.Count)
		b = le.AppendUint64(b, r.LastSeq)
		b = le.AppendUint32(b, r.Free)
		b = le.AppendUint32(b, r.Backlog)
		b = le.AppendUint32(b, r.Posted)
		b = le.AppendUint32(b, 0)
	}
	return b, nil
}

func getLoss(s *Stats, v []byte) error {
	if err := record.Size(v, lossSize); err != nil {
		return err
	}
	le := binary.LittleEndian
	s.Log = append(s.Log, LossRecord{
		Time:    int64(le.Uint64(v)),
		Cause:   Cause(le.Uint32(v[8:])),
		Count:   le.Uint32(v[12:]),
		LastSeq: le.Uint64(v[16:]),
		Free:    le.Uint32(v[24:]),
		Backlog: le.Uint32(v[28:]),
		Posted:  le.Uint32(v[32:]),
	})
	return nil
}

// AppendBinary appends o as a record. The error matches ErrInvalid when o does
// not keep the limits of records; b is then returned as it was.
func (o Observation) AppendBinary(b []byte) ([]byte, error) {
	out, err := record.Append(b, observationFields, &o)
	return encoded(out, "observation", err)
}

// UnmarshalBinary reads a record made by AppendBinary, like Description's. Where
// the record does not name an owner, OwnerPID and OwnerUID are -1.
func (o *Observation) UnmarshalBinary(b []byte) error {
	v := Observation{OwnerPID: -1, OwnerUID: -1}
	if err := record.Parse(b, observationFields, &v); err != nil {
		return decoded("observation", err)
	}
	*o = v
	return nil
}

var observationFields = []field[Observation]{
	record.Word32(TagObsState, "state", func(o *Observation) *State { return &o.State }),
	number(TagObsPID, "owner pid", func(o *Observation) *int { return &o.OwnerPID }),
	number(TagObsUID, "owner uid", func(o *Observation) *int { return &o.OwnerUID }),
	record.Text(TagObsOwner, "owner", func(o *Observation) *string { return &o.Owner }),
	record.Word64(TagObsOpened, "opened", func(o *Observation) *int64 { return &o.Opened }),
	record.Nested(TagObsStats, "stats", statsFields, func(o *Observation) *Stats { return &o.Stats }),
}

// number is a row of an int that travels as i64; what an int of this machine
// can't hold is refused.
func number[T any](tag Tag, name string, at func(*T) *int) field[T] {
	return field[T]{Tag: tag, Name: name,
		Put: func(b []byte, t *T) ([]byte, error) {
			return binary.LittleEndian.AppendUint64(record.Header(b, tag, 8), uint64(*at(t))), nil
		},
		Get: func(t *T, v []byte) error {
			if err := record.Size(v, 8); err != nil {
				return err
			}
			n := int64(binary.LittleEndian.Uint64(v))
			if int64(int(n)) != n {
				return fmt.Errorf("%d is out of range", n)
			}
			*at(t) = int(n)
			return nil
		},
	}
}

// AppendBinary appends the header as it stands in memory: MetadataSize bytes with
// the reserved ones zero. It never fails and allocates only if b is too short, so
// a driver writes it in place with AppendBinary(control[:0]).
func (h MetadataHeader) AppendBinary(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	b = le.AppendUint32(b, h.Flags)
	b = le.AppendUint32(b, h.FormatEpoch)
	b = le.AppendUint64(b, h.DeviceTime)
	b = le.AppendUint64(b, h.TriggerID)
	b = le.AppendUint64(b, h.Sequence)
	return append(b, make([]byte, MetadataSize-metadataUsed)...), nil
}

// Offsets in a MetadataHeader. The rest up to MetadataSize is reserved: written
// as zero, and ignored.
const (
	MetadataFlagsOff    = 0  // u32
	MetadataEpochOff    = 4  // u32
	MetadataTimeOff     = 8  // u64
	MetadataTriggerOff  = 16 // u64
	MetadataSequenceOff = 24 // u64

	metadataUsed = 32
)

// UnmarshalBinary reads the header at the start of b, which may be a whole
// control region. It allocates nothing. The error is a breach of RuleDescribe.
func (h *MetadataHeader) UnmarshalBinary(b []byte) error {
	if len(b) < MetadataSize {
		return ioreturn.Broken(ioreturn.RuleDescribe, "metadata: %d bytes of control data, the header has %d", len(b), MetadataSize)
	}
	le := binary.LittleEndian
	*h = MetadataHeader{
		Flags:       le.Uint32(b[MetadataFlagsOff:]),
		FormatEpoch: le.Uint32(b[MetadataEpochOff:]),
		DeviceTime:  le.Uint64(b[MetadataTimeOff:]),
		TriggerID:   le.Uint64(b[MetadataTriggerOff:]),
		Sequence:    le.Uint64(b[MetadataSequenceOff:]),
	}
	return nil
}
