// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// flushCommand is the command of the ioctl that follows a flush through the stream.
const flushCommand streams.Command = 1<<32 - 1

// Flush throws away what is queued in the stream, on the read side, the write side or both
// (I_FLUSH). When it returns the flush has been everywhere, and nothing older is left:
// behind M_FLUSH an ioctl goes down that nobody knows, and its refusal is waited for. So
// it also waits for an ioctl that is under way. The error is EINVAL for other flags, ENXIO
// on a stream that is hung up, ENOSR, and EINTR or ETIME when ctx ends.
func (h *Head) Flush(ctx context.Context, flags streams.FlushFlags) error {
	return h.op(streams.CmdFlush, h.flush(ctx, flags))
}

func (h *Head) flush(ctx context.Context, flags streams.FlushFlags) streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	return h.sendFlush(ctx, flags, byte(flags))
}

// FlushBand is Flush for the messages of one band (I_FLUSHBAND).
func (h *Head) FlushBand(ctx context.Context, band uint8, flags streams.FlushFlags) error {
	return h.op(streams.CmdFlushBand, h.flushBand(ctx, band, flags))
}

func (h *Head) flushBand(ctx context.Context, band uint8, flags streams.FlushFlags) streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	return h.sendFlush(ctx, flags, byte(flags|streams.FlushBand), band)
}

func (h *Head) sendFlush(ctx context.Context, flags streams.FlushFlags, body ...byte) streams.Errno {
	switch {
	case h.isHungUp():
		return streams.ENXIO
	case flags&^streams.FlushRW != 0, flags == 0 && h.cfg.Profile == streams.OpenSS7:
		return streams.EINVAL
	}
	m, err := h.stream.Arena().From(streams.MFlush, body)
	if err != nil {
		return streams.ErrnoOf(err)
	}
	if err := h.stream.Put(m); err != nil {
		m.Free()
		return streams.ErrnoOf(err)
	}
	res := h.run(ctx, request{cmd: flushCommand, wait: h.tun.IoctlWait})
	if ctx.Err() != nil {
		return res.errno // what else the ioctl says does not matter
	}
	return 0
}
