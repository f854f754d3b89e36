// SPDX-License-Identifier: Apache-2.0

// Package modtest has what the tests of the sample modules share: a stream whose two ends
// belong to the test.
package modtest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Rig is a stream with one module. What reaches an end is kept there.
type Rig struct {
	t      testing.TB
	Stream *streams.Stream
	Arena  *streams.Arena
	port   *streams.Port

	mu       sync.Mutex
	up, down []string
}

// Open opens a stream with a module. It is closed at the end, and then nothing may be left
// in the arena.
func Open(t testing.TB, m *streams.Module, cfg *streams.ArenaConfig) *Rig {
	t.Helper()
	r := &Rig{t: t, Arena: streams.NewArena(cfg)}
	driver := &streams.Module{
		Name:  "driver",
		Open:  func(q *streams.Queue, _ streams.OpenInfo) (err error) { r.port, err = q.Port(); return err },
		Write: streams.Procedures{Put: r.keep(&r.down)},
	}
	head := &streams.Module{Name: "head", Read: streams.Procedures{Put: r.keep(&r.up)}}
	var err error
	if r.Stream, err = streams.NewDomain(&streams.Config{Arena: r.Arena}).Open(driver, head, streams.OpenInfo{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stream.Close(context.WithoutCancel(t.Context()), 0); err != nil {
			t.Error(err)
		}
		u := r.Arena.Usage()
		if u.Failures = 0; u != (streams.Usage{}) {
			t.Errorf("leaked: %+v", u)
		}
	})
	p, err := r.Stream.Plumb(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	if err := p.Push(m, streams.OpenInfo{}); err != nil {
		t.Fatal(err)
	}
	return r
}

// keep returns a put procedure that notes the type, unless it is M_DATA, and the bytes of
// each message.
func (r *Rig) keep(list *[]string) func(*streams.Queue, *streams.Block) {
	return func(_ *streams.Queue, m *streams.Block) {
		s := ""
		if m.Type() != streams.MData {
			s = m.Type().String() + " "
		}
		for b := m; b != nil; b = b.Next() {
			s += string(b.Bytes())
		}
		m.Free()
		r.mu.Lock()
		defer r.mu.Unlock()
		*list = append(*list, s)
	}
}

// Message returns a message of type t with a block for each part.
func (r *Rig) Message(t streams.Type, parts ...string) *streams.Block {
	r.t.Helper()
	m, err := r.Arena.From(t, []byte(parts[0]))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range parts[1:] {
		b, err := r.Arena.From(streams.MData, []byte(p))
		if err == nil {
			err = m.Link(b)
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return m
}

// SendDown sends a message from the head.
func (r *Rig) SendDown(m *streams.Block) {
	r.t.Helper()
	if err := r.Stream.Put(m); err != nil {
		r.t.Fatal(err)
	}
}

// SendUp sends a message from the driver.
func (r *Rig) SendUp(m *streams.Block) {
	r.t.Helper()
	if err := r.port.Put(nil, m); err != nil {
		r.t.Fatal(err)
	}
}

// Up returns what has come to the head, and Down to the driver, since it was asked last.
func (r *Rig) Up() []string { return r.take(&r.up) }

// Down is Up for the driver.
func (r *Rig) Down() []string { return r.take(&r.down) }

func (r *Rig) take(list *[]string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := *list
	*list = nil
	return got
}

// Want checks what Up or Down has returned.
func (r *Rig) Want(got []string, want ...string) {
	r.t.Helper()
	if !slices.Equal(got, want) {
		r.t.Errorf("got %q, want %q", got, want)
	}
}
