// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

var _ userclient.PayloadPath = (*End)(nil)

// SeesPayload reports whether each stream has modules from the start that see payload.
func (p *Plane) SeesPayload() bool { return !p.CommandsOnly && len(p.Stack) > 0 }

// SeesPayload reports whether there are modules now that see payload.
func (e *End) SeesPayload() bool { return e.modules.Load() > 0 && !e.plane.CommandsOnly }

// SendPayload lets an entry of the session's stream into the modules: from the bottom one
// that the driver has posted, from the top one that the client has filled. It travels as an
// M_DATA message of one external block over the buffer's region, whose range is what is
// valid. The value of the block is the userclient.Payload itself, which tells number, time
// and flags; copies take it over.
//
// What comes out at the other end goes on as the entry, with the block's range as its
// range. A message of M_DATA blocks of which another one carries the value, or with further
// blocks, goes on too: its bytes are copied into the buffer if they fit. Where blocks carry
// several entries, the message stands for the first. A message of another type, one without an
// entry, and one whose entry has arrived already, end here. A module that makes a new
// message in the place of an entry gives it the entry's value.
//
// The entry is the modules' until the last block that carries it is freed. Only then it
// goes on, so that a module which keeps a duplicate holds it up, and those behind it.
func (e *End) SendPayload(p userclient.Payload) {
	m, err := e.stream.Arena().External(p.Region(), p)
	if err != nil {
		p.FreeBuffer(nil) // no memory
		return
	}
	info := p.Info()
	offset, length := p.Range()
	err = m.SetValue(p)
	if err == nil {
		err = m.Resize(offset, offset+length)
	}
	switch {
	case err != nil:
	case info.Down:
		err = e.stream.Put(m)
	default:
		err = e.port.Put(nil, m)
	}
	if err != nil {
		m.Free() // the stream is closed, or below a multiplexer
	}
}

// FlushPayload sends an M_FLUSH through the stack. Without memory for that the modules keep
// what they have.
func (e *End) FlushPayload(down bool) {
	flags := streams.FlushR
	if down {
		flags = streams.FlushRW
	}
	_ = e.sendFlush([]byte{byte(flags)}) // see above
}

// bottom returns the plane's driver with the end of the payload's way around it.
func (e *End) bottom() *streams.Module {
	d := e.plane.Driver
	if d == nil {
		return nil // Open refuses it
	}
	m := *d
	m.Open = func(q *streams.Queue, info streams.OpenInfo) (err error) {
		if e.port, err = q.Port(); err == nil && d.Open != nil {
			err = d.Open(q, info)
		}
		return err
	}
	m.Write.Put = around(d.Write.Put, func(q *streams.Queue, msg *streams.Block) bool {
		if flags, _ := msg.FlushRequest(); flags&streams.FlushR != 0 && flags&streams.FlushBand == 0 {
			e.port.Flush()
		}
		if msg.Type() != streams.MData || entryOf(msg) == nil {
			return false
		}
		e.payload(msg, true)
		return true
	})
	m.Read.Put = around(d.Read.Put, func(q *streams.Queue, msg *streams.Block) bool {
		if entryOf(msg) == nil {
			return false
		}
		q.PutNext(msg)
		return true
	})
	return &m
}

// around returns a put procedure that first asks fn whether it takes the message.
func around(put func(*streams.Queue, *streams.Block), fn func(*streams.Queue, *streams.Block) bool) func(*streams.Queue, *streams.Block) {
	if put == nil {
		put = (*streams.Queue).PassOn
	}
	return func(q *streams.Queue, m *streams.Block) {
		if !fn(q, m) {
			put(q, m)
		}
	}
}

// payload takes an M_DATA message that has come to one end of the modules. It runs inside
// the stream.
func (e *End) payload(m *streams.Block, down bool) {
	if p := entryOf(m); p != nil {
		e.arrived(p, m, down)
	}
	m.Free()
}

// entryOf returns the first entry that a message carries, or nil.
func entryOf(m *streams.Block) userclient.Payload {
	for ; m != nil; m = m.Next() {
		if p, ok := m.Value().(userclient.Payload); ok {
			return p
		}
	}
	return nil
}

func (e *End) arrived(p userclient.Payload, m *streams.Block, down bool) {
	if m.Next() == nil {
		if m.Over(p) {
			offset, _ := m.Room()
			p.Arrived(e, down, offset, m.Len())
		} else {
			p.Replaced(e, down, m.Bytes())
		}
		return
	}
	e.scratch = e.scratch[:0]
	for b := m; b != nil; b = b.Next() {
		if b.Type() != streams.MData || len(e.scratch)+b.Len() > len(p.Region()) {
			return // no entry, or more than its buffer holds
		}
		e.scratch = append(e.scratch, b.Bytes()...)
	}
	p.Replaced(e, down, e.scratch)
}
