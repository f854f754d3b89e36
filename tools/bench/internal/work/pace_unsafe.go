// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// device is a timer that a driver waits for as for a device's descriptor: in Go's poller,
// at the least cost that there is in Go, so that what a paced stream costs is the
// stream's. A time.Ticker alone would take half of what the rows allow.
type device struct {
	file *os.File
	raw  syscall.RawConn
	read func(fd uintptr) bool
	err  error
}

// newDevice makes a device that is ready so many times in a second.
func newDevice(hz int) (*device, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	d := &device{file: os.NewFile(uintptr(fd), "timer")}
	d.read = d.tryRead
	period := unix.NsecToTimespec(int64(time.Second) / int64(hz))
	err = unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: period, Value: period}, nil)
	if err == nil {
		d.raw, err = d.file.SyscallConn()
	}
	if err != nil {
		_ = d.file.Close() // the first error says more
		return nil, fmt.Errorf("set a timer: %w", err)
	}
	return d, nil
}

// tryRead takes the expirations so far; false if there is none. The descriptor is this
// process's alone and does not block, so the scheduler need not know of the call.
func (d *device) tryRead(fd uintptr) bool {
	var n uint64
	_, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&n)), unsafe.Sizeof(n))
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return false
	}
	d.err = nil
	if errno != 0 {
		d.err = errno
	}
	return true
}

// wait waits for the next tick, or for the end of the context that closes the device.
func (d *device) wait() error {
	if err := d.raw.Read(d.read); err != nil {
		return err
	}
	return d.err
}

// closeAfter closes the device when ctx ends, and returns what closes it at once.
func (d *device) closeAfter(ctx context.Context) (stop func()) {
	after := context.AfterFunc(ctx, func() { _ = d.file.Close() })
	return func() {
		after()
		_ = d.file.Close() // may have happened
	}
}
