// SPDX-License-Identifier: Apache-2.0

package ioreturn

// Results of the Mach calls beneath IOKit on macOS: of sending and receiving a
// message, and of the generated stubs (MIG), whose numbers are -300 to -309.
const (
	MachSendInvalidData  Code = 0x10000002
	MachSendInvalidDest  Code = 0x10000003
	MachSendTimedOut     Code = 0x10000004
	MachSendInterrupted  Code = 0x10000007
	MachSendInvalidRight Code = 0x1000000a
	MachSendNoBuffer     Code = 0x1000000d
	MachSendTooLarge     Code = 0x1000000e
	MachRcvInvalidName   Code = 0x10004002
	MachRcvTimedOut      Code = 0x10004003
	MachRcvTooLarge      Code = 0x10004004
	MachRcvInterrupted   Code = 0x10004005
	MachRcvPortChanged   Code = 0x10004006
	MachRcvPortDied      Code = 0x10004009
	MachRcvInSet         Code = 0x1000400a
	MIGTrailerError      Code = 0xfffffecb
	MIGServerDied        Code = 0xfffffecc
	MIGArrayTooLarge     Code = 0xfffffecd
	MIGException         Code = 0xfffffece
	MIGNoReply           Code = 0xfffffecf
	MIGBadArguments      Code = 0xfffffed0
	MIGBadID             Code = 0xfffffed1
	MIGRemoteError       Code = 0xfffffed2
	MIGReplyMismatch     Code = 0xfffffed3
	MIGTypeError         Code = 0xfffffed4
)

// machReturns are the codes of Mach and of MIG in the order of their numbers.
// Those of Mach come before those of IOKit, those of MIG after.
var machReturns, migReturns = []CodeText{
	{
		MachSendInvalidData, "MACH_SEND_INVALID_DATA", ErrInvalid, "the message could not be read",
		"The message or memory that it names is not readable. A fault of the sender.",
	},
	{
		MachSendInvalidDest, "MACH_SEND_INVALID_DEST", ErrGone, "the receiver's port is dead",
		"The other side has ended. Open again.",
	},
	{
		MachSendTimedOut, "MACH_SEND_TIMED_OUT", ErrTimeout, "the receiver's queue stayed full",
		"The other side does not read its messages. The message was not sent.",
	},
	{
		MachSendInterrupted, "MACH_SEND_INTERRUPTED", ErrAborted, "sending was interrupted",
		"The message was not sent. Send it again.",
	},
	{
		MachSendInvalidRight, "MACH_SEND_INVALID_RIGHT", ErrInvalid, "the message names a right that does not exist",
		"A port was freed while a message still carried it. A fault of the sender.",
	},
	{
		MachSendNoBuffer, "MACH_SEND_NO_BUFFER", ErrNoMemory, "the kernel had no memory for the message",
		"Try again when memory is free.",
	},
	{
		MachSendTooLarge, "MACH_SEND_TOO_LARGE", ErrInvalid, "the message is too large to be sent",
		"Pass the data in shared memory.",
	},
	{
		MachRcvInvalidName, "MACH_RCV_INVALID_NAME", ErrClosed, "the port to receive on does not exist",
		"It was closed before the call, or never made.",
	},
	{
		MachRcvTimedOut, "MACH_RCV_TIMED_OUT", ErrTimeout, "no message came in time",
		"Wait again, or find out why the other side is silent.",
	},
	{
		MachRcvTooLarge, "MACH_RCV_TOO_LARGE", ErrProtocol, "a message was larger than its receiver allows for",
		"The sender uses another version of the interface.",
	},
	{
		MachRcvInterrupted, "MACH_RCV_INTERRUPTED", ErrOutcomeUnknown, "receiving was interrupted",
		"If an answer was awaited, the call may or may not have had its effect.",
	},
	{
		MachRcvPortChanged, "MACH_RCV_PORT_CHANGED", ErrState, "the port was moved while somebody received on it",
		"Receive on a port from one place only.",
	},
	{
		MachRcvPortDied, "MACH_RCV_PORT_DIED", ErrClosed, "the port was closed while somebody received on it",
		"Nothing, if Close was meant to end the wait.",
	},
	{
		MachRcvInSet, "MACH_RCV_IN_SET", ErrState, "the port belongs to a port set",
		"Receive on the set.",
	},
}, []CodeText{
	{
		MIGTrailerError, "MIG_TRAILER_ERROR", ErrProtocol, "the end of a message is malformed",
		"The two sides were built from different interfaces.",
	},
	{
		MIGServerDied, "MIG_SERVER_DIED", ErrGone, "the server died during the call",
		"Open again. The call may have had its effect.",
	},
	{
		MIGArrayTooLarge, "MIG_ARRAY_TOO_LARGE", ErrInvalid, "the caller's array is too small for the answer",
		"Give more room for the answer.",
	},
	{
		MIGException, "MIG_EXCEPTION", ErrIO, "the server raised an exception",
		"A fault in the server. Report it to its author.",
	},
	{
		MIGNoReply, "MIG_NO_REPLY", ErrProtocol, "the server must not reply to this message",
		"The server mixed up one-way messages and calls.",
	},
	{
		MIGBadArguments, "MIG_BAD_ARGUMENTS", ErrInvalid, "the server found the arguments malformed",
		"Compare the sizes and counts of the message with the interface.",
	},
	{
		MIGBadID, "MIG_BAD_ID", ErrUnsupported, "the server does not know this message",
		"The system is older or newer than the caller expects.",
	},
	{
		MIGRemoteError, "MIG_REMOTE_ERROR", ErrIO, "the server detected an error",
		"A fault in the server, or in what it depends on.",
	},
	{
		MIGReplyMismatch, "MIG_REPLY_MISMATCH", ErrProtocol, "the reply belongs to another call",
		"Two callers shared one reply port, or the two sides were built from different interfaces.",
	},
	{
		MIGTypeError, "MIG_TYPE_ERROR", ErrProtocol, "a field of the message has the wrong type",
		"The two sides were built from different interfaces.",
	},
}
