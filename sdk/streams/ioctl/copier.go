// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"context"
	"math"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Copier is the caller's side of one command: it does the copies that a module asks
// for, in the caller's memory and within limits, and trusts nothing that it is
// asked. One goroutine at a time may use it.
type Copier struct {
	mem    Memory
	limits Limits
	rounds int
	total  int
}

// NewCopier returns a Copier for one command.
func NewCopier(mem Memory, lim Limits) *Copier { return &Copier{mem: mem, limits: lim.withDefaults()} }

// Do does the copy that n asks for and returns what the module is to be told:
// CopiedIn, CopiedOut or CopyFailed, whose errno is also what the command's caller
// gets. The errors are EFAULT for what is not the caller's memory; EMSGSIZE for a
// copy over the limit of one, or of all, or with less data than its size; EIO for one
// without data; EPROTO for one copy too many, or for a Next that asks for no copy.
//
// Nothing is allocated for a copy that is over a limit, and never much more than the
// caller's memory has.
func (c *Copier) Do(n Next) Event {
	e := c.do(n)
	e.ID = n.ID
	return e
}

func (c *Copier) do(n Next) Event {
	if err := c.check(n); err != 0 {
		return Event{Kind: CopyFailed, Errno: err}
	}
	c.rounds++
	c.total += n.Size
	if n.Kind == NeedOut {
		if err := c.mem.WriteAt(n.Data[:n.Size], n.Addr); err != nil {
			return Event{Kind: CopyFailed, Errno: streams.ErrnoOf(err)}
		}
		return Event{Kind: CopiedOut}
	}
	data, err := c.read(n.Addr, n.Size)
	if err != nil {
		return Event{Kind: CopyFailed, Errno: streams.ErrnoOf(err)}
	}
	return Event{Kind: CopiedIn, Data: data}
}

func (c *Copier) check(n Next) streams.Errno {
	switch {
	case n.Kind != NeedIn && n.Kind != NeedOut, over(c.rounds+1, c.limits.Rounds):
		return streams.EPROTO
	case n.Size < 0 || over(n.Size, c.limits.Size):
		return streams.EMSGSIZE
	case n.Size > math.MaxInt-c.total || over(c.total+n.Size, c.limits.Total):
		return streams.EMSGSIZE
	case n.Kind == NeedOut && n.Size > 0 && len(n.Data) == 0:
		return streams.EIO
	case n.Kind == NeedOut && n.Size > len(n.Data):
		return streams.EMSGSIZE
	case n.Size > 0 && uint64(n.Size-1) > math.MaxUint64-n.Addr:
		return streams.EFAULT
	}
	return 0
}

// piece is how much is read at a time, so that a size which is not limited costs no
// more memory than the caller has.
const piece = 64 << 10

func (c *Copier) read(addr uint64, size int) ([]byte, error) {
	data := make([]byte, 0, min(size, piece))
	for len(data) < size {
		n := min(size-len(data), piece)
		start := len(data)
		data = append(data, make([]byte, n)...)
		if err := c.mem.ReadAt(data[start:], addr+uint64(start)); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// Result returns what the caller of req gets for n, the answer to it, and trusts
// nothing in it. Data are those for I_STR; a transparent request has none. The error
// is a streams.Errno: that of a refusal (EINVAL if it has none), EMSGSIZE for more data
// than the request had room for, EPROTO for what is no answer.
func Result(req Request, n Next) (rval int32, data []byte, err error) {
	switch {
	case n.Kind == Nak && n.Errno == 0:
		return 0, nil, streams.EINVAL
	case n.Kind == Nak && n.Errno <= streams.MaxErrno:
		return 0, nil, n.Errno
	case n.Kind != Ack:
		return 0, nil, streams.EPROTO
	case req.Transparent:
		return n.Rval, nil, nil
	case len(n.Data) > len(req.Data):
		return 0, nil, streams.EMSGSIZE
	}
	return n.Rval, n.Data, nil
}

// Run carries out req with a table in the same program, without a stream, and returns
// what Result does. A command that the table does not have gives EINVAL. Run blocks as
// long as the command's function does.
func Run(ctx context.Context, t *Table, req Request, mem Memory) (rval int32, data []byte, err error) {
	call, ok := t.Call(req)
	if !ok {
		return 0, nil, streams.EINVAL
	}
	copier := NewCopier(mem, t.limits)
	n := call.Advance(ctx, Event{Kind: Begin})
	for n.Kind == NeedIn || n.Kind == NeedOut {
		e := copier.Do(n)
		n = call.Advance(ctx, e)
		if e.Kind == CopyFailed {
			return 0, nil, e.Errno
		}
	}
	return Result(req, n)
}
