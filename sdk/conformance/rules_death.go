// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"time"
)

// deathRules are about clients that end without a goodbye, at any point, and about a
// driver that does (C28).
func deathRules() []Rule {
	rules := slices.Concat(deathFreesRules(), deathCleanRules(), deathToldRules(), driverDeathRules())
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Since = Core, Must, "0.1.0"
	}
	return rules
}

// deathFreesRules are about what a client gives back by dying.
func deathFreesRules() []Rule {
	return []Rule{
		{
			ID: "DEATH-01", Origin: HostLibrary, Timeout: 10 * time.Second,
			Title: "A client that dies before it opens the stream leaves nothing",
			What: "Clients whose connections end without a close after they have connected, made their ports, asked for the description or " +
				"selected features keep no later client from the stream, however many they are.",
			Why:    "Tools that look for devices connect and are killed every day; each one that leaves a slot behind brings the driver closer to the last.",
			Remedy: "Give back at the end of a session (Session.Closed) what its beginning has taken, also when it was never opened.",
			Check:  checkDeathBeforeOpen,
		},
		{
			ID: "DEATH-02", Origin: Both, Timeout: 20 * time.Second,
			Title: "The stream of a client that died is free again",
			What: "When the client that has the stream open dies, in whatever state the stream is and whatever lies on its queues, the next client can " +
				"open, start and use it within a second.",
			Why:    "A program that crashed can't close the stream; if the driver does not do it, the device is lost until the driver is restarted.",
			Remedy: "Treat the end of a session that has the stream open like a close: stop the device, free the buffers, give the stream up. Wait for nothing that only the client could do.",
			Check:  checkDeathFrees,
		},
		{
			ID: "DEATH-03", Origin: Both, Timeout: 20 * time.Second,
			Title: "A client may die while the driver answers it",
			What: "When a client dies while its call of open, start, suspend, stop or close is under way, the call ends, and the next client can open, " +
				"start and use the stream within a second.",
			Why:    "Programs are killed most often when they hang in a call. A driver that then keeps a lock, or half of a change, hangs with them.",
			Remedy: "End a call when its context ends, give back in every way out what the call has taken, and finish or undo the change that it was at.",
			Check:  checkDeathInCall,
		},
		{
			ID: "DEATH-04", Origin: Both, Timeout: 20 * time.Second,
			Title: "Buffers of a client that died are all used again",
			What: "Clients die one after the other while some buffers are with them, some on their way back and some posted and unread. Each next " +
				"client can have as many buffers at the same time as the first.",
			Why:    "A buffer that dies with each client leaves the device with none after a few crashes.",
			Remedy: "Count every buffer as the driver's when a session ends, whoever had it, and wherever it was.",
			Check:  checkDeathBuffers,
		},
		{
			ID: "DEATH-05", Origin: HostLibrary, Timeout: 20 * time.Second,
			Title:  "Deaths use nothing up",
			What:   "After forty clients in a row have died at points chosen at random, the next one can open, start and use the stream.",
			Why:    "A program that crashes at once and is started again by a supervisor wears a driver out within a minute that loses a little each time.",
			Remedy: "Look for memory, descriptors, slots and goroutines that only an orderly close gives back.",
			Check:  checkManyDeaths,
		},
	}
}

// deathCleanRules are about what must not pass from a client that died to the next one, or
// back.
func deathCleanRules() []Rule {
	return []Rule{
		{
			ID: "DEATH-06", Origin: HostLibrary,
			Title: "What a dead client has sent is nobody's",
			What: "When a client dies after it has published buffers without ringing the driver, up to all of them, the next client begins with " +
				"empty queues and zeroed buffers, and none of its entries has what the dead one wrote. Where the description says that memory is " +
				"shared between sessions, buffers may keep their bytes.",
			Why:    "One program would get another one's data, or the device would be sent what nobody stands behind any more.",
			Remedy: "Give each session queues and buffers of its own (C5), and forget at the end of a session what was published and not yet consumed.",
			Check:  checkDeathInheritance,
		},
		{
			ID: "DEATH-07", Origin: HostLibrary, Needs: []Capability{CapSequence, CapNative},
			Title: "Numbers and counters begin anew after a death",
			What: "The client that opens the stream after another has died finds the counters of entries at zero, and the first entry has the number " +
				"0, unless entries were lost before it; then its number is how many were.",
			Why:    "A client that finds losses of somebody else reports damage that it does not have, and can't tell its own from it.",
			Remedy: "Keep numbers and counters with the session, and make them when the stream is opened, not when it is closed.",
			Check:  checkDeathCounters,
		},
		{
			ID: "DEATH-08", Origin: HostLibrary, Needs: []Capability{CapDescribe},
			Title: "What a dead client chose binds nobody",
			What: "After a client has died that had selected a layout, features and, where it can be set, a direction, the next one can select every " +
				"layout that is offered, is granted the same features as a client before that, and is told in every place the same direction, which it " +
				"can set.",
			Why:    "After a crash, a program would meet a stream that another one has set up, in a way that it can't see.",
			Remedy: "Keep what was selected in the session. A direction that stays must be told by get mode and the description alike.",
			Check:  checkDeathChoices,
		},
		{
			ID: "DEATH-09", Origin: Both, Needs: []Capability{CapDescribe},
			Title: "What a client held when it died is not written any more",
			What: "When a client has died and the stream is free again, neither the buffers that it held nor its queues change any more, also while the " +
				"next client uses the stream.",
			Why:    "The memory may be mapped still: by a child of the dead program, by a debugger that writes what is left of it. And a driver that writes there does not write where it should.",
			Remedy: "Stop the device, and wait for what is on its way, before the stream is given up. Forget the memory of a session with the session.",
			Check:  checkDeathMemory,
		},
	}
}

// deathToldRules are about everybody else.
func deathToldRules() []Rule {
	return []Rule{
		{
			ID: "DEATH-10", Origin: HostLibrary, Needs: []Capability{CapObserve},
			Title: "The observation forgets an owner that died",
			What: "Within a second after the client that has the stream open, running or suspended has died, an observer is told that the stream is " +
				"closed and that no process has it.",
			Why:    "Users would look for a process that is not there to free a stream that is.",
			Remedy: "Answer the observation from the owner that open asks for, and forget that owner at the end of its session.",
			Check:  checkDeathObserved,
		},
		{
			ID: "DEATH-11", Origin: HostLibrary, Needs: []Capability{CapEvents},
			Title: "A death is told to those who wait",
			What: "When the client that has the stream open dies, every other session, observer or not, gets the event state-changed with the state " +
				"closed within a second, and is rung for it.",
			Why:    "Programs that wait for their turn would wait for ever, or have to ask again and again.",
			Remedy: "Send the event at the end of a session that had the stream open as in close.",
			Check:  checkDeathEvent,
		},
		{
			ID: "DEATH-12", Origin: HostLibrary, Needs: []Capability{CapObserve},
			Title: "Observers that die disturb nobody",
			What: "As many observers as the description allows (up to 16) die while a client runs the stream: its entries keep coming, and as many " +
				"observers can connect again within a second.",
			Why:    "A monitor that is killed would stop what it watches, or be the last that can watch.",
			Remedy: "Let the end of an observer's session touch nothing but its slot, and give that back whichever way the session ends.",
			Check:  checkObserversDie,
		},
		{
			ID: "DEATH-13", Origin: HostLibrary,
			Title: "Other clients that die do not disturb the owner",
			What: "Clients that are connected, have selected features, or were refused the stream die while another one runs it: its entries keep " +
				"coming, and the stream stays its own.",
			Why:    "Any program that tries to open a busy stream, and crashes over it, would take the stream from the one that uses it.",
			Remedy: "Give the stream up only at the end of the session that owns it; compare sessions, not processes.",
			Check:  checkBystandersDie,
		},
	}
}

// driverDeathRules are about a driver that is killed. They need a process to kill.
func driverDeathRules() []Rule {
	rules := []Rule{
		{
			ID:    "DEATH-14",
			Title: "Every session learns that the driver has died",
			What: "Within a second after the driver's process was killed, the session of the client that runs the stream, of one that is only connected " +
				"and of an observer is over, because the other side is gone (kIOReturnNoDevice), and calls, maps and bells are refused as that.",
			Why:    "A program would wait for the next frame of a driver that does not exist any more.",
			Remedy: "This is the transport's work: watch the connection and the driver's process. A child of the driver must not keep its sockets: open descriptors close-on-exec.",
			Check:  checkDriverDies,
		},
		{
			ID:    "DEATH-15",
			Title: "Whoever waits is woken when the driver dies",
			What: "A wait at the output port, one at the events port, and calls that are under way when the driver's process is killed return within a " +
				"second, with an error that says that the other side is gone (kIOReturnNoDevice) or, for a call, that its outcome is unknown.",
			Why:    "A thread that sleeps there does not look at anything else: the program can't even end in order.",
			Remedy: "This is the transport's work: the end of the session must wake every port and end every call.",
			Check:  checkWaitersLearn,
		},
		{
			ID:    "DEATH-16",
			Title: "Memory stays when the driver dies",
			What: "After the driver's process was killed, the client can read everything that it has mapped without a fault: the buffers that it holds " +
				"have the bytes that they had, and entries that were posted and not read are still on the queue.",
			Why:    "The last frames before a crash are the ones that are needed most, and a fault (SIGBUS) would end the client too.",
			Remedy: "Share memory that lives as long as somebody maps it and that nobody can shrink: sealed anonymous files (memfd), not files that the driver truncates.",
			Check:  checkMemoryStays,
		},
		{
			ID:    "DEATH-17",
			Title: "A driver that is started again can be used at once",
			What: "After the driver was killed while a client ran the stream, a new start offers the stream under the same name, as another instance, and " +
				"a client can open, start and use it.",
			Why:    "What the old process has left (a socket, a lock, a claim on the device) would keep the stream away until somebody cleans up by hand.",
			Remedy: "Take over what a dead process has left: decide by a lock that dies with the process, not by a file that is there. Reset the device before its first use.",
			Check:  checkDriverRestarts,
		},
		{
			ID:    "DEATH-18",
			Title: "Nothing of an old session counts for the new driver",
			What: "When the driver was killed and started anew, the old session stays over: its calls, maps and bells are refused as gone, its ports are " +
				"never rung, and it takes nothing from the next client.",
			Why:    "A program would go on as if nothing had happened, with buffers, numbers and a state that the new driver knows nothing of.",
			Remedy: "Never connect again behind the client's back; it must open the stream anew.",
			Check:  checkOldSessionIsOver,
		},
	}
	for i := range rules {
		r := &rules[i]
		r.Origin, r.Destructive, r.Timeout = HostLibrary, true, restartBound
		r.Needs = []Capability{CapKill, CapRestart}
	}
	return rules
}

// restartBound is for rules that start the driver's process anew.
const restartBound = time.Minute
