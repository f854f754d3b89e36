// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// The peers that are written here: plain Go, with the standard library.
const (
	Unix = "unix"
	Pipe = "pipe"
)

// endsOf returns the reading and the writing end of a peer's connection.
func endsOf(p job.Program) (near, far *os.File, err error) {
	if p == job.Peer(Pipe) {
		return os.Pipe()
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far"), nil
}

// connOf makes f what a program of its own would use.
func connOf(p job.Program, f *os.File) (io.ReadWriteCloser, error) {
	if p == job.Peer(Pipe) {
		return f, nil
	}
	defer f.Close()
	return net.FileConn(f)
}

// nearMessages reads messages of a fixed size.
func nearMessages(_ context.Context, t *job.Task) (_ job.Result, err error) {
	near, other, err := endsOf(t.Job.Program)
	if err != nil {
		return nil, err
	}
	conn, err := connOf(t.Job.Program, near)
	if err != nil {
		return nil, errors.Join(err, other.Close())
	}
	defer conn.Close()
	far, err := startFar(t, other)
	_ = other.Close() // the other process has it
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, far.close()) }()
	clock := monotime.Start()
	long := time.Duration(t.Millis) * time.Millisecond
	now := clock.Now()
	rates, stop := stat.NewRates(now, long), now+int64(long)
	buf, sum := make([]byte, t.Job.Size), uint64(0)
	for often, n := stat.Often(t.Job.Size), 0; now < stop; {
		if _, err := io.ReadFull(conn, buf); err != nil {
			return nil, err
		}
		sum += look(buf)
		if n++; n == often {
			now = clock.Now()
			rates.Add(now, n)
			n = 0
		}
	}
	if sum == 0 {
		return nil, errors.New("the messages were empty")
	}
	return job.Result{job.PerSecond: rates.PerSecond()}, nil
}

// farMessages writes messages, each copied from private memory first.
func farMessages(ctx context.Context, t *job.Task, ready func() error) error {
	if err := unix.SetNonblock(firstFile, true); err != nil { // as it was made
		return err
	}
	conn, err := connOf(t.Job.Program, os.NewFile(firstFile, "far"))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // ends a write that nobody reads
	if err := ready(); err != nil {
		return err
	}
	source, message := make([]byte, t.Job.Size), make([]byte, t.Job.Size)
	for i := range source {
		source[i] = 1
	}
	for ctx.Err() == nil {
		copy(message, source)
		if _, err := conn.Write(message); err != nil {
			return err
		}
	}
	return nil
}
