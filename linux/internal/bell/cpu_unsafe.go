// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import (
	"unsafe"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

var _ userclient.Locator = (*Port)(nil)

// CPU returns where the caller runs. See userclient.Locator. It cannot block, so the
// scheduler is not told of the call.
func (p *Port) CPU() uint32 {
	var n uint32
	if _, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&n)), 0, 0); errno != 0 {
		return 0 // a sandbox may forbid it
	}
	return 1 + n
}
