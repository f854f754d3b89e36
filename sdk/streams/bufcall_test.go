// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"testing"
	"testing/synctest"
)

func TestBufcall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := clean(t, NewArena(&ArenaConfig{MaxBytes: 100}))
		m, _ := a.Alloc(MData, 80)
		small, large := 0, 0
		// The callback tries again, as a module does.
		if _, err := a.Bufcall(20, func() { small++ }); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Bufcall(90, func() { large++ }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if small != 1 || large != 0 {
			t.Errorf("with 20 bytes free: 20 bytes called %d times, 90 bytes %d times", small, large)
		}
		m.Free()
		if small != 1 || large != 1 {
			t.Errorf("with all free: 20 bytes called %d times, 90 bytes %d times", small, large)
		}
	})
}

func TestBufcallRefuses(t *testing.T) {
	a := testArena(t)
	limited := clean(t, NewArena(&ArenaConfig{MaxBytes: 10}))
	for _, err := range []error{
		second(a.Bufcall(-1, func() {})), second(a.Bufcall(1, nil)), second(limited.Bufcall(11, func() {})),
	} {
		if !errors.Is(err, EINVAL) {
			t.Errorf("got %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestUnbufcall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := clean(t, NewArena(&ArenaConfig{MaxBlocks: 1}))
		m, _ := a.Alloc(MData, 1)
		called := 0
		c, err := a.Bufcall(1, func() { called++ })
		if err != nil {
			t.Fatal(err)
		}
		if !c.Cancel() || c.Cancel() {
			t.Error("want the first cancel to succeed, and the second to be too late")
		}
		m.Free()
		synctest.Wait()
		if called != 0 {
			t.Error("called after Cancel")
		}

		// Cancel waits for a callback that runs.
		m, _ = a.Alloc(MData, 1)
		running, finish, returned := make(chan struct{}), make(chan struct{}), false
		c, _ = a.Bufcall(1, func() { close(running); <-finish; returned = true })
		go m.Free()
		<-running
		go func() { synctest.Wait(); close(finish) }()
		if c.Cancel() || !returned {
			t.Error("Cancel did not wait for the callback")
		}
	})
}
