// SPDX-License-Identifier: Apache-2.0

//go:build linux

package run

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// limits are the C programs.
func limits() []job.Program { return []job.Program{job.PingPong, job.OneWay, job.Loop, job.Tick} }

// Sources returns where Build puts the C sources below dir.
func Sources(dir string) string { return filepath.Join(dir, "src", "c") }

// Build compiles the C programs of src, as the compiler in CC or cc does, into dir, which
// it makes.
func Build(ctx context.Context, src fs.FS, dir string) (map[job.Program]string, error) {
	sources := filepath.Join(dir, "src")
	if err := os.RemoveAll(sources); err != nil { // of an earlier version
		return nil, err
	}
	if err := os.CopyFS(sources, src); err != nil {
		return nil, err
	}
	compiler := cmp.Or(os.Getenv("CC"), "cc")
	built := make(map[job.Program]string)
	for _, p := range limits() {
		out := filepath.Join(dir, filepath.Base(string(p)))
		in := filepath.Join(sources, string(p)+".c")
		cmd := exec.CommandContext(ctx, compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", out, in)
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("compile %s: %w\n%s", in, err, bytes.TrimSpace(text))
		}
		built[p] = out
	}
	return built, nil
}
