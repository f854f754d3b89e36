// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// errnoTexts are the errnos in the order of their numbers.
var errnoTexts = []ErrnoText{
	{
		EPERM, "EPERM", []error{ioreturn.ErrPermission}, "not permitted",
		"The command needs a privilege, or the module is below the anchor.",
	},
	{
		ENOENT, "ENOENT", []error{ioreturn.ErrNotFound}, "not found",
		"A module or driver looked for something that is not there.",
	},
	{
		ESRCH, "ESRCH", []error{ioreturn.ErrNotFound}, "no such process",
		"A signal registration names a process that does not exist.",
	},
	{
		EINTR, "EINTR", []error{ioreturn.ErrOutcomeUnknown, context.Canceled}, "given up while waiting",
		"The caller's context was cancelled. The driver may have carried the command out.",
	},
	{
		EIO, "EIO", []error{ioreturn.ErrIO}, "input/output error",
		"A module failed: a handler panicked, a copy request came without its data, or the stream is closing.",
	},
	{
		ENXIO, "ENXIO", []error{ioreturn.ErrGone}, "hung up, or no such device",
		"The driver sent M_HANGUP or is gone. Open again.",
	},
	{
		E2BIG, "E2BIG", []error{ioreturn.ErrInvalid}, "argument too large",
		"A structure is longer than the command knows, and what it does not know is not zero.",
	},
	{
		EBADF, "EBADF", []error{ioreturn.ErrClosed}, "not open, or not open for this",
		"The stream was closed, or opened for reading only where the command writes, or the reverse.",
	},
	{
		EAGAIN, "EAGAIN", []error{ioreturn.ErrBusy}, "would have to wait",
		"A stream that does not block has nothing to read, or no room to write. Wait until it is ready.",
	},
	{
		ENOMEM, "ENOMEM", []error{ioreturn.ErrNoMemory}, "out of memory",
		"Ask for less, or raise the limit of the arena.",
	},
	{
		EACCES, "EACCES", []error{ioreturn.ErrPermission}, "access denied",
		"The caller may not open this, or not for what the command does. Drivers let their own user and root change things, others look.",
	},
	{
		EFAULT, "EFAULT", []error{ioreturn.ErrInvalid}, "address outside the caller's memory",
		"The argument, or a pointer within it, leads outside of what the caller registered for the call.",
	},
	{
		EBUSY, "EBUSY", []error{ioreturn.ErrBusy}, "in use",
		"Too many callers wait for the stream, or another one holds what the command needs.",
	},
	{
		ENODEV, "ENODEV", []error{ioreturn.ErrGone}, "no such device",
		"The device was unplugged.",
	},
	{
		EINVAL, "EINVAL", []error{ioreturn.ErrInvalid}, "invalid argument",
		"An argument has a value that the command does not take, nobody in the stream knows the command, or the stream is linked below a multiplexer.",
	},
	{
		EMFILE, "EMFILE", []error{ioreturn.ErrNoMemory}, "too many open files",
		"Close what is not used. The file stays in the queue.",
	},
	{
		ENOTTY, "ENOTTY", []error{ioreturn.ErrUnsupported}, "no such command here",
		"The driver does not know this command.",
	},
	{
		EPIPE, "EPIPE", []error{ioreturn.ErrGone}, "the other end is closed",
		"Nobody will read what is written.",
	},
	{
		ERANGE, "ERANGE", []error{ioreturn.ErrInvalid}, "size outside the range of the stream",
		"A message is smaller or larger than the topmost module takes.",
	},
	{
		ENOSYS, "ENOSYS", []error{ioreturn.ErrUnsupported}, "not implemented",
		"The module or driver lacks this.",
	},
	{
		ENODATA, "ENODATA", []error{ioreturn.ErrUnderrun}, "no message",
		"The read queue is empty.",
	},
	{
		ETIME, "ETIME", []error{ioreturn.ErrTimeout, context.DeadlineExceeded, ioreturn.ErrOutcomeUnknown}, "no answer in time",
		"A module or driver did not answer, or another command held the stream. The driver may have carried the command out.",
	},
	{
		ENOSR, "ENOSR", []error{ioreturn.ErrNoMemory}, "out of message blocks",
		"Try again when messages have been read, or raise the limit of the arena.",
	},
	{
		EPROTO, "EPROTO", []error{ioreturn.ErrProtocol}, "a module broke the protocol",
		"An answer did not fit its request. The trace names the module.",
	},
	{
		EBADMSG, "EBADMSG", []error{ioreturn.ErrState}, "the next message is of another kind",
		"Take it with the call for its kind: getmsg for a control part, I_RECVFD for a file.",
	},
	{
		EOVERFLOW, "EOVERFLOW", []error{ioreturn.ErrInvalid}, "value too large for its field",
		"Use the newer form of the structure.",
	},
	{
		EMSGSIZE, "EMSGSIZE", []error{ioreturn.ErrInvalid}, "more data than there is room for",
		"A copy or an answer is larger than its limit, or shorter than it says.",
	},
	{
		EOPNOTSUPP, "EOPNOTSUPP", []error{ioreturn.ErrUnsupported}, "not supported here",
		"The command works within one process only.",
	},
}
