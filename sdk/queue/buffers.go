// SPDX-License-Identifier: Apache-2.0

package queue

// ReceiveBuffers is Receive for a caller that only wants to know whose buffers come:
// it puts their IDs into ids. The entries are checked as Receive checks them, where
// they lie.
func (e *End) ReceiveBuffers(ids []uint32) (int, error) {
	if e.exclusive {
		return e.receiveBuffers(ids)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.receiveBuffers(ids)
}

func (e *End) receiveBuffers(ids []uint32) (n int, err error) {
	c := e.in
	if c.classic != nil {
		return e.receiveEach(ids)
	}
	if e.broken != nil {
		return 0, e.broken
	}
	got, err := c.ready(len(ids))
	if err != nil {
		return 0, e.latch(err)
	}
	if got == 0 {
		return 0, nil
	}
	at := c.next & uint32(len(c.slots)-1)
	part := c.slots[at:min(at+got, uint32(len(c.slots)))]
	n, bytes := e.claim(part, ids)
	if n == len(part) && n < int(got) {
		m, more := e.claim(c.slots[:int(got)-n], ids[n:])
		n, bytes = n+m, bytes+more
	}
	c.took(got)
	if n == 0 {
		return 0, e.broken
	}
	e.received(n, bytes)
	return n, nil
}

// claim takes over the buffers of entries in shared memory, up to the first that breaks
// a rule, which it notes. ids is not shorter than part.
func (e *End) claim(part []Entry, ids []uint32) (n int, bytes uint64) {
	buffers := e.buffers
	for ; n < len(part) && n < len(ids); n++ {
		ent := part[n] // the other side may change it meanwhile: read once
		if uint64(ent.Buffer) >= uint64(len(buffers)) {
			e.broken = e.judge(&ent)
			break
		}
		b := &buffers[ent.Buffer]
		if b.mine || !b.holds(&ent) {
			e.broken = e.judge(&ent)
			break
		}
		b.mine = true
		ids[n] = ent.Buffer
		bytes += uint64(ent.DataLength)
	}
	return n, bytes
}

// receiveEach is ReceiveBuffers by way of Receive.
func (e *End) receiveEach(ids []uint32) (n int, err error) {
	var es [16]Entry
	for n < len(ids) {
		m, err := e.receive(es[:min(len(es), len(ids)-n)])
		for i := range es[:m] {
			ids[n+i] = es[i].Buffer
		}
		if n += m; m < len(es) {
			if n > 0 {
				err = nil // it comes again
			}
			return n, err
		}
	}
	return n, nil
}

// SendBuffers is Send of entries that name the buffers ids and carry stamp, and nothing
// else.
func (e *End) SendBuffers(ids []uint32, stamp uint64) (Wake, error) {
	if e.exclusive {
		return e.sendBuffers(ids, stamp)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sendBuffers(ids, stamp)
}

func (e *End) sendBuffers(ids []uint32, stamp uint64) (Wake, error) {
	p := e.out
	count := uint32(len(p.slots))
	if e.broken != nil || p.classic != nil || len(ids) == 0 || uint64(len(ids)) > uint64(count) {
		return e.sendEach(ids, stamp)
	}
	n := uint32(len(ids))
	if err := p.room(n); err != nil {
		return WakeNone, e.latch(err)
	}
	buffers, mask := e.buffers, count-1
	for i, id := range ids {
		if uint64(id) >= uint64(len(buffers)) || !buffers[id].mine {
			for _, id := range ids[:i] {
				buffers[id].mine = true
			}
			return e.sendEach(ids, stamp) // says what is wrong
		}
		buffers[id].mine = false
		p.slots[(p.next+uint32(i))&mask] = Entry{Buffer: id, Stamp: stamp}
	}
	w := p.publish(n)
	e.sent(len(ids), 0, w)
	return w, nil
}

// sendEach is SendBuffers by way of Send.
func (e *End) sendEach(ids []uint32, stamp uint64) (Wake, error) {
	var some [64]Entry
	es := some[:0]
	for _, id := range ids {
		es = append(es, Entry{Buffer: id, Stamp: stamp})
	}
	return e.send(es, true)
}
