// SPDX-License-Identifier: Apache-2.0

package errtable

import (
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// The errnos as outcomes, so that the tables are easy on the eye.
const (
	eacces   = Outcome(streams.EACCES)
	eagain   = Outcome(streams.EAGAIN)
	ebadf    = Outcome(streams.EBADF)
	ebadmsg  = Outcome(streams.EBADMSG)
	ebusy    = Outcome(streams.EBUSY)
	efault   = Outcome(streams.EFAULT)
	eintr    = Outcome(streams.EINTR)
	einval   = Outcome(streams.EINVAL)
	eio      = Outcome(streams.EIO)
	emfile   = Outcome(streams.EMFILE)
	emsgsize = Outcome(streams.EMSGSIZE)
	enodata  = Outcome(streams.ENODATA)
	enosr    = Outcome(streams.ENOSR)
	enotsup  = Outcome(streams.EOPNOTSUPP)
	enxio    = Outcome(streams.ENXIO)
	eperm    = Outcome(streams.EPERM)
	epipe    = Outcome(streams.EPIPE)
	eproto   = Outcome(streams.EPROTO)
	erange   = Outcome(streams.ERANGE)
	esrch    = Outcome(streams.ESRCH)
	etime    = Outcome(streams.ETIME)
)

// same is a row that all profiles agree on.
func same(c Condition, o Outcome) Row { return Row{c, o, o, o} }

// rows joins groups of rows to the rows of an operation.
func rows(groups ...[]Row) []Row { return slices.Concat(groups...) }

// The tests with which the operations begin.

// gateRead is that of commands on the read queue.
func gateRead() []Row {
	return []Row{same(Closed, ebadf), same(LinkedBelow, einval), same(ReadError, Recorded)}
}

// gateBoth is that of every other command.
func gateBoth() []Row { return append(gateRead(), same(WriteError, Recorded)) }

// gateAsk is that of commands which only ask: in OpenSS7 they work in any state.
func gateAsk() []Row {
	return []Row{
		same(Closed, ebadf), same(LinkedBelow, einval),
		{ReadError, Recorded, Recorded, None},
		{WriteError, Recorded, Recorded, None},
	}
}

// gatePlumb is that of pushing and popping.
func gatePlumb() []Row {
	return []Row{
		same(Closed, ebadf), same(LinkedBelow, einval),
		{ReadError, Recorded, Recorded, eio},
		{WriteError, Recorded, Recorded, eio},
		same(HungUp, enxio),
	}
}

// waiting is what may end the wait of any call but those of the ioctl engine.
func waiting() []Row {
	return []Row{
		same(Interrupted, eintr), same(ErrorMeanwhile, Recorded), same(HungUpMeanwhile, enxio),
		same(LinkedMeanwhile, einval), {ClosedMeanwhile, enxio, enxio, eio},
	}
}

// engine is what may happen to a command that travels to a module, from the wait
// for its turn on.
func engine() []Row {
	return rows([]Row{
		{TooManyWaiters, ebusy, None, None},
		same(SlotTimeout, etime), same(TimedOut, etime),
	}, waiting(), []Row{
		{CopyTooLarge, emsgsize, None, None},
		{CopiesTooLarge, emsgsize, None, None},
		{TooManyCopies, eproto, None, None},
		same(CopyBadAddress, efault),
		{CopyOutEmpty, eio, None, eio},
		{CopyOutShort, emsgsize, None, emsgsize},
		same(Refused, Answered), same(RefusedBare, einval),
	})
}

// sending is what may happen to a message on its way from the caller to the
// topmost module.
func sending() []Row {
	return rows([]Row{same(WouldBlock, eagain)}, waiting(), []Row{same(BadBuffer, efault), same(NoMemory, enosr)})
}

// packet is the tests of the size of a message.
func packet() []Row { return []Row{same(MaxPacketZero, erange), same(DataRange, erange)} }
