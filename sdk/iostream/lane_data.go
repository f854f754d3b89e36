// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

type entry = queue.Entry

var (
	errNotRunning = errors.New("the stream is not running")
	errNoBuffer   = errors.New("no buffer is free")
)

// receive takes in what the client has published, as far as there is room.
func (ln *lane) receive() (n int, err error) {
	for {
		m, err := ln.end.Receive(ln.batch)
		for i := range ln.batch[:m] {
			e := &ln.batch[i]
			b := &ln.buffers[e.Buffer]
			b.entry = *e
			ln.free.push(e.Buffer)
			ln.st.Returned++
			if ln.mode.ToDevice() {
				ln.st.Bytes += uint64(e.DataLength)
			}
		}
		n += m
		if err != nil {
			return n, err
		}
		if m < len(ln.batch) {
			break
		}
	}
	if n > 0 {
		ln.received += uint32(n)
		ln.advanced()
	}
	return n, nil
}

// advanced wakes those who wait for the driver to have consumed something.
func (ln *lane) advanced() {
	if ln.syncing > 0 && !ln.finished {
		close(ln.progress)
		ln.progress = make(chan struct{})
	}
}

// consumed is how many of the client's entries the driver is done with: on a
// to-device stream those whose buffer it has given back, otherwise those received.
func (ln *lane) consumed() uint32 {
	if ln.mode.ToDevice() {
		return ln.done
	}
	return ln.received
}

// waitConsumed returns when everything that the client had published at the call is
// consumed.
func (ln *lane) waitConsumed(ctx context.Context) (uint32, error) {
	s := ln.s
	s.mu.Lock()
	if ln.finished {
		s.mu.Unlock()
		return 0, ioreturn.NotOpen
	}
	waiting, err := ln.end.Len()
	if err != nil {
		s.mu.Unlock()
		return 0, s.fail(err)
	}
	target := ln.received + uint32(waiting)
	ln.syncing++
	defer func() {
		s.mu.Lock()
		ln.syncing--
		s.mu.Unlock()
	}()
	for {
		if !ln.mode.ToDevice() && !ln.finished { // nothing keeps the driver from taking these in
			if _, err := ln.receive(); err != nil {
				s.mu.Unlock()
				return 0, s.fail(err)
			}
		}
		n, progress, finished := ln.consumed(), ln.progress, ln.finished
		s.mu.Unlock()
		if int32(n-target) >= 0 {
			return n, nil
		}
		if finished {
			return n, ioreturn.Aborted
		}
		select {
		case <-progress:
		case <-ctx.Done():
			return n, context.Cause(ctx)
		}
		s.mu.Lock()
	}
}

// grab gives a buffer to the driver, without waiting. spare lets the overrun policy
// find one. mu is held.
func (ln *lane) grab(spare bool) (*Buffer, error) {
	if !ln.active() {
		return nil, errNotRunning
	}
	if ln.free.n == 0 {
		if _, err := ln.receive(); err != nil {
			return nil, err
		}
	}
	id, ok := ln.free.pop()
	if !ok && spare {
		if b, err := ln.spare(); b != nil || err != nil {
			return b, err
		}
	}
	if ok || spare && ln.dropOldest(&id) {
		b := &ln.buffers[id]
		b.taken = true
		ln.taken++
		return b, nil
	}
	return nil, errNoBuffer
}

// dropOldest takes the buffer of the oldest entry that the client was not shown.
func (ln *lane) dropOldest(id *uint32) bool {
	if ln.s.d.cfg.Policy != DropOldest || len(ln.backlog) == 0 {
		return false
	}
	e := ln.backlog[0]
	ln.backlog = append(ln.backlog[:0], ln.backlog[1:]...)
	ln.lose(userclient.LossDropOldest, 1, ln.seqOf(&e))
	*id = e.Buffer
	return true
}

// spare does what the overrun policy says when no buffer is free: a scratch buffer
// whose entry will be counted as lost, an error, or nothing (wait).
func (ln *lane) spare() (*Buffer, error) {
	if ln.mode == userclient.ModeInput {
		return nil, nil // nothing is lost by waiting for the client
	}
	switch ln.s.d.cfg.Policy {
	case DropOldest:
		if len(ln.backlog) > 0 {
			return nil, nil
		}
		return ln.takeScratch(), nil
	case DropNewest:
		return ln.takeScratch(), nil
	case Fail:
		ln.lose(userclient.LossFail, 1, ln.number())
		return nil, ioreturn.Overrun
	}
	return nil, nil
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
		ln: ln, id: userclient.NoBuffer, scratch: true, taken: true,
		data: make([]byte, len(like.data)), control: make([]byte, len(like.control)),
	}
}

// put takes a buffer back from the driver and posts it, or loses it and says why.
func (ln *lane) put(b *Buffer, p *Posting) (queue.Wake, error) {
	if !b.taken {
		return queue.WakeNone, fmt.Errorf("buffer %d is not taken: %w", b.id, ioreturn.BadArgument)
	}
	if err := p.check(b); err != nil {
		return queue.WakeNone, err
	}
	b.taken = false
	if !b.scratch {
		ln.taken--
	}
	if ln.mode == userclient.ModeInput {
		return ln.putEmpty(b)
	}
	return ln.putFilled(b, p)
}

// putEmpty gives an empty buffer of a to-device stream back to the client.
func (ln *lane) putEmpty(b *Buffer) (queue.Wake, error) {
	ln.done++
	ln.advanced()
	if !ln.active() {
		ln.idle.push(b.id)
		return queue.WakeNone, nil
	}
	return ln.send(entry{Buffer: b.id})
}

// putFilled numbers an entry and hands it to the client, the backlog, or nobody.
func (ln *lane) putFilled(b *Buffer, p *Posting) (queue.Wake, error) {
	seq := ln.number()
	switch {
	case ln.finished:
		ln.lose(userclient.LossSessionEnded, 1, seq)
	case b.scratch:
		ln.lose(userclient.LossDropNewest, 1, seq)
		ln.scratch = append(ln.scratch, b)
	case ln.s.state != userclient.StateRunning && ln.s.state != userclient.StateSuspended:
		ln.lose(userclient.LossStopped, 1, seq)
		ln.free.push(b.id)
	default:
		e := p.entry(b, seq, ln)
		ln.gap = false
		ln.overrunOver()
		if ln.s.state == userclient.StateRunning && ln.s.d.cfg.Policy != DropOldest {
			return ln.send(e)
		}
		ln.backlog = append(ln.backlog, e)
		return ln.pump()
	}
	return queue.WakeNone, nil
}

// send publishes one entry.
func (ln *lane) send(e entry) (queue.Wake, error) {
	ln.batch[0] = e
	wake, err := ln.end.Send(ln.batch[:1])
	if err == nil && ln.mode != userclient.ModeInput { // an empty buffer is no entry of the stream's
		ln.st.Posted++
		ln.st.Bytes += uint64(e.DataLength)
	}
	return wake, err
}

// pump posts from the backlog: up to W entries ahead of the client under DropOldest,
// everything under the other policies (C13).
func (ln *lane) pump() (queue.Wake, error) {
	if len(ln.backlog) == 0 || !ln.active() {
		return queue.WakeNone, nil
	}
	room := len(ln.backlog)
	if ln.s.d.cfg.Policy == DropOldest {
		queued, err := ln.end.Queued()
		if err != nil {
			return queue.WakeNone, err
		}
		room = min(room, max(0, ln.s.d.cfg.Backlog-queued))
	}
	return ln.post(room)
}

// post publishes the first n entries of the backlog at once.
func (ln *lane) post(n int) (queue.Wake, error) {
	if n == 0 {
		return queue.WakeNone, nil
	}
	wake, err := ln.end.Send(ln.backlog[:n])
	if err != nil {
		return wake, err
	}
	for i := range ln.backlog[:n] {
		ln.st.Bytes += uint64(ln.backlog[i].DataLength)
	}
	ln.st.Posted += uint64(n)
	ln.backlog = append(ln.backlog[:0], ln.backlog[n:]...)
	return wake, nil
}

// resume begins or continues a run: the client may see entries again.
func (ln *lane) resume() (queue.Wake, error) {
	ln.end.SetStatus(queue.StatusRunning)
	if ln.mode != userclient.ModeInput {
		return ln.pump()
	}
	var wake queue.Wake
	for {
		id, ok := ln.idle.pop()
		if !ok {
			return wake, nil
		}
		w, err := ln.send(entry{Buffer: id})
		if err != nil {
			return wake, err
		}
		wake = max(wake, w)
	}
}

// drainBacklog posts the whole backlog before the end of the stream, if asked to.
func (ln *lane) drainBacklog(all bool) (queue.Wake, error) {
	if !all {
		return queue.WakeNone, nil
	}
	return ln.post(len(ln.backlog))
}

// stopped ends a run: the backlog is lost, and a client that has read what was posted
// learns why no more will come (C24).
func (ln *lane) stopped(status uint32) {
	ln.dropBacklog(userclient.LossStopped)
	ln.end.SetStatus(status)
}
