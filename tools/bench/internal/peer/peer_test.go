// SPDX-License-Identifier: Apache-2.0

//go:build linux

package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/work"
)

// TestMain makes this test program the processes of the peers that are built in.
func TestMain(m *testing.M) {
	if done, err := work.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout); done {
		if err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	leak.Main(m)
}

const sources = "../../c"

// task is one of a peer's: round trips with one buffer, else the rate.
func task(t *testing.T, p Peer, buffers int) *job.Task {
	t.Helper()
	return &job.Task{
		Job:    job.Job{Program: job.Peer(p.Name()), Place: job.Free, Size: 4096, Full: true, Buffers: buffers},
		Millis: 20, Near: -1, Far: -1, Dir: t.TempDir(),
	}
}

// command is the process of a task. It is killed if it lasts too long.
func command(t *testing.T, p Peer, x *job.Task) (cmd *exec.Cmd, out, said *bytes.Buffer) {
	t.Helper()
	args, err := p.Command(x)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	out, said = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, said, time.Second
	return cmd, out, said
}

// TestPeers runs every peer that this machine has; of the others it checks that the
// reason says what to do.
func TestPeers(t *testing.T) {
	left := leftBehind()
	for _, p := range All(sources, t.TempDir()) {
		t.Run(p.Name(), func(t *testing.T) {
			if p.Settings() == "" || p.Version() != "" {
				t.Errorf("settings %q; version %q before it is prepared", p.Settings(), p.Version())
			}
			if err := p.Prepare(t.Context()); err != nil {
				reasonIsOfUse(t, p, err)
				return
			}
			if p.Version() == "" {
				t.Error("no version")
			}
			t.Run("measures", func(t *testing.T) { measures(t, p) })
			t.Run("wrong arguments", func(t *testing.T) { wrongArguments(t, p) })
			t.Run("other side killed", func(t *testing.T) { otherSideKilled(t, p) })
			t.Run("killed", func(t *testing.T) { killed(t, p) })
		})
	}
	if now := leftBehind(); !slices.Equal(now, left) {
		t.Errorf("left behind: %q, before: %q", now, left)
	}
}

// leftBehind lists what iceoryx has outside of directories of its own.
func leftBehind() (names []string) {
	for _, name := range []string{"/dev/shm/iceoryx_mgmt", "/tmp/roudi", "/tmp/iox-unique-roudi.lock"} {
		if _, err := os.Stat(name); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// reasonIsOfUse fails if err does not tell what would help.
func reasonIsOfUse(t *testing.T, p Peer, err error) {
	t.Helper()
	for _, hint := range []string{"apt-get install", "go mod download", "run as root"} {
		if strings.Contains(err.Error(), hint) {
			t.Logf("%s is not run: %v", p.Name(), err)
			return
		}
	}
	t.Errorf("%s is not run, and nothing says what to do: %v", p.Name(), err)
}

func measures(t *testing.T, p Peer) {
	for buffers, metrics := range map[int][]job.Metric{
		0: {job.PerSecond},
		1: {job.P50, job.P90, job.P99, job.P999, job.P9999, job.Max, job.Mean},
	} {
		cmd, out, said := command(t, p, task(t, p, buffers))
		if err := cmd.Run(); err != nil {
			t.Errorf("%d buffers: %v: %s", buffers, err, said)
			continue
		}
		r, err := job.ParseResult(out.Bytes())
		if err != nil {
			t.Error(err)
		}
		for _, m := range metrics {
			if r[m] <= 0 {
				t.Errorf("%d buffers: %s is %v in %s", buffers, m, r[m], out)
			}
		}
		if r[job.Max] < r[job.P50] {
			t.Errorf("%d buffers: the longest of %s", buffers, out)
		}
	}
}

// wrongArguments has none, and a directory that is not there.
func wrongArguments(t *testing.T, p Peer) {
	cmd, out, said := command(t, p, task(t, p, 0))
	if self, err := os.Executable(); err != nil || cmd.Path == self {
		t.Logf("this program itself would run its tests, %v", err)
		return
	}
	cmd.Args = cmd.Args[:1]
	if err := cmd.Run(); err == nil || said.Len() == 0 || out.Len() > 0 {
		t.Errorf("no arguments: %v; %q; %s", err, out, said)
	}
	if p.Name() == "iceoryx" {
		return // it has directories of its own
	}
	x := task(t, p, 0)
	x.Dir = filepath.Join(x.Dir, "absent")
	cmd, out, said = command(t, p, x)
	if err := cmd.Run(); err == nil || said.Len() == 0 || out.Len() > 0 {
		t.Errorf("no directory: %v; %q; %s", err, out, said)
	}
}

// enough is the CPU time, in ticks, that the other side does not use before it sends.
const enough = 8

// begun is a task without an end whose other side is at work. That is the first of others.
func begun(t *testing.T, p Peer) (cmd *exec.Cmd, said *bytes.Buffer, others []int) {
	t.Helper()
	x := task(t, p, 0)
	x.Millis = int(time.Hour.Milliseconds())
	cmd, _, said = command(t, p, x)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the other side's work", func() bool {
		others = children(t, cmd.Process.Pid)
		return len(others) > 0 && look(others[0]).ticks >= enough
	})
	return cmd, said, others
}

// otherSideKilled shows that a measurement fails, in time, when its partner dies.
func otherSideKilled(t *testing.T, p Peer) {
	cmd, said, others := begun(t, p)
	kill(t, others[0])
	failed := new(exec.ExitError)
	if err := cmd.Wait(); !errors.As(err, &failed) || !failed.Exited() || said.Len() == 0 {
		t.Errorf("%v: %s", err, said)
	}
}

// killed shows that nothing outlives the measurement.
func killed(t *testing.T, p Peer) {
	cmd, _, others := begun(t, p)
	kill(t, cmd.Process.Pid)
	if err := cmd.Wait(); err == nil {
		t.Error("it was killed and did not fail")
	}
	for _, pid := range others {
		until(t, "the end of another process", func() bool { return !look(pid).runs() })
	}
}
