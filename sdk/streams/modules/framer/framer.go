// SPDX-License-Identifier: Apache-2.0

// Package framer has a module that makes records of a stream of bytes. On the line a record
// is its length, four bytes with the highest first, and its bytes. What comes up is cut
// into records, one message each, however the bytes were divided among messages; what goes
// down gets its length in front.
//
// It is the model of a module with state between messages, which is bounded, freed at
// close, and begun anew by a flush.
package framer

import (
	"cmp"
	"encoding/binary"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Sizes of records.
const (
	PrefixSize = 4
	DefaultMax = 64 << 10 // the Max of a Config that has none
)

// Counts is what has become of the records of all streams of a module.
type Counts struct {
	Records  atomic.Uint64 // that came up
	TooLong  atomic.Uint64 // lengths above Max, in either direction
	NoMemory atomic.Uint64 // records dropped because there was no memory
	NoEntry  atomic.Uint64 // records of an IOStream dropped because their entry was taken by the one before
}

// Config tunes the module. The zero value is ready to use.
type Config struct {
	// Name is the module's name. Empty means "framer".
	Name string
	// Max is the most bytes of a record, and so of what is kept for a record that is not
	// complete. Zero means DefaultMax.
	Max int
	// Counts, if not nil, is counted in.
	Counts *Counts
}

// Module returns the module. It may be pushed on any number of streams. The error is
// EINVAL for a negative Max, or one above 2³¹-1, or a name that can't be one.
//
// A length above Max that comes up can't be told from a lost byte, and then nothing that
// follows makes sense: the stream gets an M_ERROR with EPROTO, and what comes is dropped
// until the read side is flushed. What goes down and is longer than Max is dropped.
// Messages other than M_DATA pass.
//
// In the payload of an IOStream what comes up is entries, and a record goes on as the entry in
// which it ends: with its number, in its buffer. So not more than one record may end in an
// entry, and an entry in which none ends counts as dropped by a module.
func Module(cfg Config) (*streams.Module, error) {
	if cfg.Max < 0 || cfg.Max > 1<<31-1 {
		return nil, streams.EINVAL
	}
	f := &framer{max: cmp.Or(cfg.Max, DefaultMax), counts: cmp.Or(cfg.Counts, &Counts{})}
	m := &streams.Module{
		Name:  cmp.Or(cfg.Name, "framer"),
		Open:  func(q *streams.Queue, _ streams.OpenInfo) error { q.SetPrivate(&cutter{framer: f}); return nil },
		Close: func(q *streams.Queue) { q.Private().(*cutter).reset() },
		Read:  streams.Procedures{Put: cut},
		Write: streams.Procedures{Put: f.prefix},
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

// framer is what all streams share.
type framer struct {
	max    int
	counts *Counts
}

// prefix is the put procedure of the write side.
func (f *framer) prefix(q *streams.Queue, m *streams.Block) {
	if m.Type() != streams.MData {
		watchFlush(q, m)
		q.PassOn(m)
		return
	}
	n := m.Size()
	if n > f.max {
		f.counts.TooLong.Add(1)
		m.Free()
		return
	}
	first, err := q.Arena().From(streams.MData, binary.BigEndian.AppendUint32(nil, uint32(n)))
	if err != nil {
		f.counts.NoMemory.Add(1)
		m.Free()
		return
	}
	first.SetBand(m.Band())
	first.SetFlags(m.Flags())
	if first.Link(m) != nil { // not possible: m is nobody else's
		first.Free()
		m.Free()
		return
	}
	q.PutNext(first)
}

// cut is the put procedure of the read side.
func cut(q *streams.Queue, m *streams.Block) {
	if m.Type() != streams.MData {
		watchFlush(q, m)
		q.PassOn(m)
		return
	}
	c := q.Private().(*cutter)
	c.entry, c.entries = m.Value(), m.Value() != nil
	for b := m; b != nil; b = b.Next() {
		c.take(q, b.Bytes())
	}
	c.entry = nil
	m.Free()
}

// watchFlush begins anew where an M_FLUSH for the read side passes.
func watchFlush(q *streams.Queue, m *streams.Block) {
	if flags, _ := m.FlushRequest(); flags&streams.FlushR != 0 && flags&streams.FlushBand == 0 {
		q.Private().(*cutter).reset()
	}
}

// cutter is the record of one stream that is not complete.
type cutter struct {
	framer *framer
	prefix []byte // of the length, as far as it came
	record *streams.Block
	left   int  // bytes of the record that are still to come
	lost   bool // nothing makes sense any more

	// Of the message that is being cut.
	entries bool // it is an entry of an IOStream
	entry   any  // what its next record takes over
}

func (c *cutter) reset() {
	c.record.Free()
	*c = cutter{framer: c.framer}
}

// take goes on with the bytes p.
func (c *cutter) take(q *streams.Queue, p []byte) {
	for len(p) > 0 && !c.lost {
		if c.left == 0 {
			n := min(PrefixSize-len(c.prefix), len(p))
			c.prefix = append(c.prefix, p[:n]...)
			p = p[n:]
			if len(c.prefix) == PrefixSize {
				c.begin(q)
			}
			continue
		}
		n := min(c.left, len(p))
		if c.record != nil && c.record.Append(p[:n]) != nil { // not possible: there is room
			c.drop()
		}
		p = p[n:]
		if c.left -= n; c.left == 0 {
			c.send(q)
		}
	}
}

// begin begins a record whose length has come.
func (c *cutter) begin(q *streams.Queue) {
	n := binary.BigEndian.Uint32(c.prefix)
	c.prefix = c.prefix[:0]
	if uint64(n) > uint64(c.framer.max) {
		c.framer.counts.TooLong.Add(1)
		c.lost = true
		_ = q.SendError(nil, streams.EPROTO) // without memory the reader just gets nothing more
		return
	}
	var err error
	if c.record, err = q.Arena().Alloc(streams.MData, int(n)); err != nil {
		c.framer.counts.NoMemory.Add(1)
		c.record = nil
	}
	if c.left = int(n); n == 0 {
		c.send(q)
	}
}

// send sends a complete record up.
func (c *cutter) send(q *streams.Queue) {
	m := c.record
	c.record = nil
	switch {
	case m == nil:
	case c.entries && c.entry == nil:
		c.framer.counts.NoEntry.Add(1)
		m.Free()
	default:
		_ = m.SetValue(c.entry) // nobody shares the record
		c.entry = nil
		c.framer.counts.Records.Add(1)
		q.PutNext(m)
	}
}

func (c *cutter) drop() {
	c.framer.counts.NoMemory.Add(1)
	c.record.Free()
	c.record = nil
}
