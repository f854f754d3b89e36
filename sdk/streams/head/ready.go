// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Ready says what can be done with a stream without a wait, as poll does.
type Ready uint8

// What may be ready.
const (
	ReadyRead   Ready = 1 << iota // the first message is ordinary, in band 0 (POLLRDNORM)
	ReadyBand                     // the first message has a band above 0 (POLLRDBAND)
	ReadyUrgent                   // the first message is a priority message (POLLPRI)
	ReadyWrite                    // there is room for a message of band 0 (POLLOUT)
	ReadyError                    // M_ERROR has come (POLLERR)
	ReadyHangup                   // M_HANGUP has come, or the stream was closed (POLLHUP)

	ReadyInput = ReadyRead | ReadyBand | ReadyUrgent
)

var readyNames = [...]string{"read", "band", "urgent", "write", "error", "hangup"}

// String returns the names of what is ready, "read|write".
func (r Ready) String() string {
	var names []string
	for i, name := range readyNames {
		if r>>i&1 != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, "|")
}

// Ready returns what is ready now. It doesn't wait for anything to become so. A passed file
// counts as something to read. While the stream is below a multiplexer it is in error.
func (h *Head) Ready() Ready {
	var r Ready
	h.mu.Lock()
	if h.readErr.errno != 0 || h.writeErr.errno != 0 || h.stream.Linked() {
		r |= ReadyError
	}
	if h.hungUp || h.closed {
		r |= ReadyHangup
	}
	h.mu.Unlock()
	if r&ReadyError != 0 {
		return r
	}
	errno := h.inside(func(q *streams.Queue) streams.Errno {
		switch m := q.First(); {
		case m == nil:
		case m.Type().High():
			r |= ReadyUrgent
		case m.Band() > 0:
			r |= ReadyBand
		default:
			r |= ReadyRead
		}
		if r&ReadyHangup == 0 && q.Partner().CanPutNext(0) {
			r |= ReadyWrite
		}
		return 0
	})
	if errno != 0 {
		return ReadyHangup
	}
	return r
}

// Poll waits until some of want is ready, or there is an error or a hang-up, and returns
// everything that is ready. The error is EINTR or ETIME when ctx ends first.
func (h *Head) Poll(ctx context.Context, want Ready) (Ready, error) {
	want |= ReadyError | ReadyHangup
	if r := h.Ready(); r&want != 0 {
		return r, nil
	}
	c := h.readers.join()
	h.writers.add(c)
	defer func() {
		h.writers.remove(c)
		h.readers.leave(c)
	}()
	for {
		if r := h.Ready(); r&want != 0 {
			return r, nil
		}
		select {
		case <-c:
		case <-ctx.Done():
			return 0, h.call("poll", ended(ctx))
		}
	}
}

// Changes puts a token into c, without waiting, whenever what is ready may have changed,
// until stop is called. It is for those who look after many streams; c has room for one
// token at least. To be told of room, ask for it with [Head.Ready] first.
func (h *Head) Changes(c chan<- struct{}) (stop func()) {
	h.readers.add(c)
	h.writers.add(c)
	return func() {
		h.readers.remove(c)
		h.writers.remove(c)
	}
}
