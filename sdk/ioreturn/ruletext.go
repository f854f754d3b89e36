// SPDX-License-Identifier: Apache-2.0

package ioreturn

import (
	"iter"
	"slices"
)

// Rules yields the text of every rule, in the order of their numbers.
func Rules() iter.Seq[RuleText] { return slices.Values(ruleTexts) }

func ruleText(r Rule) (RuleText, bool) {
	for _, t := range ruleTexts {
		if t.Rule == r {
			return t, true
		}
	}
	return RuleText{}, false
}

var ruleTexts = []RuleText{
	{
		Rule: RuleQueueMagic,
		Name: "QUEUE-MAGIC",
		What: "Word 0 of a native ring holds the ring's magic number with the version of the layout that was agreed on, and " +
			"word 0 of the reader's region holds the reader's.",
		Why: "The magic tells a native ring from a classic one, whose word 0 is a count, and from memory that is no queue at " +
			"all. Without it both sides would read each other's fields as something else.",
		Remedy: "The writer of a region puts the magic there before the other side maps it, and never changes it. Check that " +
			"the right region was mapped for the memory type, and that the layout which was selected is the one that is used.",
	},
	{
		Rule: RuleQueueGeometry,
		Name: "QUEUE-GEOMETRY",
		What: "The count of a native ring is a power of two, that of a classic ring at least two; neither is above 2^30. The " +
			"count, the entry offset and the entry size agree with the description, and all entries lie within the mapped memory.",
		Why: "A reader computes the address of an entry from these words. If they don't fit the memory, it would read or " +
			"write outside of it.",
		Remedy: "Set the header up once, from the same numbers as the description and the size of the memory. Nobody may " +
			"change it afterwards.",
	},
	{
		Rule: RuleQueueIndex,
		Name: "QUEUE-INDEX",
		What: "An index only grows (a native index modulo 2^32, a classic one modulo the count). A producer's index is never " +
			"more than the ring's count ahead of the consumer's, and a consumer's never ahead of the producer's.",
		Why: "An index that jumps makes the other side read entries that were never written, or overwrite entries that were " +
			"never read.",
		Remedy: "Keep the own index in private memory and only ever publish it; don't read it back from the shared word. Check " +
			"that a single thread moves it, and that indices are not set back at start, stop or open within a session.",
	},
	{
		Rule: RuleQueueFull,
		Name: "QUEUE-FULL",
		What: "A ring has room for every buffer of the stream, so it is never full for a producer that only gives what it owns.",
		Why: "A ring that can be full would be a second kind of overrun, and a buffer could be lost between the two sides. The " +
			"only overrun is that no buffer is free.",
		Remedy: "Give each ring at least as many entries as the stream has buffers. If it has them, the consumer does not " +
			"publish its index: let it do so at the latest when it has read everything.",
	},
	{
		Rule: RuleEntryBuffer,
		Name: "ENTRY-BUFFER",
		What: "An entry names a buffer between 0 and the buffer count less one.",
		Why:  "The buffer's number is an index into tables of the reader.",
		Remedy: "Write all 32 bytes of an entry before publishing the index, and publish with release order. An entry of " +
			"rubbish often is one that was published too early.",
	},
	{
		Rule: RuleEntryRange,
		Name: "ENTRY-RANGE",
		What: "The data offset and length of an entry lie within the buffer's data region, and the control offset and length " +
			"within its control region. A stream without control regions has zero for both.",
		Why: "The reader hands exactly this range to its program. A range that leaves the buffer would show other memory, and " +
			"two 32-bit numbers can also exceed it by an overflow of their sum.",
		Remedy: "Take the sizes from the memory map, not from the largest buffer in the description, and set the control words " +
			"to zero where there is no control region.",
	},
	{
		Rule: RuleEntryOwner,
		Name: "ENTRY-OWNER",
		What: "The sender of an entry owns the buffer that the entry names. A buffer passes to the other side when its entry " +
			"is published, and comes back with an entry from there.",
		Why: "Two owners write to one buffer at the same time, and a buffer that is given back twice is filled twice while " +
			"another is lost.",
		Remedy: "Look for a buffer that is returned twice, returned before it was received, or posted from two places. All " +
			"buffers belong to the driver when a session begins.",
	},
	{
		Rule: RuleQueueRoles,
		Name: "QUEUE-ROLES",
		What: "In a classic queue one side moves the head and the other the tail, in both queues alike and for the whole session.",
		Why: "Which side owns which index is not written down anywhere in the classic layout. It is learnt from the first " +
			"movement of the output queue, and everything after depends on it.",
		Remedy: "Move only the index that belongs to your side. Leave the input queue alone until the output queue has moved, " +
			"and don't set both indices to zero within a session.",
	},
	{
		Rule: RuleEntrySeq,
		Name: "ENTRY-SEQ",
		What: "The sequence number of an entry is greater than that of the entry before (modulo 2^32, by less than 2^31).",
		Why: "Loss is seen as a gap in the numbers. A number that stands still or goes back would hide a loss or report one " +
			"that never was.",
		Remedy: "Number entries in one place, when the driver posts them, and count on through stop, start and dropped entries. " +
			"Only a new session begins again at zero.",
	},

	{
		Rule: RuleFrameSize,
		Name: "FRAME-SIZE",
		What: "A frame is exactly as long as its header and its fields say, and not longer than the limit.",
		Why:  "A reader that trusted the fields would read past the message, and one that trusted the message would misread it.",
		Remedy: "Send each frame as one message, with the length that its fields add up to. Check both sides for the same " +
			"version of the protocol.",
	},
	{
		Rule:   RuleFrameType,
		Name:   "FRAME-TYPE",
		What:   "A frame is of a known type, sent by the side that may send it, at a time when it may be sent.",
		Why:    "A frame that is not understood may have been important; a session that went on without it would be a guess.",
		Remedy: "The greeting comes first and once. Send frames of a newer version only after that version was agreed on.",
	},
	{
		Rule: RuleFrameFDs,
		Name: "FRAME-FDS",
		What: "A frame carries exactly the descriptors that its type says, of the right kind, and none is cut off.",
		Why: "A missing descriptor leaves a side without its memory or its bell. An extra one would fill the receiver's " +
			"table, since nobody closes it.",
		Remedy: "Send descriptors only with the frames that have them, in the order given. All descriptors that arrived with " +
			"a wrong frame are closed by the receiver.",
	},
	{
		Rule: RuleFrameID,
		Name: "FRAME-ID",
		What: "The number of a call is not used again while the call is outstanding, and a reply carries the number of an " +
			"outstanding call.",
		Why: "With doubtful numbers an answer could reach the wrong caller.",
		Remedy: "Count the numbers up. A call that was given up stays outstanding until its reply has come; the reply to a " +
			"cancelled call is still sent, once.",
	},
	{
		Rule:   RuleFrameLimit,
		Name:   "FRAME-LIMIT",
		What:   "No more calls are outstanding, and no call is larger, than the limits that the greeting gave.",
		Why:    "Each outstanding call costs its receiver memory and a thread of work. Without a limit a client could use up the driver.",
		Remedy: "Wait for replies before sending more, cancel what is no longer needed, and pass large data in shared memory.",
	},
	{
		Rule: RuleHandshake,
		Name: "HANDSHAKE",
		What: "The first frame in each direction is the greeting. It comes within the time limit, once, and its fields make sense.",
		Why: "A connection that does not greet may be no client at all, and each silent connection holds a place that another " +
			"client needs.",
		Remedy: "Greet at once after connecting. If the peer is something else that found the socket, give it the address that " +
			"it was looking for.",
	},
	{
		Rule: RuleVersion,
		Name: "VERSION",
		What: "The version ranges of both sides have a version in common, and each side knows every feature that the other requires.",
		Why: "Two sides that read the same words differently damage data. Refusing at the start is the only point at which " +
			"nothing has happened yet.",
		Remedy: "Update the older side. The error names both ranges, or the feature that is unknown.",
	},
	{
		Rule: RulePeerStalled,
		Name: "PEER-STALLED",
		What: "Each side reads its socket, so that the other can send without waiting.",
		Why: "A side never blocks in a send: it would hang with a peer that has stopped. It keeps a bounded queue instead, " +
			"and when that is full too, the session ends.",
		Remedy: "Read the socket in a loop of its own, independent of what the program does with the frames. A process that " +
			"is stopped in a debugger shows this too.",
	},
	{
		Rule: RuleDescribe,
		Name: "DESCRIBE",
		What: "A description, format, event list, memory map or other record can be decoded: its sizes add up, a field comes no " +
			"more often than it may, texts are UTF-8 without control characters, and the stream's name is valid.",
		Why: "Records come from another program and lead to allocations, file names and lines on a terminal. What can't be " +
			"read for certain is not used at all.",
		Remedy: "The error names the record, the field and what is wrong with it. New fields may be added by number; readers skip " +
			"those that they don't know unless the field is marked as one that must be understood.",
	},
	{
		Rule: RuleAnswer,
		Name: "ANSWER",
		What: "The answer to a call has as many words and bytes as its selector says.",
		Why:  "A word that is missing would be read as zero, which is a valid mode, count or time.",
		Remedy: "Fill all outputs of a selector when it succeeds. Answer Unsupported for a selector that the driver lacks, and " +
			"leave it out of the description.",
	},

	{
		Rule: RuleMemorySize,
		Name: "MEMORY-SIZE",
		What: "Shared memory is at least as long as was announced.",
		Why:  "Touching a mapping past the end of its file kills the process.",
		Remedy: "Set the size of the memory before sealing it and handing it over. A buffer's length in the memory map must not " +
			"be rounded up past the memory.",
	},
	{
		Rule: RuleMemorySeals,
		Name: "MEMORY-SEALS",
		What: "A memfd is sealed against shrinking, growing and further seals. One that the driver writes is also sealed " +
			"against new writable mappings.",
		Why: "The peer could otherwise cut the memory off under a mapping, which kills the process that touches it, or punch " +
			"holes into data that it may only read.",
		Remedy: "Create the memfd with sealing allowed, size it, map it, then add the seals, and only then send it.",
	},
	{
		Rule: RuleMemoryKind,
		Name: "MEMORY-KIND",
		What: "Memory is of a kind that the receiver has said it accepts, and of the kind that the description announces.",
		Why: "Kinds differ in what can be done to a mapping from outside. The descriptor of a device, for example, gives its " +
			"holder far more than the memory.",
		Remedy: "Send a memfd or a dma-buf, never a device's own descriptor or a file on disk.",
	},
	{
		Rule: RuleMemoryRange,
		Name: "MEMORY-RANGE",
		What: "Each region of the memory map lies within its arena, is aligned as its kind demands, does not overlap another, " +
			"and stands in the memory of the side that writes it.",
		Why: "A region in the wrong arena would let the peer write words that only this side may write. A misaligned word " +
			"can't be accessed atomically.",
		Remedy: "Lay regions out one after the other, each on a multiple of its alignment, in the arena of its writer; compute " +
			"ends with 64-bit sums.",
	},

	{
		Rule: RuleStateAnswer,
		Name: "STATE-ANSWER",
		What: "The driver answers each operation as the state table says for the session's state.",
		Why:  "Programs are written against the table. A driver that differs makes them fail in ways that no other driver does.",
		Remedy: "Compare the driver's state machine with the table in the ABI page. The driver's answer is the one that counts " +
			"for the session; the difference is reported.",
	},
	{
		Rule: RuleBellBlocked,
		Name: "BELL-BLOCKED",
		What: "A bell that a side handed over can always be rung without waiting.",
		Why: "The other holder of an eventfd can fill its counter or make it blocking, and a ring would then hang the side " +
			"that rings.",
		Remedy: "Don't write to your own notification descriptor, don't change its flags, and read it whenever it is readable.",
	},
}
