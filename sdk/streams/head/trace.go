// SPDX-License-Identifier: Apache-2.0

package head

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// What says which step of an ioctl was taken.
type What uint8

// The steps.
const (
	StepQueued   What = iota + 1 // a call waits for its turn
	StepTaken                    // it is its turn
	StepSent                     // a message went down
	StepMatched                  // a reply came that belongs to the call
	StepDropped                  // a reply came that belongs to none; Reason says why
	StepCopied                   // a copy was done, or failed with Errno
	StepGivenUp                  // the call waits no longer; Errno says why
	StepReleased                 // the turn of the call is over
	StepRefused                  // a call failed before it had its turn; nothing was sent
	StepClosed                   // the stream was closed
	StepWaiting                  // the call has waited for IoctlWait, or once more so long, without a limit of its own
	StepFailed                   // a call that had its turn has failed; Errno says why
	steps        = iota + 1
)

var stepNames = [steps]string{
	"", "queued", "taken", "sent", "matched", "dropped", "copied", "given up", "released", "refused", "closed", "waiting",
	"failed",
}

// String returns the step's name: "sent".
func (w What) String() string {
	if int(w) < len(stepNames) && w > 0 {
		return stepNames[w]
	}
	return fmt.Sprintf("What(%d)", uint8(w))
}

// Step is one step of an ioctl, for traces. Fields that say nothing about it are zero.
type Step struct {
	Time    time.Time
	Stream  string
	What    What
	Command streams.Command
	ID      uint64        // of the ioctl
	Message streams.Type  // of StepSent, StepMatched and StepDropped
	From    string        // of StepMatched and StepDropped: the module that sent it, if that is known
	Addr    streams.Addr  // of a copy
	Size    int           // bytes with the message, or of the copy
	Rval    int           // of an M_IOCACK
	Errno   streams.Errno // why it failed
	Reason  string        // why a reply was dropped, or for how long there is no answer
}

// String returns the step as a line of a trace: time, stream and Text.
func (s Step) String() string {
	return fmt.Sprintf("%s %s %s", s.Time.Format("15:04:05.000000"), s.Stream, s.Text())
}

// Text says what the step was.
func (s Step) Text() string {
	line := s.What.String()
	if s.Command != 0 {
		line += fmt.Sprintf(" %v", s.Command)
	}
	if s.ID != 0 {
		line += fmt.Sprintf(" #%d", s.ID)
	}
	switch s.What {
	case StepSent, StepMatched, StepDropped:
		line += fmt.Sprintf(" %v %d bytes", s.Message, s.Size)
		if s.Message == streams.MIocAck {
			line += fmt.Sprintf(" rval %d", s.Rval)
		}
		if s.From != "" {
			line += " from " + s.From
		}
	case StepCopied:
		line += fmt.Sprintf(" %d bytes at %#x", s.Size, uint64(s.Addr))
	}
	if s.Errno != 0 {
		line += " " + s.Errno.Error()
	}
	if s.Reason != "" {
		line += ": " + s.Reason
	}
	return line
}

// LogValue returns the step as a group of attributes, without its time.
func (s Step) LogValue() slog.Value {
	as := []slog.Attr{slog.String("stream", s.Stream), slog.String("step", s.What.String())}
	if s.Command != 0 {
		as = append(as, slog.String("command", s.Command.String()))
	}
	if s.ID != 0 {
		as = append(as, slog.Uint64("id", s.ID))
	}
	switch s.What {
	case StepSent, StepMatched, StepDropped:
		as = append(as, slog.String("message", s.Message.String()), slog.Int("size", s.Size))
		if s.From != "" {
			as = append(as, slog.String("from", s.From))
		}
		if s.Message == streams.MIocAck {
			as = append(as, slog.Int("rval", s.Rval))
		}
	case StepCopied:
		as = append(as, slog.Int("size", s.Size), slog.Uint64("addr", uint64(s.Addr)))
	}
	if s.Errno != 0 {
		as = append(as, slog.String("errno", s.Errno.Name()))
	}
	if s.Reason != "" {
		as = append(as, slog.String("reason", s.Reason))
	}
	return slog.GroupValue(as...)
}

// watch tells of a call that waits for ever or longer than usual, again and again until stop:
// it holds up all others of the stream, and nobody else says so. It is for heads that have a
// trace.
func (c *conversation) watch() (stop func()) {
	period := c.h.tun.IoctlWait
	if period <= 0 || c.r.wait >= 0 && c.r.wait <= period {
		return func() {}
	}
	h, s, begin := c.h, Step{What: StepWaiting, Command: c.x.Cmd, ID: c.x.ID}, time.Now()
	var mu sync.Mutex
	var timer *time.Timer
	over := false
	mu.Lock()
	timer = time.AfterFunc(period, func() {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		s.Reason = fmt.Sprintf("no answer for %v", time.Since(begin).Round(time.Second))
		h.step(s)
		timer.Reset(period)
	})
	mu.Unlock()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		timer.Stop()
	}
}

// step tells of a step.
func (h *Head) step(s Step) {
	if h.cfg.Trace == nil {
		return
	}
	s.Time, s.Stream = time.Now(), h.cfg.Name
	h.cfg.Trace(s)
}
