// SPDX-License-Identifier: Apache-2.0

package conformance

// bellRules are about notifications in the native layout: who is rung when, and what a
// ring must not do. CLASSIC-06 is about the classic layout, EVENT-04 about events,
// INPUT-09 about the doorbell by call, STOP-13 about a client that waits for one entry.
func bellRules() []Rule {
	rules := append(bellsToClient(), bellsToDriver()...)
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Origin, r.Since = Streaming, Must, HostLibrary, "0.1.0"
		r.Needs = append([]Capability{CapNative}, r.Needs...)
	}
	return rules
}

func bellsToClient() []Rule {
	return []Rule{
		{
			ID:     "BELL-01",
			Title:  "A client that has armed is rung by the next entry",
			What:   "When the client has written its event index and the tail then passes it, the output port is rung, every time.",
			Why:    "The client sleeps until the ring. If one is missing, the stream stands still although everything works.",
			Remedy: "After publishing n entries, read the client's wake word and ring if tail - wake - 1 < n, as unsigned 32-bit numbers.",
			Check:  checkArmed,
		},
		{
			ID:     "BELL-02",
			Title:  "No ring is lost when the client arms while the driver publishes",
			What:   "Whenever the client arms and finds the queue empty afterwards, the entry that comes next rings, however close the two are.",
			Why:    "Both sides write one word and read the other's. Without a full fence between the two, or in the wrong order, both can miss each other: the client sleeps for ever, once in a million times.",
			Remedy: "Publish the tail with an atomic exchange (or a store and a full fence), and read the wake word after that, never before.",
			Check:  checkArmRace,
		},
		{
			ID:     "BELL-03",
			Title:  "A client that has not armed is not rung",
			What:   "While the client reads without arming, entries do not ring. Changes of the state, and a few rings of the driver's own, are allowed: fewer than one for each four entries.",
			Why:    "A ring costs both sides a system call. A busy client does not arm, so that frames cost nothing but memory accesses.",
			Remedy: "Do not ring after each entry. Compare the tail with the client's wake word, and ring only when it was passed just now.",
			Check:  checkUnarmed,
		},
		{
			ID:     "BELL-04",
			Title:  "One arming brings one ring",
			What:   "After the ring that it asked for, a client that does not arm again is not rung by the entries that follow.",
			Why:    "The event index is a position, not a switch. A driver that goes on ringing wakes a client that is awake, for each entry.",
			Remedy: "Ring when the tail passes the wake word with this publication, not while it is past it.",
			Check:  checkOneRing,
		},
		{
			ID:     "BELL-05",
			Title:  "A client that waits for several entries is rung by the last of them",
			What:   "With an event index some entries ahead, the client is not rung before they are there, and is rung when the last has come.",
			Why:    "This is how a client coalesces wake-ups. Rung too early it wakes for nothing; not rung, it sleeps for ever.",
			Remedy: "Treat the wake word as an index: tail - wake - 1 < n is true for exactly one publication.",
			Check:  checkCoalesce,
		},
		{
			ID:     "BELL-06",
			Title:  "A client that waits for several entries is rung when the stream is stopped",
			What:   "When the stream stops before the event index is reached, the output port is rung after the status word was written.",
			Why:    "The entries will not come. A client that coalesces would sleep until the next start.",
			Remedy: "Ring once in stop, whatever the wake word says.",
			Check:  checkStopWakes,
		},
		{
			ID:     "BELL-07",
			Title:  "A client that armed before start is rung by the first entry",
			What:   "An event index that was written while the stream was stopped counts for the first entry after start.",
			Why:    "A client arms, starts and sleeps. If the first entries do not ring, a device that fills all buffers at once never wakes it.",
			Remedy: "Post what start brings in the same way as every other entry: look at the wake word after each publication.",
			Check:  checkArmedBeforeStart,
		},
	}
}

func bellsToDriver() []Rule {
	return []Rule{
		{
			ID:     "BELL-08",
			Title:  "A driver that sleeps has asked to be rung",
			What:   "When the driver has no buffer and waits, a client that returns one and rings only if the driver's event index asks for it reaches the driver.",
			Why:    "Clients ring only drivers that have armed. One that sleeps without having armed never sees the buffer.",
			Remedy: "Before sleeping: publish the head, write the wake word (head), look at the tail once more, and sleep only if it is still equal.",
			Check:  checkDriverArms,
		},
		{
			ID:     "BELL-09",
			Title:  "The driver misses nothing that is returned while it arms",
			What:   "A buffer that the client returns at any moment, ringing only if the driver asks for it, is used.",
			Why:    "Between the driver's last look and its arming a buffer may arrive without a ring. A driver that then sleeps waits for the client, and the client for it.",
			Remedy: "Write the wake word with an atomic exchange and read the tail after that. If it has moved, do not sleep.",
			Check:  checkDriverArmRace,
		},
		{
			ID:     "BELL-10",
			Title:  "A ring for nothing does no harm",
			What:   "The client may ring at any time, however often, with nothing on its queue. The driver stays as it is: it posts nothing that it would not have posted, least of all while suspended or stopped, and keeps the session.",
			Why:    "Rings are merged, late and spurious by nature, on every transport.",
			Remedy: "Take a ring for \"look at the queue\", not for \"there is an entry\" and not for \"go on\".",
			Check:  checkSpurious,
		},
	}
}
