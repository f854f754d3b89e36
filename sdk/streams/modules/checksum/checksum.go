// SPDX-License-Identifier: Apache-2.0

// Package checksum has a module that protects data with a CRC-32C at the end of each
// message. Pushed at both ends of a line it adds the sum to what it sends there, and checks
// what it gets.
//
// It is the model of a module that judges data. The other side may share the memory of a
// message and change it at any time, so the module takes a copy first, checks the copy, and
// passes the copy on: what was checked is what the next module gets.
//
// In the payload of an IOStream an entry is a message. What a client fills lies in memory
// that the client can still write to. So below the modules the copy is copied back into that
// memory, where the driver reads it: the next modules are protected, and a driver must still
// take a copy before it trusts what it reads (C40).
package checksum

import (
	"encoding/binary"
	"hash/crc32"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Size is how many bytes the sum adds to a message.
const Size = 4

// Counts is what has become of the messages of all streams of a module.
type Counts struct {
	Good     atomic.Uint64 // messages that matched their sum
	Bad      atomic.Uint64 // messages dropped because they didn't
	NoMemory atomic.Uint64 // messages dropped because there was no memory for a sum or a copy
}

// Config tunes the module. The zero value is ready to use.
type Config struct {
	// Name is the module's name. Empty means "checksum".
	Name string
	// CheckDown checks what goes down and adds a sum to what goes up, as the driver's end of
	// a line does. Otherwise what goes down gets a sum, and what comes up is checked.
	CheckDown bool
	// Counts, if not nil, is counted in.
	Counts *Counts
}

// Module returns the module. It may be pushed on any number of streams. The error is
// EINVAL for a name that can't be one.
//
// Messages of type M_DATA are protected, all others pass. M_DATA may have blocks of that
// type only; with others among them it does not match.
func Module(cfg Config) (*streams.Module, error) {
	if cfg.Name == "" {
		cfg.Name = "checksum"
	}
	if cfg.Counts == nil {
		cfg.Counts = &Counts{}
	}
	sum, check := streams.Procedures{Put: cfg.Counts.add}, streams.Procedures{Put: cfg.Counts.check}
	m := &streams.Module{Name: cfg.Name, Read: check, Write: sum}
	if cfg.CheckDown {
		m.Read, m.Write = sum, check
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

var table = crc32.MakeTable(crc32.Castagnoli)

// add is the put procedure that adds the sum.
func (c *Counts) add(q *streams.Queue, m *streams.Block) {
	if m.Type() != streams.MData {
		q.PassOn(m)
		return
	}
	var crc uint32
	for b := m; b != nil; b = b.Next() {
		crc = crc32.Update(crc, table, b.Bytes())
	}
	var sum [Size]byte
	binary.LittleEndian.PutUint32(sum[:], crc)
	if err := attach(q, m, sum[:]); err != nil {
		c.NoMemory.Add(1)
		m.Free()
		return
	}
	q.PutNext(m)
}

// attach puts the sum behind a message: into its only block where that has room, so that
// the payload of an IOStream stays where it is, else into a new one.
func attach(q *streams.Queue, m *streams.Block, sum []byte) error {
	if m.Next() == nil && m.Append(sum) == nil {
		return nil
	}
	tail, err := q.Arena().From(streams.MData, sum)
	if err != nil {
		return err
	}
	if err = m.Link(tail); err != nil {
		tail.Free()
	}
	return err
}

// check is the put procedure that checks the sum and takes it off.
func (c *Counts) check(q *streams.Queue, m *streams.Block) {
	if m.Type() != streams.MData {
		q.PassOn(m)
		return
	}
	own, err := m.PullupCopy(-1)
	m.Free()
	switch {
	case err != nil:
		c.NoMemory.Add(1)
	case !good(own):
		c.Bad.Add(1)
		own.Free()
	default:
		c.Good.Add(1)
		q.PutNext(own)
	}
}

// good reports whether a message of one block matches the sum at its end, which it loses.
func good(m *streams.Block) bool {
	p := m.Bytes()
	n := len(p) - Size
	return n >= 0 && m.Next() == nil && crc32.Checksum(p[:n], table) == binary.LittleEndian.Uint32(p[n:]) && m.Resize(0, -Size) == nil
}
