// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Caller is who asks for a command.
type Caller struct {
	Read, Write bool // how the stream was opened
	Privileged  bool
	Credential  any // the transport's; passed on to the function
}

// Request is a command as it comes to a module.
type Request struct {
	ID          uint64 // tells calls apart, where there are several; the call passes it on
	Command     streams.Command
	Transparent bool
	Named       bool   // the answers are to say whose they are, see Next.From
	Arg         uint64 // of a transparent request: the word
	Data        []byte // of I_STR: the data, which nobody changes any more; as many bytes may be returned
	Caller      Caller
}

// EventKind says what has happened to a call.
type EventKind uint8

// String returns the name: "copied-in".
func (k EventKind) String() string {
	if k >= Begin && k <= Worked {
		return [...]string{"begin", "copied-in", "copied-out", "copy-failed", "abandoned", "worked"}[k-Begin]
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// The events of a call. Each call begins with Begin.
const (
	Begin      EventKind = iota + 1 // the request came
	CopiedIn                        // the data that NeedIn asked for, in Data
	CopiedOut                       // the data of NeedOut were stored
	CopyFailed                      // what was asked for last could not be done; Errno says why
	Abandoned                       // the stream is closed or hung up: nobody waits any more
	Worked                          // Work has returned
)

// Event is what happened to a call. Which call that is, is for its owner to find out:
// Step doesn't look at the ID.
type Event struct {
	ID    uint64
	Kind  EventKind
	Data  []byte        // of CopiedIn; the call keeps it
	Errno streams.Errno // of CopyFailed
}

// NextKind says what has to happen next.
type NextKind uint8

// What may have to happen next. After Ack, Nak and Silent the call is over.
const (
	Silent  NextKind = iota // nothing: no answer is due
	NeedIn                  // copy Size bytes from Addr of the caller's memory
	NeedOut                 // store Data, Size bytes, at Addr of the caller's memory
	Ack                     // the command is done: return Rval, and Data for I_STR
	Nak                     // the command is refused with Errno
	Work                    // run the method Work, and tell that it has Worked
)

// String returns the name: "need-in".
func (k NextKind) String() string {
	if k <= Work {
		return [...]string{"silent", "need-in", "need-out", "ack", "nak", "work"}[k]
	}
	return fmt.Sprintf("NextKind(%d)", uint8(k))
}

// Next is what has to happen next to a call.
type Next struct {
	ID    uint64 // that of the request
	Kind  NextKind
	Addr  uint64        // of NeedIn and NeedOut
	Size  int           // of NeedIn and NeedOut
	Data  []byte        // of NeedOut and Ack; the engine's from now on
	Rval  int32         // of Ack
	Errno streams.Errno // of Nak; never 0
	From  string        // between processes, for a Named request: the module that says so, if that is known
}
