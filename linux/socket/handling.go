// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"context"
	"sync"
	"time"
)

// handling is the context of a handler: that of its session, which also ends when the call is
// cancelled or answered. It costs nothing until somebody waits for its end, which most
// handlers don't. Who does is going to block.
type handling struct {
	session context.Context
	blocks  func() // told of that, once

	mu    sync.Mutex
	over  bool
	inner context.Context // nil until somebody waits
	end   context.CancelFunc
}

var _ context.Context = (*handling)(nil)

// get returns the context that does the work, nil if there is none.
func (h *handling) get(create bool) (ctx context.Context, over bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if create && h.inner == nil {
		h.blocks()
		h.inner, h.end = context.WithCancel(h.session)
		if h.over {
			h.end()
		}
	}
	return h.inner, h.over
}

func (h *handling) Done() <-chan struct{} {
	ctx, _ := h.get(true)
	return ctx.Done()
}

func (h *handling) Err() error {
	ctx, over := h.get(false)
	switch {
	case ctx != nil:
		return ctx.Err()
	case over:
		return context.Canceled
	}
	return h.session.Err()
}

func (h *handling) Deadline() (time.Time, bool) { return h.session.Deadline() }

func (h *handling) Value(key any) any {
	if ctx, _ := h.get(false); ctx != nil {
		return ctx.Value(key)
	}
	return h.session.Value(key)
}

// cancel ends the context.
func (h *handling) cancel() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	if h.end != nil {
		h.end()
	}
}
