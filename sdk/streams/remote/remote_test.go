// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

const cmd streams.Command = 0x6101

// rig is a head joined with a driver's end by calls.
type rig struct {
	t      *testing.T
	h      *head.Head
	lower  *remote.Lower
	end    *remote.End
	arena  *streams.Arena // the driver's
	mine   *streams.Arena // the client's
	driver *streams.Queue
	bottom *streams.Queue      // of the client's stream
	seen   chan *streams.Block // what the driver has kept
}

// onIoctl is what the driver does with a message of the ioctl family.
type onIoctl func(r *rig, q *streams.Queue, m *streams.Block)

func keep(r *rig, _ *streams.Queue, m *streams.Block) { r.seen <- m }

func echo(r *rig, q *streams.Queue, m *streams.Block) {
	if err := q.ReplyAck(m, m.Next().Size(), 7); err != nil {
		r.t.Error(err)
	}
}

func connect(t *testing.T, fn onIoctl, modules ...*streams.Module) *rig {
	t.Helper()
	r := &rig{t: t, arena: streams.NewArena(nil), mine: streams.NewArena(nil), seen: make(chan *streams.Block, 16)}
	plane := &remote.Plane{
		Domain: streams.NewDomain(&streams.Config{Arena: r.arena}),
		Driver: &streams.Module{
			Name: "driver",
			Open: func(q *streams.Queue, _ streams.OpenInfo) error { r.driver = q; return nil },
			Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
				if m.Type().IsIoctl() {
					fn(r, q, m)
					return
				}
				q.PassOn(m)
			}},
		},
		Modules: func(name string, _ userclient.Peer) *streams.Module {
			return named(modules, name)
		},
	}
	var err error
	if r.end, err = remote.NewEnd(plane, userclient.Peer{UID: 1000}); err != nil {
		t.Fatal(err)
	}
	r.attach(r.end)
	return r
}

func named(list []*streams.Module, name string) *streams.Module {
	for _, m := range list {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// up sends a message up from the bottom of the client's stream.
func (r *rig) up(typ streams.Type, bytes ...byte) {
	m, err := r.mine.From(typ, bytes)
	r.must(err)
	port, err := r.bottom.Port()
	r.must(err)
	r.must(port.Put(nil, m))
}

// attach joins a head with the driver's end, or with something that says to be one. The
// modules can be pushed on the client's side.
func (r *rig) attach(c remote.Caller, modules ...*streams.Module) {
	r.t.Helper()
	r.lower = remote.NewLower(c)
	driver := r.lower.Driver("remote")
	open := driver.Open
	driver.Open = func(q *streams.Queue, info streams.OpenInfo) error {
		r.bottom = q
		return open(q, info)
	}
	var err error
	r.h, err = head.Open(streams.NewDomain(&streams.Config{Arena: r.mine}), driver, &head.Config{
		Line: r.lower, Modules: func(name string) *streams.Module { return named(modules, name) },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		ctx := context.WithoutCancel(r.t.Context())
		if err := errors.Join(r.h.Close(ctx), r.lower.Wait(ctx)); err != nil {
			r.t.Error(err)
		}
		if r.end != nil {
			r.end.Close()
		}
		for len(r.seen) > 0 {
			(<-r.seen).Free()
		}
		if u := r.mine.Usage(); u != (streams.Usage{}) {
			r.t.Errorf("the client has leaked %+v", u)
		}
		if u := r.arena.Usage(); u != (streams.Usage{}) {
			r.t.Errorf("the driver has leaked %+v", u)
		}
	})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Error(err)
	}
}

func wantErr(t *testing.T, err error, want streams.Errno) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestStrThereAndBack(t *testing.T) {
	r := connect(t, echo)
	for _, size := range []int{0, 1, 1024, 1025, remote.MaxData} {
		want := bytes.Repeat([]byte{0xa5}, size)
		s := head.Str{Command: cmd, Data: slices.Clone(want)}
		rval, err := r.h.Str(t.Context(), &s)
		if rval != 7 || err != nil || s.Len != size || !bytes.Equal(s.Data, want) {
			t.Errorf("%d bytes: %d, %v, %d came back", size, rval, err, s.Len)
		}
	}
	_, err := r.h.Str(t.Context(), &head.Str{Command: cmd, Data: make([]byte, remote.MaxData+1)})
	wantErr(t, err, streams.EMSGSIZE)
}

// The driver learns who asks, and nothing of it comes from the client.
func TestCredential(t *testing.T) {
	r := connect(t, func(r *rig, q *streams.Queue, m *streams.Block) {
		x, _ := m.Ioctl()
		p, ok := x.Credential.(userclient.Peer)
		if !ok || p.UID != 1000 {
			r.t.Errorf("the credential is %v", x.Credential)
		}
		echo(r, q, m)
	})
	_, err := r.h.Str(t.Context(), &head.Str{Command: cmd})
	r.must(err)
}

// D25 across the transport: a struct, what it points to, and the answer.
func TestRoundsOfCopies(t *testing.T) {
	step := 0
	r := connect(t, func(r *rig, q *streams.Queue, m *streams.Block) {
		step++
		switch step {
		case 1:
			r.must(m.CopyIn(nil, 8, 0))
		case 2:
			if got := string(m.Next().Bytes()); got != "ARGUMENT" {
				r.t.Errorf("copied in %q", got)
			}
			r.must(m.CopyIn(nil, 3000, 0x2000))
		case 3:
			if n := m.Next().Size(); n != 3000 {
				r.t.Errorf("copied in %d bytes", n)
			}
			b, err := r.arena.From(streams.MData, []byte("result"))
			r.must(err)
			r.must(m.CopyOut(nil, 6, 0x3000, b))
		case 4:
			r.must(m.Ack(0, 6))
		}
		q.Reply(m)
	})
	result := make([]byte, 8)
	mem, err := ioctl.NewRegions(
		ioctl.Region{Addr: 0x1000, Data: []byte("ARGUMENT"), ReadOnly: true},
		ioctl.Region{Addr: 0x2000, Data: make([]byte, 3000), ReadOnly: true},
		ioctl.Region{Addr: 0x3000, Data: result},
	)
	r.must(err)
	rval, err := r.h.Transparent(t.Context(), cmd, 0x1000, mem)
	if rval != 6 || err != nil || string(result) != "result\x00\x00" {
		t.Errorf("%d, %v, %q", rval, err, result)
	}
}

// state is private state that counts its end.
type state struct{ freed *int }

func (s state) Release() { *s.freed++ }

// A driver that asks for memory that nobody has registered gets nothing, and its module is
// told once.
func TestUnregisteredMemory(t *testing.T) {
	told, freed := make(chan streams.Errno, 2), 0
	r := connect(t, func(r *rig, q *streams.Queue, m *streams.Block) {
		if resp, ok := m.CopyResponse(); ok {
			m.Free()
			told <- resp.Error
			return
		}
		r.must(m.CopyIn(state{&freed}, 4, 0xdead))
		q.Reply(m)
	})
	_, err := r.h.Transparent(t.Context(), cmd, 0x1000, nil)
	wantErr(t, err, streams.EFAULT)
	if errno := <-told; errno != streams.EFAULT || freed != 1 {
		t.Errorf("told %v, released %d times", errno, freed)
	}
}

func TestErrorsOfTheStack(t *testing.T) {
	r := connect(t, func(r *rig, q *streams.Queue, m *streams.Block) {
		m.Free() // never answered
		r.must(q.Partner().PutNextCtl(streams.MError, byte(streams.EPROTO)))
	})
	for range 2 { // while it waits, and from then on
		_, err := r.h.Str(t.Context(), &head.Str{Command: cmd})
		wantErr(t, err, streams.EPROTO)
	}
}

func TestPushPopNames(t *testing.T) {
	r := connect(t, echo, &streams.Module{Name: "a"}, &streams.Module{Name: "b"})
	ctx := t.Context()
	r.must(remote.Push(ctx, r.end, "a"))
	r.must(remote.Push(ctx, r.end, "b"))
	if err := remote.Push(ctx, r.end, "none\x1b"); !errors.Is(err, ioreturn.ErrNotFound) {
		t.Error(err)
	}
	if list, err := remote.Names(ctx, r.end); err != nil || !slices.Equal(list, []string{"b", "a", "driver"}) {
		t.Errorf("%q, %v", list, err)
	}
	_, err := r.h.Str(ctx, &head.Str{Command: cmd})
	r.must(err)
	r.must(r.h.Flush(ctx, streams.FlushRW))
	r.must(remote.Pop(ctx, r.end))
	r.must(remote.Pop(ctx, r.end))
	if err := remote.Pop(ctx, r.end); !errors.Is(err, ioreturn.ErrPermission) {
		t.Error(err)
	}
}

// A flush and the command behind it, or before it, do not end each other's calls.
func TestFlushAmongCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := connect(t, keep)
		var flushed, failed int
		slow := caller(func(ctx context.Context, a *userclient.Args) error {
			if a.Selector == userclient.SelControlFlush {
				select {
				case <-time.After(time.Second):
					flushed++
				case <-ctx.Done():
					failed++
					return context.Cause(ctx)
				}
			}
			return r.end.Call(ctx, a)
		})
		r.attach(slow)
		port, err := r.driver.Port()
		r.must(err)
		ack := func(m *streams.Block, rval int) {
			r.must(m.Ack(0, rval))
			r.must(port.Put(nil, m))
		}
		first := make(chan int, 1)
		go func() {
			rval, err := r.h.Str(t.Context(), &head.Str{Command: cmd, Wait: head.Forever})
			r.must(err)
			first <- rval
		}()
		m := <-r.seen
		over := make(chan error, 1)
		go func() { over <- r.h.Flush(t.Context(), streams.FlushRW) }()
		synctest.Wait()
		ack(m, 5)
		if rval := <-first; rval != 5 {
			t.Errorf("the command that a flush came after returned %d", rval)
		}
		ack(<-r.seen, 0) // the ioctl behind the flush
		r.must(<-over)
		if flushed != 1 || failed != 0 {
			t.Errorf("%d flushes went through, %d were ended", flushed, failed)
		}
	})
}

// Many callers of one head are served one after the other.
func TestManyCallers(t *testing.T) {
	r := connect(t, echo)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			want := fmt.Sprint("caller ", i)
			s := head.Str{Command: cmd, Data: []byte(want)}
			if rval, err := r.h.Str(t.Context(), &s); rval != 7 || err != nil || string(s.Data) != want {
				t.Errorf("%d, %v, %q", rval, err, s.Data)
			}
		})
	}
	all.Wait()
}
