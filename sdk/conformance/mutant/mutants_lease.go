// SPDX-License-Identifier: Apache-2.0

package mutant

import "github.com/iostreamkit/iostreamkit/sdk/iostream"

func leaseMutants() []Mutant {
	one := func(name, rule, wrong string, bug Bug) Mutant {
		return Mutant{Name: name, Rule: rule, Wrong: wrong, New: buggy(name, RawConfig{}, bug)}
	}
	return []Mutant{
		one("scribbles", "LEASE-01", "With each frame it also writes a byte into the frames that the client is reading.", BugScribbles),
		{
			Name: "scribbles-control", Rule: "LEASE-02", Wrong: "With each frame it also writes into the control regions of the frames that the client is reading.",
			New: buggy("scribbles-control", RawConfig{Metadata: true}, BugScribblesControl),
		},
		{
			Name: "writes-empties", Rule: "LEASE-03", Wrong: "It writes into empty buffers that the client is filling.",
			New: buggy("writes-empties", RawConfig{Direction: iostream.ToDevice}, BugScribbles),
		},
		one("stop-wipes", "LEASE-04", "Its stop overwrites the buffers that the client has.", BugStopWipes),
		one("resume-wipes", "LEASE-05", "When a suspended stream goes on it overwrites the buffers that the client has.", BugResumeWipes),
		one("end-wipes", "LEASE-06", "When it hangs up on a client it overwrites the buffers that the client has.", BugEndWipes),
		one("open-wipes", "LEASE-07", "An open that it refuses overwrites the buffers of the client that has the stream.", BugOpenWipes),
		one("whole-set", "LEASE-08", "It uses no buffer until all of them are back.", BugWholeSet),
		one("needs-two", "LEASE-09", "It uses no buffer until there are two.", BugNeedsTwo),
		one("slow-leak", "LEASE-10", "It forgets every 200th buffer that comes back.", BugSlowLeak),
	}
}
