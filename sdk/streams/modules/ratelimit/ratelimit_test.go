// SPDX-License-Identifier: Apache-2.0

package ratelimit_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/internal/modtest"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/ratelimit"
)

func open(t *testing.T, cfg ratelimit.Config) *modtest.Rig {
	t.Helper()
	m, err := ratelimit.Module(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return modtest.Open(t, m, nil)
}

// pass lets time pass in a bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, ratelimit.Config{Down: 100, Up: 1000, Burst: 100 * time.Millisecond})
		send := func(n int) {
			for range n {
				r.SendDown(r.Message(streams.MData, "0123456789"))
				r.SendUp(r.Message(streams.MData, "0123456789"))
			}
		}
		count := func(down, up int) {
			t.Helper()
			if d, u := len(r.Down()), len(r.Up()); d != down || u != up {
				t.Errorf("%d have gone down and %d up, want %d and %d", d, u, down, up)
			}
		}
		send(30)
		count(2, 11) // the burst, and one more at once
		pass(100 * time.Millisecond)
		count(1, 10)
		pass(99 * time.Millisecond)
		count(0, 9)
		pass(time.Second)
		count(10, 0)
		pass(10 * time.Minute) // which can't all be made up for
		count(17, 0)
		send(10)
		count(2, 10)
	})
}

// TestFlowControl has the queue fill up: its writer is told that it is full, and then not.
func TestFlowControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, ratelimit.Config{Down: 1000, Burst: time.Nanosecond, HighWater: 3000, LowWater: 1000})
		sent := 0
		for r.Stream.CanPut(0) {
			r.SendDown(r.Message(streams.MData, strings.Repeat("x", 1000)))
			sent++
		}
		if sent != 4 { // one has passed, three wait
			t.Errorf("%d messages until it is full", sent)
		}
		for want := range 4 {
			if n := len(r.Down()); n != 1 {
				t.Errorf("%d messages after %d s", n, want)
			}
			if room := r.Stream.CanPut(0); room != (want > 0) {
				t.Errorf("room after %d s: %v", want, room)
			}
			pass(time.Second)
		}
	})
}

func TestWhatDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, ratelimit.Config{Down: 1})
		r.SendDown(r.Message(streams.MData, "first"))
		r.SendDown(r.Message(streams.MData, "waits"))
		r.SendDown(r.Message(streams.MProto, "behind it"))
		m, err := r.Arena.Ioctl(streams.Ioctl{Cmd: 1, ID: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SendDown(m)
		r.SendDown(r.Message(streams.MPCProto, "urgent"))
		r.Want(r.Down(), "first", "M_IOCTL ", "M_PCPROTO urgent")
		r.SendDown(r.Message(streams.MFlush, "\x02"))
		r.Want(r.Down(), "M_FLUSH \x02")
		pass(time.Hour)
		r.Want(r.Down()) // it was flushed
		r.SendDown(r.Message(streams.MData, "more than its due"))
		r.SendDown(r.Message(streams.MData, "left at the end"))
		r.Want(r.Down(), "more than its due")
		// Closing does not wait for the timer.
		if err := r.Stream.Close(context.WithoutCancel(t.Context()), 0); err != nil {
			t.Error(err)
		}
	})
}

func TestRefuses(t *testing.T) {
	for _, cfg := range []ratelimit.Config{{Down: -1}, {Up: -1}, {Burst: -1}, {HighWater: -1, Down: 1}, {Name: "ninebytes"}} {
		if m, err := ratelimit.Module(cfg); m != nil || err == nil {
			t.Errorf("%+v: %v, %v", cfg, m, err)
		}
	}
}
