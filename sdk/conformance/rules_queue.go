// SPDX-License-Identifier: Apache-2.0

package conformance

// queueRules are about the native queues: their memory, their indices, their entries.
func queueRules() []Rule {
	rules := append(queueMemoryRules(), queueIndexRules()...)
	for i := range rules {
		r := &rules[i]
		r.Level, r.Origin, r.Since = Must, HostLibrary, "0.1.0"
		r.Needs = append([]Capability{CapNative}, r.Needs...)
	}
	return rules
}

func queueMemoryRules() []Rule {
	return []Rule{
		{
			ID: "QUEUE-01", Profile: Core,
			Title:  "Native queues begin with their magic words",
			What:   "Before open is answered, word 0 of both rings holds 0xa10c0001 and word 0 of both readers' regions holds 0xa10d0001: magic and version of the layout.",
			Why:    "A client tells by this word that it understands the memory. Without it, it must refuse the stream, or reads an unknown layout as if it knew it.",
			Remedy: "Write the four words (RING_MAGIC and READER_MAGIC) when the queues are made, in the client's memory too.",
			Check:  checkMagic,
		},
		{
			ID: "QUEUE-02", Profile: Core,
			Title:  "The geometry of a native queue fits its memory, its buffers and the description",
			What:   "The count is a power of two, at least the number of buffers and the one in the description; entries of 32 bytes begin at a multiple of 32 from 256 on; all of them lie within the mapped ring, and a reader's region has 384 bytes.",
			Why:    "A client reads and writes where the header says. A wrong number makes it leave the memory, lose entries, or, if it checks, refuse the stream.",
			Remedy: "Compare what is written into the header with the size of the region in the memory map, and with ring_count of the description.",
			Check:  checkGeometry,
		},
		{
			ID: "QUEUE-03", Profile: Core,
			Title:  "The queues are empty from open to start",
			What:   "After open the head and the tail of each queue are equal, and nothing is posted until the client has started the stream.",
			Why:    "A client takes its indices over from the memory. Entries that it did not ask for name buffers that it did not expect, before it is ready.",
			Remedy: "Make the queues anew at open, with zeroed indices, and keep entries back until start.",
			Check:  checkFresh,
		},
		{
			ID: "QUEUE-04", Profile: Streaming,
			Title:  "The status word says that a stopped stream is not ready",
			What:   "Before the first start and when stop has been answered, the status word of the output queue holds NotReady (0xe00002d8).",
			Why:    "A client that finds the queue empty looks at the status to learn whether waiting makes sense. With the wrong word it waits for ever.",
			Remedy: "Write the status when the queues are made and, after the last entry, in stop; then ring.",
			Check:  checkStatusStopped,
		},
		{
			ID: "QUEUE-05", Profile: Streaming,
			Title:  "The status word says that a started stream runs",
			What:   "When start has been answered the status word of the output queue is 0 (running), after a stop as well; it stays so while the stream is suspended.",
			Why:    "A client that finds the queue empty and the status not running takes the stream for ended, and gives up although frames will follow.",
			Remedy: "Write 0 into the status word in every start, before anything is posted. Suspend is a pause, not an end: leave the word alone.",
			Check:  checkStatusRunning,
		},
		{
			ID: "QUEUE-06", Profile: Core,
			Title:  "The driver never writes the client's memory",
			What:   "The ring of the input queue and the words about the output queue belong to the client. The driver only reads them, in every state.",
			Why:    "Each shared word has one writer, so that neither side can spoil the other's record; a client on other transports maps this memory where a write of the driver's would be lost.",
			Remedy: "Keep what you know about entries (read, done, free) in private memory. The driver's own words are the output ring and the reader's region of the input queue.",
			Check:  checkClientWords,
		},
		{
			ID: "QUEUE-07", Profile: Core,
			Title:  "Headers never change once the stream is open",
			What:   "Magic, count, entry offset and entry size of both queues keep their values while the stream runs, is suspended, stopped and started again.",
			Why:    "They are read once, when the memory is mapped. A library, a tracer or a second thread that maps later would see another queue.",
			Remedy: "Write headers at open only. Say with the status word that a queue is out of use.",
			Check:  checkHeaderStays,
		},
		{
			ID: "QUEUE-08", Profile: Core,
			Title:  "Words without a meaning are ignored",
			What:   "Whatever the client leaves in unused words of its regions and, where sequence numbers were not selected, in the reserved words of an entry, the driver works as before.",
			Why:    "Later versions of clients will use these words. A driver that stumbles over them can't be used with such a client.",
			Remedy: "Read only the words that the layout names. Do not compare the rest with zero.",
			Check:  checkUnusedWords,
		},
		{
			ID: "QUEUE-09", Profile: Core,
			Title:  "The hints of the client are only hints",
			What:   "Any value of the client's CPU words and of its token is accepted.",
			Why:    "They are hints by design. A driver that trusts them can be stopped, or worse, by any client.",
			Remedy: "Use the CPU words to choose between two correct ways only, and check them before they are used as an index.",
			Check:  checkHints,
		},
	}
}

func queueIndexRules() []Rule {
	return []Rule{
		{
			ID: "QUEUE-10", Profile: Core,
			Title:  "Each entry names an existing buffer and a part of it",
			What:   "The buffer's ID is below the number of buffers; offset and length of the data and of the control part, added as 64-bit numbers, lie within the regions of that buffer.",
			Why:    "A client uses these numbers to look into shared memory. It must end the session at the first entry that leaves a buffer.",
			Remedy: "Check what you post: IDs count from 0, lengths are bytes of this one buffer, and the control part is 0, 0 where there are no control regions.",
			Check:  checkEntries,
		},
		{
			ID: "QUEUE-11", Profile: Streaming,
			Title:  "An entry is complete when it is published, and does not change afterwards",
			What:   "From the moment the tail passes an entry until the client has read it, its 32 bytes stay as they are.",
			Why:    "A client copies an entry as soon as the tail passes it. If the driver completes it afterwards, the client has a wrong length or buffer, now and then.",
			Remedy: "Write the whole entry, then publish the tail with release order (an atomic exchange), and never touch the slot again before it is the turn of its next lap.",
			Check:  checkComplete,
		},
		{
			ID: "QUEUE-12", Profile: Streaming,
			Title:  "The tail counts on for ever",
			What:   "The tail of the output queue is a free-running 32-bit number: it grows by one for each entry, is not reduced to the ring's size, never goes back, and is never further ahead of the client than the ring is long.",
			Why:    "A client counts entries as tail minus head. An index that wraps at the ring's end looks like a ring with billions of entries, and the client hangs up.",
			Remedy: "Reduce the index only where the slot is computed (index & (count - 1)), never where it is published.",
			Check:  checkTail,
		},
		{
			ID: "QUEUE-13", Profile: Streaming,
			Title:  "The driver publishes what it has read, as a number that counts on for ever",
			What:   "The head of the input queue is free-running, never goes back and never passes the client's tail. When the driver has used everything that the client returned, head and tail become equal.",
			Why:    "A client takes a ring whose head does not move for full. As a full ring means that the driver is broken, it hangs up.",
			Remedy: "Publish the read index at the latest when the input queue is found empty, and do not reduce it to the ring's size.",
			Check:  checkHead,
		},
		{
			ID: "QUEUE-14", Profile: Streaming,
			Title:  "A client may publish what it has read in larger steps",
			What:   "As long as unread entries are left, the client may publish its head late, by up to a quarter of a ring that has room for that. The driver goes on posting into the room that is left.",
			Why:    "Clients publish the head once for several entries to save cache misses. A driver that counts buffers instead of slots takes the ring for full, and stops or hangs up.",
			Remedy: "Compare tail minus head with the ring's count, not with the number of buffers. What may be posted follows from which buffers came back, not from the head.",
			Check:  checkLazyHead,
		},
		{
			ID: "QUEUE-15", Profile: Streaming,
			Title:  "There are never more unread entries than buffers",
			What:   "A client that reads nothing finds at most one entry for each buffer on the output queue.",
			Why:    "The ring has room for every buffer once. More entries than buffers means that one buffer was given twice, and sooner or later the ring is overrun.",
			Remedy: "Post a buffer only while the driver owns it: until it is given back it must not be posted again, and no entry goes without a buffer.",
			Check:  checkOverfill,
		},
		{
			ID: "QUEUE-16", Profile: Streaming,
			Title:  "A batch is taken as a whole",
			What:   "When a client returns many buffers with one publication and one ring, the driver uses all of them.",
			Why:    "Rings are merged, so one ring stands for any number of entries. A driver that takes one entry per ring runs out of buffers while they wait in its queue.",
			Remedy: "After a ring, read until head equals tail; then arm, look once more, and only then sleep.",
			Check:  checkBatch,
		},
		{
			ID: "QUEUE-17", Profile: Streaming,
			Title:  "Batches may cross the end of the ring",
			What:   "Batches of any size, at any place of the ring, come back complete, over many laps.",
			Why:    "A batch that is copied in one piece is cut at the ring's end: buffers vanish one by one, after hours at an unlucky batch size.",
			Remedy: "Copy a batch in two pieces, or entry by entry with the index masked for each.",
			Check:  checkWrap,
		},
		{
			ID: "QUEUE-18", Profile: Core,
			Title:  "An entry is read once",
			What:   "When the driver has published that it has read an entry, it never looks at that slot again.",
			Why:    "The slot is the client's from then on. A driver that reads it again uses values that it never checked: that is how a hostile client gets past all checks.",
			Remedy: "Copy the entry into private memory, check the copy, use the copy.",
			Check:  checkReadOnce,
		},
	}
}
