// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// LinkRequest is what the driver of a multiplexer finds on the first block behind an
// M_IOCTL with I_LINK, I_PLINK, I_UNLINK or I_PUNLINK (System V's linkblk), as
// [streams.Block.Value].
type LinkRequest struct{ Link *streams.Link }

// Link puts another stream below this multiplexer (I_LINK) and returns the number of the
// link. The driver is asked, and may refuse. The link ends with Unlink or when this stream
// is closed; a persistent one (I_PLINK) only with Unlink. No context and no error ends the
// wait for the driver, which would leave both ends of different minds; only Close does.
//
// The error is EINVAL if the driver is no multiplexer, or the lower stream is this one, is
// linked, hung up, in error or busy, or if the link would make a cycle.
func (h *Head) Link(lower *Head, persistent bool) (id int, err error) {
	cmd := streams.CmdLink
	if persistent {
		cmd = streams.CmdPLink
	}
	id, errno := h.link(cmd, lower, persistent)
	return id, h.op(cmd, errno)
}

func (h *Head) link(cmd streams.Command, lower *Head, persistent bool) (int, streams.Errno) {
	if errno := h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	switch {
	case h.cfg.Remote:
		return 0, streams.EOPNOTSUPP
	case h.isHungUp():
		return 0, streams.ENXIO
	case !h.mux, lower == nil || lower == h || !lower.idle():
		return 0, streams.EINVAL
	}
	var id int
	errno := h.plumb(context.Background(), func(p *streams.Plumbing) streams.Errno {
		l, err := p.Link(lower.stream, persistent)
		if err != nil {
			return streams.ErrnoOf(err)
		}
		lower.wakeAll() // its calls fail from now on
		if errno := h.ask(cmd, l); errno != 0 {
			p.Abort(l)
			return errno
		}
		p.Commit(l)
		id = l.ID()
		return 0
	})
	return id, errno
}

// idle reports whether a stream can be put below another one.
func (h *Head) idle() bool {
	h.slot.mu.Lock()
	busy := h.slot.busy
	h.slot.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	return !busy && !h.closed && !h.hungUp && h.readErr.errno == 0 && h.writeErr.errno == 0
}

// ask tells the multiplexer's driver about a link.
func (h *Head) ask(cmd streams.Command, l *streams.Link) streams.Errno {
	res := h.run(context.Background(), request{cmd: cmd, wait: Forever, stays: true, attach: LinkRequest{l}})
	if res.bare && h.cfg.Profile == streams.OpenSS7 {
		return streams.ENXIO
	}
	return res.errno
}

// Unlink undoes a link of this stream by its number, or all of them with streams.MuxAll
// (I_UNLINK); persistent links of any stream of this driver with persistent (I_PUNLINK).
// If the driver refuses, the link stays, and the error is the driver's. The error is
// EINVAL for a number that no such link has.
func (h *Head) Unlink(id int, persistent bool) error {
	cmd := streams.CmdUnlink
	if persistent {
		cmd = streams.CmdPUnlink
	}
	return h.op(cmd, h.unlink(cmd, id, persistent))
}

func (h *Head) unlink(cmd streams.Command, id int, persistent bool) streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	switch {
	case h.cfg.Remote:
		return streams.EOPNOTSUPP
	case h.isHungUp() && h.cfg.Profile == streams.OpenSS7:
		return streams.ENXIO
	case id == 0, h.stream.Peer() != nil:
		return streams.EINVAL
	}
	return h.replumb(context.Background(), func(p *streams.Plumbing) streams.Errno {
		found := false
		for _, l := range p.Links(persistent) {
			if id != int(streams.MuxAll) && l.ID() != id {
				continue
			}
			found = true
			if errno := h.ask(cmd, l); errno != 0 {
				return errno
			}
			if err := p.Unlink(l); err != nil {
				return streams.ErrnoOf(err)
			}
		}
		if !found && id != int(streams.MuxAll) {
			return streams.EINVAL
		}
		return 0
	})
}
