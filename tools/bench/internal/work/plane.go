// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/stat"
)

// command is what drivers here answer at once, with the data that came.
const command streams.Command = 0x6201

func answer(q *streams.Queue, m *streams.Block) {
	if m.Type() != streams.MIoctl || q.ReplyAck(m, m.Next().Size(), 0) != nil {
		q.PassOn(m)
	}
}

// farPlane is a driver with a control plane.
func farPlane(ctx context.Context, t *job.Task, ready func() error) (err error) {
	d, err := iostream.NewDriver(iostream.DriverConfig{
		Name: "bench/driver/stream", Driver: "iostreamkit bench", DataSize: 64,
		Control: &remote.Plane{Driver: &streams.Module{Name: "driver", Write: streams.Procedures{Put: answer}}},
	}, nil)
	if err != nil {
		return err
	}
	defer d.Close()
	l, err := socket.Listen(socketPath(t), nil)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, d) }()
	defer func() { err = errors.Join(err, l.Close(), <-served) }()
	if err := ready(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// caller sends commands with one head, and must be closed.
type caller struct {
	h     *head.Head
	close func() error
}

// calls returns a function that sends n commands with that many bytes there and back.
func (c *caller) calls(ctx context.Context, size int) func(n int) error {
	s := head.Str{Command: command, Data: make([]byte, size)}
	return func(n int) error {
		for range n {
			if _, err := c.h.Str(ctx, &s); err != nil {
				return err
			}
			if s.Len != size {
				return errors.New("the answer has another size")
			}
		}
		return nil
	}
}

// nearBy opens a stream in this process.
func nearBy(ctx context.Context) (*caller, error) {
	h, err := stack(ctx, answer, 0)
	if err != nil {
		return nil, err
	}
	return &caller{h, func() error { return h.Close(ctx) }}, nil
}

// dial opens the control plane of the other process's driver.
func dial(ctx context.Context, t *job.Task) (*caller, error) {
	conn, err := socket.Dial(ctx, socketPath(t), nil)
	if err != nil {
		return nil, err
	}
	s, err := remote.Open(conn, nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &caller{s.Head, func() error { return errors.Join(s.Close(ctx), conn.Close()) }}, nil
}

// nearStr measures commands one after another.
func nearStr(ctx context.Context, t *job.Task) (_ job.Result, err error) {
	if t.Job.Inproc {
		return strNearBy(ctx, t)
	}
	f, err := startFar(t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	c, err := dial(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	call := c.calls(ctx, t.Job.Size)
	if err := call(warmUp); err != nil {
		return nil, err
	}
	b, err := begin(f)
	if err != nil {
		return nil, err
	}
	var h stat.Histogram
	clock := monotime.Start()
	before := clock.Now()
	for stop := before + int64(t.Millis)*1e6; before < stop; {
		if err := call(1); err != nil {
			return nil, err
		}
		now := clock.Now()
		h.Add(now - before)
		before = now
	}
	r := make(job.Result)
	distribution(&h, r)
	return r, b.finish(f, int(h.Count()), r)
}

// word is the argument and the result of the typed command.
type word struct{ N uint64 }

// typed opens a stream whose driver has a table of commands.
func typed(ctx context.Context) (*caller, error) {
	table, err := ioctl.NewTable(nil, ioctl.Command[word, word]{
		Number: command, Name: "ECHO",
		Do: func(_ context.Context, _ *ioctl.Job, in word) (word, error) { return in, nil },
	})
	if err != nil {
		return nil, err
	}
	driver, err := commands.Module("driver", table, nil)
	if err != nil {
		return nil, err
	}
	h, err := head.Open(streams.NewDomain(nil), driver, nil)
	if err != nil {
		return nil, err
	}
	return &caller{h, func() error { return h.Close(ctx) }}, nil
}

// strNearBy measures commands in this process, and beside them questions to another
// goroutine.
func strNearBy(ctx context.Context, t *job.Task) (_ job.Result, err error) {
	plain, err := nearBy(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	table, err := typed(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, table.close()) }()
	questions, answers := make(chan int), make(chan int)
	go func() {
		defer close(answers)
		for n := range questions {
			answers <- n
		}
	}()
	defer func() {
		close(questions)
		<-answers
	}()
	const size = 64
	times, err := turns(time.Duration(t.Millis)*time.Millisecond,
		func(n int) error {
			for i := range n {
				questions <- i
				<-answers
			}
			return nil
		},
		plain.calls(ctx, 0), plain.calls(ctx, size), table.calls(ctx, 8))
	if err != nil {
		return nil, err
	}
	return job.Result{
		job.Channel: times[0], job.Command(0): times[1], job.Command(size): times[2], job.Typed: times[3],
	}, nil
}

// nearCallers measures how many commands callers get done at the same time.
func nearCallers(ctx context.Context, t *job.Task) (r job.Result, err error) {
	open := func() (*caller, error) { return nearBy(ctx) }
	if !t.Job.Inproc {
		f, failed := startFar(t)
		if failed != nil {
			return nil, failed
		}
		defer func() { err = errors.Join(err, f.close()) }()
		open = func() (*caller, error) { return dial(ctx, t) }
	}
	var all []*caller
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.close())
		}
	}()
	for range job.ManyCallers {
		c, err := open()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	r = make(job.Result)
	one := make([]*caller, job.ManyCallers)
	for i := range one {
		one[i] = all[0]
	}
	for m, who := range map[job.Metric][]*caller{job.OneCaller: all[:1], job.OneHead: one, job.ManyHeads: all} {
		if r[m], err = atOnce(ctx, who, time.Duration(t.Millis)*time.Millisecond/3); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// atOnce returns how many commands a second callers get done that all go on as fast as
// they can.
func atOnce(ctx context.Context, callers []*caller, long time.Duration) (perSecond float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	counts, errs := make([]int, len(callers)), make([]error, len(callers))
	var wg sync.WaitGroup
	begin := time.Now()
	for i, c := range callers {
		wg.Go(func() {
			call := c.calls(ctx, 64)
			for errs[i] == nil && time.Since(begin) < long {
				if errs[i] = call(1); errs[i] != nil {
					cancel() // the others need not go on
					return
				}
				counts[i]++
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	all := 0
	for _, n := range counts {
		all += n
	}
	return float64(all) / took.Seconds(), errors.Join(errs...)
}
