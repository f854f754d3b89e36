// SPDX-License-Identifier: Apache-2.0

package conformance

// ownRules are about who owns which buffer.
func ownRules() []Rule {
	rules := append(ownTraffic(), ownBreaches()...)
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Since = Core, Must, "0.1.0"
	}
	return rules
}

func ownTraffic() []Rule {
	return []Rule{
		{
			ID: "OWN-01", Origin: HostLibrary,
			Title:  "A buffer that the client has is not given again",
			What:   "From the moment its entry is posted until the client returns it, no other entry names that buffer.",
			Why:    "The client reads the buffer. If the driver uses it at the same time, the frame is overwritten while it is looked at; the client's library takes it for a broken driver and hangs up.",
			Remedy: "Keep one bit for each buffer: clear it when the entry is posted, set it when the buffer comes back, and fill only buffers whose bit is set.",
			Check:  checkHeld,
		},
		{
			ID: "OWN-02", Origin: Both,
			Title:  "Every buffer that is returned comes again",
			What:   "A client that returns all it has got gets as many buffers again, over and over, and each buffer of the stream is used.",
			Why:    "A buffer that is forgotten now and then is missing for the rest of the session. With the last one the stream stands still, after minutes or days.",
			Remedy: "Look for ways on which a returned buffer is not put back among the free ones: errors, dropped frames, stops, full batches.",
			Check:  checkComesAgain,
		},
		{
			ID: "OWN-03", Origin: Both,
			Title:  "Buffers may be returned in any order",
			What:   "The client returns buffers one by one in another order than it got them, and each of them is used again.",
			Why:    "Programs keep some frames longer than others.",
			Remedy: "Take the buffer's ID from the entry. Do not infer it from the order in which buffers were posted.",
			Check:  checkAnyOrder,
		},
		{
			ID: "OWN-04", Origin: Both,
			Title:  "A client that keeps every buffer starves, and that is all",
			What:   "While the client has all buffers the driver posts nothing and keeps the session. When buffers come back the stream goes on, or, where that is the policy, after the next start.",
			Why:    "A program may be stopped in a debugger, or busy for a second. It must find its stream again.",
			Remedy: "Wait for a buffer, or lose frames as the policy says. Having none is not an error of the client's.",
			Check:  checkStarve,
		},
		{
			ID: "OWN-05", Origin: HostLibrary,
			Title:  "Ownership outlasts stop and start",
			What:   "Buffers that the client keeps over a stop are not given again by the next start. Those that it returns while the stream is stopped are, all of them.",
			Why:    "A program that stops to look at its last frames would see them overwritten, or find the stream short of buffers.",
			Remedy: "Do not touch the record of who owns what in start and stop. Read the input queue before the first post.",
			Check:  func(t *T) { t.keepsOwners("stop", (*link).stop) },
		},
		{
			ID: "OWN-06", Origin: HostLibrary,
			Title:  "Ownership outlasts suspend and start",
			What:   "Buffers that the client keeps while the stream is suspended are not given again when it goes on. Those that it returns meanwhile are, all of them.",
			Why:    "A pause must not change what the client may look at.",
			Remedy: "Go on where suspend left off: neither post again what was posted before, nor take back what the client has.",
			Check:  func(t *T) { t.keepsOwners("suspend", (*link).suspend) },
		},
		{
			ID: "OWN-07", Origin: HostLibrary,
			Title:  "After a new open every buffer is the driver's again",
			What:   "When a client closes the stream or hangs up with buffers that it never returned, the next one to open it gets all buffers.",
			Why:    "Programs crash with frames in their hands. Each crash would cost the driver some buffers, until it is restarted.",
			Remedy: "Begin each open with a fresh record in which the driver owns everything.",
			Check:  checkReopenOwns,
		},
		{
			ID: "OWN-08", Origin: HostLibrary,
			Title:  "A buffer may come back with any part of it named",
			What:   "The data and control part of a returned entry may be anything within the buffer: what it was when it came, empty, the whole, or another part.",
			Why:    "From a device the parts mean nothing on the way back, and clients leave there what they like.",
			Remedy: "Check that the parts lie within the buffer, and nothing else. Ignore them where the client fills no buffers.",
			Check:  checkAnyPart,
		},
	}
}

func ownBreaches() []Rule {
	rules := []Rule{
		{
			ID: "OWN-09", Origin: HostLibrary, Needs: []Capability{CapInputSync},
			Title:  "A buffer that is returned twice in one batch ends the session",
			What:   "When one publication names a buffer twice, the client returns what it does not own any more; the driver ends the session with a reason that says so.",
			Why:    "Taken for good, the buffer would be among the free ones twice, and two frames would be written over each other.",
			Remedy: "Mark the buffer as the driver's with its first entry, before the second one is checked.",
			Check:  checkTwiceInBatch,
		},
		{
			ID: "OWN-10", Origin: HostLibrary, Needs: []Capability{CapInputSync},
			Title:  "A buffer that is returned again ends the session",
			What:   "When the client returns a buffer that the driver has had back already and has not given since, the driver ends the session with a reason that says so.",
			Why:    "A client that is wrong about what it owns writes into frames of the future. The sooner it learns that, the better.",
			Remedy: "Check each returned entry against the record of who owns what. A breach is final: hang up.",
			Check:  checkReturnedAgain,
		},
		{
			ID: "OWN-11", Origin: HostLibrary,
			Title:  "A buffer that does not exist ends the session",
			What:   "When the client returns an entry with an ID that is not below the number of buffers, the driver ends the session with a reason that says so.",
			Why:    "An ID out of range is an access out of bounds in a driver that does not check, and a sign of a broken client in one that does.",
			Remedy: "Compare the ID with the number of buffers, unsigned, before anything else; then hang up.",
			Check:  checkForeign,
		},
	}
	for i := range rules {
		rules[i].Attack = true
	}
	return rules
}
