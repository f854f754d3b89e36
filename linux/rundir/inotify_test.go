// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FuzzParseNotices asserts that no bytes make the decoder panic or invent events.
func FuzzParseNotices(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, unix.SizeofInotifyEvent))
	f.Add(append(make([]byte, unix.SizeofInotifyEvent-4), 0xff, 0xff, 0xff, 0xff, 'x'))
	f.Fuzz(func(t *testing.T, b []byte) {
		list := parseNotices(b)
		if len(list)*unix.SizeofInotifyEvent > len(b) {
			t.Errorf("%d events of %d bytes", len(list), len(b))
		}
		for _, n := range list {
			if strings.Contains(n.name, "\x00") {
				t.Errorf("name %q", n.name)
			}
		}
	})
}

// TestInterruptBeforeReadIsNotLost has the context end just before the watch sets
// its deadline, which undoes the interruption.
func TestInterruptBeforeReadIsNotLost(t *testing.T) {
	in, err := newInotify()
	must(t, err)
	defer in.close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in.interrupt()
	done := make(chan error, 1)
	go func() {
		_, err := in.read(ctx, time.Time{})
		done <- err
	}()
	select {
	case err := <-done:
		must(t, err)
	case <-time.After(soon):
		t.Error("read waits")
	}
}
