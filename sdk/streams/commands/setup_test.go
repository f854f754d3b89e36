// SPDX-License-Identifier: Apache-2.0

package commands_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// The commands of the tests.
const (
	cmdDouble  streams.Command = 0x7801 // returns twice its argument
	cmdSwap    streams.Command = 0x7802 // indirect, in both directions
	cmdWait    streams.Command = 0x7803 // runs until it is told to end, or its context ends
	cmdStuck   streams.Command = 0x7804 // runs until it is told to end
	cmdPanic   streams.Command = 0x7805
	cmdGoexit  streams.Command = 0x7806
	cmdUnknown streams.Command = 0x7899
)

// number is the argument and result of cmdDouble.
type number struct{ N uint64 }

// buffers is the argument of cmdSwap, the structure of the book's example.
type buffers struct {
	In, Out       uint64
	InLen, OutLen uint32
}

// device has the table of the tests, and notes how calls ended.
type device struct {
	t     *testing.T
	table *ioctl.Table
	began chan struct{} // a function waits
	end   chan struct{} // ends one that waits

	mu     sync.Mutex
	ends   []bool  // of AtEnd, in order
	causes []error // why contexts ended
	panics int
	runs   int // functions that have registered AtEnd
}

func newDevice(t *testing.T) *device {
	t.Helper()
	d := &device{t: t, began: make(chan struct{}, 64), end: make(chan struct{}, 64)}
	var err error
	d.table, err = ioctl.NewTable(&ioctl.Config{OnPanic: func(ioctl.Panic) { d.mu.Lock(); d.panics++; d.mu.Unlock() }},
		ioctl.Command[number, number]{Number: cmdDouble, Name: "DOUBLE", Do: func(_ context.Context, job *ioctl.Job, in number) (number, error) {
			d.atEnd(job)
			job.Return(7)
			return number{2 * in.N}, nil
		}},
		ioctl.Command[buffers, ioctl.None]{
			Number: cmdSwap, Name: "SWAP",
			Ranges: []ioctl.Range{{Dir: ioctl.In, Addr: "In", Len: "InLen", Max: 4096}, {Dir: ioctl.Out, Addr: "Out", Len: "OutLen", Max: 4096}},
			Do:     d.swap,
		},
		ioctl.Command[ioctl.None, ioctl.None]{Number: cmdWait, Name: "WAIT", Do: d.wait},
		ioctl.Command[ioctl.None, ioctl.None]{Number: cmdStuck, Name: "STUCK", Do: func(ctx context.Context, job *ioctl.Job, in ioctl.None) (ioctl.None, error) {
			return d.wait(context.WithoutCancel(ctx), job, in)
		}},
		ioctl.Command[ioctl.None, ioctl.None]{Number: cmdPanic, Name: "PANIC", Do: func(_ context.Context, job *ioctl.Job, _ ioctl.None) (ioctl.None, error) {
			d.atEnd(job)
			panic("on purpose")
		}},
		ioctl.Command[ioctl.None, ioctl.None]{Number: cmdGoexit, Name: "GOEXIT", Do: func(_ context.Context, job *ioctl.Job, _ ioctl.None) (ioctl.None, error) {
			d.atEnd(job)
			t.SkipNow() // as a test does that uses the wrong goroutine
			return ioctl.None{}, nil
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// swap returns its input backwards.
func (d *device) swap(_ context.Context, job *ioctl.Job, in buffers) (ioctl.None, error) {
	d.atEnd(job)
	data := job.Input("In")
	out := make([]byte, 0, len(data))
	for i := len(data); i > 0; i-- {
		out = append(out, data[i-1])
	}
	job.Return(int32(len(out)))
	return ioctl.None{}, job.Output("Out", out)
}

func (d *device) wait(ctx context.Context, job *ioctl.Job, _ ioctl.None) (ioctl.None, error) {
	d.atEnd(job)
	d.began <- struct{}{}
	select {
	case <-d.end:
		return ioctl.None{}, nil
	case <-ctx.Done():
		d.mu.Lock()
		defer d.mu.Unlock()
		d.causes = append(d.causes, context.Cause(ctx))
		return ioctl.None{}, ctx.Err()
	}
}

func (d *device) atEnd(job *ioctl.Job) {
	d.mu.Lock()
	d.runs++
	d.mu.Unlock()
	job.AtEnd(d.ended)
}

func (d *device) ended(delivered bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ends = append(d.ends, delivered)
}

// wantEnds checks how calls have ended so far.
func (d *device) wantEnds(want ...bool) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if fmt.Sprint(d.ends) != fmt.Sprint(want) {
		d.t.Errorf("calls ended with %v, want %v", d.ends, want)
	}
}

// module returns the device as a module or driver.
func (d *device) module(cfg *commands.Config) *streams.Module {
	d.t.Helper()
	m, err := commands.Module("device", d.table, cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

// domain returns a domain whose arena is empty at the end.
func domain(t *testing.T, cfg *streams.ArenaConfig) *streams.Domain {
	t.Helper()
	a := streams.NewArena(cfg)
	t.Cleanup(func() {
		u := a.Usage()
		u.Failures = 0
		if u != (streams.Usage{}) {
			t.Errorf("leaked: %+v", u)
		}
	})
	return streams.NewDomain(&streams.Config{Arena: a})
}

// open opens a stream to a driver and closes it at the end.
func open(t *testing.T, d *streams.Domain, driver *streams.Module, modules ...*streams.Module) *head.Head {
	t.Helper()
	h, err := head.Open(d, driver, &head.Config{Modules: func(name string) *streams.Module {
		for _, m := range modules {
			if m.Name == name {
				return m
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	for _, m := range modules {
		if err := h.Push(t.Context(), m.Name); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// started runs an I_STR without data in a goroutine.
func started(ctx context.Context, h *head.Head, cmd streams.Command) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := h.Str(ctx, &head.Str{Command: cmd, Wait: head.Forever})
		done <- err
	}()
	return done
}

func encode[T any](t *testing.T, v T) []byte {
	t.Helper()
	l, err := ioctl.LayoutOf[T]()
	if err != nil {
		t.Fatal(err)
	}
	return l.Append(nil, &v)
}

func wantErr(t *testing.T, err error, want streams.Errno) {
	t.Helper()
	if want == 0 && err != nil || want != 0 && !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}
