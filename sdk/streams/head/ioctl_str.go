// SPDX-License-Identifier: Apache-2.0

package head

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// str takes a strioctl: int ic_cmd, int ic_timout in seconds, int ic_len, 4 bytes, pointer
// ic_dp.
func (c *raw) str() (int, streams.Errno) {
	h := c.h
	if errno := h.gate(classLine); errno != 0 {
		return 0, errno
	}
	p, errno := c.in(c.arg, 24)
	if errno != 0 {
		return 0, errno
	}
	le := binary.LittleEndian
	seconds := int32(le.Uint32(p[4:]))
	r := request{
		cmd: streams.Command(le.Uint32(p)), wait: time.Duration(seconds) * time.Second,
		size: int(int32(le.Uint32(p[8:]))), addr: le.Uint64(p[16:]), mem: c.mem,
	}
	switch {
	case r.size < 0, seconds < streams.Forever, r.wait > maxWait && h.cfg.Profile == streams.Strict, r.cmd.HeadOnly():
		return 0, streams.EINVAL
	case seconds == 0:
		r.wait = h.tun.IoctlWait
	}
	res := h.run(c.ctx, r)
	if res.errno != 0 {
		return 0, res.errno
	}
	le.PutUint32(p[8:], uint32(min(res.size, math.MaxInt32)))
	return res.rval, c.out(c.arg, p)
}

// The fields of a command's number in the coding of Linux, which OpenSS7 looks at.
const (
	sizeShift, sizeMask = 16, 1<<14 - 1
	dirWrite            = 1 << 30 // the caller gives data
)

// unknown sends a command that the head does not know to the modules.
func (c *raw) unknown() (int, streams.Errno) {
	h := c.h
	size := int(uint32(c.cmd) >> sizeShift & sizeMask)
	if h.cfg.Profile != streams.OpenSS7 || size == 0 {
		return h.transparent(c.ctx, c.cmd, streams.Addr(c.arg), c.mem)
	}
	if errno := h.gate(classLine); errno != 0 {
		return 0, errno
	}
	res := h.run(c.ctx, request{
		cmd: c.cmd, addr: c.arg, size: size, blank: c.cmd&dirWrite == 0, mem: c.mem, wait: h.tun.IoctlWait,
	})
	return res.rval, res.errno
}
