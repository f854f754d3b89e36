// SPDX-License-Identifier: Apache-2.0

package fd_test

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/fd"
	"golang.org/x/sys/unix"
)

func open(t *testing.T) *fd.FD {
	t.Helper()
	n, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd.New(n)
}

func isOpen(n int) bool {
	_, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
	return err == nil
}

func TestCloseWaitsForTheLastUser(t *testing.T) {
	leak.Check(t)
	f := open(t)
	for range 2 {
		if !f.Acquire() {
			t.Fatal("an open descriptor admits no user")
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f.Acquire() {
		t.Error("a closed descriptor admits a user")
	}
	if got := f.Users(); got != 2 {
		t.Errorf("Users() = %d, want 2", got)
	}
	f.Release()
	if !isOpen(f.Num()) {
		t.Fatal("the descriptor was closed under its last user")
	}
	f.Release()
	if isOpen(f.Num()) {
		t.Error("the descriptor is still open after its last use")
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("second Close: %v, want os.ErrClosed", err)
	}
}

func TestCloseRacesWithUsers(t *testing.T) {
	leak.Check(t)
	for range 200 {
		f := open(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for f.Acquire() {
					if !isOpen(f.Num()) {
						t.Error("an acquired descriptor is closed")
					}
					f.Release()
				}
			})
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}
