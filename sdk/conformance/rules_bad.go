// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"time"
)

// badRules are about calls that make no sense: each is refused, and changes nothing.
func badRules() []Rule {
	rules := slices.Concat(badSelectorRules(), badArgumentRules(), badObjectRules())
	for i := range rules {
		rules[i].Profile, rules[i].Level, rules[i].Since = Core, Must, "0.1.0"
	}
	return rules
}

// badSelectorRules are about methods that do not exist.
func badSelectorRules() []Rule {
	return []Rule{
		{
			ID: "BAD-01", Origin: HostLibrary,
			Title: "Unknown methods are refused in every state and change nothing",
			What: "A call of a selector from 8 to 0xff, or of an extension that the description does not list, is refused as unsupported " +
				"(or as a bad argument) in every state, and leaves state, mode and format as they were.",
			Why:    "Clients find out what a driver has by calling it. A method that answers success and does nothing makes them take the wrong way.",
			Remedy: "Answer kIOReturnUnsupported for every selector that is not in the driver's table; check the selector before it is used as an index.",
			Check:  checkUnknownMethods,
		},
		{
			ID: "BAD-02", Origin: VendorCode,
			Title: "Numbers that belong to nobody are refused",
			What: "A call of a selector between 0x200 and 0x7fff, or at the very end of the vendor's range (0xfffffffe, 0xffffffff), is refused as " +
				"unsupported (or as a bad argument), and changes nothing.",
			Why:    "A driver that hands everything it does not know to its own code may do anything for a client that has merely made a mistake.",
			Remedy: "In the handler of the vendor's selectors (MethodHandler.Call), answer kIOReturnUnsupported by default.",
			Check:  checkNobodysMethods,
		},
	}
}

// badArgumentRules are about too much and too little of what goes in or comes out.
func badArgumentRules() []Rule {
	return []Rule{
		{
			ID: "BAD-03", Origin: HostLibrary,
			Title:  "A call without its arguments is refused",
			What:   "A method that takes scalars is refused as a bad argument when one of them is missing, and changes nothing.",
			Why:    "A driver that reads past the arguments uses whatever lies there: another client's numbers, or an old mode.",
			Remedy: "Compare the number of scalars with what the selector takes before looking at them.",
			Check:  checkMissingScalars,
		},
		{
			ID: "BAD-04", Origin: HostLibrary,
			Title:  "Arguments that nobody asked for do no harm",
			What:   "Scalars and bytes in addition to those that a method takes, up to 16 scalars and 64 KiB, are ignored or refused as a bad argument.",
			Why:    "Newer clients send more; and a length that is copied without a check is the oldest way into a driver.",
			Remedy: "Ignore what is too much, or refuse it; copy nothing whose length was not compared with the place it goes to.",
			Check:  checkSurplus,
		},
		{
			ID: "BAD-05", Origin: Both, Needs: []Capability{CapSetFormat},
			Title:  "Bytes that are no format are refused",
			What:   "Set format with bytes that are cut off, too long, random, or whose lengths are huge is refused as a bad argument (or as unsupported), and the format stays.",
			Why:    "Half a format that is taken over makes every later frame wrong, without an error.",
			Remedy: "Parse the whole record before anything of it is used, with 64-bit sums for lengths.",
			Check:  checkBadFormats,
		},
		{
			ID: "BAD-06", Origin: HostLibrary, Needs: []Capability{CapDescribe},
			Title:  "A record that does not fit is refused, not cut",
			What:   "A method that answers with a record (description, memory map, statistics, format, observation) is refused as no space when the caller has room for less than the whole.",
			Why:    "A record that is cut looks like an old, short one; the client would go on with half the truth.",
			Remedy: "Compare the record's length with the room before anything is copied, and answer kIOReturnNoSpace.",
			Check:  checkSmallRoom,
		},
		{
			ID: "BAD-07", Origin: HostLibrary,
			Title:  "No more comes out than there is room for",
			What:   "A method that answers with scalars is answered properly when the caller has room for fewer of them or for none, and never returns more than there is room for.",
			Why:    "What does not fit would be written past the caller's memory.",
			Remedy: "Copy at most as many scalars as the caller has room for, and answer that number.",
			Check:  checkNoRoom,
		},
	}
}

// badObjectRules are about names of things that do not exist.
func badObjectRules() []Rule {
	return []Rule{
		{
			ID: "BAD-08", Origin: HostLibrary,
			Title:  "Ports and bells that do not exist can't be made",
			What:   "Making a port other than output and events, or a bell other than input, fails, and the session goes on.",
			Why:    "A client that waits on a port which nobody rings waits for ever; it must learn of its mistake.",
			Remedy: "Refuse unknown port types where a client registers them (SetNotificationPort).",
			Check:  checkUnknownPorts,
		},
		{
			ID: "BAD-09", Origin: HostLibrary,
			Title:  "Unknown open options make no half-open stream",
			What:   "An open with options that nobody knows, or with none, is either refused and leaves the stream free, or is an ordinary exclusive open.",
			Why:    "A stream that is refused but taken, or open but not exclusive, is lost for everybody until the driver is restarted.",
			Remedy: "Look at the options before the stream is taken for the client; ignore unknown bits, or refuse them first.",
			Check:  checkUnknownOptions,
		},
		{
			ID: "BAD-10", Origin: HostLibrary, Needs: []Capability{CapDescribe},
			Title:  "A select that is refused leaves the selection as it was",
			What:   "After select was refused because of a feature or a layout that is not offered, the session has the features and the layout that were selected before.",
			Why:    "A client that asks for more than there is falls back to what it had; with half a change, the two sides disagree about what every entry means.",
			Remedy: "Check both words, all 64 bits of each, before either is stored.",
			Check:  checkUnknownSelection,
		},
		{
			ID: "BAD-11", Origin: HostLibrary, Needs: []Capability{CapEvents},
			Title:  "A cursor from nowhere does no harm to the events",
			What:   "Asking for events from a cursor that was never given, up to 2^64-1, is answered or refused as a bad argument; the events that are there can be read afterwards.",
			Why:    "Cursors live long in clients: one that was saved by another session must not crash the driver or lose what happened.",
			Remedy: "Take a cursor of the future for \"from now on\", and do no sum with it that can overflow.",
			Check:  checkWildCursors,
		},
		{
			ID: "BAD-12", Origin: Both, Timeout: 10 * time.Second,
			Title:  "A storm of nonsense is survived",
			What:   "Calls with random selectors, arguments and room, in every state, are each answered; afterwards the stream can be opened and used.",
			Why:    "No list of mistakes is complete.",
			Remedy: "Note the seed of the report: the same seed makes the same calls. Look for the first call that was not answered.",
			Check:  checkStorm,
		},
	}
}
