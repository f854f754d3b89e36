// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func stopMutants() []Mutant {
	raw := func(rule, wrong string, cfg RawConfig, bug Bug) Mutant {
		return Mutant{Name: string(bug), Rule: rule, Wrong: wrong, New: buggy(string(bug), cfg, bug)}
	}
	plain, oldest := RawConfig{}, losing(iostream.DropOldest)
	return []Mutant{
		raw("STOP-01", "It goes on posting after stop.", losing(iostream.Block), BugRunsOn),
		raw("STOP-02", "It goes on posting after suspend.", losing(iostream.Block), BugRunsSuspended),
		raw("STOP-03", "It takes unread entries back from the queue when it is stopped.", plain, BugStopRetracts),
		{
			Name: "stopped-deaf", Rule: "STOP-04", Wrong: "It forgets the buffers that come back while it is stopped.",
			New: buggy("stopped-deaf", plain, BugStoppedLost),
		},
		raw("STOP-05", "It discards the backlog at stop and does not count it.", oldest, BugUncountedBacklog),
		raw("STOP-06", "It keeps the backlog over a stop and posts it with the next start.", oldest, BugKeepsBacklog),
		raw("STOP-07", "It discards the backlog at suspend.", oldest, BugSuspendDrops),
		{
			Name: "dead-after-suspend", Rule: "STOP-08", Wrong: "It answers success to start of a suspended stream and does nothing.",
			New: hooked("dead-after-suspend", onCall(userclient.SelStart, func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
				if s.State() == userclient.StateSuspended {
					return nil
				}
				return next()
			})),
		},
		raw("STOP-09", "It posts the backlog with the newest entry first when it goes on.", oldest, BugBacklogReversed),
		raw("STOP-10", "It loses a buffer with each start after the first.", plain, BugLeaksAtStart),
		raw("STOP-11", "It formats the queues anew with each start.", plain, BugReformats),
		raw("STOP-12", "It leaves the status word at running when it is stopped.", plain, BugStaleStatus),
		raw("STOP-13", "It does not ring the client when it is stopped.", plain, BugStopSilent),
		{
			Name: "second-stop", Rule: "STOP-14", Wrong: "It answers a second stop with a greater number.",
			New: changed("second-stop", CounterConfig(), Count, onCall(userclient.SelStop,
				func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
					again := s.State() == userclient.StateOpen
					err := next()
					if err == nil && again && a.NOut > 0 {
						a.Out[0]++
					}
					return err
				})),
		},
		raw("STOP-15", "It waits for the client's buffers before it answers stop.", plain, BugStopWaits),
		raw("STOP-16", "It refuses close while the client has buffers.", plain, BugCloseRefused),
		raw("STOP-17", "It overwrites the buffers when the stream is closed.", plain, BugClearsMemory),
	}
}
