// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"cmp"
	"slices"
)

// sinceControl is the version of the suite that had the control plane first.
const sinceControl = "0.2.0"

// sincePatience is the version that had rules about waiting, told changes, calls and the
// commands of the device file first.
const sincePatience = "0.3.0"

// ofControl fills in what all rules of the control plane have in common.
func ofControl(rules []Rule) []Rule {
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Origin, r.Since = Core, Must, Both, cmp.Or(r.Since, sinceControl)
		r.Needs = append([]Capability{CapControlPlane}, r.Needs...)
	}
	return rules
}

// planeRules are about commands, modules and flushes (C6, C7).
func planeRules() []Rule {
	return ofControl(slices.Concat(commandRules(), rubbishRules(), stackRules(), planeStateRules(), safeCommandRules(), safeModuleRules()))
}

func commandRules() []Rule {
	return []Rule{
		{
			ID: "CTL-01", Check: checkUnknownStr,
			Title:  "An unknown command is refused",
			What:   "A command whose number the driver does not have is answered with a refusal (nak) and an errno, however many data come with it.",
			Why:    "Programs find out what a driver can do by trying. An ack for what was never done makes them go on without it.",
			Remedy: "Let the driver at the bottom of the stack answer M_IOCTL with M_IOCNAK for each number that is not in its table.",
		},
		{
			ID: "CTL-02", Check: checkUnknownTransparent,
			Title:  "An unknown transparent command is refused",
			What:   "A transparent command that the driver does not have is refused with an errno, whatever word comes with it, and nothing is copied for it.",
			Why:    "The word of an unknown command can be anything. A driver that takes it for an address touches memory that has nothing to do with it.",
			Remedy: "Look the number up before anything is done with the argument.",
		},
		{
			ID: "CTL-03", Check: checkRefusalIsAnswer,
			Title:  "A refused command is an answered call",
			What:   "The call of a command that the driver refuses succeeds, and its answer is a record that says refusal and errno. Errors of the call are for records that make no sense and for sessions that are over.",
			Why:    "A stream head can't tell an error of the call from a broken transport, and gives its caller the wrong errno.",
			Remedy: "Answer selector 0x110 with a record of kind nak; return an error only if the request can't be read.",
		},
		{
			ID: "CTL-04", Check: checkUnknownErrno,
			Title:  "The errno of an unknown command says so",
			What:   "The errno for a command that the driver does not have is EINVAL, ENOTTY, ENOSYS or EOPNOTSUPP.",
			Why:    "Programs go another way when a command does not exist, and give up or try again when it failed.",
			Remedy: "Refuse unknown numbers with EINVAL, as System V does, and leave EIO and its like to commands that failed.",
		},
		{
			ID: "CTL-05", Check: checkAnswerID,
			Title:  "An answer has the ID of its request",
			What:   "Each answer has the ID that the client gave the command.",
			Why:    "The ID is all by which a client knows a late answer from its own; one that does not fit is dropped, and its caller waits in vain.",
			Remedy: "Keep the client's ID with the conversation, and put it into every record that answers it.",
		},
		{
			ID: "CTL-06", Check: checkAnyID,
			Title:  "A client may use any ID",
			What:   "IDs are the client's: zero, the largest number, and one that was used before and is free again, are as good as others.",
			Why:    "Clients count, begin anew or draw lots; a driver that knows better breaks some of them after four billion commands.",
			Remedy: "Compare IDs for equality only, and draw no conclusion from their order.",
		},
		{
			ID: "CTL-07", Check: checkNeverSilent,
			Title:  "Every command is answered",
			What:   "Each of 64 commands of both forms, with data of all sizes, is answered within the time for a call, and none with silence, which is for failed copies only.",
			Why:    "A caller without an answer waits for fifteen seconds, and the next command waits behind it.",
			Remedy: "Answer each M_IOCTL exactly once on every path, also where memory is short or the message is of no use.",
		},
		{
			ID: "CTL-08", Check: checkDataSizes,
			Title:  "Data of every size up to the limit are taken",
			What:   "Commands with one byte of data up to the limit of the description are answered like those without.",
			Why:    "The limit is a promise. Clients cut large settings by it and would find that the pieces don't pass.",
			Remedy: "Join the blocks of a message before looking at it, and make room for the limit that you describe.",
		},
		{
			ID: "CTL-09", Check: checkTooMuchData, Attack: true,
			Title:  "Too much data do no harm",
			What:   "A command with more data than the limit of the description is refused, with an error of the call or an errno, and the session goes on.",
			Why:    "A program that sends too much has a mistake, and must learn of it without losing its stream.",
			Remedy: "Compare the length with the limit first, and refuse; don't end the session for it.",
		},
		{
			ID: "CTL-10", Check: checkAnnouncedLimit,
			Title:  "The description says how much a copy carries",
			What:   "A driver that offers the control plane describes a limit of copies of at least 1 byte and at most 65,536, which is what a call carries.",
			Why:    "Clients size their copies by it. Zero forbids all of them, and more than a call carries can't be sent.",
			Remedy: "Describe the limit that your end of the control plane has (MaxCopy).",
		},
		{
			ID: "CTL-11", Check: checkRoomForAnswer,
			Title:  "An answer that does not fit is an error",
			What:   "A command whose caller has too little room for the answer is refused with kIOReturnNoSpace, and the next command is answered.",
			Why:    "Half a record can't be read, and a conversation that stays open behind it blocks the session.",
			Remedy: "Compare the length of the answer with the room, end the conversation, and refuse.",
		},
		{
			ID: "CTL-12", Check: checkManyCommands, Timeout: 2 * DefaultTimeout,
			Title:  "Nothing runs out by commands",
			What:   "The two-hundredth unknown command of a session is answered like the first.",
			Why:    "Displays poll. A slot or a message that is lost with each command ends the control of a device after a day.",
			Remedy: "Free the message and the slot of a command on the way of a refusal, too.",
		},
		{
			ID: "CTL-13", Check: checkHeadErrno,
			Title:  "A stream head gets the errno of the driver",
			What:   "A stream head that sends an unknown command over the session, by I_STR and transparently, returns an errno to its caller that says that there is no such command.",
			Why:    "This is how every program uses the control plane; what the head can't read it answers with EPROTO.",
			Remedy: "Answer with records that package ioctl can read: kind, ID and only the parts that belong to the kind.",
		},
		{
			ID: "CTL-14", Check: checkHeadCallers,
			Title:  "Callers of one stream head don't hurt each other",
			What:   "Eight callers of one stream head, who all come at once, each get the answer to an unknown command.",
			Why:    "The head sends one command after another. A driver that is still busy with the last one when it has answered it refuses the next one's.",
			Remedy: "End a conversation before its answer is sent, not some time afterwards.",
		},
	}
}

func rubbishRules() []Rule {
	return []Rule{
		{
			ID: "CTL-15", Check: checkAbandonNothing,
			Title:  "Giving up what is over succeeds",
			What:   "Giving up a command that was answered, or never sent, succeeds and changes nothing.",
			Why:    "The client can't know whether the answer is on its way when it gives up; both happen.",
			Remedy: "Answer selector 0x112 with success when there is no conversation of that ID.",
		},
		{
			ID: "CTL-16", Check: checkDataForNothing,
			Title:  "The outcome of a copy that nobody asked for is refused",
			What:   "A call of selector 0x111 when no conversation waits for a copy is refused with kIOReturnBadArgument.",
			Why:    "Data that nobody asked for would be taken for those of another command.",
			Remedy: "Compare the ID with that of the conversation which waits; refuse if there is none.",
		},
		{
			ID: "CTL-17", Check: checkRubbishRequest, Attack: true,
			Title:  "A command that can't be read is refused",
			What:   "A call of selector 0x110 with no bytes, half a record, too many bytes, lengths that leave it or random bytes is refused with kIOReturnBadArgument.",
			Why:    "A command that was guessed from rubbish moves a motor that nobody wanted moved.",
			Remedy: "Check every length before it is used, and refuse a record with rest or without the parts that it needs.",
		},
		{
			ID: "CTL-18", Check: checkRubbishEvent, Attack: true,
			Title:  "An outcome of a copy that can't be read is refused",
			What:   "A call of selector 0x111 with anything but the record of an event is refused with kIOReturnBadArgument.",
			Why:    "The data of a copy end in the driver's memory; nothing of the client's may say where, or how many, unchecked.",
			Remedy: "Read the record completely and check its kind before the conversation is looked for.",
		},
		{
			ID: "CTL-19", Check: checkRubbishAbandon, Attack: true,
			Title:  "Giving up with rubbish is refused",
			What:   "A call of selector 0x112 with anything but the event abandoned is refused with kIOReturnBadArgument.",
			Why:    "A client whose record was wrong believes that its command was given up, and it still runs.",
			Remedy: "Accept the kind abandoned only, and refuse what can't be read.",
		},
		{
			ID: "CTL-20", Check: checkRubbishHarmless, Attack: true,
			Title:  "Rubbish on the control plane harms nothing",
			What:   "After records that make no sense to all selectors of the control plane the session is there, the stream is as it was, and commands are answered.",
			Why:    "A bad program hurts its own command only (C7), not the stream that another part of it reads.",
			Remedy: "Refuse the call; don't end the session, and change nothing before the record was checked.",
		},
		{
			ID: "CTL-21", Check: checkControlSelectors,
			Title:  "Reserved selectors of the control plane are refused",
			What:   "Selectors up to 0x11f that the description does not list are refused with kIOReturnUnsupported or kIOReturnBadArgument.",
			Why:    "Later versions give them a meaning; clients find out by the refusal whether a driver knows it.",
			Remedy: "Answer the selectors that you know, and refuse the rest of the range.",
		},
		{
			ID: "CTL-22", Check: checkContradiction,
			Title:  "A transparent command with data is refused",
			What:   "A request that says it is transparent and has data is refused with kIOReturnBadArgument, and the next one is answered.",
			Why:    "A transparent command has a word and nothing else. Two ends that resolve the contradiction differently do different things.",
			Remedy: "Check that the parts of a request belong together when it is read.",
		},
	}
}

func stackRules() []Rule {
	return []Rule{
		{
			ID: "CTL-23", Check: checkNames,
			Title:  "The list of modules can be read",
			What:   "The list of modules has at least one name, that of the driver at the end, and each name has at least one character and none for control.",
			Why:    "The list is shown to people and tells programs what to pop.",
			Remedy: "Answer selector 0x115 with the names from the top down as texts of field 1.",
		},
		{
			ID: "CTL-24", Check: checkNamesStay,
			Title:  "Every session begins with the same stack",
			What:   "Sessions that came one after another, and one with the stream open, all list the same modules as long as nobody pushes any.",
			Why:    "A stack is of its session (C7). What one client has left there must not treat the commands of the next one.",
			Remedy: "Make the stack anew for each session, and close it with the session.",
		},
		{
			ID: "CTL-25", Check: checkRoomForNames,
			Title:  "A list of modules that does not fit is an error",
			What:   "Listing the modules with too little room is refused with kIOReturnNoSpace.",
			Why:    "A list that was cut can't be read, or hides modules.",
			Remedy: "Compare the length of the list with the room and refuse.",
		},
		{
			ID: "CTL-26", Check: checkPushUnknown,
			Title:  "Pushing a module that does not exist is refused",
			What:   "Pushing a name that the driver does not know is refused with kIOReturnNotFound, or as not permitted or unsupported where clients push nothing.",
			Why:    "A client whose checksum module was not pushed believes that its data are protected.",
			Remedy: "Look the name up and refuse when there is none.",
		},
		{
			ID: "CTL-27", Check: checkPushRefused,
			Title:  "A refused push leaves the stack as it was",
			What:   "After a push that was refused the list of modules is the same as before.",
			Why:    "The client will not pop what it was told is not there.",
			Remedy: "Open the module first, and link it into the stack when that has succeeded.",
		},
		{
			ID: "CTL-28", Check: checkPushRubbish, Attack: true,
			Title:  "Names that make no sense are refused",
			What:   "Pushing an empty name, control characters, ten thousand bytes, no UTF-8 or a path is refused, and the session goes on.",
			Why:    "Names come from people and files; what is done with them must not reach beyond the driver's list.",
			Remedy: "Compare the name with a list; build no path and no format from it.",
		},
		{
			ID: "CTL-29", Check: checkPopOwn,
			Title:  "A client can't pop what the driver pushed",
			What:   "Popping in a session that has pushed nothing is refused with kIOReturnNotPermitted, and the stack stays.",
			Why:    "The driver's modules are there for a reason: limits, checks, translation. A client must not get beneath them.",
			Remedy: "Count what the client has pushed, and refuse the pop below it.",
		},
		{
			ID: "CTL-30", Check: checkFlushes,
			Title:  "Every flush is accepted",
			What:   "A flush of the read side, the write side and both, of everything and of each band from 0 to 255, succeeds.",
			Why:    "A flush is what a client does when it has lost its thread; it must not find out that its driver knows no bands.",
			Remedy: "Send M_FLUSH down for every legal set of flags; a module without bands flushes what it has of that band, which may be nothing.",
		},
		{
			ID: "CTL-31", Check: checkBadFlush,
			Title:  "A flush with impossible numbers is refused",
			What:   "A flush with flags beyond 7 or a band beyond 255 is refused with kIOReturnBadArgument.",
			Why:    "Cut to a byte, another flush is done than the one that was asked for.",
			Remedy: "Check the range of both numbers before they become bytes.",
		},
		{
			ID: "CTL-32", Check: checkFlushScalars,
			Title:  "A flush has two scalars",
			What:   "A flush with none, one or three scalars is refused with kIOReturnBadArgument.",
			Why:    "A driver that reads what was not sent uses what lies there by chance.",
			Remedy: "Check the number of scalars first.",
		},
		{
			ID: "CTL-33", Check: checkFlushThenCommand,
			Title:  "Commands are answered after a flush",
			What:   "After each kind of flush the next command is answered.",
			Why:    "A flush that throws away the state of a module with its data leaves a control plane that nobody can use.",
			Remedy: "Let a flush free messages and nothing else, and enable the queue again.",
		},
	}
}

func planeStateRules() []Rule {
	return []Rule{
		{
			ID: "CTL-34", Check: checkCommandStates,
			Title:  "Commands are answered in every state",
			What:   "A command is answered while the stream is closed, open, running and suspended.",
			Why:    "A camera is set up before it runs and adjusted while it does.",
			Remedy: "Keep the control plane apart from the state of the stream; refuse a command whose meaning needs another state with an errno of its own.",
		},
		{
			ID: "CTL-35", Check: checkNamesStates,
			Title:  "Modules can be listed and pushed in every state",
			What:   "Listing the modules, and being told that a module does not exist, work while the stream is closed, open, running and suspended.",
			Why:    "The stack belongs to the session and not to the run of the stream.",
			Remedy: "Ask for no state of the stream in the selectors of the control plane.",
		},
		{
			ID: "CTL-36", Check: checkFlushStates,
			Title:  "Flushes work in every state",
			What:   "A flush succeeds while the stream is closed, open, running and suspended.",
			Why:    "What a flush throws away is in the stack of the control plane, which is there in every state.",
			Remedy: "Don't mistake the flush of the control plane (0x116) for that of the queues.",
		},
		{
			ID: "CTL-37", Check: checkPlaneChangesNothing,
			Title:  "The control plane does not change the stream",
			What:   "State, direction and format of the stream are the same before and after an unknown command, a flush, a refused push and pop, and a list.",
			Why:    "A monitor that looks at the controls must not stop a recording.",
			Remedy: "Touch the stream in the functions of commands that are for that, and nowhere else.",
		},
		{
			ID: "CTL-38", Check: checkEntriesGoOn,
			Title:  "Entries go on while commands are answered",
			What:   "The client of a running stream gets its entries while it sends commands and flushes.",
			Why:    "Adjusting the gain must not cost a frame, less still the stream.",
			Remedy: "Answer commands in a goroutine or thread of their own, and share no lock with the data path.",
		},
		{
			ID: "CTL-39", Check: checkClosedAndOpen,
			Title:  "The control plane outlives the stream's close",
			What:   "A connection whose stream was opened and closed, twice, has its commands answered before, in between and afterwards.",
			Why:    "The control plane begins and ends with the session. Programs close a stream to change what can't be changed while it is open.",
			Remedy: "Open the stack with the session's first command, and close it when the session is over.",
		},
		{
			ID: "CTL-40", Check: checkGuestControls,
			Title:  "A client without the stream has its commands answered",
			What:   "While one client has the stream open, or running, the commands of another one are answered as well.",
			Why:    "A panel adjusts what a recorder records. Who may do what is for each command to say (EACCES, EPERM).",
			Remedy: "Don't ask who has the stream open before a command is looked at.",
		},
		{
			ID: "CTL-41", Check: checkSessionsRunOut, Timeout: 2 * DefaultTimeout,
			Title:  "Nothing runs out by sessions",
			What:   "After twenty-four sessions that used the control plane and are over, the next one's commands are answered.",
			Why:    "Every program that starts is a session. A stack that stays behind each of them fills the driver.",
			Remedy: "Close the stack of a session when the session is closed, however it ended.",
		},
	}
}
