// SPDX-License-Identifier: Apache-2.0

//go:build linux

package fd

import (
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// closing is the bit of FD.state that says that no new user is admitted. The bits
// below count the users.
const closing = 1 << 30

// FD is a descriptor with a count of its users. All methods may be called
// concurrently and none of them blocks.
type FD struct {
	num   int
	state atomic.Int32
}

// New takes over descriptor num, which must be open and must not be closed by
// anybody else from now on.
func New(num int) *FD { return &FD{num: num} }

// Acquire admits one more user of the descriptor and reports whether it is still
// open. Each Acquire that returned true needs one Release.
func (f *FD) Acquire() bool {
	for {
		s := f.state.Load()
		if s&closing != 0 {
			return false
		}
		if f.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

// Release ends one use. The last use after Close closes the descriptor; closed says
// that this was it.
func (f *FD) Release() (closed bool) {
	if f.state.Add(-1) != closing {
		return false
	}
	unix.Close(f.num)
	return true
}

// Num returns the descriptor's number. It means something only between Acquire and
// Release, and for the owner before Close.
func (f *FD) Num() int { return f.num }

// Users returns how many uses are under way.
func (f *FD) Users() int { return int(f.state.Load() &^ closing) }

// Close admits no more users and closes the descriptor as soon as there are none.
// A second Close returns os.ErrClosed.
func (f *FD) Close() error {
	for {
		s := f.state.Load()
		if s&closing != 0 {
			return os.ErrClosed
		}
		if !f.state.CompareAndSwap(s, s|closing) {
			continue
		}
		if s == 0 {
			return unix.Close(f.num)
		}
		return nil
	}
}
