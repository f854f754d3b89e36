// SPDX-License-Identifier: Apache-2.0

package streams

import "strconv"

// Type is the type of a message's block. The numbers and names are those of System V
// STREAMS. A number from 0x80 on has high priority: such a message is never held up by
// flow control, has band 0, and goes before everything else in a queue.
type Type uint8

// Ordinary types.
const (
	MData      Type = 0x00 // user data
	MProto     Type = 0x01 // protocol control
	MMultidata Type = 0x02 // private
	MBreak     Type = 0x08 // line break
	MPassFP    Type = 0x09 // an open file on its way
	MEvent     Type = 0x0a // obsolete
	MSig       Type = 0x0b // a signal, in order with the data
	MDelay     Type = 0x0c // a delay in output
	MCtl       Type = 0x0d // from module to module
	MIoctl     Type = 0x0e // an ioctl request
	MSetOpts   Type = 0x10 // options of the stream head
	MRse       Type = 0x11 // reserved
)

// Types with high priority.
const (
	MIocAck    Type = 0x81 // positive answer to MIoctl
	MIocNak    Type = 0x82 // negative answer to MIoctl
	MPCProto   Type = 0x83 // protocol control; the head keeps one
	MPCSig     Type = 0x84 // a signal, now
	MRead      Type = 0x85 // the head tells of a read
	MFlush     Type = 0x86 // flush queues
	MStop      Type = 0x87 // stop output
	MStart     Type = 0x88 // restart output
	MHangup    Type = 0x89 // the line is gone
	MError     Type = 0x8a // an error for the head
	MCopyIn    Type = 0x8b // asks for user memory
	MCopyOut   Type = 0x8c // gives data for user memory
	MIocData   Type = 0x8d // answer to MCopyIn and MCopyOut
	MPCRse     Type = 0x8e // reserved
	MStopI     Type = 0x8f // stop input
	MStartI    Type = 0x90 // restart input
	MPCEvent   Type = 0x91 // obsolete
	MUnhangup  Type = 0x92 // the line is back
	MCmd       Type = 0x93 // an out-of-band command
	highestOne Type = 0x80 // the first number with high priority
)

// High reports whether t has high priority.
func (t Type) High() bool { return t >= highestOne }

// IsIoctl reports whether t belongs to the ioctl family: the request, its answers, the
// copy requests and their answer.
func (t Type) IsIoctl() bool {
	switch t {
	case MIoctl, MIocAck, MIocNak, MCopyIn, MCopyOut, MIocData:
		return true
	}
	return false
}

// IsData reports whether t is a data type, one that a flush of data takes.
func (t Type) IsData() bool {
	switch t {
	case MData, MMultidata, MProto, MPCProto, MDelay:
		return true
	}
	return false
}

// MayBecome reports whether a block of type t may be turned into one of type u. The
// ioctl family stays among itself, and so do MData, MProto and MPCProto; every other
// type may become every other.
func (t Type) MayBecome(u Type) bool { return t == u || t.group() == u.group() }

// typeGroup is a set of types that may turn into each other.
type typeGroup uint8

const (
	groupOther typeGroup = iota
	groupIoctl
	groupUser
)

func (t Type) group() typeGroup {
	switch {
	case t.IsIoctl():
		return groupIoctl
	case t == MData, t == MProto, t == MPCProto:
		return groupUser
	}
	return groupOther
}

// String returns the System V name, such as M_DATA.
func (t Type) String() string {
	switch {
	case int(t) < len(ordinaryNames) && ordinaryNames[t] != "":
		return ordinaryNames[t]
	case t.High() && int(t-highestOne) < len(highNames) && highNames[t-highestOne] != "":
		return highNames[t-highestOne]
	}
	return "Type(0x" + strconv.FormatUint(uint64(t), 16) + ")"
}

var ordinaryNames = [...]string{
	MData: "M_DATA", MProto: "M_PROTO", MMultidata: "M_MULTIDATA", MBreak: "M_BREAK",
	MPassFP: "M_PASSFP", MEvent: "M_EVENT", MSig: "M_SIG", MDelay: "M_DELAY", MCtl: "M_CTL",
	MIoctl: "M_IOCTL", MSetOpts: "M_SETOPTS", MRse: "M_RSE",
}

var highNames = [...]string{
	MIocAck - highestOne: "M_IOCACK", MIocNak - highestOne: "M_IOCNAK",
	MPCProto - highestOne: "M_PCPROTO", MPCSig - highestOne: "M_PCSIG",
	MRead - highestOne: "M_READ", MFlush - highestOne: "M_FLUSH",
	MStop - highestOne: "M_STOP", MStart - highestOne: "M_START",
	MHangup - highestOne: "M_HANGUP", MError - highestOne: "M_ERROR",
	MCopyIn - highestOne: "M_COPYIN", MCopyOut - highestOne: "M_COPYOUT",
	MIocData - highestOne: "M_IOCDATA", MPCRse - highestOne: "M_PCRSE",
	MStopI - highestOne: "M_STOPI", MStartI - highestOne: "M_STARTI",
	MPCEvent - highestOne: "M_PCEVENT", MUnhangup - highestOne: "M_UNHANGUP",
	MCmd - highestOne: "M_CMD",
}
