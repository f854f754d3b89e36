// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Push puts the module with that name on top of the stream, just below the head (I_PUSH).
// It waits for others who change the stack. The error is EINVAL for a name that
// Config.Modules does not know or one module too many, ENXIO on a stream that is hung up,
// and that of the module's open procedure.
func (h *Head) Push(ctx context.Context, name string) error {
	return h.op(streams.CmdPush, h.push(ctx, name))
}

func (h *Head) push(ctx context.Context, name string) streams.Errno {
	if errno := h.gate(classPlumb); errno != 0 {
		return errno
	}
	if h.cfg.Stack != nil {
		return h.pushFar(ctx, name)
	}
	m, errno := h.named(name)
	if errno != 0 {
		return errno
	}
	if m == nil {
		return streams.EINVAL
	}
	return h.plumb(ctx, func(p *streams.Plumbing) streams.Errno {
		if len(h.stream.Names())-1 >= h.tun.Modules {
			return streams.EINVAL
		}
		return streams.ErrnoOf(p.Push(m, streams.OpenInfo{Credential: h.cfg.Credential}))
	})
}

// named finds a module by its name; nil if there is none.
func (h *Head) named(name string) (*streams.Module, streams.Errno) {
	if name == "" || len(name) > streams.MaxName {
		return nil, streams.EINVAL
	}
	if h.cfg.Modules == nil {
		return nil, 0
	}
	return h.cfg.Modules(name), 0
}

// plumb does something with the right to change the stack.
func (h *Head) plumb(ctx context.Context, fn func(*streams.Plumbing) streams.Errno) streams.Errno {
	return h.replumb(ctx, func(p *streams.Plumbing) streams.Errno {
		if errno := h.meanwhile(); errno != 0 {
			return errno
		}
		return fn(p)
	})
}

// replumb is plumb for what works on a stream in any state.
func (h *Head) replumb(ctx context.Context, fn func(*streams.Plumbing) streams.Errno) streams.Errno {
	p, err := h.stream.Plumb(ctx)
	switch {
	case h.isClosed() && err != nil:
		return h.gone()
	case err != nil:
		return streams.ErrnoOf(err)
	}
	defer p.Release()
	return fn(p)
}

// Pop takes the top module off (I_POP): its close procedure runs, and what is queued in it
// is freed. The error is EINVAL without a module, EPERM for one at the anchor unless the
// head is privileged, ENXIO on a stream that is hung up, and EAGAIN on a head that does not
// block while others change the stack.
func (h *Head) Pop(ctx context.Context) error {
	return h.op(streams.CmdPop, h.pop(ctx))
}

func (h *Head) pop(ctx context.Context) streams.Errno {
	if errno := h.gate(classPlumb); errno != 0 {
		return errno
	}
	if h.cfg.Stack != nil {
		return h.popFar(ctx)
	}
	if h.nonBlocking.Load() {
		now, cancel := context.WithCancelCause(ctx)
		cancel(streams.EAGAIN) // it is tried once
		ctx = now
	}
	return h.plumb(ctx, func(p *streams.Plumbing) streams.Errno {
		if !h.mayPop(len(h.stream.Names()) - 1) {
			return streams.EPERM
		}
		return streams.ErrnoOf(p.Pop())
	})
}

// Anchor makes the modules that are pushed now need privilege to be popped (I_ANCHOR).
func (h *Head) Anchor() error {
	ctx, cancel := h.bounded()
	defer cancel()
	return h.op(streams.CmdAnchor, h.setAnchor(ctx))
}

func (h *Head) setAnchor(ctx context.Context) streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	if h.stream.Peer() != nil {
		return streams.EINVAL
	}
	names, errno := h.names(ctx)
	if errno != 0 {
		return errno
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.anchor = len(names) - 1
	return 0
}

// Look returns the name of the top module (I_LOOK). The error is EINVAL if none is pushed;
// under OpenSS7 the driver's name is returned then.
func (h *Head) Look() (string, error) {
	ctx, cancel := h.bounded()
	defer cancel()
	name, errno := h.look(ctx)
	return name, h.op(streams.CmdLook, errno)
}

func (h *Head) look(ctx context.Context) (string, streams.Errno) {
	if errno := h.gate(classAsk); errno != 0 {
		return "", errno
	}
	names, errno := h.names(ctx)
	if errno != 0 {
		return "", errno
	}
	if len(names) == 0 || len(names) == 1 && (h.cfg.Profile != streams.OpenSS7 || h.stream.Peer() != nil) {
		return "", streams.EINVAL
	}
	return names[0], 0
}

// List returns the names of the modules from the top down, and of the driver (I_LIST).
func (h *Head) List() ([]string, error) {
	if errno := h.gate(classAsk); errno != 0 {
		return nil, h.op(streams.CmdList, errno)
	}
	ctx, cancel := h.bounded()
	defer cancel()
	names, errno := h.names(ctx)
	return names, h.op(streams.CmdList, errno)
}

// Find reports whether a module or driver of that name is in the stream (I_FIND). The
// error is EINVAL for a name that is empty, too long, or, except under OpenSS7, not the
// name of anything that there is.
func (h *Head) Find(name string) (bool, error) {
	ctx, cancel := h.bounded()
	defer cancel()
	found, errno := h.find(ctx, name)
	return found, h.op(streams.CmdFind, errno)
}

func (h *Head) find(ctx context.Context, name string) (bool, streams.Errno) {
	if errno := h.gate(classAsk); errno != 0 {
		return false, errno
	}
	m, errno := h.named(name)
	if errno != 0 {
		return false, errno
	}
	if h.cfg.Stack != nil { // what there is to push, the other side knows
		names, errno := h.names(ctx)
		return slices.Contains(names, name), errno
	}
	found := h.stream.Find(name)
	if !found && m == nil && h.cfg.Profile != streams.OpenSS7 {
		return false, streams.EINVAL
	}
	return found, 0
}
