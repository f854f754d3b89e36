// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"reflect"
	"sync/atomic"
	"time"
)

// Stream is a driver with a stack of modules on it and a head on top. Messages go down
// from the head to the driver and up from the driver to the head.
//
// Its methods are safe for concurrent use. Everything in a stream happens one at a time
// (see the package comment), in the goroutine of whoever finds the stream quiet; so Put
// may run procedures of the stream's modules, and service procedures of other streams
// that got messages from them. A procedure that panics takes its stream with it: it stays
// busy for ever.
type Stream struct {
	perim    perimeter
	domain   *Domain
	number   uint64
	sink     Queue         // where messages go that nothing comes behind
	plumbing chan struct{} // holds a token while the stack is being changed
	peer     *Stream       // the other end of a pipe
	names    atomic.Pointer[[]string]
	ended    atomic.Bool
	below    atomic.Pointer[Link] // the link that has this stream below a multiplexer

	// Changed inside the stream and with the plumbing held; read with either.
	head   *pair
	top    *pair // the head, or the lower side of a multiplexer
	driver *pair
	pushed int
	links  map[*Link]struct{} // the links made through this stream that end with it
}

// Open opens a stream: driver, and above it head, whose read side gets what comes up and
// whose write queue is where [Stream.Put] sends from. First the driver's and then the
// head's Open procedure are called.
//
// It returns EINVAL for a module that is not valid and for a credential that can't be
// compared, or the error of an Open procedure.
func (d *Domain) Open(driver, head *Module, info OpenInfo) (*Stream, error) {
	return d.open(driver, head, info, nil)
}

// open is Open, with something to do before the first Open procedure.
func (d *Domain) open(driver, head *Module, info OpenInfo, prepare func(*Stream)) (*Stream, error) {
	if driver.Validate() != nil || head.Validate() != nil {
		return nil, EINVAL
	}
	if c := info.Credential; c != nil && !reflect.ValueOf(c).Comparable() {
		return nil, EINVAL
	}
	s := &Stream{domain: d, number: d.streams.Add(1), plumbing: make(chan struct{}, 1)}
	s.perim.init(d)
	s.sink.put = func(_ *Queue, m *Block) { m.Free() }
	s.driver = newPair(s, driver, &driver.Read, &driver.Write)
	s.driver.read.flags |= QIsDrv
	s.driver.write.flags |= QIsDrv
	s.head = newPair(s, head, &head.Read, &head.Write)
	s.top = s.head
	s.driver.read.lead(&s.head.read)
	s.head.write.lead(&s.driver.write)
	if prepare != nil {
		prepare(s)
	}
	info.Push = false
	var err error
	s.do(func() {
		if err = s.driver.open(info); err == nil {
			if err = s.head.open(info); err != nil {
				s.driver.close()
			}
		}
		if err != nil {
			s.end()
		}
		s.rename()
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (p *pair) open(info OpenInfo) error {
	if p.module.Open == nil {
		return nil
	}
	return p.module.Open(&p.read, info)
}

func (p *pair) close() {
	if p.module.Close != nil {
		p.module.Close(&p.read)
	}
}

// end takes driver and head apart, and frees what was left for them. The caller is inside.
func (s *Stream) end() {
	s.ended.Store(true)
	s.driver.shut()
	s.head.shut()
	p := &s.perim
	for p.refill(); p.pending != nil; p.refill() {
		p.deliver()
	}
}

// Put sends the message down from the head. It doesn't block. In a quiet stream the put
// procedures have run when it returns. It is for callers outside of procedures: a module of
// another stream sends through a [Port], so that the two don't run inside one another.
//
// The error is ENXIO after Close, EINVAL while the stream is below a multiplexer, and
// ErrMessage if the message is nil, freed, in a queue, or not of the domain's arena. The
// message stays the caller's then. Put does not look at flow control; see
// [Stream.CanPut].
func (s *Stream) Put(m *Block) error {
	switch {
	case !s.domain.owns(m):
		return ErrMessage
	case s.ended.Load():
		return ENXIO
	case s.below.Load() != nil:
		return EINVAL
	}
	s.perim.put(&s.head.write, m)
	return nil
}

// owns reports whether m is a message that may enter a stream.
func (d *Domain) owns(m *Block) bool {
	return m != nil && m.arena == d.arena && m.queue == nil && m.data != &m.arena.dead
}

// CanPut reports whether a message of the band may be sent down. If it says no, the
// service procedure of the head's write queue runs when that has changed. It waits while
// the stream is busy in another goroutine, and so must not be called from a procedure;
// there, see [Queue.CanPutNext].
func (s *Stream) CanPut(band uint8) bool {
	if s.perim.tryEnter() {
		ok := s.head.write.CanPutNext(band)
		s.perim.leave()
		return ok
	}
	return s.canPutLater(band)
}

func (s *Stream) canPutLater(band uint8) (ok bool) {
	s.do(func() { ok = s.head.write.CanPutNext(band) })
	return ok
}

// PacketSizes returns the smallest and the largest packet that the topmost module, or else
// the driver, likes on its write side; largest is Unlimited for any. Like CanPut it waits
// while the stream is busy in another goroutine. A stream that has ended takes nothing.
func (s *Stream) PacketSizes() (smallest, largest int) {
	if s.perim.tryEnter() {
		smallest, largest = s.packetSizes()
		s.perim.leave()
		return smallest, largest
	}
	return s.packetSizesLater()
}

func (s *Stream) packetSizes() (smallest, largest int) {
	if q := s.head.write.next; q != nil {
		return q.minPacket, q.maxPacket
	}
	return 0, 0
}

func (s *Stream) packetSizesLater() (smallest, largest int) {
	s.do(func() { smallest, largest = s.packetSizes() })
	return smallest, largest
}

// Do calls fn inside the stream, with the head's read queue, as if it were a procedure of
// the head. It waits while the stream is busy in another goroutine, and so must not be
// called from a procedure of any stream. It allocates only if it has to wait. It returns
// ENXIO, without calling fn, after Close.
func (s *Stream) Do(fn func(head *Queue)) error {
	if s.perim.tryEnter() {
		ended := s.ended.Load()
		if !ended {
			fn(&s.head.read)
		}
		s.perim.leave()
		if ended {
			return ENXIO
		}
		return nil
	}
	return s.doLater(fn)
}

func (s *Stream) doLater(fn func(head *Queue)) error {
	var err error
	s.do(func() {
		if s.ended.Load() {
			err = ENXIO
			return
		}
		fn(&s.head.read)
	})
	return err
}

// do runs fn inside the stream, whatever else waits.
func (s *Stream) do(fn func()) {
	p := &s.perim
	if p.tryEnter() {
		fn()
		p.leave()
		return
	}
	done := make(chan struct{})
	e := newEvent(func() { fn(); close(done) })
	push(&p.calls, &e.item)
	p.visit()
	<-done
}

// Names returns the names of the modules, from the top, and last the driver's. It doesn't
// block.
func (s *Stream) Names() []string { return append([]string(nil), *s.names.Load()...) }

// Find reports whether a module or the driver has the name. It doesn't block.
func (s *Stream) Find(name string) bool {
	for _, n := range *s.names.Load() {
		if n == name {
			return true
		}
	}
	return false
}

// rename publishes the names. The caller is inside.
func (s *Stream) rename() {
	names := make([]string, 0, s.pushed+1)
	if !s.ended.Load() {
		for q := s.top.write.next; q != nil; q = q.next {
			names = append(names, q.pair.module.Name)
		}
	}
	s.names.Store(&names)
}

// Arena returns the arena of the stream's domain.
func (s *Stream) Arena() *Arena { return s.domain.arena }

// Number returns the stream's number, which no other stream of the domain has or had.
func (s *Stream) Number() uint64 { return s.number }

// Domain returns the domain of the stream.
func (s *Stream) Domain() *Domain { return s.domain }

// Peer returns the other end of a pipe, nil for other streams.
func (s *Stream) Peer() *Stream { return s.peer }

// Close ends the stream: it unlinks what was linked below it, except persistent links,
// closes the modules from the top, then driver and head, and frees what is in their
// queues. Before each module and the driver it waits up to drain for the write queue to
// become empty; drain 0 does not wait, and the end of ctx ends all waits.
//
// Close waits for those who change the stack, until ctx ends, and while the stream is
// busy. It returns ctx's cause, and EBUSY while the stream is below a multiplexer; nothing
// is closed then. Closing twice is harmless. It must not be called from a procedure.
func (s *Stream) Close(ctx context.Context, drain time.Duration) error {
	p, err := s.Plumb(ctx)
	switch {
	case err == ENXIO: //nolint:errorlint // Plumb returns it as it is
		return nil
	case err != nil:
		return err
	}
	defer p.Release()
	if s.below.Load() != nil {
		return EBUSY
	}
	for l := range s.links {
		p.Unlink(l) //nolint:errcheck // it is a link of this stream
	}
	for s.pushed > 0 {
		s.drain(ctx, drain)
		p.Pop() //nolint:errcheck // there is a module, and the stream is open
	}
	s.drain(ctx, drain)
	s.do(func() {
		s.driver.close()
		s.head.close()
		s.end()
		s.rename()
	})
	return nil
}

// drain waits until the topmost write queue below the head is empty.
func (s *Stream) drain(ctx context.Context, limit time.Duration) {
	if limit <= 0 {
		return
	}
	var empty chan struct{}
	s.do(func() {
		if q := s.top.write.next; q.first != nil {
			empty = make(chan struct{})
			q.pair.onEmpty = empty
		}
	})
	if empty == nil {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Linked reports whether the stream is below a multiplexer, where its head has nothing to
// say. It doesn't block.
func (s *Stream) Linked() bool { return s.below.Load() != nil }
