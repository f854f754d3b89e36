// SPDX-License-Identifier: Apache-2.0

package head

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// Ioctl carries out a command by its number, with its argument as C programs on 64-bit
// systems pass it: a value, or the address of an integer or a structure in mem. Commands
// that the head does not know go to the modules, with mem for their copies; under OpenSS7
// those whose number tells a size are sent as I_STR would. A nil mem is an empty one.
//
// The results and errors are those of docs/reference/streams.md; when several things are
// wrong, the first one there is told. It waits like the method that carries out the same
// command.
func (h *Head) Ioctl(ctx context.Context, cmd streams.Command, arg uint64, mem ioctl.Memory) (rval int, err error) {
	if mem == nil {
		mem = &ioctl.Regions{} // nothing
	}
	c := raw{h: h, ctx: ctx, cmd: cmd, arg: arg, mem: mem}
	carryOut, ok := commands[cmd]
	if !ok {
		carryOut = (*raw).unknown
	}
	rval, errno := carryOut(&c)
	if errno != 0 {
		rval = 0
	}
	return rval, h.op(cmd, errno)
}

// raw is a command with its argument.
type raw struct {
	h   *Head
	ctx context.Context
	cmd streams.Command
	arg uint64
	mem ioctl.Memory
}

// commands are those that the head carries out itself.
var commands = map[streams.Command]func(*raw) (int, streams.Errno){
	streams.CmdNRead:     (*raw).nread,
	streams.CmdPush:      (*raw).push,
	streams.CmdPop:       func(c *raw) (int, streams.Errno) { return 0, c.h.pop(c.ctx) },
	streams.CmdLook:      (*raw).look,
	streams.CmdFlush:     func(c *raw) (int, streams.Errno) { return 0, c.h.flush(c.ctx, streams.FlushFlags(c.low(8))) },
	streams.CmdSetRead:   func(c *raw) (int, streams.Errno) { return 0, c.h.setReadOptions(streams.ReadOptions(c.low(16))) },
	streams.CmdGetRead:   func(c *raw) (int, streams.Errno) { return report(c, c.h.ReadOptions) },
	streams.CmdStr:       (*raw).str,
	streams.CmdSetSig:    func(c *raw) (int, streams.Errno) { return 0, c.h.setSig(streams.Events(c.low(16)), nil) },
	streams.CmdGetSig:    (*raw).getSig,
	streams.CmdFind:      (*raw).find,
	streams.CmdLink:      (*raw).link,
	streams.CmdUnlink:    func(c *raw) (int, streams.Errno) { return 0, c.h.unlink(c.cmd, int(c.int()), false) },
	streams.CmdRecvFD:    (*raw).recvFD,
	streams.CmdPeek:      (*raw).peek,
	streams.CmdFDInsert:  (*raw).insert,
	streams.CmdSendFD:    (*raw).sendFD,
	streams.CmdSetWrite:  func(c *raw) (int, streams.Errno) { return 0, c.h.setWriteOptions(streams.WriteOptions(c.low(16))) },
	streams.CmdGetWrite:  func(c *raw) (int, streams.Errno) { return report(c, c.h.WriteOptions) },
	streams.CmdList:      (*raw).list,
	streams.CmdPLink:     (*raw).link,
	streams.CmdPUnlink:   func(c *raw) (int, streams.Errno) { return 0, c.h.unlink(c.cmd, int(c.int()), true) },
	streams.CmdAnchor:    func(c *raw) (int, streams.Errno) { return 0, c.h.setAnchor(c.ctx) },
	streams.CmdFlushBand: (*raw).flushBand,
	streams.CmdCheckBand: (*raw).checkBand,
	streams.CmdGetBand:   (*raw).getBand,
	streams.CmdAtMark:    (*raw).atMark,
	streams.CmdSetClose:  (*raw).setClose,
	streams.CmdGetClose:  (*raw).getClose,
	streams.CmdCanPut:    (*raw).canPut,
	streams.CmdSetErr:    (*raw).setErr,
	streams.CmdGetErr:    (*raw).getErr,
	streams.CmdESetSig:   (*raw).eSetSig,
	streams.CmdEGetSig:   (*raw).eGetSig,
	streams.CmdFIONRead:  (*raw).fionread,
	streams.CmdFIORdChk:  func(c *raw) (int, streams.Errno) { return c.h.buffered() },
}

// int returns the argument as the int that it is.
func (c *raw) int() int32 { return int32(uint32(c.arg)) }

// low returns flags of a type of so many bits. Flags beyond it are told by its highest
// bit, which no command knows.
func (c *raw) low(bits int) uint32 {
	v := uint32(c.arg)
	if v>>bits != 0 {
		return 1 << (bits - 1)
	}
	return v
}

// flag returns 1 for true.
func flag(yes bool, errno streams.Errno) (int, streams.Errno) {
	if yes {
		return 1, errno
	}
	return 0, errno
}

// in returns n bytes of the caller's memory.
func (c *raw) in(addr uint64, n int) ([]byte, streams.Errno) {
	p := make([]byte, n)
	if err := c.mem.ReadAt(p, addr); err != nil {
		return nil, streams.ErrnoOf(err)
	}
	return p, 0
}

// out stores bytes in the caller's memory.
func (c *raw) out(addr uint64, p []byte) streams.Errno {
	return streams.ErrnoOf(c.mem.WriteAt(p, addr))
}

// outInt stores an int where the argument points to.
func (c *raw) outInt(v int) streams.Errno {
	return c.out(c.arg, binary.LittleEndian.AppendUint32(nil, uint32(v)))
}

// report stores what a method returns.
func report[T ~uint16](c *raw, ask func() (T, error)) (int, streams.Errno) {
	v, err := ask()
	if err != nil {
		return 0, streams.ErrnoOf(err)
	}
	return 0, c.outInt(int(v))
}

// name returns the name that the argument points to, or its begin if it is too long.
func (c *raw) name() (string, streams.Errno) {
	name := make([]byte, 0, streams.MaxName+1)
	for len(name) <= streams.MaxName {
		b, errno := c.in(c.arg+uint64(len(name)), 1)
		if errno != 0 {
			return "", errno
		}
		if b[0] == 0 {
			break
		}
		name = append(name, b[0])
	}
	return string(name), 0
}

// named is for the commands whose argument is a name.
func (c *raw) named(class class) (string, streams.Errno) {
	if errno := c.h.gate(class); errno != 0 {
		return "", errno
	}
	return c.name()
}

func (c *raw) push() (int, streams.Errno) {
	name, errno := c.named(classPlumb)
	if errno == 0 {
		errno = c.h.push(c.ctx, name)
	}
	return 0, errno
}

func (c *raw) find() (int, streams.Errno) {
	name, errno := c.named(classAsk)
	if errno != 0 {
		return 0, errno
	}
	return flag(c.h.find(c.ctx, name))
}

// nameSize is the size of a name in memory.
const nameSize = streams.MaxName + 1

func (c *raw) look() (int, streams.Errno) {
	if errno := c.h.gate(classAsk); errno != 0 {
		return 0, errno
	}
	name, errno := c.h.look(c.ctx)
	var p [nameSize]byte // empty if there is none
	copy(p[:], name)
	if bad := c.out(c.arg, p[:]); bad != 0 {
		return 0, bad
	}
	return 0, errno
}

// list fills a str_list: int sl_nmods, 4 bytes, pointer sl_modlist.
func (c *raw) list() (int, streams.Errno) {
	if errno := c.h.gate(classAsk); errno != 0 {
		return 0, errno
	}
	names, errno := c.h.names(c.ctx)
	if errno != 0 {
		return 0, errno
	}
	if n := len(names); n > 0 && c.h.stream.Peer() != nil {
		names = names[:n-1] // below a pipe is no driver that has a name
	}
	if c.arg == 0 {
		return len(names), 0
	}
	p, errno := c.in(c.arg, 16)
	if errno != 0 {
		return 0, errno
	}
	n := int(int32(binary.LittleEndian.Uint32(p)))
	if n <= 0 {
		return 0, streams.EINVAL
	}
	names = names[:min(n, len(names))]
	var all bytes.Buffer
	for _, name := range names {
		var p [nameSize]byte
		copy(p[:], name)
		all.Write(p[:])
	}
	if errno := c.out(binary.LittleEndian.Uint64(p[8:]), all.Bytes()); errno != 0 {
		return 0, errno
	}
	return 0, c.outInt(len(names))
}

func (c *raw) link() (int, streams.Errno) {
	h := c.h
	if errno := h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	switch {
	case h.cfg.Remote:
		return 0, streams.EOPNOTSUPP
	case h.isHungUp():
		return 0, streams.ENXIO
	case !h.mux:
		return 0, streams.EINVAL
	}
	v, ok := c.lookup(c.int())
	if !ok {
		return 0, streams.EBADF
	}
	lower, _ := v.(*Head) // nil for what is no stream
	return h.link(c.cmd, lower, c.cmd == streams.CmdPLink)
}

func (c *raw) lookup(fd int32) (any, bool) {
	if c.h.cfg.Descriptors == nil {
		return nil, false
	}
	return c.h.cfg.Descriptors.Lookup(fd)
}

// flushBand takes a bandinfo: unsigned char bi_pri, 3 bytes, int bi_flag.
func (c *raw) flushBand() (int, streams.Errno) {
	if errno := c.h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	p, errno := c.in(c.arg, 8)
	if errno != 0 {
		return 0, errno
	}
	flags := raw{arg: uint64(binary.LittleEndian.Uint32(p[4:]))}
	return 0, c.h.flushBand(c.ctx, p[0], streams.FlushFlags(flags.low(8)))
}
