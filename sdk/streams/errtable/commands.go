// SPDX-License-Identifier: Apache-2.0

package errtable

import (
	"cmp"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// table is every operation in the order of All.
var table = inOrder(queueCommands, optionCommands, linkCommands, calls)

// inOrder joins groups of entries and sorts them by number, those without one last.
func inOrder(groups ...[]Entry) []Entry {
	all := slices.Concat(groups...)
	slices.SortStableFunc(all, func(a, b Entry) int { return cmp.Compare(a.Command-1, b.Command-1) })
	return all
}

// The arguments that many commands have.
const (
	argNone  = "none"
	argInt   = "out: an integer"
	argFlags = "the flags, by value"
	zero     = "0"
)

// queueCommands are about the modules of a stream and the messages in its queues,
// and those that travel.
var queueCommands = []Entry{
	{
		"I_NREAD", streams.CmdNRead, argInt, "the number of messages in the read queue",
		"Stores the number of data bytes in the first message. An empty first message counts as a message of no bytes.",
		rows(gateRead(), []Row{same(BadAddress, efault)}),
	},
	{
		"I_PUSH", streams.CmdPush, "in: the name of a module", zero,
		"Puts a module on top of the stream, just below the head, and runs its open procedure.",
		rows(gatePlumb(), []Row{
			same(BadAddress, efault), same(NameTooLong, einval), same(NameEmpty, einval), same(NameUnknown, einval),
		}, waiting(), []Row{same(PushLimit, einval), same(OpenFailed, Answered)}),
	},
	{
		"I_POP", streams.CmdPop, argNone, zero,
		"Takes the top module off: its close procedure runs, and messages queued in it are freed.",
		rows(gatePlumb(), []Row{same(BrokenPipe, einval), same(PlumbingBusy, eagain)}, waiting(), []Row{
			same(Anchored, eperm), same(NoModule, einval),
		}),
	},
	{
		"I_LOOK", streams.CmdLook, "out: the name of a module", zero,
		"Stores the name of the top module. OpenSS7 gives the name of the driver where no module is pushed.",
		rows(gateAsk(), []Row{
			same(BadAddress, efault),
			{NoModule, einval, einval, None},
			{NoModuleInPipe, None, None, einval},
		}),
	},
	{
		"I_FLUSH", streams.CmdFlush, argFlags, zero,
		"Sends M_FLUSH down and returns when it has come back, so that nothing older is left in the stream.",
		rows(gateBoth(), []Row{
			same(HungUp, enxio), same(BadFlags, einval),
			{NoFlags, None, None, einval},
			same(NoMemory, enosr), same(Interrupted, eintr),
		}),
	},
	{
		"I_STR", streams.CmdStr, "in and out: strioctl", "what the answer says",
		"Sends a command with its data down as M_IOCTL and waits for the answer of a module or the driver. " +
			"The data of the answer replace those of the caller.",
		rows(gateBoth(), []Row{
			same(HungUp, enxio), same(BadAddress, efault), same(LengthNegative, einval), same(TimeNegative, einval),
			{TimeTooLong, einval, None, None},
			same(HeadOnlyCommand, einval), same(DataTooLarge, einval), same(NoMemory, enosr), same(BadBuffer, efault),
		}, engine(), []Row{
			{AnswerTooLong, emsgsize, None, None},
			{AnswerEmpty, eio, None, eio},
			{AnswerShort, emsgsize, None, emsgsize},
			same(AnswerBadAddress, efault),
		}),
	},
	{
		"I_FIND", streams.CmdFind, "in: the name of a module", "1 if it is in the stream, else 0",
		"Looks for a module or driver of the name below the head.",
		rows(gateAsk(), []Row{
			same(BadAddress, efault), same(NameTooLong, einval), same(NameEmpty, einval),
			{NameUnknown, einval, einval, None},
		}),
	},
	{
		"I_RECVFD", streams.CmdRecvFD, "out: strrecvfd", zero,
		"Takes a passed file from the read queue and gives the caller a descriptor of it. When that fails, the file stays in the queue.",
		rows(gateRead(), []Row{same(AcrossTransport, enotsup), same(HungUpEmpty, enxio), same(WouldBlock, eagain)}, waiting(), []Row{
			same(FirstIsNoFile, ebadmsg), same(TooManyFiles, emfile), same(BadAddress, efault),
		}),
	},
	{
		"I_PEEK", streams.CmdPeek, "in and out: strpeek", "1 if a message was seen, else 0",
		"Copies the first message and leaves it in the queue.",
		rows(gateRead(), []Row{same(BadAddress, efault), same(FirstIsFile, ebadmsg), same(BadBuffer, efault), same(NoMemory, enosr)}),
	},
	{
		"I_FDINSERT", streams.CmdFDInsert, "in: strfdinsert", zero,
		"Sends a message whose control part names another stream of the caller.",
		rows(gateBoth(), []Row{
			{NotWritable, None, None, ebadf},
			same(AcrossTransport, enotsup), same(HungUp, enxio), same(BadAddress, efault),
			{LengthNegative, einval, None, None},
			same(BadOffset, einval), same(BadDescriptor, einval), same(OtherError, Recorded), same(OtherHungUp, enxio),
			{OtherLinked, einval, einval, None},
			same(ControlTooShort, einval), same(BadFlags, einval),
		}, packet(), []Row{same(ControlTooLarge, erange)}, sending()),
	},
	{
		"I_SENDFD", streams.CmdSendFD, "the descriptor, by value", zero,
		"Passes an open file to the stream head at the other end of a pipe.",
		rows(gateBoth(), []Row{
			same(AcrossTransport, enotsup), same(BadDescriptor, ebadf), same(HungUp, enxio), same(NoPeerHead, einval),
			same(PeerFull, eagain), same(NoMemory, eagain),
		}),
	},
	{
		"I_LIST", streams.CmdList, "none, or in and out: str_list", "without an argument the number of names, else 0",
		"Stores the names of the modules from the top down, and of the driver.",
		rows(gateAsk(), []Row{same(BadAddress, efault), same(CountNotPositive, einval), same(BadBuffer, efault)}),
	},
	{
		"I_ANCHOR", streams.CmdAnchor, argNone, zero,
		"Sets the anchor at the top module. To pop it, or one below, needs privilege from then on.",
		rows(gateBoth(), []Row{same(IsPipe, einval)}),
	},
	{
		"I_FLUSHBAND", streams.CmdFlushBand, "in: bandinfo", zero,
		"Is I_FLUSH for the messages of one band.",
		rows(gateBoth(), []Row{
			same(BadAddress, efault), same(HungUp, enxio), same(BadFlags, einval),
			{NoFlags, None, None, einval},
			same(NoMemory, enosr), same(Interrupted, eintr),
		}),
	},
	{
		"I_CKBAND", streams.CmdCheckBand, "the band, by value", "1 or 0",
		"Tells whether a message of the band is in the read queue. In band 0, Solaris counts a message of any band.",
		rows(gateBoth(), []Row{same(BandRange, einval)}),
	},
	{
		"I_GETBAND", streams.CmdGetBand, argInt, zero,
		"Stores the band of the first message.",
		rows(gateBoth(), []Row{same(Empty, enodata), same(BadAddress, efault)}),
	},
	{
		"I_ATMARK", streams.CmdAtMark, "ANYMARK or LASTMARK, by value", "1 or 0",
		"Tells whether the first message is marked, or is the last marked one.",
		rows(gateRead(), []Row{same(BadFlags, einval)}),
	},
	{
		"I_CANPUT", streams.CmdCanPut, "the band, by value", "1 or 0",
		"Tells whether the stream has room for a message of the band. OpenSS7 takes -1 for any band above 0.",
		rows(gateBoth(), []Row{{HungUp, None, None, enxio}, same(BandRange, einval)}),
	},
	{
		"FIONREAD", streams.CmdFIONRead, argInt, zero,
		"Stores the number of data bytes in the read queue.",
		rows(gateRead(), []Row{same(BadAddress, efault)}),
	},
	{
		"FIORDCHK", streams.CmdFIORdChk, argNone, "the number of data bytes in the read queue",
		"Is FIONREAD with the number as its result.",
		gateRead(),
	},
	{
		OpTransparent, 0, "a word that the command gives its meaning", "what the answer says",
		"Sends a command that the head does not know down with its argument. Modules then ask for the bytes that they need " +
			"(M_COPYIN) and give back others (M_COPYOUT).",
		rows(gateBoth(), []Row{same(HungUp, enxio), same(HeadOnlyCommand, einval), same(NoMemory, enosr)}, engine()),
	},
}

// options returns the rows of a command that sets options.
func options(more ...Row) []Row { return rows(gateBoth(), []Row{same(BadFlags, einval)}, more) }

// optionCommands set and get what the head keeps.
var optionCommands = []Entry{
	{
		"I_SRDOPT", streams.CmdSetRead, argFlags, zero,
		"Sets how read treats boundaries and control parts.",
		rows(gateRead(), []Row{
			{WriteError, Recorded, Recorded, None},
			same(BadFlags, einval), same(BothReadModes, einval),
		}),
	},
	{
		"I_GRDOPT", streams.CmdGetRead, argInt, zero, "Stores the read options.",
		rows(gateAsk(), []Row{same(BadAddress, efault)}),
	},
	{
		"I_SWROPT", streams.CmdSetWrite, argFlags, zero,
		"Sets what write does with nothing to write, and when the stream is broken.",
		rows(gateBoth(), []Row{{HungUp, None, None, enxio}, same(BadFlags, einval)}),
	},
	{
		"I_GWROPT", streams.CmdGetWrite, argInt, zero, "Stores the write options.",
		rows(gateAsk(), []Row{same(BadAddress, efault)}),
	},
	{
		"I_SERROPT", streams.CmdSetErr, argFlags, zero, "Sets whether errors of M_ERROR stay or are told once.",
		options(),
	},
	{
		"I_GERROPT", streams.CmdGetErr, argInt, zero, "Stores the error options.",
		rows(gateBoth(), []Row{same(BadAddress, efault)}),
	},
	{
		"I_SETSIG", streams.CmdSetSig, "the events, by value", zero,
		"Asks to be told of events. The new set replaces the old one; no events end it.",
		options(same(AlertWithoutBand, einval), same(NotRegistered, einval)),
	},
	{
		"I_GETSIG", streams.CmdGetSig, argInt, zero, "Stores the events that the caller is told of.",
		rows(gateAsk(), []Row{
			{BadAddress, None, None, efault},
			same(NotRegistered, einval),
			{BadAddress, efault, efault, None},
		}),
	},
	{
		"I_ESETSIG", streams.CmdESetSig, "in: strsigset", zero, "Is I_SETSIG for a process or a group of processes.",
		rows(gateBoth(), []Row{
			same(BadAddress, efault), same(AcrossTransport, enotsup), same(NoProcess, esrch), same(NotPermitted, eperm),
			same(BadFlags, einval), same(AlertWithoutBand, einval), same(NotRegistered, einval),
		}),
	},
	{
		"I_EGETSIG", streams.CmdEGetSig, "in and out: strsigset", zero, "Is I_GETSIG for a process or a group of processes.",
		rows(gateBoth(), []Row{
			same(BadAddress, efault), same(AcrossTransport, enotsup), same(NoProcess, esrch), same(NotPermitted, eperm),
			same(NotRegistered, einval),
		}),
	},
	{
		"I_SETCLTIME", streams.CmdSetClose, "in: milliseconds", zero,
		"Sets how long a close waits for each module to send what it has queued. 0 is not at all; OpenSS7 takes 300000 at most.",
		rows(gateBoth(), []Row{
			same(BadAddress, efault), same(TimeNegative, einval),
			{TimeTooLong, None, None, einval},
		}),
	},
	{
		"I_GETCLTIME", streams.CmdGetClose, "out: milliseconds", zero, "Stores how long a close waits for each module.",
		rows(gateAsk(), []Row{same(BadAddress, efault)}),
	},
}

// linking returns the rows of a command that links, and unlinking of one that
// undoes it. Neither can be interrupted.
func linking() []Row {
	return rows(gateBoth(), []Row{
		same(AcrossTransport, enotsup), same(HungUp, enxio), same(NotAMultiplexer, einval), same(BadDescriptor, ebadf),
		same(LowerNotAStream, einval), same(LowerIsUpper, einval), same(LowerUnusable, einval), same(Cycle, einval),
	}, linked())
}

func unlinking() []Row {
	return rows(gateBoth(), []Row{
		same(AcrossTransport, enotsup),
		{HungUp, None, None, enxio},
		same(IsPipe, einval), same(LinkZero, einval), same(LinkUnknown, einval),
	}, linked())
}

func linked() []Row {
	return []Row{
		{ClosedMeanwhile, enxio, enxio, eio},
		same(Refused, Answered),
		{RefusedBare, einval, einval, enxio},
	}
}

// linkCommands join streams.
var linkCommands = []Entry{
	{
		"I_LINK", streams.CmdLink, "the descriptor of the lower stream, by value", "the number of the link",
		"Puts another stream below this multiplexer, until it is unlinked or this stream is closed.",
		linking(),
	},
	{
		"I_UNLINK", streams.CmdUnlink, "the number of the link or -1 for all, by value", zero,
		"Undoes I_LINK. When the driver refuses, the link stays.",
		unlinking(),
	},
	{
		"I_PLINK", streams.CmdPLink, "the descriptor of the lower stream, by value", "the number of the link",
		"Is I_LINK for a link that stays when this stream is closed.",
		linking(),
	},
	{
		"I_PUNLINK", streams.CmdPUnlink, "the number of the link or -1 for all, by value", zero,
		"Undoes I_PLINK, on any stream to the same driver.",
		unlinking(),
	},
}
