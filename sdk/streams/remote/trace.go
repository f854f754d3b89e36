// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// step tells of a step of an ioctl at the driver's end.
func (e *End) step(s head.Step) {
	if e.plane.Trace == nil {
		return
	}
	s.Time, s.Stream = time.Now(), e.plane.Driver.Name
	e.plane.Trace(e.peer, s)
}

// reply tells of a reply that came up: one that belongs to a conversation, or, with a
// reason, one that is dropped. It is for before the message is given away.
func (e *End) reply(m *streams.Block, reason string) {
	if e.plane.Trace == nil {
		return
	}
	x, _ := m.Ioctl()
	a, _ := m.Reply()
	s := head.Step{
		What: head.StepMatched, Command: x.Cmd, ID: x.ID, Message: m.Type(), From: m.Sender(), Size: m.Next().Size(),
		Rval: a.Rval, Errno: a.Error, Reason: reason,
	}
	if reason != "" {
		s.What = head.StepDropped
	}
	e.step(s)
}

// sender is the name of the module that sent m, as it may travel.
func sender(m *streams.Block) string {
	name := record.CleanText(m.Sender())
	return strings.ToValidUTF8(name[:min(len(name), streams.MaxName)], "")
}
