// SPDX-License-Identifier: Apache-2.0

// Package trace has a module that tells of every message that passes it. It is also the
// smallest complete module: a put procedure for each direction, and nothing else.
package trace

import (
	"fmt"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Event is a message that passed.
type Event struct {
	Down  bool // from the head to the driver
	Type  streams.Type
	Band  uint8
	Size  int           // bytes of data in all blocks
	Ioctl streams.Ioctl // of the ioctl family: which one
	Reply streams.Reply // of M_IOCACK and M_IOCNAK
	// Entry says which entry of an IOStream the message is; only if IsEntry.
	Entry   userclient.PayloadInfo
	IsEntry bool
}

// String returns a line for people: "down M_IOCTL 8 bytes, command 0x7801 (3)".
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(map[bool]string{true: "down ", false: "up   "}[e.Down])
	fmt.Fprintf(&b, "%v %d bytes", e.Type, e.Size)
	if e.Band != 0 {
		fmt.Fprintf(&b, ", band %d", e.Band)
	}
	if e.Type.IsIoctl() {
		fmt.Fprintf(&b, ", command %v (%d)", e.Ioctl.Cmd, e.Ioctl.ID)
	}
	if e.IsEntry {
		fmt.Fprintf(&b, ", entry %d", e.Entry.Seq)
	}
	switch {
	case e.Type == streams.MIocAck && e.Reply.Error == 0:
		fmt.Fprintf(&b, ", returns %d", e.Reply.Rval)
	case e.Type == streams.MIocAck, e.Type == streams.MIocNak:
		fmt.Fprintf(&b, ", fails with %v", e.Reply.Error)
	}
	return b.String()
}

// Config tunes the module.
type Config struct {
	// Name is the module's name. Empty means "trace".
	Name string
	// Hook is told of each message before it goes on. It is called in a procedure, by one
	// goroutine at a time for each stream, and must not block.
	Hook func(Event)
}

// Module returns the module. It may be pushed on any number of streams. The error is
// EINVAL for a Config without a hook or with a name that can't be one.
func Module(cfg Config) (*streams.Module, error) {
	if cfg.Hook == nil {
		return nil, streams.EINVAL
	}
	if cfg.Name == "" {
		cfg.Name = "trace"
	}
	put := func(q *streams.Queue, m *streams.Block) {
		cfg.Hook(describe(q, m)) // before PassOn, which gives the message away
		q.PassOn(m)
	}
	mod := &streams.Module{Name: cfg.Name, Read: streams.Procedures{Put: put}, Write: streams.Procedures{Put: put}}
	if err := mod.Validate(); err != nil {
		return nil, err
	}
	return mod, nil
}

func describe(q *streams.Queue, m *streams.Block) Event {
	e := Event{Down: !q.IsRead(), Type: m.Type(), Band: m.Band(), Size: m.Size()}
	e.Ioctl, _ = m.Ioctl()
	e.Reply, _ = m.Reply()
	if p, ok := m.Value().(userclient.Payload); ok {
		e.Entry, e.IsEntry = p.Info(), true
	}
	return e
}
