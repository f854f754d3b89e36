// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// script is a Handler whose methods a test sets. It records their order, and whether
// two ever ran at once.
type script struct {
	start, stop, suspend func(ctx context.Context) error

	mu      sync.Mutex
	log     []string
	running atomic.Int32
	overlap atomic.Bool
}

// enter notes a callback and returns what ends it.
func (h *script) enter(what string) func() {
	if h.running.Add(1) > 1 {
		h.overlap.Store(true)
	}
	h.mu.Lock()
	h.log = append(h.log, what)
	h.mu.Unlock()
	return func() { h.running.Add(-1) }
}

func (h *script) calls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.log...)
}

func (h *script) run(ctx context.Context, what string, f func(context.Context) error) error {
	defer h.enter(what)()
	if f == nil {
		return nil
	}
	return f(ctx)
}

func (h *script) Start(ctx context.Context) error   { return h.run(ctx, "start", h.start) }
func (h *script) Stop(ctx context.Context) error    { return h.run(ctx, "stop", h.stop) }
func (h *script) Suspend(ctx context.Context) error { return h.run(ctx, "suspend", h.suspend) }

// door is a script that is told who opens and closes.
type door struct {
	script
	open func(iostream.Peer) error
}

func (h *door) HandleOpen(_ context.Context, p iostream.Peer) error {
	defer h.enter("open")()
	if h.open == nil {
		return nil
	}
	return h.open(p)
}

func (h *door) HandleClose(iostream.Peer) { h.enter("close")() }

// inputs is a door with callbacks for what the client sends.
type inputs struct {
	door
	input func(token uint32)
	sync  func(ctx context.Context, token uint32) error
}

func (h *inputs) Input(token uint32) {
	defer h.enter("input")()
	if h.input != nil {
		h.input(token)
	}
}

func (h *inputs) InputSync(ctx context.Context, token uint32) error {
	defer h.enter("input sync")()
	if h.sync == nil {
		return nil
	}
	return h.sync(ctx, token)
}

var (
	_ iostream.OpenHandler   = (*door)(nil)
	_ iostream.InputHandler  = (*inputs)(nil)
	_ iostream.FormatHandler = (*formats)(nil)
)
