// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime/debug"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// state is what a call waits for.
type state uint8

const (
	fresh   state = iota // Begin
	argIn                // the argument
	rangeIn              // the range at index at
	working              // Work
	worked               // Worked
	rangeOut
	resultOut
	ended
)

// Call is one command being carried out. It does no input or output and starts nothing,
// and its steps do not block: only Work does, which runs the command's function. One
// goroutine at a time may use it.
type Call struct {
	table *Table
	cmd   *command
	req   Request
	state state
	at    int // which range
	size  int // of the structure as the caller knows it
	want  int // bytes that NeedIn asked for
	todo  runner
	out   []byte // the result
	err   error  // of the function
	job   Job
}

// Call returns a call for req; it is not ok if the table doesn't have the command. Then
// a module passes the request on, and a driver refuses it with EINVAL. The call keeps
// req.Data.
func (t *Table) Call(req Request) (c *Call, ok bool) {
	cmd := t.find(req.Command)
	if cmd == nil {
		return nil, false
	}
	c = &Call{table: t, cmd: cmd, req: req}
	c.job = Job{Command: req.Command, Caller: req.Caller, ranges: make([]transfer, len(cmd.ranges))}
	return c, true
}

// Step tells the call what has happened and returns what has to happen next. An event
// that does not fit, or has the wrong number of bytes, ends the call with EPROTO. After
// the end every event is answered with Silent.
func (c *Call) Step(e Event) Next {
	n := c.step(e)
	n.ID = c.req.ID
	return n
}

// Advance is Step for those who may block: where Work is due, it is done before
// Advance returns.
func (c *Call) Advance(ctx context.Context, e Event) Next {
	n := c.Step(e)
	if n.Kind == Work {
		c.Work(ctx)
		n = c.Step(Event{Kind: Worked})
	}
	return n
}

func (c *Call) step(e Event) Next {
	switch {
	case c.state == ended:
		return Next{}
	case e.Kind == CopyFailed || e.Kind == Abandoned:
		c.end(false)
		return Next{}
	case !c.expects(e):
		return c.nak(streams.EPROTO)
	}
	switch c.state {
	case fresh:
		return c.begin()
	case argIn:
		return c.argument(e.Data)
	case rangeIn:
		c.job.ranges[c.at].data = e.Data
		c.at++
		return c.copyIn()
	case worked:
		return c.answer()
	case rangeOut:
		c.at++
		return c.copyOut()
	default:
		return c.ack(nil)
	}
}

// expects reports whether e is what the call waits for.
func (c *Call) expects(e Event) bool {
	switch c.state {
	case fresh:
		return e.Kind == Begin
	case argIn, rangeIn:
		return e.Kind == CopiedIn && len(e.Data) == c.want
	case working:
		return false
	case worked:
		return e.Kind == Worked
	default:
		return e.Kind == CopiedOut
	}
}

// begin checks the request and gets its argument.
func (c *Call) begin() Next {
	if err := c.admit(); err != 0 {
		return c.nak(err)
	}
	switch {
	case c.cmd.byValue:
		return c.argument(binary.LittleEndian.AppendUint64(nil, c.req.Arg))
	case !c.req.Transparent:
		return c.argument(c.req.Data)
	case c.cmd.inSize == 0:
		return c.argument(nil)
	}
	n := c.size
	if n <= c.cmd.full() {
		n = min(n, c.cmd.inSize) // the rest is room for the result
	}
	return c.needIn(argIn, c.req.Arg, n)
}

// admit checks everything about the request but its bytes.
func (c *Call) admit() streams.Errno {
	who, cmd, form := c.req.Caller, c.cmd, ByStr
	if c.req.Transparent {
		form = Transparent
	}
	switch {
	case cmd.access&ForReading != 0 && !who.Read, cmd.access&ForWriting != 0 && !who.Write:
		return streams.EACCES
	case cmd.access&Privileged != 0 && !who.Privileged:
		return streams.EPERM
	case cmd.forms&form == 0, c.req.Transparent && len(c.req.Data) > 0:
		return streams.EINVAL
	}
	c.size = cmd.pointed()
	if p, ok := c.table.coding.sized(c.req.Command); ok {
		c.size = p.Size
	}
	if !c.req.Transparent {
		c.size = len(c.req.Data)
	}
	switch {
	case c.size < cmd.minSize, c.size > cmd.maxSize:
		return streams.EINVAL
	case c.req.Transparent && c.req.Arg == 0 && c.size > 0:
		return streams.EFAULT
	}
	return 0
}

// argument takes the bytes of the argument, checks them, and goes on with the ranges.
func (c *Call) argument(b []byte) Next {
	if n := c.cmd.full(); len(b) > n && c.cmd.inSize > 0 && !c.cmd.byValue {
		if !allZero(b[n:]) {
			return c.nak(streams.E2BIG)
		}
	}
	arg := b
	if len(arg) < c.cmd.inSize { // of an older caller, or none
		arg = make([]byte, c.cmd.inSize)
		copy(arg, b)
	}
	todo, err := c.cmd.prepare(arg)
	if err != nil {
		return c.nak(streams.ErrnoOf(err))
	}
	c.todo = todo
	total := uint64(len(b) + min(c.size, c.cmd.outSize))
	for i, s := range c.cmd.ranges {
		addr, size, ok := s.locate(arg)
		total += uint64(size)
		if limit := c.table.limits.Total; !ok || limit >= 0 && total > uint64(limit) {
			return c.nak(streams.EMSGSIZE)
		}
		if addr == 0 && size > 0 {
			return c.nak(streams.EFAULT)
		}
		c.job.ranges[i] = transfer{name: s.Addr, dir: s.Dir, addr: addr, size: size}
	}
	return c.copyIn()
}

// locate reads from the argument where the range is. It is not ok if the range is
// larger than it may be.
func (s *span) locate(arg []byte) (addr uint64, size int, ok bool) {
	var b [8]byte
	copy(b[:], arg[s.len:s.len+s.lenSize])
	n := binary.LittleEndian.Uint64(b[:])
	if n > uint64(s.Max/s.Elem) {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint64(arg[s.addr:]), int(n) * s.Elem, true
}

// copyIn asks for the next range that goes in, and for the function after the last.
func (c *Call) copyIn() Next {
	for ; c.at < len(c.job.ranges); c.at++ {
		if r := &c.job.ranges[c.at]; r.dir == In && r.size > 0 {
			return c.needIn(rangeIn, r.addr, r.size)
		}
	}
	c.state = working
	return Next{Kind: Work}
}

// Work runs the command's function, after Step has asked for it with Work; otherwise it
// does nothing. It blocks as long as the function does, and may be called in a goroutine
// of its own, as long as nobody steps the call meanwhile. Whoever gives the call up ends
// ctx, waits for Work, and steps with Abandoned instead of Worked.
//
// A context that has ended already refuses the command with ETIME or EINTR, and the
// function does not run.
func (c *Call) Work(ctx context.Context) {
	if c.state != working {
		return
	}
	c.state = worked
	if c.err = ctx.Err(); c.err == nil {
		c.out, c.err = c.do(ctx)
	}
}

// answer hands over what the function returned.
func (c *Call) answer() Next {
	if c.err != nil {
		return c.nak(streams.ErrnoOf(c.err))
	}
	c.out = c.out[:min(len(c.out), c.size)]
	c.at = 0
	return c.copyOut()
}

// errPanic is the error of a function that panicked.
var errPanic = fmt.Errorf("panic: %w", streams.EIO)

func (c *Call) do(ctx context.Context) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(v)
			out, err = nil, errPanic
		}
	}()
	return c.todo.run(ctx, &c.job)
}

func (c *Call) panicked(v any) {
	if f := c.table.onPanic; f != nil {
		f(Panic{Command: c.req.Command, Name: c.cmd.name, Value: v, Stack: debug.Stack()})
	}
}

// copyOut hands over the next range that goes out, then the result, then the answer.
func (c *Call) copyOut() Next {
	for ; c.at < len(c.job.ranges); c.at++ {
		if r := &c.job.ranges[c.at]; r.dir == Out && len(r.data) > 0 {
			c.state = rangeOut
			return Next{Kind: NeedOut, Addr: r.addr, Size: len(r.data), Data: r.data}
		}
	}
	switch {
	case !c.req.Transparent:
		return c.ack(c.out)
	case len(c.out) == 0:
		return c.ack(nil)
	}
	c.state = resultOut
	return Next{Kind: NeedOut, Addr: c.req.Arg, Size: len(c.out), Data: c.out}
}

func (c *Call) needIn(s state, addr uint64, size int) Next {
	c.state, c.want = s, size
	return Next{Kind: NeedIn, Addr: addr, Size: size}
}

func (c *Call) ack(data []byte) Next {
	rval := c.job.rval
	c.end(true)
	return Next{Kind: Ack, Rval: rval, Data: data}
}

func (c *Call) nak(e streams.Errno) Next {
	c.end(false)
	return Next{Kind: Nak, Errno: e}
}

// end is the end of the call: what the function left to be done is done once.
func (c *Call) end(delivered bool) {
	c.state = ended
	for i := len(c.job.atEnd) - 1; i >= 0; i-- {
		c.atEnd(c.job.atEnd[i], delivered)
	}
	c.job.atEnd = nil
}

func (c *Call) atEnd(f func(bool), delivered bool) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(v)
		}
	}()
	f(delivered)
}
