// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"time"
)

// hostileRules are about clients that write rubbish into the memory that they share with
// the driver. The driver ends such a session, or passes over what is only a hint; it
// never hangs or dies, and nobody else notices.
func hostileRules() []Rule {
	rules := slices.Concat(hostileIndexRules(), hostileEntryRules(), hostileHintRules(), hostileManners())
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Since, r.Attack = Core, Must, "0.1.0", true
	}
	return rules
}

// hostileIndexRules are about the indices of the queues.
func hostileIndexRules() []Rule {
	return []Rule{
		{
			ID: "HOSTILE-01", Origin: HostLibrary,
			Title:  "An input index past the ring ends the session",
			What:   "When the client publishes an index of the input queue that is further ahead than the ring is long, or outside of a classic ring, the driver ends the session, and the next client is served.",
			Why:    "A driver that follows the index reads the same entries again and again, or memory behind the ring.",
			Remedy: "Compare the client's index with the driver's own before an entry is read: at most as many entries as the ring holds may lie between them.",
			Check:  checkIndexPastRing,
		},
		{
			ID: "HOSTILE-02", Origin: HostLibrary, Needs: []Capability{CapNative},
			Title:  "An input index that goes back ends the session",
			What:   "When the client moves the index of the input queue backwards, the driver ends the session, and the next client is served.",
			Why:    "As an unsigned number, a step back is a jump ahead by almost 2^32: the driver would read for hours, or for ever.",
			Remedy: "Do the sum modulo 2^32 and compare it with the ring's size; keep the last index that was seen, and take nothing before it.",
			Check:  checkIndexBack,
		},
		{
			ID: "HOSTILE-03", Origin: HostLibrary,
			Title: "A wrong read index of the output queue hangs nothing",
			What: "When the client claims to have read more than was written, or moves its read index back, the driver ends the session or goes on as if it " +
				"had not looked; entries and calls are not held up.",
			Why:    "A driver that trusts the index thinks that the ring is full, and waits in its loop for ever; then no other client is served.",
			Remedy: "Keep the write index privately, take the client's index only if it lies between the last one and that, and never wait for room: the ring holds every buffer.",
			Check:  checkReadIndex,
		},
		{
			ID: "HOSTILE-04", Origin: HostLibrary,
			Title:  "A header that changes after start hangs nothing",
			What:   "When the client overwrites magic, count, offset and size in the header of the input queue after start, the driver goes on with what it has read at first, or ends the session.",
			Why:    "A count that is read anew for each entry can be 0: a division by it ends the driver.",
			Remedy: "Read each word of the header once, when the queue is made or mapped, and use the copy.",
			Check:  checkHeaderOverwritten,
		},
		{
			ID: "HOSTILE-05", Origin: HostLibrary, Needs: []Capability{CapClassic},
			Title:  "A client that moves the driver's own index loses its session",
			What:   "In the classic layout the client can write the driver's index of a queue. When it does, the driver ends the session, and the next client is served.",
			Why:    "A driver that reads its own index back from the shared word lets the client decide what it does next.",
			Remedy: "Keep the own index privately; compare the shared word with it, and end the session if they differ.",
			Check:  checkOwnIndex,
		},
	}
}

// hostileEntryRules are about what entries say.
func hostileEntryRules() []Rule {
	return []Rule{
		{
			ID: "HOSTILE-06", Origin: HostLibrary,
			Title:  "An entry for a buffer that does not exist ends the session",
			What:   "When the client publishes an entry whose buffer ID is the number of buffers or above, up to 2^32-1, the driver ends the session, and the next client is served.",
			Why:    "An ID that is used as an index reads and writes whatever lies behind the table of buffers.",
			Remedy: "Compare the ID with the count before it is used.",
			Check:  checkForeignBuffer,
		},
		{
			ID: "HOSTILE-07", Origin: HostLibrary,
			Title:  "Data that leaves its buffer ends the session",
			What:   "When the client publishes an entry whose data offset and length leave the buffer, also where their 32-bit sum wraps around, the driver ends the session, and the next client is served.",
			Why:    "The driver, or the device by DMA, would read what is not the client's.",
			Remedy: "Add offset and length as 64-bit numbers and compare the sum with the buffer's size.",
			Check:  checkDataRange,
		},
		{
			ID: "HOSTILE-08", Origin: HostLibrary,
			Title:  "Control data that leaves its region ends the session",
			What:   "When the client publishes an entry whose control offset and length leave the control region, or name bytes where there is no such region, the driver ends the session, and the next client is served.",
			Why:    "The control region is small and rarely looked at, so this is the check that is forgotten.",
			Remedy: "Check the control range like the data range, with size 0 where there is no region.",
			Check:  checkControlRange,
		},
		{
			ID: "HOSTILE-09", Origin: HostLibrary,
			Title:  "An entry for a buffer that its sender does not own ends the session",
			What:   "When the client returns a buffer twice while the stream is stopped, so that the second entry names a buffer of the driver's, the driver ends the session, and the next client is served.",
			Why:    "A buffer that is free twice is filled twice: two frames come in the same memory.",
			Remedy: "Keep a private bit for each buffer that says who owns it, and check it for every entry.",
			Check:  checkReturnedTwice,
		},
		{
			ID: "HOSTILE-10", Origin: HostLibrary, Needs: []Capability{CapNative, CapDoorbell},
			Title:  "Broken rules count in every state",
			What:   "A client that publishes an entry for a buffer that does not exist loses its session when it rings by a call, also when the stream was never started, is suspended, or is stopped.",
			Why:    "What is only checked while the stream runs lies there until the next start, which then fails for no visible reason.",
			Remedy: "Check what is on the input queue wherever it is read, whatever the state.",
			Check:  checkBreachInEachState,
		},
	}
}

// hostileHintRules are about words that may hold anything.
func hostileHintRules() []Rule {
	return []Rule{
		{
			ID: "HOSTILE-11", Origin: HostLibrary, Needs: []Capability{CapNative},
			Title: "A wild event index hangs nothing",
			What: "When the client writes anything into its event index and into the word that says how it sleeps, entries go on to come, rung or not, or the " +
				"driver ends the session; when the client arms properly again, it is rung again.",
			Why:    "The event index says when to ring, and nothing else. A driver that waits until it is reached stands still.",
			Remedy: "Use the event index only to decide whether to ring after an entry was published; treat an unknown way to sleep as the bell.",
			Check:  checkWildEventIndex,
		},
		{
			ID: "HOSTILE-12", Origin: HostLibrary, Needs: []Capability{CapNative},
			Title:  "Tokens and hints in the ring may be anything",
			What:   "Whatever stands in the words for token, CPU and status of the client's input ring, the stream goes on.",
			Why:    "These words mean nothing to the protocol. One that is used as an index or as a state turns rubbish into a crash.",
			Remedy: "Hand the token to the handler, bound the CPU number before it is used, and ignore the status of the input ring.",
			Check:  checkWildHints,
		},
		{
			ID: "HOSTILE-13", Origin: Both, Timeout: 10 * time.Second,
			Title:  "Random words in the shared memory are survived",
			What:   "A client that fills its queues with random numbers and goes on to overwrite their words at random is ended or served; the driver answers, and the next client is served.",
			Why:    "No list of attacks is complete.",
			Remedy: "Note the seed of the report: the same seed writes the same words. Read each shared word once into a variable, check that, and use that.",
			Check:  checkRandomWords,
		},
		{
			ID: "HOSTILE-14", Origin: VendorCode,
			Title: "Payload may change while the driver reads it",
			What: "A client that goes on to write into a buffer which it has sent hangs nothing: the stream goes on or the driver ends the session, and " +
				"the next client is served.",
			Why:    "What was checked is not what is used a moment later. A length in the payload that grows after its check reads beyond the buffer.",
			Remedy: "Copy what decides about anything (lengths, counts, checksums) out of the buffer once, before it is checked (C40).",
			Check:  checkPayloadChanges,
		},
	}
}

// hostileManners are about clients that break no rule, or more than one.
func hostileManners() []Rule {
	return []Rule{
		{
			ID: "HOSTILE-15", Origin: HostLibrary,
			Title:  "A flood of rings stops nothing",
			What:   "A client that rings the doorbell thousands of times, and calls it where it can be called, is served as before.",
			Why:    "Rings may be merged; a driver that queues work for each of them runs out of memory or falls behind for ever.",
			Remedy: "Note that there was a ring, and look at the queue once for all of them.",
			Check:  checkRingFlood,
		},
		{
			ID: "HOSTILE-16", Origin: Both,
			Title: "A client that never reads and never returns holds up nobody else",
			What: "While a client leaves every entry unread, others are answered: a second client that it is busy, an observer what there is to see; the " +
				"first one can stop and close, and the next is served.",
			Why:    "A program that has crashed in its own code still has its connection. It must cost its own frames only.",
			Remedy: "Wait for the client nowhere but in the driver's loop, hold no lock there, and end that wait with the session.",
			Check:  checkDeadWeight,
		},
		{
			ID: "HOSTILE-17", Origin: HostLibrary,
			Title:  "A broken session costs nobody else",
			What:   "When a client breaks a rule, observers that are connected go on to be answered, and a client that is waiting for the stream can open it as soon as the session is over.",
			Why:    "The rules protect the others. A driver that ends itself does the attacker's work.",
			Remedy: "End the one session; log it; take the next buffer for the next client.",
			Check:  checkOthersUnharmed,
		},
		{
			ID: "HOSTILE-18", Origin: HostLibrary, Timeout: 15 * time.Second,
			Title:  "Many broken sessions use nothing up",
			What:   "After two dozen clients in a row have broken rules, the next one is served.",
			Why:    "What a session that ends in an error forgets to give back is missed after some weeks, in the field.",
			Remedy: "Give memory, slots and threads back in one place, which every end of a session passes.",
			Check:  checkManyOutlaws,
		},
	}
}
