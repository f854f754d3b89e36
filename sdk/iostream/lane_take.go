// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

type entry = queue.Entry

var (
	errNotRunning = errors.New("the stream is not running")
	errPolicyFail = errors.New("no buffer is free, and the policy is to fail")
)

// receive takes in what the client has published.
func (ln *lane) receive() error {
	before := ln.received
	var none [1]uint32 // where no buffer can come any more, an entry breaks a rule
	for more := true; more; {
		room := ln.free.room()
		if len(room) == 0 {
			room = none[:]
		}
		var n, here int
		var err error
		if ln.mode.ToDevice() {
			room = room[:min(len(room), len(ln.batch))]
			n, here, err = ln.receiveFilled(room)
		} else { // what an entry says of its buffer means nothing
			n, err = ln.end.ReceiveBuffers(room)
			here = n
		}
		if err != nil {
			return err
		}
		ln.free.n += here
		ln.received += uint32(n)
		more = n == len(room) && !ln.free.full()
	}
	if n := ln.received - before; n > 0 {
		ln.st.Returned += uint64(n)
		ln.advanced()
	}
	return nil
}

// receiveFilled receives entries of buffers that the client has filled, and notes what
// they say. It returns how many, and puts into ids those of them that need not pass
// modules first. ids is not longer than batch.
func (ln *lane) receiveFilled(ids []uint32) (n, here int, err error) {
	es := ln.batch[:len(ids)]
	n, err = ln.end.Receive(es)
	through := n > 0 && ln.through(true)
	for i := range es[:n] {
		e := &es[i]
		if !ln.has(userclient.FeatureSequence) {
			e.Seq, e.Stamp = 0, 0 // words without a meaning (C15)
		}
		ln.st.Bytes += uint64(e.DataLength)
		if through && e.DataLength > 0 {
			ln.mods.passages[e.Buffer].begin(infoOf(e, uint64(e.Seq), true), e)
			continue
		}
		b := &ln.buffers[e.Buffer]
		b.entry, b.filled = *e, true
		ids[here] = e.Buffer
		here++
	}
	return n, here, err
}

// grab gives buffers to the driver, as many as there are and dst holds, without
// waiting. If there is none, spare lets the overrun policy find one, or end the run
// with errPolicyFail. mu is held, but where there are modules not all the time.
func (ln *lane) grab(dst []*Buffer, spare bool) (n int, err error) {
	if !ln.active() || ln.ending {
		return 0, errNotRunning
	}
	if ln.free.n < len(dst) {
		err = ln.receive()
	}
	n = ln.grabFree(dst)
	if n == 0 && err == nil && ln.mods != nil && ln.mods.outbox.n > 0 {
		n, err = ln.grabThrough(dst)
	}
	if n > 0 {
		if ln.overrun > 0 {
			ln.overrunOver()
		}
		return n, nil // an error is final, and comes again
	}
	if err != nil || !spare || ln.mods != nil && ln.mods.entering > 0 { // another lets them into the modules
		return 0, err
	}
	if dst[0], err = ln.grabSpare(); dst[0] == nil {
		return 0, err
	}
	return 1, nil
}

// grabFree gives free buffers to the driver.
func (ln *lane) grabFree(dst []*Buffer) int {
	n := 0
	for ; n < len(dst) && ln.free.n > 0; n++ {
		b := &ln.buffers[*ln.free.at(0)]
		ln.free.drop(1)
		b.taken = true
		dst[n] = b
	}
	ln.users += n
	if ln.free.n > 0 {
		hint(ln.buffers[*ln.free.at(0)].data, ln.mode != userclient.ModeInput) // for the next call
	}
	return n
}

// grabSpare lets the overrun policy find a buffer; nil if it has none.
func (ln *lane) grabSpare() (*Buffer, error) {
	if ln.mode == userclient.ModeInput {
		return nil, nil // nothing is lost by waiting for a client that fills
	}
	switch ln.s.d.cfg.Policy {
	case DropOldest:
		id, ok := ln.dropOldest()
		if !ok {
			return ln.takeScratch(), nil
		}
		b := &ln.buffers[id]
		b.taken = true
		ln.users++
		return b, nil
	case DropNewest:
		return ln.takeScratch(), nil
	case Fail:
		ln.lose(userclient.LossFail, 1, ln.number())
		ln.halted(uint32(ioreturn.Overrun)) // this run, not one that a client starts in the meantime
		return nil, errPolicyFail
	}
	return nil, nil
}

// dropOldest takes the buffer of the oldest entry that the client was not shown.
func (ln *lane) dropOldest() (id uint32, ok bool) {
	e, ok := ln.backlog.pop()
	if !ok {
		return 0, false
	}
	after := ln.gap
	ln.lose(userclient.LossDropOldest, 1, ln.seqOf(&e))
	if ln.backlog.n > 0 { // the gap is before the next entry of the backlog, not before the next that is posted
		ln.gap = after
		front := ln.backlog.at(0)
		front.Stamp |= queue.MakeStamp(0, FlagDiscontinuity)
		ln.buffers[front.Buffer].setMetadataFlags(front.Flags())
	}
	return e.Buffer, true
}

// takeScratch returns a private buffer, or nil when the driver holds as many of them
// as the stream has buffers.
func (ln *lane) takeScratch() *Buffer {
	if n := len(ln.scratch); n > 0 {
		b := ln.scratch[n-1]
		ln.scratch = ln.scratch[:n-1]
		b.taken = true
		return b
	}
	if ln.scratchN == len(ln.buffers) {
		return nil
	}
	like := &ln.buffers[ln.scratchN]
	ln.scratchN++
	return &Buffer{
		ln: ln, id: userclient.NoBuffer, scratch: true, taken: true, place: userclient.Mem{FD: -1},
		data: make([]byte, len(like.data)), control: make([]byte, len(like.control)),
	}
}
