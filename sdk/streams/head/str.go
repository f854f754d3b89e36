// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// Forever as the time of a Str waits without a limit.
const Forever time.Duration = -1

// maxWait is the longest time that Strict accepts: what System V can count in
// milliseconds of an int.
const maxWait = (1<<31 - 1) * time.Millisecond

// DataAddr is the address of Str.Data where Str.Memory is nil.
const DataAddr = 0x1000

// Str is the argument of I_STR: a command with its data.
type Str struct {
	Command streams.Command
	// Wait is how long to wait for each answer. 0 is the head's IoctlWait, 15 s by default;
	// a negative one waits for ever.
	Wait time.Duration
	// Data goes down with the command, at most the head's DataSize. The data of the answer
	// replace it from its beginning on; it is also the room that there is for them.
	Data []byte
	// Len is set to the number of bytes of the answer.
	Len int
	// Memory is what modules may reach by M_COPYIN and M_COPYOUT beside the data. With one,
	// Data must be in it, at Addr. Without, they reach Data, at DataAddr.
	Memory ioctl.Memory
	Addr   uint64
}

// Str sends a command with its data down as M_IOCTL and returns what the answer says
// (I_STR). It waits for its turn, and then for each answer. When ctx ends first, the error
// matches its cause as ETIME or EINTR, and what the driver answers later is dropped. The
// errors are those of I_STR in docs/reference/streams.md, and whatever a module answers.
func (h *Head) Str(ctx context.Context, s *Str) (rval int, err error) {
	rval, errno := h.str(ctx, s)
	return rval, h.op(streams.CmdStr, errno)
}

func (h *Head) str(ctx context.Context, s *Str) (int, streams.Errno) {
	if errno := h.gate(classLine); errno != 0 {
		return 0, errno
	}
	if s.Wait > maxWait && h.cfg.Profile == streams.Strict || s.Command.HeadOnly() {
		return 0, streams.EINVAL
	}
	r := request{cmd: s.Command, addr: s.Addr, size: len(s.Data), mem: s.Memory, data: s.Data, wait: s.Wait}
	if s.Wait == 0 {
		r.wait = h.tun.IoctlWait
	}
	if r.mem == nil {
		r.addr = DataAddr
	}
	res := h.run(ctx, r)
	s.Len = res.size
	return res.rval, res.errno
}

// bytesAt is a memory of one region that can be written.
type bytesAt struct {
	addr uint64
	data []byte
}

func (m *bytesAt) at(p []byte, addr uint64, write bool) ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	off, n := addr-m.addr, uint64(len(m.data))
	if addr < m.addr || off > n || uint64(len(p)) > n-off {
		return nil, &ioctl.FaultError{Addr: addr, Size: len(p), Write: write}
	}
	return m.data[off:], nil
}

// ReadAt fills p from addr on.
func (m *bytesAt) ReadAt(p []byte, addr uint64) error {
	b, err := m.at(p, addr, false)
	copy(p, b)
	return err
}

// WriteAt stores p from addr on.
func (m *bytesAt) WriteAt(p []byte, addr uint64) error {
	b, err := m.at(p, addr, true)
	copy(b, p)
	return err
}

// Transparent sends a command that the head does not know down with its argument word. Those
// that modules trust to come from a head itself, as I_LINK, are EINVAL.
// Modules may ask for copies from and to mem, where they find by arg what they need; with
// a nil mem there are none. It waits like [Head.Str] with Forever, except under OpenSS7,
// which has the default time.
func (h *Head) Transparent(ctx context.Context, cmd streams.Command, arg streams.Addr, mem ioctl.Memory) (rval int, err error) {
	rval, errno := h.transparent(ctx, cmd, arg, mem)
	return rval, h.op(cmd, errno)
}

func (h *Head) transparent(ctx context.Context, cmd streams.Command, arg streams.Addr, mem ioctl.Memory) (int, streams.Errno) {
	if errno := h.gate(classLine); errno != 0 {
		return 0, errno
	}
	if cmd.HeadOnly() {
		return 0, streams.EINVAL
	}
	r := request{cmd: cmd, transparent: true, arg: arg, mem: mem, wait: Forever}
	if h.cfg.Profile == streams.OpenSS7 {
		r.wait = h.tun.IoctlWait
	}
	res := h.run(ctx, r)
	return res.rval, res.errno
}
