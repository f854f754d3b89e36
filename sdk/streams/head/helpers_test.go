// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// Commands of the drivers here.
const (
	cmdOne streams.Command = 0x6101
	cmdTwo streams.Command = 0x6102
)

// rig is a stream to a driver that does what a test says.
type rig struct {
	t      *testing.T
	h      *head.Head
	arena  *streams.Arena
	driver *streams.Queue // its read queue

	onStep func(head.Step) // nil: nothing; called by who takes the step

	mu    sync.Mutex
	steps []head.Step
	kept  []*streams.Block
	seen  chan *streams.Block // messages of the ioctl family that the driver kept
}

// onIoctl is what a driver does with a message of the ioctl family.
type onIoctl func(r *rig, q *streams.Queue, m *streams.Block)

// keep leaves a message with the test, which answers it when it likes.
func keep(r *rig, _ *streams.Queue, m *streams.Block) { r.seen <- m }

// open opens a stream to a driver and checks at the end that nothing has leaked.
func open(t *testing.T, cfg *head.Config, fn onIoctl, modules ...*streams.Module) *rig {
	t.Helper()
	r := &rig{t: t, arena: streams.NewArena(nil), seen: make(chan *streams.Block, 16)}
	if cfg == nil {
		cfg = &head.Config{}
	}
	cfg.Trace = r.trace
	cfg.Modules = func(name string) *streams.Module {
		for _, m := range modules {
			if m.Name == name {
				return m
			}
		}
		return nil
	}
	driver := &streams.Module{
		Name: "driver",
		Open: func(q *streams.Queue, _ streams.OpenInfo) error { r.driver = q; return nil },
		Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
			if m.Type().IsIoctl() {
				fn(r, q, m)
				return
			}
			q.PassOn(m)
		}},
	}
	var err error
	if r.h, err = head.Open(streams.NewDomain(&streams.Config{Arena: r.arena}), driver, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		for len(r.seen) > 0 {
			(<-r.seen).Free()
		}
		for _, m := range r.kept {
			m.Free()
		}
		if u := r.arena.Usage(); u != (streams.Usage{}) {
			t.Errorf("leaked: %+v", u)
		}
	})
	return r
}

func (r *rig) trace(s head.Step) {
	r.mu.Lock()
	r.steps = append(r.steps, s)
	r.mu.Unlock()
	if r.onStep != nil {
		r.onStep(s)
	}
}

// dropped returns why replies were dropped so far.
func (r *rig) dropped() (reasons []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.steps {
		if s.What == head.StepDropped {
			reasons = append(reasons, s.Reason)
		}
	}
	return reasons
}

// send gives the head a message of the driver's, from outside the stream.
func (r *rig) send(m *streams.Block) {
	r.t.Helper()
	p, err := r.driver.Port()
	if err == nil {
		err = p.Put(nil, m)
	}
	if err != nil {
		r.t.Errorf("send %v: %v", m.Type(), err)
		m.Free()
	}
}

// ack makes m the positive answer, with data behind it, and sends it.
func (r *rig) ack(m *streams.Block, rval int, data string) {
	r.t.Helper()
	r.must(m.AckData(r.block(data), len(data), rval))
	r.send(m)
}

// block returns a block with s, nil for nothing.
func (r *rig) block(s string) *streams.Block {
	r.t.Helper()
	if s == "" {
		return nil
	}
	b, err := r.arena.From(streams.MData, []byte(s))
	r.must(err)
	return b
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Error(err)
	}
}

// answer is what a call has returned.
type answer struct {
	rval int
	err  error
	len  int
}

// str runs an I_STR in a goroutine.
func (r *rig) str(ctx context.Context, s *head.Str) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		rval, err := r.h.Str(ctx, s)
		done <- answer{rval, err, s.Len}
	}()
	return done
}

// transparent runs a transparent ioctl in a goroutine.
func (r *rig) transparent(ctx context.Context, arg uint64, mem ioctl.Memory) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		rval, err := r.h.Transparent(ctx, cmdOne, streams.Addr(arg), mem)
		done <- answer{rval: rval, err: err}
	}()
	return done
}

// works checks that the stream still carries commands.
func (r *rig) works() {
	r.t.Helper()
	done := r.str(r.t.Context(), &head.Str{Command: cmdTwo})
	r.ack(<-r.seen, 42, "")
	if a := <-done; a.rval != 42 || a.err != nil {
		r.t.Errorf("the next call: %+v", a)
	}
}

// wantErr checks that a call has failed with an errno.
func wantErr(t *testing.T, err error, want streams.Errno) {
	t.Helper()
	if want == 0 && err != nil || want != 0 && !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// pending checks that nothing has come yet.
func pending(t *testing.T, done <-chan answer) {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-done:
		t.Errorf("it has ended: %+v", a)
	default:
	}
}

// after lets time pass in a bubble.
func after(d time.Duration) { <-time.After(d) }

// region is a memory at an address.
func region(t *testing.T, addr uint64, data []byte) ioctl.Memory {
	t.Helper()
	m, err := ioctl.NewRegions(ioctl.Region{Addr: addr, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// inBubble runs a test with a clock of its own.
func inBubble(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, fn)
}
