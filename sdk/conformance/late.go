// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// What rules use that bring a stream to a state, or keep it there, although its policy
// may be to stop when the client is late. On a busy machine a client is late at any
// moment, so such a driver (CapFail) may find its stream stopped between any two calls.
// To no other driver is anything forgiven here.

// failRetries is how often something is tried again on a driver that stops by itself.
// Each time the client would have to be late by as much as all buffers hold.
const failRetries = 20

// failed reports whether err is the refusal of a stream that may have stopped by itself.
func (l *link) failed(err error) bool {
	return l.t.Claims(CapFail) && ioreturn.Of(err) == ioreturn.NotReady
}

// retried calls do. If the driver has stopped the stream before that by itself, it gives
// back what is unread, starts the stream and calls do again. It returns the entries that
// it has read and given back, and the last answer.
func (l *link) retried(do func() error) (read []queue.Entry, err error) {
	err = do()
	for n := 0; l.failed(err) && n < failRetries; n++ {
		read = append(read, l.catchUp()...)
		err = do()
	}
	return read, err
}

// catchUp gives every unread entry back and starts the stream, so that the driver has
// buffers for a while. It returns the entries. A link whose memory nobody has mapped maps
// it for that.
func (l *link) catchUp() []queue.Entry {
	if l.mine == nil {
		l.mustMap(l.chosen)
	}
	es := l.mine.mustDrain()
	l.mine.mustGiveBack(es...)
	l.mustStart()
	return es
}

// suspendSoon is suspend, retried.
func (l *link) suspendSoon() error {
	_, err := l.retried(l.suspend)
	return err
}

// mustSuspend suspends a stream that was started, or ends the rule in an error. It
// returns the entries that it had to read, which are with the driver again.
func (l *link) mustSuspend() []queue.Entry {
	read, err := l.retried(l.suspend)
	l.must("suspend the stream", err)
	return read
}

// mustSuspend is that of link for a client which moves each word itself.
func (h *hand) mustSuspend() {
	err := h.suspend()
	for n := 0; h.failed(err) && n < failRetries; n++ {
		h.put(h.returning(h.readAll())...)
		h.mustStart()
		err = h.suspend()
	}
	h.must("suspend the stream", err)
}

// reachSuspended brings an open link to that state. Nothing is mapped for it: a stream
// that stops by itself is opened anew.
func (l *link) reachSuspended() {
	l.mustStart()
	err := l.suspend()
	for n := 0; l.failed(err) && n < failRetries; n++ {
		l.must("close the stream", l.closeStream())
		l.mustOpen()
		l.mustStart()
		err = l.suspend()
	}
	l.must("suspend the stream", err)
}

// quiesce suspends a stream so that nobody posts any more. One that has stopped by itself
// is as quiet.
func (r *rig) quiesce() {
	if err := r.suspend(); !r.failed(err) {
		r.must("suspend the stream", err)
	}
}

// overran reports whether the driver has stopped the stream because no buffer was free.
func (r *rig) overran() bool {
	return r.t.Claims(CapFail) && r.end.Status() == uint32(ioreturn.Overrun)
}

// revive starts a stream again that may have stopped by itself. A classic stream does not
// say whether it has; then start changes nothing unless it has.
func (r *rig) revive() {
	if r.overran() || r.t.Claims(CapFail) && r.layout == userclient.LayoutClassic {
		_ = r.start() // what does not come tells
	}
}

// resumed reports whether to go on after waiting for an entry has ended with err: the stream
// had stopped by itself, and was started once more. tries counts how often in a row.
func (r *rig) resumed(err error, tries *int) bool {
	if !errors.Is(err, errStopped) || !r.overran() || *tries >= failRetries {
		return false
	}
	*tries++
	return r.start() == nil
}
