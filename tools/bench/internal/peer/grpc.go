// SPDX-License-Identifier: Apache-2.0

//go:build linux

package peer

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/work"
)

// grpc is gRPC for Go, in a module of its own so that its packages are not ours. Its
// version is in that module's go.mod.
func grpc(dir string, find func(context.Context) (string, error)) *program {
	return &program{
		name: "grpc",
		settings: "Unix socket, one stream both ways, messages as raw bytes without compression or encryption; " +
			"windows and buffers as they are by default",
		path: filepath.Join(dir, "grpc"),
		build: func(ctx context.Context, path string) (string, error) {
			module, err := find(ctx)
			if err != nil {
				return "", fmt.Errorf("its module is in the repository, where the bench must run: %w", err)
			}
			if path, err = filepath.Abs(path); err != nil {
				return "", err
			}
			env := []string{"GOWORK=off", "CGO_ENABLED=0"}
			_, err = output(ctx, module, env, "go", "build", "-mod=readonly", "-buildvcs=false", "-o", path, "./grpc")
			if err != nil {
				return "", fmt.Errorf("%w\nits packages must have been fetched once, with a network: cd %s && go mod download", err, module)
			}
			return grpcVersion(path)
		},
		args: work.Args,
	}
}

// peersModule returns the directory of the peers' module, if this one is in the repository.
func peersModule(ctx context.Context) (string, error) {
	root, err := output(ctx, "", []string{"GOWORK=off"}, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/iostreamkit/iostreamkit")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "tools", "bench", "peers")
	_, err = os.Stat(filepath.Join(dir, "go.mod"))
	return dir, err
}

// grpcVersion returns the version that a program was built with.
func grpcVersion(path string) (string, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", err
	}
	const module = "google.golang.org/grpc"
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Path + " " + m.Version, nil
		}
	}
	return "", fmt.Errorf("%s was built without %s", path, module)
}
