// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Stack is where the modules of a stream are that are not below its head but in another
// process, for [Config.Stack]. The methods are safe for concurrent use. Their errors are any
// that [streams.ErrnoOf] knows; ErrNotFound is a name that is no module's.
type Stack interface {
	// Push puts the module with that name on top.
	Push(ctx context.Context, name string) error
	// Pop takes the top module off.
	Pop(ctx context.Context) error
	// Names returns the names from the top down, the driver's last. There may be none.
	Names(ctx context.Context) ([]string, error)
}

// names returns what is below the head, and the driver's name.
func (h *Head) names(ctx context.Context) ([]string, streams.Errno) {
	if h.cfg.Stack == nil {
		return h.stream.Names(), 0
	}
	list, err := h.cfg.Stack.Names(ctx)
	names := make([]string, len(list))
	for i, name := range list {
		names[i] = name[:min(len(name), streams.MaxName)] // the other side may make up anything
	}
	return names, streams.ErrnoOf(err)
}

// bounded is the context of commands that have none.
func (h *Head) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), h.tun.IoctlWait)
}

// pushFar is push where the modules are elsewhere.
func (h *Head) pushFar(ctx context.Context, name string) streams.Errno {
	if name == "" || len(name) > streams.MaxName {
		return streams.EINVAL
	}
	err := h.cfg.Stack.Push(ctx, name)
	if errors.Is(err, ioreturn.ErrNotFound) {
		return streams.EINVAL
	}
	return streams.ErrnoOf(err)
}

// popFar is pop where the modules are elsewhere. The anchor is this head's own.
func (h *Head) popFar(ctx context.Context) streams.Errno {
	names, errno := h.names(ctx)
	if errno != 0 {
		return errno
	}
	n := len(names) - 1
	if n <= 0 {
		return streams.EINVAL
	}
	if !h.mayPop(n) {
		return streams.EPERM
	}
	return streams.ErrnoOf(h.cfg.Stack.Pop(ctx))
}

// mayPop reports whether the top one of n modules may be popped.
func (h *Head) mayPop(n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	anchored := n > 0 && n <= h.anchor
	if anchored && h.cfg.Privileged {
		h.anchor, anchored = 0, false
	}
	return !anchored
}
