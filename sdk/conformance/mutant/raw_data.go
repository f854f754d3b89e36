// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"encoding/binary"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func (ln *rawLane) running() bool {
	return ln.s.state == userclient.StateRunning && !ln.broken || ln.runsOn()
}

// pump takes in what the client has published and does what that allows.
func (ln *rawLane) pump() {
	if ln.broken || !ln.receive() || !ln.running() || ln.waits() {
		return
	}
	switch ln.d.mode {
	case userclient.ModeOutput:
		if ln.d.cfg.Period == 0 {
			for len(ln.free) > 0 {
				ln.produce(ln.takeFree())
			}
		}
		ln.postBacklog()
	case userclient.ModeInput:
		for len(ln.free) > 0 {
			ln.publish(queue.Entry{Buffer: ln.takeFree()}) // consumed; empty again
		}
	case userclient.ModeInputOutput:
		ln.echo()
	}
}

// receive takes the client's entries; false means that it broke a rule.
func (ln *rawLane) receive() bool {
	var batch [16]queue.Entry
	for {
		n, err := ln.get(batch[:])
		if err != nil {
			ln.breach(err)
			return false
		}
		if n == 0 {
			return true
		}
		for _, e := range batch[:n] {
			if err := ln.checked(&e); err != nil {
				ln.breach(err)
				return false
			}
			ln.admit(e)
		}
	}
}

// judge checks one entry of the client's.
func (ln *rawLane) judge(e *queue.Entry) error {
	if uint64(e.Buffer) >= uint64(len(ln.bufs)) {
		return ioreturn.Broken(ioreturn.RuleEntryBuffer, "input queue: entry names buffer %d of %d", e.Buffer, len(ln.bufs))
	}
	b := &ln.bufs[e.Buffer]
	if uint64(e.DataOffset)+uint64(e.DataLength) > uint64(len(b.data)) ||
		uint64(e.ControlOffset)+uint64(e.ControlLength) > uint64(len(b.control)) {
		return ioreturn.Broken(ioreturn.RuleEntryRange, "input queue: entry leaves buffer %d", e.Buffer)
	}
	if b.mine {
		return ioreturn.Broken(ioreturn.RuleEntryOwner, "input queue: entry names buffer %d, which its sender does not own", e.Buffer)
	}
	return nil
}

// accept takes over a buffer.
func (ln *rawLane) accept(e queue.Entry) {
	ln.bufs[e.Buffer].mine = true
	ln.received++
	ln.st.Returned++
	ln.free = append(ln.free, e.Buffer)
	if ln.d.mode.ToDevice() {
		ln.st.Bytes += uint64(e.DataLength)
	}
	if ln.d.mode == userclient.ModeInputOutput {
		ln.queued = append(ln.queued, e)
	}
}

func (ln *rawLane) takeFree() uint32 {
	ln.lastFirst()
	id := ln.free[0]
	ln.free = ln.free[1:]
	return id
}

// echo posts what came back; buffers that never left go empty.
func (ln *rawLane) echo() {
	for len(ln.free) > 0 {
		e := queue.Entry{Buffer: ln.takeFree()}
		for i := range ln.queued {
			if ln.queued[i].Buffer == e.Buffer {
				e = ln.queued[i]
				ln.queued = append(ln.queued[:i], ln.queued[i+1:]...)
				break
			}
		}
		ln.post(ln.numbered(e))
	}
}

// frame is one frame of the device with a period: it needs a buffer now.
func (ln *rawLane) frame() {
	if ln.broken || !ln.receive() || !ln.running() || ln.d.mode != userclient.ModeOutput {
		return
	}
	ln.postBacklog()
	if len(ln.free) > 0 {
		ln.overrunEnded()
		ln.produce(ln.takeFree())
		return
	}
	switch ln.policy() {
	case iostream.Block:
		// The device waits.
	case iostream.DropOldest:
		if len(ln.backlog) > 0 {
			ln.dropOldest()
			return
		}
		ln.skipFrame(userclient.LossDropNewest)
	case iostream.DropNewest:
		ln.skipFrame(userclient.LossDropNewest)
	case iostream.Fail:
		ln.skipFrame(userclient.LossFail)
		if ln.failsQuietly() {
			return
		}
		ln.s.state = userclient.StateOpen
		ln.stopped(uint32(ioreturn.Overrun))
		ln.s.ring()
		ln.s.announce(ln.s.state)
	case userclient.PolicyDriver:
	}
}

// skipFrame loses a frame that found no buffer.
func (ln *rawLane) skipFrame(c userclient.Cause) {
	ln.word += uint64(ln.d.cfg.DataSize / 8)
	ln.lose(c, ln.number())
}

// produce fills a buffer and posts it, by way of the backlog under drop-oldest.
func (ln *rawLane) produce(id uint32) {
	b := &ln.bufs[id]
	n := len(b.data) / 8 * 8
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b.data[i:], ln.word)
		ln.word++
	}
	ln.leavesTail(b.data)
	e := ln.numbered(queue.Entry{Buffer: id, DataLength: uint32(n)})
	if ln.policy() == iostream.DropOldest {
		ln.backlog = append(ln.backlog, e)
		ln.postBacklog()
		return
	}
	ln.post(e)
}

// number gives the next sequence number.
func (ln *rawLane) number() uint64 {
	seq := ln.seq
	ln.seq++
	return seq
}

// numbered completes an entry of the stream's: number, stamp, metadata.
func (ln *rawLane) numbered(e queue.Entry) queue.Entry {
	seq, now := ln.number(), ln.d.now()
	flags := queue.FlagTime
	if ln.gap {
		flags |= queue.FlagDiscontinuity
	}
	ln.gap = false
	now, flags = ln.misstamped(seq, now, flags)
	seq = ln.misnumbered(seq)
	e.Seq, e.Stamp = 0, 0
	if ln.s.features&userclient.FeatureSequence != 0 || ln.d.has(BugNumbersAlways) {
		e.Seq, e.Stamp = uint32(seq), queue.MakeStamp(now, flags)
	}
	if ln.s.features&userclient.FeatureMetadata != 0 {
		ln.header(&e, seq, flags)
	}
	return e
}

// header writes the metadata header into the entry's control region.
func (ln *rawLane) header(e *queue.Entry, seq uint64, flags queue.Flags) {
	ln.d.mu.Lock()
	epoch := ln.d.format.Epoch
	ln.d.mu.Unlock()
	h := userclient.MetadataHeader{Flags: uint32(flags), FormatEpoch: epoch, Sequence: seq}
	b, err := ln.misheaded(h).AppendBinary(nil)
	if err != nil {
		return // it has no text that could be too long
	}
	e.ControlOffset = 0
	e.ControlLength = max(e.ControlLength, uint32(copy(ln.bufs[e.Buffer].control, b)))
}

// widen returns the number of which only the low half is known; it is one of the last.
func (ln *rawLane) widen(low uint32) uint64 {
	if ln.s.features&userclient.FeatureSequence == 0 {
		return ln.seq - 1
	}
	return ln.seq - 1 - uint64(uint32(ln.seq-1)-low)
}

// post publishes an entry of the stream's.
func (ln *rawLane) post(e queue.Entry) {
	if ln.publish(e) {
		ln.st.Posted++
		ln.st.Bytes += uint64(e.DataLength)
	}
}

// publish gives a buffer to the client and rings if it asked for that.
func (ln *rawLane) publish(e queue.Entry) bool {
	wake, err := ln.put(e)
	if err != nil {
		ln.breach(err)
		return false
	}
	ln.bufs[e.Buffer].mine = false
	if wake != queue.WakeNone {
		ln.st.Rings++
		ln.s.ring()
	}
	return true
}

// postBacklog posts what may be ahead of the client under drop-oldest.
func (ln *rawLane) postBacklog() {
	for len(ln.backlog) > 0 && ln.running() {
		queued, err := ln.out.Queued()
		if err != nil {
			ln.breach(err)
			return
		}
		if queued >= ln.limit() {
			return
		}
		e := ln.backlog[0]
		ln.backlog = ln.backlog[1:]
		ln.post(e)
	}
}

// lose counts an entry that will never be seen.
func (ln *rawLane) lose(c userclient.Cause, seq uint64) {
	ln.overrunBegan(c, seq)
	ln.gap = true
	ln.count(&userclient.LossRecord{
		Time: ln.d.now(), Cause: c, Count: 1, LastSeq: seq,
		Free: uint32(len(ln.free)), Backlog: uint32(len(ln.backlog)),
	})
	if n := len(ln.st.Log); n > 64 {
		ln.st.Log = ln.st.Log[n-64:]
	}
}

// dropBacklog loses what the client has not been shown.
func (ln *rawLane) dropBacklog(c userclient.Cause) int {
	n := len(ln.backlog)
	for _, e := range ln.backlog {
		ln.lose(c, ln.widen(e.Seq))
		ln.home(e.Buffer)
	}
	ln.backlog = nil
	return n
}

// resume begins or continues a run.
func (ln *rawLane) resume() {
	ln.forgetFree()
	ln.spoilStart()
	ln.setStatus(queue.StatusRunning)
	for _, id := range ln.held {
		ln.publish(queue.Entry{Buffer: id})
	}
	ln.held = nil
	ln.pump()
}

// stopped ends a run.
func (ln *rawLane) stopped(status uint32) {
	if ln.spoilStop(status) {
		return
	}
	ln.dropBacklog(userclient.LossStopped)
	ln.setStatus(status)
	ln.s.ring() // so that a client that waits looks at the status
}

// stats is a snapshot of the counters.
func (ln *rawLane) stats() userclient.Stats {
	st := ln.st
	st.Log = append([]userclient.LossRecord(nil), ln.st.Log...)
	if st.Numbered = ln.seq > 0; st.Numbered {
		st.LastSeq = ln.seq - 1
	}
	st.Backlogged = uint64(len(ln.backlog))
	return st
}
