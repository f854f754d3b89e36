// SPDX-License-Identifier: Apache-2.0

package conformance

// patienceRules are about sides of a conversation that wait for each other.
func patienceRules() []Rule {
	return []Rule{
		{
			ID: "TALK-24", Check: checkGivenUpAnywhere, Since: sincePatience,
			Title:  "A command can be given up at each of its copies",
			What:   "Giving a command up while it waits for any of its copies, to the driver or from it, succeeds; the outcome of that copy, when it comes late, is refused; and the same command then succeeds.",
			Why:    "A client's time runs out where it likes. What is left locked at one copy of four shows once a month.",
			Remedy: "Let everything that a conversation holds go with its end, whatever copy it waits for.",
		},
		{
			ID: "TALK-25", Check: checkSlowClient, Since: sincePatience,
			Title:  "A conversation waits for a slow client",
			What:   "A command whose client takes a tenth of a second for each copy goes on and succeeds.",
			Why:    "The time-out is the client's, 15 seconds by default. Its memory may be on a disk, and its process may not be running.",
			Remedy: "Set no time-out at the driver's end: a client that has gone is told by the end of its session.",
		},
		{
			ID: "TALK-26", Check: checkHeadTimesOut, Since: sincePatience,
			Title:  "Commands that timed out cost nothing",
			What:   "A stream head that has waited long enough gives a command up without a word and sends the next one; that one succeeds, many times in a session, whether the driver never heard of the copy or its answer came late.",
			Why:    "A head that gives up does not say so: the next command does. A slot that each of them costs is found by the program that ran for a week.",
			Remedy: "End the conversation that is under way when another command of the session comes, as if it had been given up.",
		},
	}
}

// safeCommandRules are about commands that the device file names.
func safeCommandRules() []Rule {
	return ofSafe(CapSafeCommands, []Rule{
		{
			ID: "CTL-42", Check: checkSafeSucceeds,
			Title:  "A command that the device file names succeeds",
			What:   "Each command of the device file is acknowledged under its own ID when it is sent as the file says, and again in the same session.",
			Why:    "A command that works once leaves something behind: a lock, a buffer, a state.",
			Remedy: "Compare what the first call leaves with what it found. If the command can't be sent at any time, take it out of the file.",
		},
		{
			ID: "CTL-43", Check: checkSafeRoom,
			Title:  "An answer is not longer than its request",
			What:   "The data that come back with the acknowledgement of a command are not more than were sent with it.",
			Why:    "A stream head stores them where the request was, and refuses more with EMSGSIZE: the command was done, and its caller is told that it failed.",
			Remedy: "Answer at most as many bytes as came; give what is longer by a copy to an address of the argument.",
		},
	})
}

// safeTalkRules are about conversations of the commands that the device file names.
func safeTalkRules() []Rule {
	return ofSafe(CapSafeCommands, []Rule{
		{
			ID: "TALK-27", Check: checkSafeMemory,
			Title:  "A vendor's command copies what its argument names",
			What:   "Each copy that a command of the device file asks for lies within the memory that the file gives it, and there are at most sixteen.",
			Why:    "Stream heads copy registered memory only (C7), so that the command fails, or a program registers too much to make it work.",
			Remedy: "Ask for the addresses and lengths of the argument, of one copy of it that nobody changes any more.",
		},
		{
			ID: "TALK-28", Check: checkSafeGivenUp,
			Title:  "A vendor's command can be given up at each of its copies",
			What:   "Giving a command of the device file up at any of its copies succeeds; the late outcome is refused; and the command then succeeds.",
			Why:    "Clients die and time out in the middle of commands.",
			Remedy: "Release what the command holds when its conversation ends, whatever way it ends (ioctl.Job has AtEnd).",
		},
		{
			ID: "TALK-29", Check: checkSafeFails,
			Title:  "A failed copy fails a vendor's command alone",
			What:   "A command of the device file that is told of a failed copy, any of them, is silent, and succeeds when it is sent again.",
			Why:    "A wrong address in one program must not take the device from all others.",
			Remedy: "Undo what the command has begun when a copy fails.",
		},
		{
			ID: "TALK-30", Check: checkSafeShared,
			Title:  "A vendor's command waits for its own client only",
			What:   "While a command of the device file waits for a copy of one session's client, the same command of another session succeeds.",
			Why:    "A client that is stopped in a debugger would stop the device for everybody (C7).",
			Remedy: "Take the device's lock for the work, after the last copy in and before the first copy out, and not for the conversation.",
		},
	})
}

// safeModuleRules are about modules that the device file names, and the payload in them.
func safeModuleRules() []Rule {
	return ofSafe(CapSafeModules, []Rule{
		{
			ID: "CTL-44", Check: checkSafePushed,
			Title:  "A module that the device file names can be pushed and popped",
			What:   "Pushing each module of the device file succeeds and puts it on top of the stack, also twice; as many pops take them off, and the stack is what it was.",
			Why:    "Programs find modules by their names in the stack, and pop what they have pushed.",
			Remedy: "Answer a push when the module is open, and a pop when it is closed, and the names from the stack itself.",
		},
		{
			ID: "CTL-45", Check: checkSafeOwnStack,
			Title:  "A module is pushed for its own session only",
			What:   "While one session has a module of the device file pushed, the names of another session's stack are what they were.",
			Why:    "A program that pushes a trace would slow every other program down (C7).",
			Remedy: "Make a stack for each session.",
		},
		{
			ID: "CTL-46", Check: checkSafePayload,
			Title:  "Entries go on through a pushed module",
			What:   "While a stream is running, a module of the device file is pushed and popped; entries go on coming in each case, with growing numbers.",
			Why:    "The payload passes the modules. One that keeps it for ever stops the stream of the session that has pushed it.",
			Remedy: "Pass on every message that is not the module's own, data too, and let a service procedure do what a put procedure keeps.",
		},
		{
			ID: "CTL-47", Check: checkSafeLoss,
			Title:  "What modules drop is counted",
			What:   "After a stream has run through a module of the device file and was stopped, as many numbers are missing among the entries that came as the causes of loss add up to.",
			Why:    "Loss is never silent (C14): a client that finds a gap looks for its cause.",
			Remedy: "Give numbers before the modules, and count what does not arrive at their other end as dropped by a module.",
		},
	})
}

// ofSafe fills in what rules about what the device file permits have in common.
func ofSafe(needs Capability, rules []Rule) []Rule {
	for i := range rules {
		rules[i].Since, rules[i].Needs = sincePatience, append([]Capability{needs}, rules[i].Needs...)
	}
	return rules
}

// toldRules are about changes that are told, volatile controls, and calls.
func toldRules() []Rule {
	return []Rule{
		{
			ID: "NAMED-13", Check: checkNamedTold, Since: sincePatience, Destructive: true, Needs: []Capability{CapEvents},
			Title:  "A change is told to every session",
			What:   "When a client has set a control that is not volatile to another value, an event control-changed with its name comes to that client's session and to others.",
			Why:    "Panels and supervisors show what they were told last, and would have to ask all the time.",
			Remedy: "Emit the event once the value has changed (control.Table has OnChange, iostream.Driver has Emit).",
		},
		{
			ID: "NAMED-14", Check: checkNamedNotTold, Since: sincePatience, Needs: []Capability{CapEvents},
			Title:  "What was refused is not told",
			What:   "No event control-changed follows values out of range that were refused.",
			Why:    "Each event makes every panel ask again; a client that tries values would keep them all busy.",
			Remedy: "Emit the event after the value was accepted and only if it is another one.",
		},
		{
			ID: "NAMED-15", Check: checkNamedSteady, Since: sincePatience, Needs: []Capability{CapEvents},
			Title:  "A control that is not volatile changes with an event",
			What:   "The value of a control that is not volatile is the same a moment later, unless an event control-changed with its name came.",
			Why:    "Clients keep the values of such controls until they are told otherwise.",
			Remedy: "Describe a control whose value changes by itself as volatile, or tell of each change.",
		},
		{
			ID: "NAMED-16", Check: checkNamedVolatile, Since: sincePatience,
			Title:  "Every reading of a volatile control is good",
			What:   "Each of sixteen readings of a control that is volatile gives a value of its type, in its range and on its steps.",
			Why:    "A meter that says 104 percent now and then breaks the program that believed its scale.",
			Remedy: "Describe the range that the device has, and bound what it says before it is passed on.",
		},
		{
			ID: "NAMED-17", Check: checkNamedUncallable, Since: sincePatience,
			Title:  "A control that can't be called is not called",
			What:   "Calling a control that does not say it can be called is refused, with an argument and without.",
			Why:    "A program that is told of success believes that something was done.",
			Remedy: "Compare each request with the access of the control.",
		},
		{
			ID: "NAMED-18", Check: checkNamedCall, Since: sincePatience,
			Title:  "A call has a result of its description",
			What:   "Calling each control that the device file permits, with a good argument, succeeds with a result of the type and range that its description says, or none where it says none.",
			Why:    "The client reads the result by the description, and takes another one for a broken driver.",
			Remedy: "Return what the description says (control.Info has Result), and check what the device says before it is passed on.",
		},
		{
			ID: "NAMED-19", Check: checkNamedCallArgument, Since: sincePatience,
			Title:  "A call with a wrong argument is refused",
			What:   "Calling each control that the device file permits with an argument of another type, or out of range, is refused.",
			Why:    "What was done then is not what the caller has asked for.",
			Remedy: "Check the argument against the description before anything is done.",
		},
	}
}
