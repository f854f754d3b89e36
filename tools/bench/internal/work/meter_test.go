// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// TestRingsAreCountedByTheKernel compares what the sides say they rang with what came.
func TestRingsAreCountedByTheKernel(t *testing.T) {
	task := &job.Task{Dir: t.TempDir(), Job: job.Job{Size: 64, Batch: 1, Buffers: 1}}
	ctx, cancel := context.WithCancel(t.Context())
	d, err := newDriver(task)
	if err != nil {
		t.Fatal(err)
	}
	l, err := socket.Listen(socketPath(task), nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Serve(ctx, heard{d}) })
	wg.Go(func() { _ = drive(ctx, task, d) })
	defer wg.Wait()
	defer l.Close()
	defer cancel()
	conn, err := socket.Dial(ctx, socketPath(task), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: task, ctx: ctx, frames: make([]iostream.Frame, 1)}
	if c.s, err = iostream.Open(ctx, conn, nil); err != nil {
		t.Fatal(err)
	}
	defer c.s.Close()
	driver := *ear.Load() // of its only session
	if err := c.start(ctx, conn); err != nil {
		t.Fatal(err)
	}
	port := *ear.Load()
	const trips = 200
	for range trips {
		if _, err := c.turn(); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(time.Millisecond) {
		port.(userclient.Clearer).Clear() // nobody waits
		// When the stream was started, the driver also woke a sleeper on the word, of whom
		// there was none.
		rung := [2]uint64{d.Stats().Rings - 1, c.s.Stats().Rings}
		came := [2]uint64{port.RingsHeard(), driver.RingsHeard()}
		if rung == came && min(came[0], came[1]) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("rung %d, came %d", rung, came)
		}
	}
}

var kept []byte // keeps an allocation from being left out

func TestAllocationsAreCounted(t *testing.T) {
	loop := func(entries, every int) float64 {
		a := newAllocs(true)
		for i := range entries {
			if every > 0 && i%every == 0 {
				kept = make([]byte, 100)
			}
			a.add(1)
		}
		return measuredAllocs()
	}
	if got := loop(20*countEvery, 0); got != 0 {
		t.Errorf("%v for none", got)
	}
	if got := loop(20*countEvery, 1); got < 0.99 || got > 1.1 {
		t.Errorf("%v for one in each entry", got)
	}
	if got := loop(20*countEvery, countEvery); got <= 0 {
		t.Errorf("%v for one in %d entries", got, countEvery)
	}
	if got := loop(countEvery, 1); got != notMeasured {
		t.Errorf("%v for a loop that was too short", got)
	}
}

func TestLook(t *testing.T) {
	for lines := range 20 {
		p, want := make([]byte, lines*line+9), uint64(0)
		for i := range lines + 1 {
			p[i*line] = byte(i + 1)
			want += uint64(i + 1)
			p[i*line+8] = 100 // is in no first word
		}
		if got := look(p); got != want {
			t.Errorf("%d lines and a word: %d, want %d", lines, got, want)
		}
	}
	p := make([]byte, 8)
	if look(nil) != 0 || look(p[:7]) != 0 {
		t.Error("a word of nothing")
	}
}
