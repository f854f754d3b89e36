// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pipeEvery is how often a pipe is asked whether it still has a reader.
const pipeEvery = 200 * time.Millisecond

// whileRead returns a context that ends with errReaderGone when w is a pipe that nobody
// reads any more. A command that writes seldom would otherwise learn of it with the
// next line only. The caller calls stop.
func whileRead(ctx context.Context, w io.Writer) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	over := make(chan struct{})
	f, ok := w.(*os.File)
	if ok {
		info, err := f.Stat()
		ok = err == nil && info.Mode()&fs.ModeNamedPipe != 0
	}
	if !ok {
		return ctx, func() { cancel(nil) }
	}
	go func() {
		defer close(over)
		t := time.NewTicker(pipeEvery)
		defer t.Stop()
		for !broken(f) {
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
		}
		cancel(errReaderGone)
	}()
	return ctx, func() {
		cancel(nil)
		<-over
	}
}

// broken reports whether a pipe has no reader.
func broken(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(p, 0)
		gone = err == nil && n > 0 && p[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
	})
	return err == nil && gone
}
