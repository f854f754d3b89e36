// SPDX-License-Identifier: Apache-2.0

package head

import (
	"encoding/binary"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

func (c *raw) nread() (int, streams.Errno) {
	n, messages, errno := c.h.nread()
	if errno != 0 {
		return 0, errno
	}
	return messages, c.outInt(n)
}

func (c *raw) fionread() (int, streams.Errno) {
	n, errno := c.h.buffered()
	if errno != 0 {
		return 0, errno
	}
	return 0, c.outInt(n)
}

func (c *raw) getBand() (int, streams.Errno) {
	band, errno := c.h.firstBand()
	if errno != 0 {
		return 0, errno
	}
	return 0, c.outInt(int(band))
}

func (c *raw) checkBand() (int, streams.Errno) {
	if errno := c.h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	band := c.int()
	if band < 0 || int(band) >= streams.Bands {
		return 0, streams.EINVAL
	}
	return flag(c.h.hasBand(uint8(band)))
}

func (c *raw) canPut() (int, streams.Errno) {
	h := c.h
	if errno := h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	openSS7 := h.cfg.Profile == streams.OpenSS7
	band := c.int()
	switch {
	case openSS7 && h.isHungUp():
		return 0, streams.ENXIO
	case openSS7 && band == -1:
		return flag(h.canPut(1, 255))
	case band < 0 || int(band) >= streams.Bands:
		return 0, streams.EINVAL
	}
	return flag(h.canPut(uint8(band), uint8(band)))
}

func (c *raw) atMark() (int, streams.Errno) { return flag(c.h.atMark(streams.Marks(c.low(8)))) }

// strbuf is a part of a message in memory: int maxlen, int len, pointer buf.
type strbuf struct {
	maxLen, len int32
	buf         uint64
}

const strbufSize = 16

func strbufOf(p []byte) strbuf {
	le := binary.LittleEndian
	return strbuf{int32(le.Uint32(p)), int32(le.Uint32(p[4:])), le.Uint64(p[8:])}
}

// room returns memory for a part: nil if it is not wanted, and not more than there is.
func (s strbuf) room(there int) []byte {
	if s.maxLen < 0 {
		return nil
	}
	return make([]byte, min(int(s.maxLen), there))
}

// peek takes a strpeek: strbuf ctlbuf, strbuf databuf, 32-bit flags, 4 bytes.
func (c *raw) peek() (int, streams.Errno) {
	h := c.h
	if errno := h.gate(classPeek); errno != 0 {
		return 0, errno
	}
	p, errno := c.in(c.arg, 2*strbufSize+8)
	if errno != 0 {
		return 0, errno
	}
	there := 0
	errno = h.inside(func(q *streams.Queue) streams.Errno {
		there, _ = q.First().Total()
		return 0
	})
	if errno != 0 {
		return 0, errno
	}
	control, data := strbufOf(p), strbufOf(p[strbufSize:])
	le := binary.LittleEndian
	m := Message{
		Control: control.room(there), Data: data.room(there),
		Flags: streams.MsgFlags(le.Uint32(p[2*strbufSize:])) & streams.MsgUrgent,
	}
	seen, errno := h.peek(&m)
	if !seen || errno != 0 {
		return 0, errno
	}
	for _, part := range [...]struct {
		at   int
		n    int
		from []byte
		to   uint64
	}{{0, m.ControlLen, m.Control, control.buf}, {strbufSize, m.DataLen, m.Data, data.buf}} {
		le.PutUint32(p[part.at+4:], uint32(int32(part.n)))
		if part.n > 0 {
			if errno := c.out(part.to, part.from[:part.n]); errno != 0 {
				return 0, errno
			}
		}
	}
	le.PutUint32(p[2*strbufSize:], uint32(m.Flags))
	return 1, c.out(c.arg, p)
}

// insert takes a strfdinsert: strbuf ctlbuf, strbuf databuf, 32-bit flags, int fildes, int
// offset, 4 bytes.
func (c *raw) insert() (int, streams.Errno) {
	h := c.h
	if errno := h.insertable(); errno != 0 {
		return 0, errno
	}
	p, errno := c.in(c.arg, 2*strbufSize+16)
	if errno != 0 {
		return 0, errno
	}
	le := binary.LittleEndian
	control, data := strbufOf(p), strbufOf(p[strbufSize:])
	flags, fd, offset := le.Uint32(p[32:]), int32(le.Uint32(p[36:])), int32(le.Uint32(p[40:]))
	if control.len < 0 && h.cfg.Profile == streams.Strict {
		return 0, streams.EINVAL
	}
	o := outgoing{control: int(control.len), data: int(data.len), urgent: flags&uint32(streams.MsgUrgent) != 0}
	o.load = func(toControl, toData []byte) streams.Errno {
		err := c.mem.ReadAt(toControl, control.buf)
		if err == nil && toData != nil {
			err = c.mem.ReadAt(toData, data.buf)
		}
		return streams.ErrnoOf(err)
	}
	v, _ := c.lookup(fd)
	other, _ := v.(*Head) // nil for what is no stream
	return 0, h.insert(c.ctx, &o, flags, other, int(offset))
}

func (c *raw) sendFD() (int, streams.Errno) {
	h := c.h
	if errno := h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	if h.cfg.Remote {
		return 0, streams.EOPNOTSUPP
	}
	if h.cfg.Descriptors == nil {
		return 0, streams.EBADF
	}
	f, ok := h.cfg.Descriptors.Share(c.int())
	if !ok {
		return 0, streams.EBADF
	}
	errno := h.sendFD(f)
	if errno != 0 && f.Release != nil {
		f.Release()
	}
	return 0, errno
}

// Owner is what a credential may be for I_RECVFD to tell who has sent a file; for another
// one it tells zeros.
type Owner interface {
	Owner() (uid, gid uint32)
}

// recvFD fills a strrecvfd: int fd, uid, gid, char fill[8].
func (c *raw) recvFD() (int, streams.Errno) {
	_, errno := c.h.recvFD(c.ctx, func(r Received) streams.Errno {
		table := c.h.cfg.Descriptors
		if table == nil {
			return streams.EMFILE
		}
		fd, ok := table.Install(r.File)
		if !ok {
			return streams.EMFILE
		}
		var p [20]byte
		le := binary.LittleEndian
		le.PutUint32(p[:], uint32(fd))
		if o, ok := r.Credential.(Owner); ok {
			uid, gid := o.Owner()
			le.PutUint32(p[4:], uid)
			le.PutUint32(p[8:], gid)
		}
		errno := c.out(c.arg, p[:])
		if errno != 0 {
			table.Withdraw(fd)
		}
		return errno
	})
	return 0, errno
}
