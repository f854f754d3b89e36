// SPDX-License-Identifier: Apache-2.0

//go:build linux

package peer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// TestReasons has machines that lack something.
func TestReasons(t *testing.T) {
	none := func(*testing.T) {}
	absent := filepath.Join(t.TempDir(), "absent")
	headers := t.TempDir()
	if err := os.Mkdir(filepath.Join(headers, "iceoryx_posh"), 0o755); err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	if err := os.WriteFile(filepath.Join(tools, "pkg-config"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	nowhere := func(context.Context) (string, error) { return "", errors.New("no such module") }
	for _, tc := range []struct {
		name string
		peer func(dir string) *program
		lack func(*testing.T)
		want string
	}{
		{
			"pkg-config", func(dir string) *program { return zeromq(sources, dir) },
			func(t *testing.T) { t.Setenv("PATH", absent) },
			"pkg-config is not installed; on Debian: apt-get install pkg-config libzmq3-dev",
		},
		{
			"libzmq", func(dir string) *program { return zeromq(sources, dir) },
			func(t *testing.T) { t.Setenv("PATH", tools) },
			"libzmq3-dev is not installed; on Debian: apt-get install libzmq3-dev",
		},
		{
			"iceoryx", func(dir string) *program { return iceoryx(sources, dir, absent) }, none,
			"libiceoryx-posh-dev is not installed: there is no " + absent + "; on Debian 12: apt-get install libiceoryx-posh-dev",
		},
		{
			"compiler", func(dir string) *program { return iceoryx(sources, dir, headers) },
			func(t *testing.T) { t.Setenv("CXX", absent) }, absent,
		},
		{"repository", func(dir string) *program { return grpc(dir, nowhere) }, none, "where the bench must run: no such module"},
		{
			"network", func(dir string) *program { return grpc(dir, peersModule) }, func(t *testing.T) {
				t.Setenv("GOMODCACHE", t.TempDir())
				t.Setenv("GOPROXY", "off")
			}, "go mod download",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.lack(t)
			p := tc.peer(t.TempDir())
			err := p.Prepare(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%v, want %s", err, tc.want)
			}
			if again := p.Prepare(t.Context()); !errors.Is(again, err) || p.Version() != "" {
				t.Errorf("then %v, version %q", again, p.Version())
			}
		})
	}
}

func TestFind(t *testing.T) {
	all := All(sources, t.TempDir())
	for _, p := range all {
		if found, err := Find(all, job.Peer(p.Name())); err != nil || found.Name() != p.Name() {
			t.Errorf("%s: %v, %v", p.Name(), found, err)
		}
	}
	if _, err := Find(all, job.Peer("absent")); err == nil || !strings.Contains(err.Error(), "peer/absent") {
		t.Error(err)
	}
}
