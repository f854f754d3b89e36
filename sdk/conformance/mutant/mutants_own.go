// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
)

func ownMutants() []Mutant {
	one := func(name, rule, wrong string, bug Bug) Mutant {
		return Mutant{Name: name, Rule: rule, Wrong: wrong, New: buggy(name, RawConfig{}, bug)}
	}
	return []Mutant{
		one("early-reuse", "OWN-01", "It uses every 16th buffer again before the client has given it back.", BugEarlyReuse),
		one("leak", "OWN-02", "It forgets every eighth buffer that comes back.", BugLeak),
		one("in-order", "OWN-03", "It hangs up when buffers come back in another order than it gave them.", BugInOrder),
		{
			Name: "impatient", Rule: "OWN-04", Wrong: "It hangs up on a client that has kept every buffer for some frames.",
			New:    buggy("impatient", RawConfig{Period: time.Millisecond}, BugImpatient),
			Device: &conformance.Device{FramePeriod: conformance.Duration(time.Millisecond)},
		},
		one("start-resets", "OWN-05", "Its start makes every buffer its own, also those that the client has.", BugStartResets),
		one("stopped-lost", "OWN-05", "It forgets the buffers that come back while the stream is stopped.", BugStoppedLost),
		one("resume-resets", "OWN-06", "When a suspended stream goes on it takes every buffer for its own.", BugResumeResets),
		one("lent-forever", "OWN-07", "What a client had when it closed the stream is missing at its next open.", BugLentForever),
		one("empty-returns", "OWN-08", "It hangs up when a buffer comes back with a length.", BugEmptyReturns),
		one("batch-owner", "OWN-09", "It looks up who owns a buffer as it was before the batch.", BugBatchOwner),
		one("no-owner", "OWN-10", "It takes back every buffer that exists, whoever owns it.", BugNoOwner),
		one("skips-foreign", "OWN-11", "It passes over entries of buffers that do not exist.", BugSkipsForeign),
	}
}
