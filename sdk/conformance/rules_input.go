// SPDX-License-Identifier: Apache-2.0

package conformance

import "slices"

// inputRules are about what the client sends: buffers that it fills, and the calls that
// tell the driver about them.
func inputRules() []Rule {
	rules := slices.Concat(inputBufferRules(), inputSyncRules())
	for i := range rules {
		rules[i].Profile, rules[i].Level, rules[i].Since = Streaming, Must, "0.1.0"
	}
	return rules
}

// inputBufferRules are about streams to the device.
func inputBufferRules() []Rule {
	return []Rule{
		{
			ID: "INPUT-01", Origin: HostLibrary, Needs: []Capability{CapToDevice},
			Title:  "A stream to the device gives out empty buffers after start",
			What:   "After start the driver posts buffers on the output queue, each with a data length and a control length of 0, for the client to fill.",
			Why:    "A client of such a stream waits for an empty buffer before it can send anything. A length would look like data that it did not ask for.",
			Remedy: "Post the free buffers when the stream starts, with entries that hold nothing but the buffer's ID.",
			Check:  checkEmptiesAfterStart,
		},
		{
			ID: "INPUT-02", Origin: Both, Needs: []Capability{CapToDevice},
			Title:  "Every filled buffer comes back empty",
			What:   "Each buffer that the client sends is posted again, empty, when the driver has consumed it; over many rounds, and for every buffer.",
			Why:    "A driver that keeps some buffers runs dry: the client stands still after a while, without an error.",
			Remedy: "Post each buffer again on every path of the driver's loop, also where the device refused the data.",
			Check:  checkFilledComeBack,
		},
		{
			ID: "INPUT-03", Origin: Both, Needs: []Capability{CapToDevice},
			Title:  "A buffer may be sent with any part of it filled",
			What:   "The driver accepts entries whose valid data is empty, one byte, the whole buffer, or any part of it up to its last byte, and the same for the control region.",
			Why:    "The last buffer of a file is rarely full, and a zero-length one is how a client gives a buffer back unused.",
			Remedy: "Use offset and length of the entry; accept every range with offset + length <= size, including the empty one at the end.",
			Check:  checkPartlyFilled,
		},
		{
			ID: "INPUT-04", Origin: HostLibrary, Needs: []Capability{CapToDevice, CapStats},
			Title:  "The bytes that were sent are counted exactly",
			What:   "The counters Returned and Bytes of the statistics grow by the entries that the client sent and by the sum of their data lengths.",
			Why:    "Rate displays and bills are made from these counters; a loss of input shows nowhere else.",
			Remedy: "Add the entry's data length, not the buffer's size, once for each entry taken from the input queue.",
			Check:  checkBytesSent,
		},
		{
			ID: "INPUT-05", Origin: Both, Needs: []Capability{CapToDevice},
			Title:  "Sending goes on after stop and start",
			What:   "After a stop and another start in the same session the client gets empty buffers again and can send them, also those that it held or returned while the stream was stopped.",
			Why:    "A player that pauses would never go on.",
			Remedy: "Keep buffers that come back while the stream is stopped, and post every free buffer with the next start.",
			Check:  checkInputOverStop,
		},
	}
}

// inputSyncRules are about waiting for the driver, and about ringing it by a call.
func inputSyncRules() []Rule {
	return []Rule{
		{
			ID: "INPUT-06", Origin: Both, Needs: []Capability{CapInputSync, CapStats},
			Title:  "Input sync returns only when everything before it was consumed",
			What:   "When input sync is answered with success, the driver has taken every entry that the client published before the call from the input queue.",
			Why:    "Programs sync before they switch something off. One that is told too early cuts the end of its data off.",
			Remedy: "Take what is on the input queue when the call comes, and answer when the last entry of that was consumed, not when the call was noticed.",
			Check:  checkSyncWaits,
		},
		{
			ID: "INPUT-07", Origin: HostLibrary, Needs: []Capability{CapInputSync, CapNative},
			Title:  "Input sync answers the index that it has consumed",
			What:   "The answer of input sync is the read index of the input queue: the number of entries consumed since the stream was opened, modulo 2^32.",
			Why:    "A client that goes on sending learns from the index which of its entries are done.",
			Remedy: "Answer the driver's own count of entries, which begins at 0 with each open.",
			Check:  checkSyncIndex,
		},
		{
			ID: "INPUT-08", Origin: Both, Needs: []Capability{CapInputSync},
			Title:  "Every token is accepted",
			What:   "Input sync, and the doorbell where it can be called, take any token from 0 to 2^32-1: it is the client's own and means nothing to the protocol.",
			Why:    "Clients use tokens as counters and as hashes; one that happens to be large must not make a sync fail.",
			Remedy: "Pass the token on to the handler (Input, InputSync) and look at it nowhere else.",
			Check:  checkTokens,
		},
		{
			ID: "INPUT-09", Origin: HostLibrary, Needs: []Capability{CapDoorbell},
			Title:  "A doorbell call makes the driver look at the queue",
			What:   "When a client publishes an entry and calls the doorbell selector instead of ringing the bell, the driver takes the entry.",
			Why:    "Clients on transports without a bell have no other way; their data would lie there until something else happens.",
			Remedy: "Treat selector 0x10a as a ring of the input port.",
			Check:  checkDoorbellCall,
		},
		{
			ID: "INPUT-10", Origin: Both, Needs: []Capability{CapInputSync},
			Title: "A sync that was given up does no harm",
			What: "When a client gives up an input sync that has not been answered, the stream goes on: later calls are answered, entries travel, " +
				"and another sync succeeds.",
			Why:    "A deadline is an everyday event. If it wedges the driver, every program with a deadline does.",
			Remedy: "End the wait with the call's context, release every lock on that path, and change nothing.",
			Check:  checkSyncGivenUp,
		},
		{
			ID: "INPUT-11", Origin: Both, Needs: []Capability{CapInputSync},
			Title:  "Stop ends a sync that waits",
			What:   "An input sync that waits for the driver is answered, with success or a refusal, when the stream is stopped meanwhile, and so is the stop.",
			Why:    "Nothing is consumed any more after a stop, so the one thread would wait for ever, or the other one's stop would wait for it.",
			Remedy: "Wake waiting syncs in stop, and hold no lock in sync that stop needs.",
			Check:  checkStopEndsSync,
		},
	}
}
