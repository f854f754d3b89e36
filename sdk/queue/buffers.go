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
	part := c.part(c.next, got)
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
