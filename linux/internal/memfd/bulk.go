// SPDX-License-Identifier: Apache-2.0

//go:build linux

package memfd

import (
	"fmt"
	"io"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

// sealBulk makes the contents of a memfd final.
const sealBulk = sealFixed | unix.F_SEAL_WRITE

// NewBulk returns the descriptor of a memfd that holds a copy of p and can't be
// changed any more. It carries what is too large for one message (C38). The caller
// closes it.
func NewBulk(p []byte) (_ int, err error) {
	num, err := create("iosk-bulk")
	if err != nil {
		return -1, fmt.Errorf("create a memfd for %d bytes: %w", len(p), err)
	}
	defer func() {
		if err != nil {
			unix.Close(num)
		}
	}()
	for off := 0; off < len(p); {
		n, err := unix.Pwrite(num, p[off:], int64(off))
		if err != nil && err != unix.EINTR {
			return -1, fmt.Errorf("write %d bytes to a memfd: %w", len(p), err)
		}
		off += max(n, 0)
	}
	if err := addSeals(num, sealBulk); err != nil {
		return -1, fmt.Errorf("seal a memfd: %w", err)
	}
	return num, nil
}

// ReadBulk fills p from the memfd num, which came from the other side. It reads and
// never maps, so that nothing the other side does can fault. The error is a broken
// rule.
func ReadBulk(num int, p []byte) error {
	if err := Check(num, uint64(len(p)), true); err != nil {
		return err
	}
	for off := 0; off < len(p); {
		n, err := unix.Pread(num, p[off:], int64(off))
		if err == unix.EINTR {
			continue
		}
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return ioreturn.Broken(ioreturn.RuleMemorySize, "bytes %d to %d of a memfd cannot be read: %v", off, len(p), err)
		}
		off += n
	}
	return nil
}
