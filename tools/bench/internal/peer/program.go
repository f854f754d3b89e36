// SPDX-License-Identifier: Apache-2.0

//go:build linux

package peer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/work"
)

// program is a peer that is a program.
type program struct {
	name, settings string
	path           string
	// build makes the program at path and returns the version of the peer.
	build func(ctx context.Context, path string) (version string, err error)
	args  func(t *job.Task) ([]string, error)

	prepared bool
	version  string
	err      error // of build
}

func (p *program) Name() string     { return p.name }
func (p *program) Version() string  { return p.version }
func (p *program) Settings() string { return p.settings }

func (p *program) Prepare(ctx context.Context) error {
	if !p.prepared {
		p.version, p.err = p.build(ctx, p.path)
		p.prepared = true
	}
	return p.err
}

func (p *program) Command(t *job.Task) ([]string, error) {
	args, err := p.args(t)
	return append([]string{p.path}, args...), err
}

// builtins are the peers that this program is itself.
func builtins() []Peer {
	builtin := func(name, settings string) Peer {
		p := &program{name: name, settings: settings, args: work.Args}
		p.build = func(context.Context, string) (_ string, err error) {
			p.path, err = os.Executable()
			return runtime.Version() + " standard library", err
		}
		return p
	}
	return []Peer{
		builtin(work.Unix, "socket pair of streams, one Write and one ReadFull for a message"),
		builtin(work.Pipe, "two pipes, one Write and one ReadFull for a message"),
	}
}

// output runs a command, in a directory that is not this one unless it is "", and returns
// what it prints. The error has what it says.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, said bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return strings.TrimSpace(out.String()), nil
}
