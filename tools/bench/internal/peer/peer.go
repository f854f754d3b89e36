// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package peer has what the streams are compared with.
package peer

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// Peer is another way to send messages between two processes. One goroutine uses it.
type Peer interface {
	// Name is that of the job's program, behind job.PeerPrefix.
	Name() string
	// Version is the version of what is measured; "" before Prepare, or where it can't run.
	Version() string
	// Settings say how it is used, in a few words.
	Settings() string
	// Prepare builds what must be built, the first time. The error says why this machine
	// can't run the peer, and what to do about it.
	Prepare(ctx context.Context) error
	// Command returns the command that runs a task: a process that starts the other one,
	// measures, ends it and prints one job.Result. Prepare was called before.
	Command(t *job.Task) ([]string, error)
}

// All returns every peer. Those that are built have their C sources in a directory, and
// their programs go to another one.
func All(sources, dir string) []Peer {
	return append(builtins(), grpc(dir, peersModule), zeromq(sources, dir), iceoryx(sources, dir, iceoryxHeaders))
}

// Find returns the peer of a program.
func Find(peers []Peer, p job.Program) (Peer, error) {
	for _, x := range peers {
		if job.Peer(x.Name()) == p {
			return x, nil
		}
	}
	return nil, fmt.Errorf("there is no %s in this bench", p)
}
