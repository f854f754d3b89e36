// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

func TestFunctionFails(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want streams.Errno
	}{
		{streams.E2BIG, streams.E2BIG},
		{fmt.Errorf("no such channel: %w", streams.ENOENT), streams.ENOENT},
		{ioreturn.ErrBusy, streams.EBUSY},
		{context.DeadlineExceeded, streams.ETIME},
		{errors.New("broken"), streams.EIO},
	} {
		d := &device{fail: tc.err}
		_, data, err := Run(t.Context(), d.table(t, Config{}), Request{Command: cmdGetStats, Data: make([]byte, 16), Caller: everyone}, regions(t))
		if err != error(tc.want) || data != nil || fmt.Sprint(d.ends) != "[false]" { //nolint:errorlint // the very value is meant
			t.Errorf("%v: got %v, %v, ends %v", tc.err, data, err, d.ends)
		}
	}
}

func TestContextEndsBeforeTheFunction(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for ctx, want := range map[context.Context]streams.Errno{canceled: streams.EINTR, late: streams.ETIME} {
		d := &device{}
		_, _, err := Run(ctx, d.table(t, Config{}), Request{Command: cmdSetGain, Data: make([]byte, 8), Caller: everyone}, regions(t))
		if !errors.Is(err, want) || len(d.gains) != 0 {
			t.Errorf("got %v, %v, want %v", err, d.gains, want)
		}
	}
}

func TestPanicIsEIO(t *testing.T) {
	d := &device{}
	_, _, err := Run(t.Context(), d.table(t, Config{}), Request{Command: cmdPanic, Caller: everyone}, regions(t))
	if !errors.Is(err, streams.EIO) || fmt.Sprint(d.ends) != "[false]" {
		t.Errorf("got %v, ends %v", err, d.ends)
	}
	if len(d.panics) != 2 || d.panics[0].Value != "in the function" || d.panics[1].Value != "at the end" {
		t.Fatalf("told of %+v", d.panics)
	}
	if p := d.panics[0]; p.Name != "PANIC" || p.Command != cmdPanic || !strings.Contains(string(p.Stack), "device_test.go") {
		t.Errorf("told of %+v", p)
	}
	silent, err := NewTable(nil, d.commands()...)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Run(t.Context(), silent, Request{Command: cmdPanic}, regions(t)); !errors.Is(err, streams.EIO) {
		t.Errorf("without a hook: %v", err)
	}
}

// TestWorkElsewhere plays an engine that runs functions in goroutines of their own, and
// a stream that is closed meanwhile.
func TestWorkElsewhere(t *testing.T) {
	for _, abandoned := range []bool{false, true} {
		started := make(chan struct{})
		var ends []bool
		table, err := NewTable(nil, Command[None, None]{
			Number: 0x7801, Name: "WAIT",
			Do: func(ctx context.Context, job *Job, _ None) (None, error) {
				job.AtEnd(func(delivered bool) { ends = append(ends, delivered) })
				close(started)
				if abandoned {
					<-ctx.Done() // a function that notices, and is done all the same
				}
				return None{}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		call, _ := table.Call(Request{ID: 5, Command: 0x7801})
		if n := call.Step(Event{Kind: Begin}); n.Kind != Work || n.ID != 5 {
			t.Fatalf("got %+v", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			call.Work(ctx)
		}()
		<-started
		e, want := Event{Kind: Worked}, Ack
		if abandoned {
			e, want = Event{Kind: Abandoned}, Silent
			cancel()
		}
		<-done
		call.Work(ctx) // once is enough
		if n := call.Step(e); n.Kind != want || fmt.Sprint(ends) != fmt.Sprint([]bool{!abandoned}) {
			t.Errorf("got %+v, ends %v", n, ends)
		}
		cancel()
	}
}

func TestWorkIsWaitedFor(t *testing.T) {
	d := &device{}
	call, _ := d.table(t, Config{}).Call(Request{Command: cmdSetGain, Data: make([]byte, 8), Caller: everyone})
	call.Work(t.Context()) // nobody has asked for it
	if n := call.Step(Event{Kind: Begin}); n.Kind != Work || len(d.gains) != 0 {
		t.Fatalf("got %+v", n)
	}
	if n := call.Step(Event{Kind: Worked}); n.Errno != streams.EPROTO || len(d.gains) != 0 {
		t.Errorf("not worked, and yet %+v", n)
	}
}

func TestUnknownCommand(t *testing.T) {
	if _, _, err := Run(t.Context(), (&device{}).table(t, Config{}), Request{Command: 0x7899}, regions(t)); !errors.Is(err, streams.EINVAL) {
		t.Errorf("got %v", err)
	}
}

func TestJob(t *testing.T) {
	seen := false
	table, err := NewTable(nil, Command[transferArg, None]{
		Number: 0x7801, Name: "X",
		Ranges: []Range{{Dir: Out, Addr: "To", Len: "Words", Max: 8}},
		Do: func(_ context.Context, job *Job, _ transferArg) (None, error) {
			seen = true
			if job.Command != 0x7801 || job.Caller.Credential != "me" {
				t.Errorf("got %#x, %v", uint32(job.Command), job.Caller)
			}
			if job.Input("To") != nil || job.Room("From") != 0 || job.Room("To") != 3 {
				t.Error("ranges that aren't there, or not this way")
			}
			if err := job.Output("To", []byte("four")); !errors.Is(err, streams.EMSGSIZE) {
				t.Errorf("too much: %v", err)
			}
			if err := job.Output("From", nil); !errors.Is(err, streams.EIO) {
				t.Errorf("no such output: %v", err)
			}
			return None{}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := Request{Command: 0x7801, Data: bytesOf(t, transferArg{To: 1, Words: 3}), Caller: Caller{Credential: "me"}}
	if _, _, err := Run(t.Context(), table, req, regions(t)); err != nil || !seen {
		t.Errorf("%v, ran %v", err, seen)
	}
}
