// SPDX-License-Identifier: Apache-2.0

package control

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Command is what a client asks of a table.
type Command uint32

// The commands. Each takes a request record and is answered with a reply record.
const (
	CmdList Command = 1 // in: from; out: infos from that one on, as many as fit, and next
	CmdGet  Command = 2 // in: name; out: value
	CmdSet  Command = 3 // in: name, value; out: the value that it has now
	CmdCall Command = 4 // in: name, value (the argument); out: value (the result)
)

// String returns "list", "get", "set" or "call".
func (c Command) String() string {
	if names := [...]string{"", "list", "get", "set", "call"}; c > 0 && int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("command %d", uint32(c))
}

// MaxMessage is the most bytes of a request or a reply, so that it fits into one round of
// copies between processes.
const MaxMessage = 48 << 10

// request is what goes in.
type request struct {
	name  string
	from  uint32
	value Value
}

// reply is what comes out. next is 0 when the list ends with infos.
type reply struct {
	value Value
	next  uint32
	infos []Info
}

var requestFields = []record.Field[request]{
	record.Text(1, "name", func(r *request) *string { return &r.name }),
	record.Word32(2, "from", func(r *request) *uint32 { return &r.from }),
	record.Nested(3, "value", valueFields, func(r *request) *Value { return &r.value }),
}

var replyFields = []record.Field[reply]{
	record.Nested(1, "value", valueFields, func(r *reply) *Value { return &r.value }),
	record.Word32(2, "next", func(r *reply) *uint32 { return &r.next }),
	many(3, "control", MaxControls, infoFields, func(r *reply) *[]Info { return &r.infos }),
}

// parseReply reads an answer of the other side and checks all of it.
func parseReply(b []byte) (*reply, error) {
	var r reply
	err := record.Parse(b, replyFields, &r)
	for i := range r.infos {
		if err == nil {
			err = r.infos[i].Validate()
		}
	}
	if err != nil {
		return nil, ioreturn.Broken(ioreturn.RuleAnswer, "controls: %v", err)
	}
	return &r, nil
}

// parseRequest reads a request of the other side.
func parseRequest(b []byte) (*request, error) {
	var r request
	if err := record.Parse(b, requestFields, &r); err != nil {
		return nil, invalid("request: %v", err)
	}
	return &r, nil
}
