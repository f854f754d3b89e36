// SPDX-License-Identifier: Apache-2.0

//go:build linux

package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// cArgs returns the arguments of a program in C, to which a job without a number of
// buffers is one of many.
func cArgs(t *job.Task) []string {
	with := *t
	with.Job.Buffers = cmp.Or(t.Job.Buffers, 2)
	return with.CArgs()
}

// zeromq is Debian's libzmq.
func zeromq(sources, dir string) *program {
	return &program{
		name:     "zeromq",
		settings: "ipc; push to pull, and for round trips request and reply; everything else as it is by default",
		path:     filepath.Join(dir, "zeromq"),
		build: func(ctx context.Context, path string) (string, error) {
			const lib, pkg = "libzmq", "libzmq3-dev"
			version, err := output(ctx, "", nil, "pkg-config", "--modversion", lib)
			switch {
			case errors.Is(err, exec.ErrNotFound):
				return "", fmt.Errorf("pkg-config is not installed; on Debian: apt-get install pkg-config %s", pkg)
			case err != nil:
				return "", fmt.Errorf("%s is not installed; on Debian: apt-get install %s", pkg, pkg)
			}
			flags, err := output(ctx, "", nil, "pkg-config", "--cflags", "--libs", lib)
			if err != nil {
				return "", err
			}
			args := []string{"-std=gnu11", "-O2", "-o", path, filepath.Join(sources, "zeromq.c")}
			_, err = output(ctx, "", nil, cmp.Or(os.Getenv("CC"), "cc"), append(args, strings.Fields(flags)...)...)
			return lib + " " + version, err
		},
		args: func(t *job.Task) ([]string, error) { return append(cArgs(t), t.Dir), nil },
	}
}

// iceoryxHeaders is where Debian's package has them: the version is part of the name.
const iceoryxHeaders = "/usr/include/iceoryx/v2.0.3"

// iceoryx is Debian's iceoryx.
func iceoryx(sources, dir, headers string) *program {
	return &program{
		name: "iceoryx",
		settings: "polling subscriber, and a publisher that waits where its queue is full; RouDi without monitoring; " +
			"everything else as it is by default",
		path: filepath.Join(dir, "iceoryx"),
		build: func(ctx context.Context, path string) (string, error) {
			if _, err := os.Stat(filepath.Join(headers, "iceoryx_posh")); err != nil {
				return "", fmt.Errorf("libiceoryx-posh-dev is not installed: there is no %s; on Debian 12: apt-get install libiceoryx-posh-dev", headers)
			}
			args := slices.Concat(
				[]string{"-std=gnu++20", "-O2", "-isystem", headers, "-o", path, filepath.Join(sources, "iceoryx.cc")},
				[]string{"-liceoryx_posh_roudi", "-liceoryx_posh", "-liceoryx_hoofs", "-liceoryx_platform", "-lpthread"},
			)
			if _, err := output(ctx, "", nil, cmp.Or(os.Getenv("CXX"), "c++"), args...); err != nil {
				return "", err
			}
			// It may be built and yet not run.
			_, err := output(ctx, "", nil, path, "check")
			return "iceoryx " + strings.TrimPrefix(filepath.Base(headers), "v"), err
		},
		args: func(t *job.Task) ([]string, error) { return cArgs(t), nil },
	}
}
