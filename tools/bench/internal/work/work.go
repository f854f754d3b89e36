// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package work is the inside of the bench's processes: the side that measures, which is
// near, and the other one, which is far and is started by the first.
package work

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// The hidden commands of the bench program. Each has the job.Task as JSON behind it.
const (
	NearCommand = "near"
	FarCommand  = "far"
	hogCommand  = "hog"
)

// A side is one program's two ends.
type sides struct {
	near func(ctx context.Context, t *job.Task) (job.Result, error)
	far  func(ctx context.Context, t *job.Task, ready func() error) error
}

func sidesOf(p job.Program, more []Transport) (sides, error) {
	for _, tr := range slices.Concat(more, builtin()) {
		if p == job.Peer(tr.Name) {
			return sides{tr.near, tr.far}, nil
		}
	}
	switch p {
	case job.Stream:
		return sides{nearStream, farStream}, nil
	case job.Code:
		return sides{near: nearStream}, nil
	case job.Paced:
		return sides{nearPaced, farStream}, nil
	case job.Queue:
		return sides{nearQueue, farQueue}, nil
	case job.Rings:
		return sides{nearRings, farRings}, nil
	case job.Put:
		return sides{near: nearPut}, nil
	case job.Str:
		return sides{nearStr, farPlane}, nil
	case job.Callers:
		return sides{nearCallers, farPlane}, nil
	case job.Seqpacket:
		bare := Transport{string(p), nearEnd(packetPair, connOf), farEnd(connOf, firstFile)}
		return sides{bare.near, bare.far}, nil
	}
	return sides{}, fmt.Errorf("there is no program %q", p)
}

// Main runs a hidden command. It returns false if args are none. Programs of more peers
// than this package has give their transports.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer, more ...Transport) (bool, error) {
	if len(args) == 1 && args[0] == hogCommand {
		hog(ctx)
		return true, nil
	}
	if len(args) != 2 || args[0] != NearCommand && args[0] != FarCommand {
		return false, nil
	}
	var t job.Task
	if err := json.Unmarshal([]byte(args[1]), &t); err != nil {
		return true, fmt.Errorf("%q is no task: %w", args[1], err)
	}
	s, err := sidesOf(t.Job.Program, more)
	if err != nil {
		return true, err
	}
	if t.Job.Wait == iostream.WaitThread {
		runtime.LockOSThread() // as WaitThread demands
	}
	if args[0] == FarCommand {
		return true, serve(ctx, &t, s.far, stdin, stdout)
	}
	r, err := s.near(ctx, &t)
	if err != nil {
		return true, fmt.Errorf("%s: %w", t.Job, err)
	}
	return true, json.NewEncoder(stdout).Encode(r)
}

// Args returns the arguments with which the bench program runs a task's near side.
func Args(t *job.Task) ([]string, error) { return argsOf(NearCommand, t) }

func argsOf(command string, t *job.Task) ([]string, error) {
	text, err := json.Marshal(t)
	return []string{command, string(text)}, err
}

// hog keeps a CPU busy until it is killed.
func hog(ctx context.Context) {
	for ctx.Err() == nil {
		spin()
	}
}

func spin() {
	x := uint64(os.Getpid())
	for range 1 << 20 {
		x = x*6364136223846793005 + 1442695040888963407
	}
	runtime.KeepAlive(x)
}
