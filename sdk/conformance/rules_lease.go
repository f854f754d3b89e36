// SPDX-License-Identifier: Apache-2.0

package conformance

// leaseRules are about what a client may rely on while it holds a buffer: from the entry
// that names it until the client returns it, or, where it never does, until the client
// unmaps the memory (C5, C12, C24). That such a buffer is not given again is OWN's.
func leaseRules() []Rule {
	rules := append(leaseBytes(), leaseTraffic()...)
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Since = Core, "0.1.0"
		if r.Level == "" {
			r.Level = Must
		}
	}
	return rules
}

// leaseBytes are about the bytes of a buffer that the client holds.
func leaseBytes() []Rule {
	return []Rule{
		{
			ID: "LEASE-01", Origin: Both,
			Title:  "The data of a buffer that the client holds does not change",
			What:   "From the moment a buffer's entry is posted until the client returns the buffer, the driver writes nothing into its data region, neither within the entry's range nor beside it, however long the client holds it and whatever the other buffers do.",
			Why:    "The client reads the driver's own memory. Whatever is written there meanwhile shows as a picture of two frames, and nothing tells the client so.",
			Remedy: "Give the hardware a buffer only after it came back. Look for a DMA that was not stopped, for one descriptor too many in its ring, and for code that completes a frame after it was posted.",
			Check:  func(t *T) { checkHeldStays(t, dataOf) },
		},
		{
			ID: "LEASE-02", Origin: Both, Needs: []Capability{CapControl},
			Title:  "The control region of a buffer that the client holds does not change",
			What:   "From the moment a buffer's entry is posted until the client returns the buffer, the driver writes nothing into its control region; that includes the metadata header.",
			Why:    "A client that looks at time and flags of the frame in its hands would see those of a later frame.",
			Remedy: "Write header and control data into the region of the buffer that is about to be posted, before it is posted, and nowhere else.",
			Check:  func(t *T) { checkHeldStays(t, controlOf) },
		},
		{
			ID: "LEASE-03", Origin: Both,
			Title:  "What the client writes into a buffer that it holds stays",
			What:   "On a stream to the device or both ways, what the client has written into the data and control region of a buffer stays there until the client sends the buffer.",
			Why:    "A client fills a buffer bit by bit. A driver that clears or uses it meanwhile sends something else to the device than what the program wrote.",
			Remedy: "Be done with an empty buffer before it is posted: clear it, if at all, before. Never keep its address for later.",
			Check:  checkWrittenStays,
		},
		{
			ID: "LEASE-04", Origin: Both,
			Title:  "Stop leaves alone what the client holds",
			What:   "The bytes of a buffer that the client holds when the stream is stopped are the same after the stop, and after the next start, until the client returns the buffer.",
			Why:    "Programs stop the stream to look at the last frames in peace. They would look at a buffer that was cleared, or filled with the first frame of the next run.",
			Remedy: "Let stop and start touch only buffers that the driver has. A buffer set up for the device again at start must not be one that the client holds.",
			Check:  func(t *T) { t.keepsBytes("stop", (*link).stop) },
		},
		{
			ID: "LEASE-05", Origin: Both,
			Title:  "Suspend leaves alone what the client holds",
			What:   "The bytes of a buffer that the client holds when the stream is suspended are the same meanwhile, and after the stream goes on, until the client returns the buffer.",
			Why:    "A pause must not change what the client looks at.",
			Remedy: "Go on where suspend left off: with the buffers that the driver had then, and those that came back.",
			Check:  func(t *T) { t.keepsBytes("suspend", (*link).suspend) },
		},
		{
			ID: "LEASE-06", Origin: HostLibrary, Attack: true,
			Title:  "What a client holds stays as it is when the driver ends the session",
			What:   "When the driver ends a session, the bytes of the buffers that the client held do not change as long as it has them mapped, also while the next client uses the stream. To see this, the check returns a buffer that does not exist.",
			Why:    "A program that loses its driver must be able to finish with the frames that it has; often they are those that show what has happened.",
			Remedy: "Give each session memory of its own, and leave it alone when the session is over: it goes when the last mapping does. Where memory must be used again (DMA), say SharedMemory in the description.",
			Check:  checkHeldAfterEnd,
		},
		{
			ID: "LEASE-07", Origin: Both,
			Title:  "Others do not touch what a client holds",
			What:   "While a client holds buffers, observers and clients whose open is refused come and go, and the client itself asks for description, counters and memory map. None of this changes a byte of the buffers, or the stream for their owner.",
			Why:    "A monitor that is started beside a recording would spoil the frames that are being recorded.",
			Remedy: "Prepare memory only after the open was granted, and in answers that only tell something write nothing but the answer.",
			Check:  checkVisitors,
		},
	}
}

// leaseTraffic are about what holding some buffers means for the others.
func leaseTraffic() []Rule {
	return []Rule{
		{
			ID: "LEASE-08", Origin: Both,
			Title:  "Buffers come again while others are held",
			What:   "While a client holds up to half of the buffers, each of the others that it returns comes again.",
			Why:    "Programs keep some frames for long: a reference picture, the last one before an error. If the driver waits for those, the stream stands still and no loss is counted.",
			Remedy: "Use a buffer as soon as it is back. Do not wait for a particular one, nor for a whole set.",
			Check:  checkOthersGoRound,
		},
		{
			ID: "LEASE-09", Level: Should, Origin: Both,
			Title:  "One buffer is enough to go on",
			What:   "While a client holds all buffers but one, that one is used, comes, is returned and comes again.",
			Why:    "A program can hold as many frames as the stream has buffers but one, and still see the newest. Where the hardware needs more than that, programs must be told how many they may hold.",
			Remedy: "Start the device with the buffers that are there. Hardware that must have two at a time keeps this rule from holding; then have more buffers, and say in the driver's manual how many a client may hold.",
			Check:  checkOneGoesRound,
		},
		{
			ID: "LEASE-10", Origin: Both, Timeout: lossTimeout,
			Title:  "Holding and returning uses no buffer up",
			What:   "After many hundred returns, in any order and with different numbers of buffers held, the client can have as many buffers at once as at the beginning.",
			Why:    "A buffer that is forgotten once in some hundred times stops a stream after hours. No short test shows it.",
			Remedy: "Count the driver's buffers where they are kept: free, in the device, in the backlog, with the client. The sum never changes. Look at paths that are rarely taken, such as a wrap of an index or a full batch.",
			Check:  checkNoneUsedUp,
		},
	}
}
