// SPDX-License-Identifier: Apache-2.0

package conformance

import "slices"

// talkRules are about conversations: commands with copies from and to the client's memory (C6).
func talkRules() []Rule {
	return ofControl(slices.Concat(copyRules(), conversationRules(), patienceRules(), safeTalkRules()))
}

func copyRules() []Rule {
	return []Rule{
		{
			ID: "TALK-01", Check: checkNeedInRange,
			Title:  "A copy in asks for memory that the command named",
			What:   "The first copy that a command asks for lies within what its argument says, address and length.",
			Why:    "A stream head copies from memory that its caller registered and from nowhere else (C7); the command fails with EFAULT.",
			Remedy: "Ask for what the argument says, with its address and not more than its length.",
		},
		{
			ID: "TALK-02", Check: checkNeedSizes,
			Title:  "No copy is larger than the limit",
			What:   "Every copy of a conversation has at least one byte and at most as many as the description says.",
			Why:    "A larger one does not fit into a call, and the client refuses it with EMSGSIZE.",
			Remedy: "Compare the size that a command wants to copy with the limit first, and refuse the command.",
		},
		{
			ID: "TALK-03", Check: checkFailedCopySilent,
			Title:  "After a failed copy the driver is silent",
			What:   "When the client says that a copy could not be done, the answer is silence: no refusal, no other copy, no ack.",
			Why:    "The client's caller has its errno already. Another answer would be taken for that of the next command.",
			Remedy: "Free what the command has kept, and answer the event copy-failed with kind silent.",
		},
		{
			ID: "TALK-04", Check: checkFailedCopyEnds,
			Title:  "A failed copy ends the conversation",
			What:   "After the client said that a copy failed, data for that command are refused, and the next command is answered.",
			Why:    "A command that goes on without the data it asked for works with what lay in the memory by chance.",
			Remedy: "Forget the conversation when the event copy-failed comes.",
		},
		{
			ID: "TALK-05", Check: checkWrongKind,
			Title:  "The outcome of another copy is refused",
			What:   "Saying that data were stored when the driver asked for data ends the command with a refusal.",
			Why:    "A driver that goes on works with data that it has not got.",
			Remedy: "Compare the kind of the event with the copy that was asked for.",
		},
		{
			ID: "TALK-06", Check: checkWrongLength,
			Title:  "Data of another length are refused",
			What:   "Data that are one byte short, one byte long or none at all are refused, as an error of the call or with an errno.",
			Why:    "What is missing would be read from somewhere, and what is too much written.",
			Remedy: "Compare the length with the one that was asked for.",
		},
		{
			ID: "TALK-07", Check: checkTwice,
			Title:  "An event counts once",
			What:   "The same outcome of a copy, sent a second time after the command has ended, is refused.",
			Why:    "A client that repeats a call after an error must not do the command again.",
			Remedy: "Forget the conversation with its last answer.",
		},
		{
			ID: "TALK-08", Check: checkNeedOutRange,
			Title:  "A copy out stays in the memory that the command named",
			What:   "What a command stores lies within the memory that its argument gives for the reply, and has as many data as it says.",
			Why:    "Anything else would overwrite the client's memory, and is refused with EFAULT.",
			Remedy: "Store at the address of the argument, and not more than it has room for.",
		},
		{
			ID: "TALK-09", Check: checkBounded,
			Title:  "A conversation comes to an end",
			What:   "The list of controls is answered with an ack after at most sixteen copies for each of its pieces.",
			Why:    "Stream heads refuse the seventeenth copy with EPROTO, so that a driver can't hold its caller for ever.",
			Remedy: "Copy in one piece what can be; count the rounds that your largest command needs.",
		},
		{
			ID: "TALK-10", Check: checkOneID,
			Title:  "All answers of a conversation have one ID",
			What:   "Each copy that a command asks for, and its last answer, have the ID of the request.",
			Why:    "The client drops an answer with another ID, and its caller waits in vain.",
			Remedy: "Keep the ID with the conversation, not with the last record that came.",
		},
		{
			ID: "TALK-11", Check: checkRubbishCopied,
			Title:  "Rubbish that was copied in is refused",
			What:   "A command whose copied request makes no sense ends with a refusal, under its ID.",
			Why:    "The data of a copy are a client's as much as anything else that it sends.",
			Remedy: "Check what was copied in like the request itself, and refuse it with EINVAL.",
		},
		{
			ID: "TALK-12", Check: checkShortArgument,
			Title:  "An argument that is too short is refused",
			What:   "A command that needs an argument and comes with none, or a part of it, is refused, and asks for no copy.",
			Why:    "Addresses and lengths that are not in the argument would be read from behind it.",
			Remedy: "Compare the length of the data with the size of the argument before it is decoded.",
		},
		{
			ID: "TALK-13", Check: checkNullTransparent,
			Title:  "Address zero is never asked for",
			What:   "A transparent command with the word zero is refused, and no copy from address zero is asked for.",
			Why:    "Zero is no address. A stream head takes such a request for a broken driver's and answers EPROTO.",
			Remedy: "Refuse a null pointer with EFAULT or EINVAL before the copy.",
		},
	}
}

func conversationRules() []Rule {
	return []Rule{
		{
			ID: "TALK-14", Check: checkAbandonEnds,
			Title:  "Giving up ends the conversation",
			What:   "After the client gave a command up that waits for a copy, data for it are refused, and the next command is answered.",
			Why:    "The caller's memory is not there any more, and the session has one conversation at a time.",
			Remedy: "Free what the command has kept, and forget the conversation.",
		},
		{
			ID: "TALK-15", Check: checkReplaced,
			Title:  "A new command replaces one that waits",
			What:   "A command that comes while another one waits for a copy is answered at once.",
			Why:    "A client whose call was given up does not always say so. Its next command shows that it did.",
			Remedy: "End the earlier conversation as if it had been given up; don't refuse the new one as busy.",
		},
		{
			ID: "TALK-16", Check: checkReplacedIsOver,
			Title:  "A command that was replaced is over",
			What:   "Data for a command in whose place another one came are refused.",
			Why:    "They could be taken for the data of the new one.",
			Remedy: "Keep one conversation for each session, with one ID.",
		},
		{
			ID: "TALK-17", Check: checkOtherID,
			Title:  "Data for another ID are refused",
			What:   "The outcome of a copy under an ID that the driver has not asked under is refused, and the conversation that waits goes on.",
			Why:    "A late event of an older command must neither feed nor end the one that waits.",
			Remedy: "Compare the ID of the event with that of the conversation before anything else.",
		},
		{
			ID: "TALK-18", Check: checkSameIDs,
			Title:  "IDs of two sessions have nothing to do with each other",
			What:   "Two sessions whose commands have the same ID, at the same time, each have their own conversation.",
			Why:    "All clients count from one.",
			Remedy: "Find a conversation by session and ID.",
		},
		{
			ID: "TALK-19", Check: checkOtherSessionWaits,
			Title:  "A client that does not answer delays no other",
			What:   "While a command of one session waits for its copy, the commands of another session are answered.",
			Why:    "With one slot for all, a client that was stopped in a debugger stops the device for everybody (C7).",
			Remedy: "Hold no lock and no slot of the driver while a conversation waits for its client.",
		},
		{
			ID: "TALK-20", Check: checkLeftOpen,
			Title:  "A session that ends in a conversation leaves nothing",
			What:   "After eight clients that hung up between two copies, the next one's command is answered and asks for its copy.",
			Why:    "Clients die, most of all while they wait. What they leave must not be found locked by the next one.",
			Remedy: "End the conversation when the session is closed, and give back what the command took.",
		},
		{
			ID: "TALK-21", Check: checkStreamWhileTalking,
			Title:  "The stream goes on while a conversation is open",
			What:   "While a command waits for its copy, its client can open, start, stop and close the stream, and other selectors are answered.",
			Why:    "The client's thread that copies and the one that reads the stream know nothing of each other.",
			Remedy: "Return from the call that asks for a copy; wait nowhere for what comes next.",
		},
		{
			ID: "TALK-22", Check: checkFlushWhileTalking,
			Title:  "A flush does not end a conversation",
			What:   "After a flush a command that waits for a copy takes its data and is answered.",
			Why:    "A flush is for data. Commands are high priority and stay, or their callers would wait in vain.",
			Remedy: "Flush data messages only (FLUSHDATA), and leave the ioctl messages.",
		},
		{
			ID: "TALK-23", Check: checkRubbishWhileTalking, Attack: true,
			Title:  "Rubbish does not end a conversation",
			What:   "After records that can't be read, a command that waits for a copy still takes its data.",
			Why:    "A call that was refused changes nothing.",
			Remedy: "Look at the conversation after the record was read and checked.",
		},
	}
}
