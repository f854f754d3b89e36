// SPDX-License-Identifier: Apache-2.0

package streams

// Addr is an address in user memory: an offset that only the owner of that memory can
// turn into bytes. The SDK never follows it.
type Addr uint64

// Private is state that a module hangs on a copy request and gets back with its answer.
type Private interface {
	// Release is called exactly once if the message that carries the state ends without
	// its owner having taken it back: an answer that says the copy failed is freed, or the
	// request was answered for good. It runs in the goroutine that does that, possibly
	// inside a procedure, and must not use the stream.
	Release()
}

// Ioctl says which ioctl a message belongs to. It doesn't change from the request to the
// last answer, and the head compares it with what it sent.
type Ioctl struct {
	// Cmd is the command.
	Cmd Command
	// ID tells the ioctls of a stream apart.
	ID uint64
	// Credential is who asks. It must be comparable with ==.
	Credential any
	// Transparent means that Arg is the caller's argument word and that no data came with
	// the request. Otherwise the data is attached.
	Transparent bool
	// Arg is the argument word of a transparent request.
	Arg Addr
	// Model says how the caller lays out data, such as its word size.
	Model uint32
}

// Request is the body of an MIoctl message beside its Ioctl.
type Request struct {
	// Count is how many bytes of data are attached.
	Count int
}

// Reply is the body of MIocAck and MIocNak.
type Reply struct {
	Count int   // bytes of data for the caller, attached to MIocAck
	Rval  int   // what the call returns
	Error Errno // why it failed; 0 in MIocNak means EINVAL
}

// CopyRequest is the body of MCopyIn and MCopyOut.
type CopyRequest struct {
	Addr Addr // where in user memory
	Size int  // how many bytes
}

// CopyResponse is the body of MIocData.
type CopyResponse struct {
	Error Errno // 0: the copy was done
}

// ioctl is the body of every message of the family; the type says which part holds.
type ioctl struct {
	Ioctl
	request  Request
	reply    Reply
	copying  CopyRequest
	response CopyResponse
	private  Private
	sender   string // see Block.Sender
}

func (x *ioctl) release() {
	if p := x.private; p != nil {
		x.private = nil
		p.Release()
	}
}

// body returns a body for x.
func (a *Arena) body(x Ioctl, r Request) *ioctl {
	b, _ := a.bodies.Get().(*ioctl)
	if b == nil {
		b = &ioctl{}
	}
	b.Ioctl, b.request = x, r
	return b
}

// discard takes a body back that no data block has any more.
func (a *Arena) discard(b *ioctl) {
	if !a.cfg.NoReuse {
		*b = ioctl{}
		a.bodies.Put(b)
	}
}

func (x *ioctl) clone(a *Arena) *ioctl {
	c := a.body(x.Ioctl, x.request)
	c.reply, c.copying, c.response, c.sender = x.reply, x.copying, x.response, x.sender
	return c
}

// Ioctl returns an MIoctl message with data attached, which becomes part of it; nil for
// none. The count is what is attached. The error is ErrMessage if data is in a queue,
// EINVAL if a transparent request has data, and ENOSR; data stays the caller's then.
func (a *Arena) Ioctl(x Ioctl, data *Block) (*Block, error) {
	switch {
	case data != nil && x.Transparent:
		return nil, EINVAL
	case data != nil && data.queue != nil:
		return nil, ErrMessage
	}
	b, err := a.alloc(MIoctl, 0)
	if err != nil {
		return nil, err
	}
	b.data.body = a.body(x, Request{Count: data.Size()})
	b.cont = data
	return b, nil
}

// Ioctl returns which ioctl the message belongs to; false outside the ioctl family.
func (b *Block) Ioctl() (Ioctl, bool) {
	if b.data.body == nil {
		return Ioctl{}, false
	}
	return b.data.body.Ioctl, true
}

// Request returns the body of an MIoctl message, false if it is none.
func (b *Block) Request() (Request, bool) {
	if b.data.typ != MIoctl || b.data.body == nil {
		return Request{}, false
	}
	return b.data.body.request, true
}

// Reply returns the body of an MIocAck or MIocNak message, false if it is none.
func (b *Block) Reply() (Reply, bool) {
	if t := b.data.typ; t != MIocAck && t != MIocNak || b.data.body == nil {
		return Reply{}, false
	}
	return b.data.body.reply, true
}

// CopyRequest returns the body of an MCopyIn or MCopyOut message, false if it is none.
func (b *Block) CopyRequest() (CopyRequest, bool) {
	if t := b.data.typ; t != MCopyIn && t != MCopyOut || b.data.body == nil {
		return CopyRequest{}, false
	}
	return b.data.body.copying, true
}

// CopyResponse returns the body of an MIocData message, false if it is none.
func (b *Block) CopyResponse() (CopyResponse, bool) {
	if b.data.typ != MIocData || b.data.body == nil {
		return CopyResponse{}, false
	}
	return b.data.body.response, true
}

// Private returns the state that a module hung on the copy request, nil for none. It
// stays the message's. Whose it is follows from its type: a module leaves alone what it
// did not make.
func (b *Block) Private() Private {
	if b.data.body == nil {
		return nil
	}
	return b.data.body.private
}

// TakePrivate is Private, and makes the state the caller's, who then releases it or hangs
// it on the next copy request. Of shared data nothing is taken.
func (b *Block) TakePrivate() Private {
	if b.data.body == nil || b.data.shared() {
		return nil
	}
	p := b.data.body.private
	b.data.body.private = nil
	return p
}

// Sender returns the name of the module or driver that made the message what it is: an answer
// or a copy request. It is for traces, which have to name who is wrong. The name is set where
// the message begins its way up, by [Queue.Reply] and [Queue.PassOn]. It is empty for what was
// sent in another way, for other messages, and after the head has turned the message round.
func (b *Block) Sender() string {
	if b.data.body == nil {
		return ""
	}
	return b.data.body.sender
}

// SetSender sets what Sender returns, for a driver that answers for modules elsewhere. Outside
// of the ioctl family, and where a duplicate exists, it does nothing.
func (b *Block) SetSender(name string) {
	if x, err := b.family(); err == nil {
		x.sender = name
	}
}

// sentBy notes the sender of a message that is on its way up, unless it has one.
func (b *Block) sentBy(q *Queue) {
	if x := b.data.body; x != nil && x.sender == "" && b.data.typ != MIoctl && b.data.typ != MIocData && !b.data.shared() {
		x.sender = q.pair.module.Name
	}
}

// PullupIoctl makes the first size bytes that came with a request contiguous in the block
// behind the header (System V's miocpullup), where they may be read. It is the check that
// a module makes before it looks at them.
//
// The error is EINVAL if the message is no MIoctl or is transparent, or fewer bytes came,
// and ENOMEM. Size 0 is always satisfied by an MIoctl that is not transparent.
func (b *Block) PullupIoctl(size int) error {
	r, ok := b.Request()
	if !ok || b.data.body.Transparent || size < 0 || size > r.Count {
		return EINVAL
	}
	if size == 0 {
		return nil
	}
	if b.cont == nil || b.cont.data.typ != MData {
		return EINVAL
	}
	if n, _ := b.cont.run(); n < size {
		return EINVAL
	}
	if b.cont.Pullup(size) != nil {
		return ENOMEM
	}
	return nil
}
