// SPDX-License-Identifier: Apache-2.0

package conformance

import "slices"

// stopRules are about what stop, suspend, start and close mean for entries and buffers (C24).
func stopRules() []Rule {
	rules := slices.Concat(stopPostRules(), stopGoOnRules(), stopHeldRules())
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Since = Streaming, Must, "0.1.0"
	}
	return rules
}

// stopPostRules are about what is posted around stop and suspend.
func stopPostRules() []Rule {
	return []Rule{
		{
			ID: "STOP-01", Origin: HostLibrary,
			Title:  "Nothing is posted after stop was answered",
			What:   "When the answer to stop is out, no further entry comes on the output queue until the next start, even when the client gives all buffers back.",
			Why:    "Clients free or change what they use after stop; an entry that comes late lands in a program that does not expect it.",
			Remedy: "Stop the device and wait for what is on its way before stop is answered, or check the state under the lock that posts.",
			Check:  func(t *T) { checkQuiet(t, "stop", (*link).mustStop) },
		},
		{
			ID: "STOP-02", Origin: HostLibrary,
			Title:  "Nothing is posted after suspend was answered",
			What:   "When the answer to suspend is out, no further entry comes on the output queue until the next start, even when the client gives all buffers back.",
			Why:    "A client suspends to have time for something else; what comes meanwhile is work that it did not ask for.",
			Remedy: "Keep entries in the backlog while the stream is suspended, and post them with start.",
			Check: func(t *T) {
				checkQuiet(t, "suspend", func(l *link) { l.mustSuspend() })
			},
		},
		{
			ID: "STOP-03", Origin: HostLibrary,
			Title:  "What was posted before stop can still be read",
			What:   "Entries that were on the output queue when stop was called are there afterwards, all of them and in their order.",
			Why:    "The end of a recording lies there. A client that stops and then reads must not lose it.",
			Remedy: "Leave the output queue alone in stop; what is published belongs to the client.",
			Check:  checkReadableAfterStop,
		},
		{
			ID: "STOP-04", Origin: HostLibrary,
			Title:  "Buffers can be given back after stop",
			What:   "Buffers that the client gives back while the stream is stopped are accepted, and the stream uses them after the next start.",
			Why:    "A client that read the rest after stop has no other way to give the buffers back; if they are lost, the stream starves after a few stops.",
			Remedy: "Take entries from the input queue in every open state, or leave them there until the next start.",
			Check:  checkReturnableAfterStop,
		},
		{
			ID: "STOP-05", Origin: HostLibrary, Needs: []Capability{CapStats},
			Title:  "Stop discards the backlog and counts it",
			What:   "When stop was answered no entry is in the backlog, and those that were are counted as lost under stopped.",
			Why:    "What the client was never shown is a loss like any other; it must show in the counters or in the numbers.",
			Remedy: "Empty the backlog in stop, count each entry under the cause stopped, and make its buffer free.",
			Check:  checkBacklogAtStop,
		},
		{
			ID: "STOP-06", Origin: HostLibrary, Needs: []Capability{CapSequence, CapNative},
			Title:  "No entry from before a stop comes after the next start",
			What:   "When everything on the queue was read after stop, each entry that comes after the next start has a greater number than any given before the stop.",
			Why:    "A client that starts anew would take a frame of minutes ago for the present.",
			Remedy: "Empty the backlog in stop instead of posting it with the next start.",
			Check:  checkNothingStale,
		},
		{
			ID: "STOP-07", Origin: HostLibrary, Needs: []Capability{CapStats},
			Title:  "Suspend loses nothing",
			What:   "Suspend leaves the backlog as it is and counts no entry as stopped, flushed or lost with the session.",
			Why:    "That is the difference from stop: a client suspends because it wants to have everything later.",
			Remedy: "Keep backlog and buffers in suspend; only the posting stops.",
			Check:  checkBacklogAtSuspend,
		},
	}
}

// stopGoOnRules are about going on after stop and suspend.
func stopGoOnRules() []Rule {
	return []Rule{
		{
			ID: "STOP-08", Origin: Both,
			Title:  "Start goes on after suspend",
			What:   "After suspend and start, several times in a row, entries come again.",
			Why:    "A client that pauses would never get another frame.",
			Remedy: "Look at what the handler of start does on a stream that is suspended: it must wake what produces.",
			Check:  checkGoesOn,
		},
		{
			ID: "STOP-09", Origin: Both, Needs: []Capability{CapSequence, CapNative},
			Title:  "Entries keep their order over a suspend",
			What:   "What was kept back while the stream was suspended comes first after the next start, in its order and before anything newer.",
			Why:    "A recorder writes frames as they come; one that is out of order spoils the recording.",
			Remedy: "Post the backlog, oldest first, before the first new entry after start.",
			Check:  checkOrderOverSuspend,
		},
		{
			ID: "STOP-10", Origin: Both,
			Title:  "Stops use no buffers up",
			What:   "After several stops and starts the client can have as many buffers at the same time as after the first start.",
			Why:    "Each stop that loses a buffer brings the stream closer to standing still, which shows after days.",
			Remedy: "In stop, make every buffer free again that the driver holds: from the backlog, from the device, and from lists of work.",
			Check:  checkBuffersAfterStops,
		},
		{
			ID: "STOP-11", Origin: HostLibrary, Needs: []Capability{CapNative},
			Title:  "Indices are never reset within a session",
			What:   "Between open and close the indices of both queues only grow, over stop, suspend and start; no queue is formatted anew.",
			Why:    "Both sides keep their index privately. If one begins anew, the other reads entries that are not there, and takes the driver for broken.",
			Remedy: "Make and format the queues in open only.",
			Check:  checkIndices,
		},
		{
			ID: "STOP-12", Origin: HostLibrary, Needs: []Capability{CapNative},
			Title:  "The status word says whether more may come",
			What:   "The status word of the output queue is 0 (running) when start was answered, and not when stop was answered.",
			Why:    "A client that finds the queue empty reads this word to tell a pause from the end. A wrong one makes it wait for ever, or leave early.",
			Remedy: "Write 0 to the word before start is answered, and an IOReturn (kIOReturnNotReady for a stop by the client) after the last entry.",
			Check:  checkStatusWord,
		},
		{
			ID: "STOP-13", Origin: HostLibrary, Needs: []Capability{CapNative},
			Title:  "Stop rings the client",
			What:   "After stop has written the status word, the driver rings the output port, also when it has posted nothing.",
			Why:    "Another thread of the client may sleep there; it would never learn that nothing more comes.",
			Remedy: "Ring the output port once in stop, after the status word was written and whether the client has armed or not.",
			Check:  checkStopRings,
		},
		{
			ID: "STOP-14", Origin: HostLibrary, Needs: []Capability{CapSequence, CapNative},
			Title:  "A second stop answers the same number",
			What:   "Stop of a stream that is stopped already succeeds, and answers the same last number as the stop before, or a greater one that the counters know, if the driver lost entries since that it had in its hands.",
			Why:    "A client whose first call was given up asks again, and learns from the number whether something was lost at the end.",
			Remedy: "Answer the counter in every state that is open, without adding to it.",
			Check:  checkSecondStop,
		},
	}
}

// stopHeldRules are about a client that has buffers when the stream is stopped or closed.
func stopHeldRules() []Rule {
	return []Rule{
		{
			ID: "STOP-15", Origin: Both,
			Title:  "Stop does not wait for the client's buffers",
			What:   "Stop is answered in time while the client holds every buffer that the driver has posted.",
			Why:    "The thread that stops is often the one that holds the buffers. A driver that waits for them waits for ever.",
			Remedy: "Stop the device and leave the buffers with the client: it gives them back later, or never.",
			Check:  checkStopWhileHeld,
		},
		{
			ID: "STOP-16", Origin: Both,
			Title:  "Close does not wait for the client's buffers",
			What:   "Close is answered with success, in time, while the stream runs and the client holds every buffer that the driver has posted, and the next client can use the stream.",
			Why:    "Programs leave without giving every buffer back. A stream that can't be closed then is busy until the driver is restarted.",
			Remedy: "In close, count buffers of the client as the driver's again; the memory of the session lives until the client unmaps it.",
			Check:  checkCloseWhileHeld,
		},
		{
			ID: "STOP-17", Origin: Both, Needs: []Capability{CapDescribe},
			Title:  "What a client holds stays as it is after close",
			What:   "The bytes of a buffer that the client held when it closed the stream do not change any more, also when the next client uses the stream.",
			Why:    "A program may still be writing the last frame to disk, and finds another one in its place, or nothing.",
			Remedy: "Give each session memory of its own (C5), and don't clear or fill it when the session ends. Where memory must be used again, say so in the description.",
			Check:  checkLeaseAfterClose,
		},
	}
}
