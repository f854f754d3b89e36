// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// The queue of the one-way job: as many slots as the ring of the C program, and half as
// many buffers, so that the head is published as rarely as in a stream.
const (
	slots        = 1024
	queueBuffers = slots / 2
	firstFile    = 3 // descriptor of the first file that a far side is given
)

// mapQueue maps the one queue that f has.
func mapQueue(f *os.File) (m queue.Memory, err error) {
	size := queue.RingSize(userclient.LayoutNative, slots)
	b, err := unix.Mmap(int(f.Fd()), 0, size+queue.ReaderSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return m, fmt.Errorf("map the queue: %w", err)
	}
	return queue.Memory{Ring: b[:size], Reader: b[size:]}, nil
}

// newQueue makes the memory of a queue.
func newQueue() (_ *os.File, m queue.Memory, err error) {
	fd, err := unix.MemfdCreate("queue", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, m, fmt.Errorf("make the queue: %w", err)
	}
	f := os.NewFile(uintptr(fd), "queue")
	size := queue.RingSize(userclient.LayoutNative, slots) + queue.ReaderSize
	if err = f.Truncate(int64(size)); err == nil {
		m, err = mapQueue(f)
	}
	if err == nil {
		err = queue.Format(m, userclient.LayoutNative, slots)
	}
	if err != nil {
		return nil, m, errors.Join(err, f.Close())
	}
	return f, m, nil
}

// nearQueue is the consumer.
func nearQueue(_ context.Context, t *job.Task) (_ job.Result, err error) {
	f, m, err := newQueue()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := queue.NewConsumer(m, queue.Config{Name: "queue", Buffers: queueBuffers})
	if err != nil {
		return nil, err
	}
	far, err := startFar(t, f)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, far.close()) }()
	clock := monotime.Start()
	long := time.Duration(t.Millis) * time.Millisecond
	now := clock.Now()
	rates, stop := stat.NewRates(now, long), now+int64(long)
	entries, want, since := make([]queue.Entry, t.Job.Batch), uint32(0), 0
	for now < stop {
		n, err := c.Get(entries)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			c.Look(looksAtOnce)
		}
		for i := range entries[:n] {
			if seq := entries[i].Seq; seq != want {
				return nil, fmt.Errorf("entry %d came in place of %d", seq, want)
			}
			want++
		}
		if since += n; since >= stat.Often(0) {
			now = clock.Now()
			rates.Add(now, since)
			since = 0
		}
	}
	return job.Result{job.PerSecond: rates.PerSecond()}, nil
}

const (
	// looks is how often a side looks at its queue before it looks whether to end.
	looks = 1 << 16
	// looksAtOnce is how many of them are one call.
	looksAtOnce = 64
)

// farQueue is the producer.
func farQueue(ctx context.Context, t *job.Task, ready func() error) error {
	f := os.NewFile(firstFile, "queue")
	defer f.Close()
	m, err := mapQueue(f)
	if err != nil {
		return err
	}
	p, err := queue.NewProducer(m, queue.Config{Name: "queue", Buffers: queueBuffers})
	if err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	entries, seq, room := make([]queue.Entry, t.Job.Batch), uint32(0), slots
	for ctx.Err() == nil {
		for range looks {
			if room < len(entries) {
				queued, err := p.Queued()
				if err != nil {
					return err
				}
				if room = slots - queued; room < len(entries) {
					queue.Pause()
				}
				continue
			}
			for i := range entries {
				entries[i].Seq = seq
				seq++
			}
			if _, err := p.Put(entries); err != nil {
				return err
			}
			room -= len(entries)
		}
	}
	return nil
}
