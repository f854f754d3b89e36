// SPDX-License-Identifier: Apache-2.0

package head

import (
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Notice tells of events of a stream.
type Notice struct {
	Events streams.Events
	Band   uint8 // the highest band of the messages that came
	Signal uint8 // of EventSignal: the number in the M_SIG or M_PCSIG
}

// maxNotices is how many notices wait for a slow function; more are merged into the last.
const maxNotices = 64

// events tells of events, one notice at a time, in a goroutine that there is only while
// there is something to tell.
type events struct {
	mu      sync.Mutex
	mask    streams.Events
	fn      func(Notice)
	queue   []Notice
	running bool
	ended   bool
}

// set replaces what is told and to whom.
func (e *events) set(mask streams.Events, fn func(Notice)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	e.mask, e.fn = mask, fn
	if mask == 0 {
		e.queue = nil
	}
}

func (e *events) wanted() streams.Events {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mask
}

// end stops everything that has not begun.
func (e *events) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended, e.mask, e.fn, e.queue = true, 0, nil, nil
}

// post tells of events, soon. It doesn't block, and may be called from procedures.
func (e *events) post(n Notice) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n.Events &= e.mask &^ streams.EventBandAlert
	if n.Events == 0 {
		return
	}
	if e.mask&streams.EventBandAlert != 0 && n.Events&streams.EventReadBand != 0 {
		n.Events |= streams.EventBandAlert
	}
	if last := len(e.queue) - 1; last >= 0 && (n.Signal == 0 && e.queue[last].Signal == 0 || last+1 == maxNotices) {
		e.queue[last].Events |= n.Events
		e.queue[last].Band = max(e.queue[last].Band, n.Band)
	} else {
		e.queue = append(e.queue, n)
	}
	if !e.running {
		e.running = true
		go e.run()
	}
}

func (e *events) run() {
	for {
		e.mu.Lock()
		if len(e.queue) == 0 {
			e.running = false
			e.mu.Unlock()
			return
		}
		n, fn := e.queue[0], e.fn
		e.queue = e.queue[1:]
		e.mu.Unlock()
		if fn != nil {
			fn(n)
		}
	}
}

// SetSig asks to be told of events (I_SETSIG) by fn, or by Config.Notify for a nil fn. The
// new set replaces the old one; no events end it. fn runs in a goroutine, one call at a
// time and with no lock held, and may use the head. Events that come while it runs are
// told in one notice, signals each in one. Close ends it, except for a notice that is being
// told just then, for which it does not wait, so that fn may close the stream.
//
// The error is EINVAL for events that do not exist, EventBandAlert without EventReadBand,
// and no events where there were none.
func (h *Head) SetSig(events streams.Events, fn func(Notice)) error {
	return h.op(streams.CmdSetSig, h.setSig(events, fn))
}

func (h *Head) setSig(events streams.Events, fn func(Notice)) streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	return h.register(events, fn)
}

// register is setSig on a stream that is as it should be.
func (h *Head) register(events streams.Events, fn func(Notice)) streams.Errno {
	switch {
	case events&^streams.EventsAll != 0, events&streams.EventBandAlert != 0 && events&streams.EventReadBand == 0,
		events == 0 && h.events.wanted() == 0:
		return streams.EINVAL
	case fn == nil:
		fn = h.cfg.Notify
	}
	h.events.set(events, fn)
	return 0
}

// GetSig returns the events that are told of (I_GETSIG). The error is EINVAL if there are
// none.
func (h *Head) GetSig() (streams.Events, error) {
	e, errno := h.getSig()
	return e, h.op(streams.CmdGetSig, errno)
}

func (h *Head) getSig() (streams.Events, streams.Errno) {
	if errno := h.gate(classAsk); errno != 0 {
		return 0, errno
	}
	e := h.events.wanted()
	if e == 0 {
		return 0, streams.EINVAL
	}
	return e, 0
}

// signalled tells of the signal in an M_SIG or M_PCSIG, and frees it.
func (h *Head) signalled(m *streams.Block) {
	if b := m.Bytes(); len(b) > 0 {
		h.events.post(Notice{Events: streams.EventSignal, Signal: b[0]})
	}
	m.Free()
}
