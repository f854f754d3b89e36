// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// passage is an entry on its way through the modules of a session: down where the client
// has filled it, up where the driver has. Each buffer has one, so that it costs no
// allocation. From begin to end its buffer is the modules' and nobody else's.
//
// Two things happen to it, in any order: it arrives or not, and it is let go of. It is over
// when both are known, and all before it in the order of arrival are over.
type passage struct {
	ln   *lane
	b    *Buffer
	info userclient.PayloadInfo // not changed from begin to end
	from entry                  // as it was posted
	refs atomic.Int32           // the memory, and each data block that carries it

	// Guarded by the session's mu.
	under   bool // from begin to end
	arrived bool
	counted bool // what became of its number is settled: it was stopped, or flushed, meanwhile
	free    bool // nothing refers to it
	off, n  int  // what of the region arrived
	own     []byte
	copied  bool // own is what arrived
}

var _ userclient.Payload = (*passage)(nil)

// Info implements userclient.Payload.
func (p *passage) Info() userclient.PayloadInfo { return p.info }

// Region implements userclient.Payload.
func (p *passage) Region() []byte { return p.b.data }

// Range implements userclient.Payload.
func (p *passage) Range() (offset, length int) {
	return int(p.from.DataOffset), int(p.from.DataLength)
}

// Carry implements streams.Carried.
func (p *passage) Carry() { p.refs.Add(1) }

// Drop implements streams.Carried.
func (p *passage) Drop() {
	if p.refs.Add(-1) == 0 {
		p.ln.letGo(p)
	}
}

// FreeBuffer implements streams.FreeRoutine.
func (p *passage) FreeBuffer([]byte) { p.Drop() }

// Arrived implements userclient.Payload.
func (p *passage) Arrived(path userclient.PayloadPath, down bool, offset, length int) {
	mu := &p.ln.s.mu
	mu.Lock()
	defer mu.Unlock()
	if length < 0 || offset < 0 || offset > len(p.b.data) || length > len(p.b.data)-offset || !p.arrive(path, down) {
		return
	}
	p.off, p.n, p.copied = offset, length, false
}

// Replaced implements userclient.Payload.
func (p *passage) Replaced(path userclient.PayloadPath, down bool, b []byte) {
	mu := &p.ln.s.mu
	mu.Lock()
	defer mu.Unlock()
	if len(b) > len(p.b.data) || !p.arrive(path, down) {
		return
	}
	p.own, p.copied = append(p.own[:0], b...), true
}

// arrive lets p be the last that has arrived, unless that can't be.
func (p *passage) arrive(path userclient.PayloadPath, down bool) bool {
	m := p.ln.mods
	if path != p.ln.path || down != p.info.Down || p.arrived || p.counted || !down && p.info.Seq < m.next {
		return false
	}
	if !down {
		m.next = p.info.Seq + 1
	}
	p.arrived = true
	m.order(down).push(p)
	return true
}

// begin lets an entry of b go into the modules. The session's mu is held.
func (p *passage) begin(info userclient.PayloadInfo, e *entry) {
	p.info, p.from = info, *e
	p.under, p.arrived, p.counted, p.free, p.copied = true, false, false, false, false
	p.refs.Store(1) // the memory
	ln := p.ln
	ln.users++ // the memory stays until it is over
	*ln.mods.count(info.Down)++
	if info.Down {
		ln.mods.entering++
	} else {
		ln.mods.live++
	}
	ln.mods.outbox.push(p)
}

// result makes e what has become of the entry's data. The session's mu is held, and nothing
// refers to the buffer.
func (p *passage) result(e *entry) {
	*e = p.from
	if !p.copied {
		e.DataOffset, e.DataLength = uint32(p.off), uint32(p.n)
		return
	}
	if len(p.own) > len(p.b.data)-int(e.DataOffset) {
		e.DataOffset = 0
	}
	e.DataLength = uint32(copy(p.b.data[e.DataOffset:], p.own))
	p.ln.st.Copies++
}

// infoOf is what modules are told of an entry.
func infoOf(e *entry, seq uint64, down bool) userclient.PayloadInfo {
	i := userclient.PayloadInfo{Seq: seq, Flags: uint8(e.Flags()), Buffer: e.Buffer, Down: down}
	if e.Flags()&queue.FlagTime != 0 {
		i.Time = e.Time()
	}
	return i
}
