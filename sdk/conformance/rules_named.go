// SPDX-License-Identifier: Apache-2.0

package conformance

// namedRules are about named controls (C51).
func namedRules() []Rule { return ofControl(append(valueRules(), toldRules()...)) }

func valueRules() []Rule {
	return []Rule{
		{
			ID: "NAMED-01", Check: checkNamedList,
			Title:  "The list of controls can be read",
			What:   "The list of controls comes in pieces that fit together, each control has a sensible description, and names are unique and in order.",
			Why:    "Programs build their dials from the list. One control with a wrong description takes all others with it.",
			Remedy: "Check each description when the table is made (control.Info has Validate), and answer pieces that begin where the last one ended.",
		},
		{
			ID: "NAMED-02", Check: checkNamedStable,
			Title:  "The list of controls stays",
			What:   "Listing twice, and from another session, gives the same controls with the same ranges.",
			Why:    "A range that changes without an event makes a dial that offers what is refused.",
			Remedy: "List from one table; if what the device can do changes, tell it by an event.",
		},
		{
			ID: "NAMED-03", Check: checkNamedGet,
			Title:  "Every readable control has a good value",
			What:   "Getting each control that can be read succeeds with a value of its type, in its range and on its steps.",
			Why:    "A dial can't show a value that its scale does not have.",
			Remedy: "Describe the range that the device has, and check what it says before it is passed on.",
		},
		{
			ID: "NAMED-04", Check: checkNamedUnreadable,
			Title:  "A control that can't be read is not read",
			What:   "Getting a control that does not say it can be read is refused.",
			Why:    "What comes back has no meaning, or was meant to stay secret.",
			Remedy: "Compare each request with the access of the control.",
		},
		{
			ID: "NAMED-05", Check: checkNamedReadOnly,
			Title:  "A control that can't be set is not set",
			What:   "Setting a control that does not say it can be set, to the value that it has, is refused.",
			Why:    "A serial number that can be written is none.",
			Remedy: "Compare each request with the access of the control.",
		},
		{
			ID: "NAMED-06", Check: checkNamedSet,
			Title:  "Set answers what get finds",
			What:   "Setting a control to the value that it has succeeds, and the value that is answered is the one that the next get finds, unless the control is volatile.",
			Why:    "The client shows what the set has answered, until something tells it otherwise.",
			Remedy: "Answer the value that the device has after the set, not the one that was asked for.",
		},
		{
			ID: "NAMED-07", Check: checkNamedRange,
			Title:  "Values out of range are refused",
			What:   "Setting a control to a number beyond its range, a choice that it has not, or a text that is too long, is refused.",
			Why:    "The range says what is safe. What is cut to it silently is not what the client believes it has set.",
			Remedy: "Check each value against the description before the device sees it.",
		},
		{
			ID: "NAMED-08", Check: checkNamedRefusedSet,
			Title:  "A refused value changes nothing",
			What:   "After a value out of range was refused, the control has the value that it had.",
			Why:    "A refusal means that nothing happened.",
			Remedy: "Check first, and set then.",
		},
		{
			ID: "NAMED-09", Check: checkNamedStep,
			Title:  "Values between two steps are refused",
			What:   "Setting a whole number between two of its steps is refused.",
			Why:    "The client would believe in a value that the device can't have.",
			Remedy: "Check the distance from the smallest value, or from zero where there is none.",
		},
		{
			ID: "NAMED-10", Check: checkNamedType,
			Title:  "Values of another type are refused",
			What:   "Setting a control to a value of another type is refused.",
			Why:    "True is not a gain. What comes of it depends on the driver's memory layout.",
			Remedy: "Compare the type of the value with that of the control before it is converted.",
		},
		{
			ID: "NAMED-11", Check: checkNamedUnknown,
			Title:  "A name that does not exist is refused",
			What:   "Getting, setting and calling a control that is not in the list is refused.",
			Why:    "A program that is told of success believes that the device has what it asked for.",
			Remedy: "Look the whole name up, not its beginning.",
		},
		{
			ID: "NAMED-12", Check: checkNamedShared, Destructive: true,
			Title:  "All sessions see one device",
			What:   "A value that one session has set is what another session gets.",
			Why:    "Controls are of the device. A panel that shows its own copy shows what is not so.",
			Remedy: "Keep values with the device and not with the session.",
		},
	}
}
