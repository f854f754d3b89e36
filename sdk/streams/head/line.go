// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Line is the way to a driver in another process, for [Config.Line]. Its calls take a
// goroutine that waits for the other side. A command lends its own, which waits for the
// answer anyway: passing it on costs more than the command. The methods are safe for
// concurrent use.
type Line interface {
	// Expect says that the message of the ioctl with this ID, which is about to be sent
	// down, will be followed by a Serve. It does not block.
	Expect(id uint64)
	// Serve makes the call for that message in this goroutine, and returns when what came
	// of it was sent up. If the message has not come, or is not the next in turn, it
	// returns at once, and the line makes the call itself. False means that ctx has ended,
	// or Interrupt was called, and nothing will be sent up.
	Serve(ctx context.Context) bool
	// Interrupt ends a Serve, and the next one up to the next Expect. It does not block.
	Interrupt()
}

// alarm ends waits that a line serves. Its timer is left as it is while it rings early
// enough: setting one for each command would cost more than the command's way through the
// stream.
type alarm struct {
	ring func()

	mu    sync.Mutex
	timer *time.Timer
	set   time.Time // when the timer is over; zero: it is not set
	due   time.Time // when the wait is over; zero: there is none
	rang  bool
}

// begin starts a wait.
func (a *alarm) begin(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due, a.rang = time.Now().Add(d), false
	if a.set.IsZero() || a.due.Before(a.set) {
		a.arm(d)
	}
}

func (a *alarm) arm(d time.Duration) {
	a.set = a.due
	if a.timer == nil {
		a.timer = time.AfterFunc(d, a.over)
	} else {
		a.timer.Reset(d)
	}
}

// over is called by the timer.
func (a *alarm) over() {
	a.mu.Lock()
	a.set = time.Time{}
	switch left := time.Until(a.due); {
	case a.due.IsZero():
	case left > 0:
		a.arm(left)
	default:
		a.rang = true
	}
	rang := a.rang
	a.mu.Unlock()
	if rang {
		a.ring()
	}
}

// end ends the wait, and reports whether its time is over.
func (a *alarm) end() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due = time.Time{}
	return a.rang
}

// stop takes the timer back.
func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
		a.set = time.Time{}
	}
}

// lend lets the line use this goroutine. A reply that has come wins over whatever else has
// happened, unless the call's own time is over. Without a reply and an error the caller has
// to wait for what the line does by itself.
func (c *conversation) lend(ctx context.Context) (*streams.Block, streams.Errno) {
	h := c.h
	timed := c.r.wait >= 0
	if timed {
		h.alarm.begin(c.r.wait)
	}
	served := h.cfg.Line.Serve(ctx)
	late := timed && h.alarm.end()
	var errno streams.Errno
	switch {
	case served:
	case ctx.Err() != nil:
		errno = ended(ctx)
	case late:
		errno = streams.ETIME
	}
	m, give := h.slot.answer()
	switch {
	case m != nil && errno != 0:
		h.dismiss(m, "the call has ended")
		return nil, errno
	case m != nil || errno != 0 || served:
		return m, errno
	case give:
		return nil, streams.ETIME
	}
	if errno = h.meanwhile(); errno == 0 {
		errno = streams.EINTR // somebody else was told of what has happened
	}
	return nil, errno
}

// interrupt ends the wait of a command that the line serves.
func (h *Head) interrupt() {
	if h.cfg.Line != nil {
		h.cfg.Line.Interrupt()
	}
}

// failing reports whether calls that wait have to end.
func (h *Head) failing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed || h.hungUp || h.readErr.errno != 0 || h.writeErr.errno != 0 || h.stream.Linked()
}
