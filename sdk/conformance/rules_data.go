// SPDX-License-Identifier: Apache-2.0

package conformance

import "slices"

// dataRules are about the payload. Those of the first group need a known pattern, which
// somebody must tell: see Pattern.
func dataRules() []Rule {
	rules := slices.Concat(dataPatternRules(), dataLoopbackRules())
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Since = Streaming, Must, "0.1.0"
	}
	return rules
}

// dataPatternRules are about what a driver fills.
func dataPatternRules() []Rule {
	return []Rule{
		{
			ID: "DATA-01", Origin: VendorCode,
			Title:  "Every byte of an entry's data is payload",
			What:   "The bytes that an entry names, from its offset to the end of its length, are the known pattern without a break: nothing stale, nothing left out, nothing in another order.",
			Why:    "One wrong word in a frame is a pixel, a click, or a wrong measurement, and no counter tells of it.",
			Remedy: "Look at the length that is posted against what the hardware has written, at the cache (a missing sync before the buffer is posted), at byte order, and at transfers that end short.",
			Check:  checkPatternInside,
		},
		{
			ID: "DATA-02", Origin: VendorCode,
			Title: "The payload goes on from entry to entry",
			What: "Each entry's payload begins where that of the entry before it ended. Where the numbers tell of lost entries, it leaves out what these held, " +
				"and no more: where all frames have the same length, exactly as many bytes as so many frames.",
			Why:    "Numbers without a step promise that nothing is missing. A hole in the data that no number shows is the one loss that a client can't see.",
			Remedy: "Post every frame that the device makes, or let it take a number and count it as lost. Look for buffers that are filled and not posted, or posted twice.",
			Check:  checkPatternGoesOn,
		},
		{
			ID: "DATA-03", Origin: Both,
			Title:  "After stop and start no old payload comes as new",
			What:   "The first entries after a start hold payload that the client has not had yet, unless the pattern begins anew.",
			Why:    "A program that starts a measurement would take the last frame of the one before for its first.",
			Remedy: "Have the device fill every buffer anew after start. Look for a frame that was complete in the hardware when the stream was stopped, and for a buffer posted before its transfer began.",
			Check:  checkPatternOverStop,
		},
		{
			ID: "DATA-04", Origin: Both,
			Title:  "A new client gets no payload of the one before",
			What:   "The first entries of a session hold payload that no client has had yet, unless the pattern begins anew.",
			Why:    "Frames of one program in another's hands are wrong data, and they may be nobody else's business.",
			Remedy: "Have the device fill every buffer anew after open and start, and keep no copy of the last frame.",
			Check:  checkPatternOverOpen,
		},
		{
			ID: "DATA-05", Origin: Both,
			Title:  "Data is there when its entry is",
			What:   "What an entry names, data and control part, is complete when the client can see the entry: it is the same when the client looks again later.",
			Why:    "A client may look at once. If the transfer ends after the entry was posted, the end of the frame is missing now and then, on fast machines only.",
			Remedy: "Post the entry when the transfer is known to be complete, after whatever makes it visible to the CPU: an interrupt, a read back from the device, a cache sync.",
			Check:  checkDataIsThere,
		},
	}
}

// dataLoopbackRules are about what comes back of what the client has sent.
func dataLoopbackRules() []Rule {
	loops := []Capability{CapBothWays, CapLoopback}
	return []Rule{
		{
			ID: "DATA-06", Origin: VendorCode, Needs: loops,
			Title:  "What is sent comes back, whatever its size and place",
			What:   "Data of 0, 1 and 3 bytes, of the whole buffer, one byte less, and of random sizes, at the beginning, the end, or anywhere in the buffer, comes back with the same length and the same bytes.",
			Why:    "Sizes that are no multiple of something, and offsets other than 0, are where data gets lost that all tests with full buffers have seen.",
			Remedy: "Use offset and length of the entry that came in, in bytes, for the one that goes out. Look for lengths rounded to words, and for offsets that are taken for 0.",
			Check:  checkEchoSizes,
		},
		{
			ID: "DATA-07", Origin: VendorCode, Needs: loops,
			Title:  "What is sent comes back once, and in its order",
			What:   "With several buffers on their way, sent one by one or in batches and in any order of their IDs, the data comes back in the order in which it was sent, each buffer's own, and nothing of it twice.",
			Why:    "A stream is a sequence. Two blocks that have changed places are wrong from the first byte on.",
			Remedy: "Handle buffers in the order of the input queue, not in that of their IDs, nor last come first served.",
			Check:  checkEchoOrder,
		},
		{
			ID: "DATA-08", Origin: VendorCode, Needs: append([]Capability{CapControl}, loops...),
			Title:  "The control part is carried along",
			What:   "What the client sends in a buffer's control region, any part of it, comes back with the data: the same length and the same bytes. With the metadata header the bytes behind the header are there.",
			Why:    "Control data says what the payload means. A driver that drops it, or gives that of another buffer, makes the payload useless.",
			Remedy: "Treat the control range of an entry like its data range: pass on offset and length.",
			Check:  checkEchoControl,
		},
		{
			ID: "DATA-09", Origin: Both, Needs: loops,
			Title:  "After stop and start nothing comes a second time",
			What:   "Data that has come back before a stop does not come again after the next start. What was sent before the stop and had not come back may come then, unchanged and in its order, or be lost.",
			Why:    "A program takes what comes for an answer to what it has sent last.",
			Remedy: "Forget what an entry named when it was posted. An entry that comes in without data is without data, whatever the buffer held before.",
			Check:  checkEchoOverStop,
		},
		{
			ID: "DATA-10", Origin: Both, Needs: loops,
			Title:  "Nothing comes before something was sent",
			What:   "After open and start every entry is empty, data and control part, until the client has sent something; also when the client before has left in the middle of its data.",
			Why:    "What a client has not sent is not its answer. It would take the bytes of another program, or zeros, for data.",
			Remedy: "Post buffers that nobody has filled with the lengths 0 and 0.",
			Check:  checkEchoBegins,
		},
	}
}
