// SPDX-License-Identifier: Apache-2.0

package streams

import "context"

// pipeModule describes the driver at each end of a pipe. Its private value is the port at
// the other end, and a hangup for it.
func pipeModule() *Module {
	return &Module{
		Name:  "pipe",
		Close: closePipe,
		Write: Procedures{Put: putPipe, Service: servePipe},
	}
}

type pipeEnd struct {
	other  *Port
	hangup *Block // allocated at open, so that closing needs no memory
}

// Pipe opens two streams whose drivers are joined: what goes down one comes up the other,
// with flow control. An MFlush message changes sides on its way, as one side's write queue
// leads to the other's read queue. When one end closes, an MHangup comes up the other.
//
// head is the head of both. It returns EINVAL for a head that is not valid, the error of
// the head's Open procedure, and ENOSR.
func (d *Domain) Pipe(head *Module, info OpenInfo) (a, b *Stream, err error) {
	var hangups [2]*Block
	for i := range hangups {
		if hangups[i], err = d.arena.Alloc(MHangup, 0); err != nil {
			hangups[0].Free()
			return nil, nil, err
		}
	}
	if a, err = d.open(d.pipe, head, info, nil); err != nil {
		hangups[0].Free()
		hangups[1].Free()
		return nil, nil, err
	}
	// The first to be opened can send only after the second can receive.
	if b, err = d.open(d.pipe, head, info, func(b *Stream) { join(a, b, hangups) }); err != nil {
		a.Close(context.Background(), 0)
		return nil, nil, err
	}
	return a, b, nil
}

// join gives each end the other one's port.
func join(a, b *Stream, hangups [2]*Block) {
	var toA, toB *Port
	a.do(func() { toA, _ = a.driver.read.Port() })
	b.do(func() {
		toB, _ = b.driver.read.Port()
		b.driver.private = &pipeEnd{toA, hangups[1]}
	})
	a.do(func() { a.driver.private = &pipeEnd{toB, hangups[0]} })
	a.peer, b.peer = b, a
}

func closePipe(q *Queue) {
	end, ok := q.Private().(*pipeEnd)
	if !ok {
		return
	}
	q.SetPrivate(nil)
	if end.other.Put(q, end.hangup) != nil {
		end.hangup.Free()
	}
}

func putPipe(q *Queue, m *Block) {
	end, ok := q.Private().(*pipeEnd)
	switch {
	case !ok:
		m.Free()
	case m.Type() == MFlush:
		if m = m.swapFlush(); m != nil {
			end.send(q, m)
		}
	case m.Type().High(), q.First() == nil && end.other.CanPut(q, m.Band()):
		end.send(q, m)
	default:
		q.Putq(m)
	}
}

func servePipe(q *Queue) {
	end, ok := q.Private().(*pipeEnd)
	if !ok {
		return
	}
	for m := q.Getq(); m != nil; m = q.Getq() {
		if !m.Type().High() && !end.other.CanPut(q, m.Band()) {
			q.Putbq(m)
			return
		}
		end.send(q, m)
	}
}

func (e *pipeEnd) send(q *Queue, m *Block) {
	if e.other.Put(q, m) != nil {
		m.Free()
	}
}
