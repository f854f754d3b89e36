// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package peer lists what the streams are compared with.
package peer

import (
	"fmt"
	"os"
	"runtime"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/work"
)

// Peer is another way to send messages between two processes.
type Peer interface {
	// Name is that of the job's program, behind job.PeerPrefix.
	Name() string
	// Version is the pinned version of what is measured.
	Version() string
	// Settings say how it is used, in a few words.
	Settings() string
	// Command returns the command that runs a task: a process that starts the other one,
	// measures, ends it and prints one job.Result. The error says why this machine can't.
	Command(t *job.Task) ([]string, error)
}

// All returns every peer.
func All() []Peer {
	version := fmt.Sprintf("%s standard library", runtime.Version())
	return []Peer{
		builtin{work.Unix, version, "socket pair of streams, one Write and one ReadFull for a message"},
		builtin{work.Pipe, version, "one Write and one ReadFull for a message"},
	}
}

// Find returns the peer of a program.
func Find(p job.Program) (Peer, error) {
	for _, x := range All() {
		if job.Peer(x.Name()) == p {
			return x, nil
		}
	}
	return nil, fmt.Errorf("there is no %s in this bench yet", p)
}

// builtin is a peer that this program is itself.
type builtin struct{ name, version, settings string }

func (b builtin) Name() string     { return b.name }
func (b builtin) Version() string  { return b.version }
func (b builtin) Settings() string { return b.settings }

func (b builtin) Command(t *job.Task) ([]string, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args, err := work.Args(t)
	return append([]string{exe}, args...), err
}
