// SPDX-License-Identifier: Apache-2.0

package head

import (
	"context"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/internal/ids"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// request is an ioctl that goes down the stream.
type request struct {
	cmd         streams.Command
	transparent bool
	arg         streams.Addr // of a transparent one: the argument word
	addr        uint64       // of I_STR: where the data are, and where the answer's go
	size        int          // of I_STR: how many bytes go down, and may come back
	blank       bool         // zeros go down instead of the caller's data
	mem         ioctl.Memory // what the modules may reach; nil: data, at addr
	data        []byte
	wait        time.Duration // for each answer; negative: for ever
	stays       bool          // no error, no signal and no time ends it
	attach      any           // a Go value for the modules, on the first data block
}

// result is what became of an ioctl.
type result struct {
	rval  int
	size  int // bytes that the answer stored
	errno streams.Errno
	bare  bool // the answer was a refusal that does not say why
}

func failed(errno streams.Errno) result { return result{errno: errno} }

// conversation is an ioctl from its first message to its answer. It is used again for
// later ones. No message leads to it, and the ID in it is new each time, so that whatever
// comes late or from elsewhere finds the slot without its call.
type conversation struct {
	h      *Head
	r      request
	x      streams.Ioctl
	own    bytesAt       // what r.mem is where the caller has given none
	copier *ioctl.Copier // nil before the first copy
	copied int           // bytes of the last M_COPYOUT, -1 before the first
	timer  *time.Timer   // nil before the first wait; stopped between two conversations
}

// run sends an ioctl down and does what its answers ask for.
func (h *Head) run(ctx context.Context, r request) result {
	c, _ := h.conversations.Get().(*conversation)
	if c == nil {
		c = &conversation{h: h}
	}
	c.r = r
	res := c.start(ctx)
	if res.errno != 0 {
		what := StepRefused
		if c.x.ID != 0 {
			what = StepFailed
		}
		h.step(Step{What: what, Command: r.cmd, ID: c.x.ID, Errno: res.errno})
	}
	*c = conversation{h: h, timer: c.timer}
	h.conversations.Put(c)
	return res
}

// start checks the request, makes its message and gets the slot.
func (c *conversation) start(ctx context.Context) result {
	h, r := c.h, &c.r
	if r.mem == nil {
		c.own = bytesAt{r.addr, r.data}
		r.mem = &c.own
	}
	if limit := h.tun.DataSize; r.size < 0 || limit > 0 && r.size > limit {
		return failed(streams.EINVAL)
	}
	data, errno := h.gather(r)
	if errno != 0 {
		return failed(errno)
	}
	if data != nil && !r.stays { // copying may have taken its time
		if errno := h.meanwhile(); errno != 0 {
			data.Free()
			return failed(errno)
		}
	}
	if !h.slot.take(r.stays) {
		h.step(Step{What: StepQueued, Command: r.cmd})
		if errno := h.acquire(ctx, r.stays); errno != 0 {
			data.Free()
			return failed(errno)
		}
	}
	c.x = streams.Ioctl{
		Cmd: r.cmd, ID: ids.Next(), Credential: h.cfg.Credential, Transparent: r.transparent, Arg: r.arg,
	}
	h.step(Step{What: StepTaken, Command: r.cmd, ID: c.x.ID})
	m, err := h.stream.Arena().Ioctl(c.x, data)
	if err != nil {
		data.Free()
		h.release()
		return failed(streams.ErrnoOf(err))
	}
	return c.hold(ctx, m)
}

// limits are those of the copies that a module may ask for.
func (h *Head) limits() ioctl.Limits {
	limit := func(n int) int {
		if n == 0 {
			return -1
		}
		return n
	}
	return ioctl.Limits{Size: limit(h.tun.CopySize), Total: limit(h.tun.CopyTotal), Rounds: limit(h.tun.CopyRounds)}
}

// gather copies the data of I_STR into blocks.
func (h *Head) gather(r *request) (*streams.Block, streams.Errno) {
	if r.attach != nil {
		b, err := h.stream.Arena().Alloc(streams.MData, 0)
		if err == nil {
			err = b.SetValue(r.attach)
		}
		return b, streams.ErrnoOf(err)
	}
	if r.transparent || r.size == 0 {
		return nil, 0
	}
	if r.blank {
		return h.chain(r.size, func([]byte, int) error { return nil })
	}
	return h.chain(r.size, func(p []byte, at int) error { return r.mem.ReadAt(p, r.addr+uint64(at)) })
}

// chain returns size bytes as they go down.
func (h *Head) chain(size int, fill func(p []byte, at int) error) (*streams.Block, streams.Errno) {
	b, err := h.stream.Arena().Chain(size, fill)
	return b, streams.ErrnoOf(err)
}

// hold sends m, deals with what comes back, and gives the slot back.
func (c *conversation) hold(ctx context.Context, m *streams.Block) result {
	c.copied = -1
	defer func() {
		if c.timer != nil {
			c.timer.Stop()
		}
	}()
	for {
		if errno := c.send(m); errno != 0 {
			return c.quit(errno)
		}
		reply, errno := c.await(ctx)
		if errno != 0 {
			c.h.step(Step{What: StepGivenUp, Command: c.x.Cmd, ID: c.x.ID, Errno: errno})
			return c.quit(errno)
		}
		if t := reply.Type(); t == streams.MIocAck || t == streams.MIocNak {
			c.end() // before anything is copied: the caller's memory may be slow
			return c.finish(reply)
		}
		errno = c.copy(reply)
		if errno != 0 {
			if err := c.h.stream.Put(reply); err != nil {
				reply.Free()
			}
			return c.quit(errno)
		}
		m = reply
	}
}

// send gives m to the stream.
func (c *conversation) send(m *streams.Block) streams.Errno {
	c.h.slot.expect(c.x)
	if c.h.cfg.Line != nil && !c.r.stays {
		c.h.cfg.Line.Expect(c.x.ID)
	}
	c.h.step(Step{What: StepSent, Command: c.x.Cmd, ID: c.x.ID, Message: m.Type(), Size: m.Next().Size()})
	if err := c.h.stream.Put(m); err != nil {
		m.Free()
		if errno := c.h.meanwhile(); errno != 0 {
			return errno
		}
		return streams.ErrnoOf(err)
	}
	return 0
}

// end gives the slot back.
func (c *conversation) end() {
	c.h.step(Step{What: StepReleased, Command: c.x.Cmd, ID: c.x.ID})
	c.h.release()
}

func (c *conversation) quit(errno streams.Errno) result {
	c.end()
	return failed(errno)
}

// await waits for the next reply, within the call's time. A reply that is there wins over
// whatever else has happened.
func (c *conversation) await(ctx context.Context) (*streams.Block, streams.Errno) {
	s := &c.h.slot
	if m, _ := s.answer(); m != nil { // as a rule in a quiet stream
		return m, 0
	}
	// What has happened before the message was sent has left no token.
	if errno := c.overtaken(); errno != 0 {
		return nil, errno
	}
	if c.h.cfg.Trace != nil {
		defer c.watch()()
	}
	if c.h.cfg.Line != nil && !c.r.stays {
		if m, errno := c.lend(ctx); m != nil || errno != 0 {
			return m, errno
		}
	}
	var expired <-chan time.Time
	if c.r.wait >= 0 && !c.r.stays {
		if c.timer == nil {
			c.timer = time.NewTimer(c.r.wait)
		} else {
			c.timer.Reset(c.r.wait)
		}
		expired = c.timer.C
	}
	done := ctx.Done()
	if c.r.stays {
		done = nil
	}
	for {
		errno := streams.Errno(0)
		select {
		case <-s.wake:
		case <-expired:
			errno = streams.ETIME
		case <-done:
			errno = ended(ctx)
		}
		m, give := s.answer()
		switch {
		case m != nil && errno != 0: // at the same moment: the call has failed all the same
			c.h.dismiss(m, "the call has ended")
			return nil, errno
		case m != nil:
			return m, 0
		case errno != 0:
			return nil, errno
		case give:
			return nil, streams.ETIME
		}
		if errno := c.overtaken(); errno != 0 {
			return nil, errno
		}
	}
}

// overtaken returns the error of the stream that ends the call.
func (c *conversation) overtaken() streams.Errno {
	errno := c.h.meanwhile()
	if c.r.stays && !c.h.isClosed() {
		return 0
	}
	return errno
}

// copy does what an M_COPYIN or M_COPYOUT asks for and makes it the answer to itself.
func (c *conversation) copy(m *streams.Block) streams.Errno {
	q, _ := m.CopyRequest()
	n := ioctl.Next{Kind: ioctl.NeedIn, Addr: uint64(q.Addr), Size: q.Size}
	if m.Type() == streams.MCopyOut {
		n.Kind, n.Data = ioctl.NeedOut, front(m.Next(), q.Size)
		if c.h.cfg.Profile == streams.Solaris {
			n.Size = min(n.Size, len(n.Data)) // what is not there is not copied, and nobody is told
		}
	}
	if c.copier == nil {
		c.copier = ioctl.NewCopier(c.r.mem, c.h.limits())
	}
	e := c.copier.Do(n)
	c.h.step(Step{What: StepCopied, Command: c.x.Cmd, ID: c.x.ID, Message: m.Type(), Addr: q.Addr, Size: n.Size, Errno: e.Errno})
	errno := e.Errno
	var data *streams.Block
	if errno == 0 && len(e.Data) > 0 {
		data, errno = c.h.chain(len(e.Data), func(p []byte, at int) error { copy(p, e.Data[at:]); return nil })
	}
	if errno == 0 && n.Kind == ioctl.NeedOut {
		c.copied = n.Size
	}
	if err := m.CopyDone(errno, data); err != nil { // somebody has kept a duplicate of it
		data.Free()
		return streams.EPROTO
	}
	return errno
}

// finish deals with the answer, which is freed.
func (c *conversation) finish(m *streams.Block) result {
	defer m.Free()
	a, _ := m.Reply()
	switch {
	case m.Type() == streams.MIocNak && a.Error == 0:
		return result{errno: streams.EINVAL, bare: true}
	case a.Error != 0:
		return failed(a.Error)
	case c.r.transparent:
		return result{rval: a.Rval}
	}
	res := result{rval: a.Rval, size: a.Count}
	if errno := c.store(m.Next(), a.Count); errno != 0 {
		return failed(errno)
	}
	if c.copied >= 0 {
		res.size = c.copied
	}
	return res
}

// store copies the data of an answer to the caller's memory.
func (c *conversation) store(data *streams.Block, count int) streams.Errno {
	if count == 0 {
		return 0
	}
	b := front(data, count)
	strict, solaris := c.h.cfg.Profile == streams.Strict, c.h.cfg.Profile == streams.Solaris
	switch {
	case strict && count > c.r.size:
		return streams.EMSGSIZE
	case len(b) == 0 && !solaris:
		return streams.EIO
	case len(b) < count && !solaris:
		return streams.EMSGSIZE
	}
	return streams.ErrnoOf(c.r.mem.WriteAt(b, c.r.addr))
}

// front returns the first bytes of a message, at most most of them: where they are if that
// is in one block, as a rule, and else a copy. Memories don't keep it.
func front(m *streams.Block, most int) []byte {
	if m != nil && (m.Len() >= most || m.Next() == nil) {
		b := m.Bytes()
		return b[:min(len(b), most)]
	}
	return m.Gather(most)
}
