// SPDX-License-Identifier: Apache-2.0

package conformance

// classicRules are about the classic queues, whose layout is Apple's.
func classicRules() []Rule {
	rules := []Rule{
		{
			ID: "CLASSIC-01", Profile: Core,
			Title:  "A classic queue has Apple's header and room for every buffer",
			What:   "Both queues begin with 16 bytes: entry count, head, tail, a reserved word. The count is one more than the number of buffers at least, all entries of 32 bytes lie within the mapped memory, and at open head and tail are equal and below the count.",
			Why:    "A ring holds one entry less than its count. One that is as short as the number of buffers looks empty when it holds them all, and a client loses every buffer at once.",
			Remedy: "Make the queue with buffers + 1 entries at least, and allocate 16 + 32 times as many bytes.",
			Check:  checkClassicHeader,
		},
		{
			ID: "CLASSIC-02", Profile: Core,
			Title:  "The output queue moves first, and only one of its indices",
			What:   "After start the first index that moves is one of the output queue, the other one of that queue stands until the client moves it, and the indices of the input queue stand until the client returns a buffer.",
			Why:    "Which index is the writer's is written down nowhere. A client finds it out from the first movement, once, for both queues. If both have moved it can't tell, and must refuse the stream.",
			Remedy: "Move one index only, by the number of entries that were posted. Never set the other one, not even to the same value.",
			Check:  checkFirstMove,
		},
		{
			ID: "CLASSIC-03", Profile: Core,
			Title:  "The driver moves its own indices only",
			What:   "In every state the client's two indices (the reader's of the output queue, the writer's of the input queue) and the entry counts stay as the client left them.",
			Why:    "A client that sees its own index moved must take that for a change of roles, and hangs up.",
			Remedy: "Do not reset queues in start, stop or suspend: indices go on for the whole session.",
			Check:  checkClassicOwner,
		},
		{
			ID: "CLASSIC-04", Profile: Core,
			Title:  "Indices stay below the entry count",
			What:   "The driver's index goes from count - 1 to 0, never to count, and never past the other side's index.",
			Why:    "A client uses the index to look into the ring. One that equals the count is outside it, so the client hangs up.",
			Remedy: "Wrap before the index is published: at = at + 1; if at == count, at = 0; then store it once.",
			Check:  checkClassicWrap,
		},
		{
			ID: "CLASSIC-05", Profile: Core,
			Title:  "Both queues have the same roles",
			What:   "The index that the driver moves as the writer of the output queue is, in the input queue, the one that it takes for the client's. It moves the other one there, as the reader.",
			Why:    "A client finds the roles out on the output queue and uses them for both. If the driver looks at the other index, it never sees what is returned.",
			Remedy: "Decide once which of head and tail the writer moves, and use it for both queues.",
			Check:  checkSameRoles,
		},
		{
			ID: "CLASSIC-06", Profile: Streaming,
			Title:  "The client is rung whenever the output queue stops being empty",
			What:   "After each entry that is posted to an output queue that the client had emptied, its port is rung.",
			Why:    "A classic queue has no word by which a client could ask for a ring. It sleeps when the queue is empty, and without the ring it never wakes.",
			Remedy: "Publish the index, then a full fence, then read the reader's index again, and ring if that shows that the queue was empty before.",
			Check:  checkClassicBell,
		},
		{
			ID: "CLASSIC-07", Profile: Core,
			Title:  "Reserved words are ignored",
			What:   "Whatever the client leaves in the reserved word of the input queue's header and in the three reserved words of its entries, the driver works as before.",
			Why:    "Apple's clients do not clear these words.",
			Remedy: "Read five words of an entry: buffer, data offset and length, control offset and length.",
			Check:  checkClassicReserved,
		},
		{
			ID: "CLASSIC-08", Profile: Streaming,
			Title:  "Batches of any size come back, also across the end of the ring",
			What:   "Any number of buffers that the client returns with one movement of its index, at any place of the ring, is used completely.",
			Why:    "A batch that is copied in one piece is cut at the ring's end, and one that is read one entry per ring stays there: the driver runs out of buffers.",
			Remedy: "Read until the indices are equal, wrapping the index for each entry.",
			Check:  checkClassicBatches,
		},
	}
	for i := range rules {
		r := &rules[i]
		r.Level, r.Origin, r.Since, r.Needs = Must, HostLibrary, "0.1.0", []Capability{CapClassic}
	}
	return rules
}
