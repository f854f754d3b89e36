// SPDX-License-Identifier: Apache-2.0

package errtable

// writing is the state that a call which sends needs.
func writing() []Row {
	return []Row{
		same(LinkedBelow, einval), same(WriteError, Recorded), same(BrokenPipe, epipe), same(HungUp, enxio),
	}
}

// reading is what may happen to a call that takes a message.
func reading(unfit ...Row) []Row {
	return rows([]Row{same(LinkedBelow, einval), same(ReadError, Recorded), same(WouldBlock, eagain)},
		[]Row{
			same(Interrupted, eintr), same(ErrorMeanwhile, Recorded), same(LinkedMeanwhile, einval),
			{ClosedMeanwhile, enxio, enxio, eio},
		}, unfit, []Row{same(BadBuffer, efault)})
}

// calls are the operations that are no ioctl. A hang-up is no error for those that
// read: they return the end of the stream when the queue is empty.
var calls = []Entry{
	{
		OpOpen, 0, "the device and how it is to be opened", "a stream",
		"Opens a stream: the open procedure of the driver runs, then those of modules that are pushed by itself.",
		[]Row{
			same(NameUnknown, enxio), same(NoAccess, eacces), same(NoMemory, enosr), same(Interrupted, eintr),
			same(HungUpMeanwhile, enxio), same(OpenFailed, Answered),
		},
	},
	{
		OpClose, 0, argNone, "nothing",
		"Waits for modules to send what they have queued, within the close time, undoes ordinary links, closes modules and driver. " +
			"It never fails, and closing twice is harmless.",
		nil,
	},
	{
		OpRead, 0, "out: a buffer", "the number of bytes, 0 at the end of the stream",
		"Takes data from the read queue.",
		rows([]Row{same(Closed, ebadf), same(NotReadable, ebadf)}, reading(same(FirstIsFile, ebadmsg), same(FirstIsControl, ebadmsg))),
	},
	{
		OpWrite, 0, "in: a buffer", "the number of bytes",
		"Sends data as messages of at most the packet size of the topmost module.",
		rows([]Row{same(Closed, ebadf), same(NotWritable, ebadf)}, writing(), packet(), sending()),
	},
	{
		OpGetMsg, 0, "in and out: two strbufs and flags", "what is left of the message: MORECTL, MOREDATA",
		"Takes a message, with its control part and its data part kept apart.",
		rows([]Row{same(Closed, ebadf), same(NotReadable, ebadf), same(BadAddress, efault), same(BadFlags, einval)},
			reading(same(FirstIsFile, ebadmsg))),
	},
	{
		OpGetPMsg, 0, "in and out: two strbufs, a band and flags", "what is left of the message: MORECTL, MOREDATA",
		"Is getmsg for a priority message, for a band and those above it, or for any message.",
		rows([]Row{
			same(Closed, ebadf), same(NotReadable, ebadf), same(BadAddress, efault), same(BadFlags, einval), same(NoFlags, einval),
			same(UrgentWithBand, einval), same(BandRange, einval),
		}, reading(same(FirstIsFile, ebadmsg))),
	},
	{
		OpPutMsg, 0, "in: two strbufs and flags", zero,
		"Sends one message with a control part and a data part. RS_HIPRI makes it a priority message, which is never held up.",
		rows([]Row{
			same(Closed, ebadf), same(NotWritable, ebadf), same(BadAddress, efault), same(BadFlags, einval),
			same(UrgentWithoutControl, einval),
		}, writing(), packet(), []Row{same(ControlTooLarge, erange)}, sending()),
	},
	{
		OpPutPMsg, 0, "in: two strbufs, a band and flags", zero,
		"Is putmsg for a priority message or for a message of a band.",
		rows([]Row{
			same(Closed, ebadf), same(NotWritable, ebadf), same(BadAddress, efault), same(BadFlags, einval), same(NoFlags, einval),
			same(UrgentWithoutControl, einval), same(UrgentWithBand, einval), same(BandRange, einval),
		}, writing(), packet(), []Row{same(ControlTooLarge, erange)}, sending()),
	},
}
