// SPDX-License-Identifier: Apache-2.0

package streams

import "context"

// Plumbing is the right to change the stack of a stream. One at a time has it; for a pipe
// it is the right to both ends. Its methods are for one goroutine, and none may be called
// from a procedure, because they wait while the stream is busy.
type Plumbing struct {
	stream   *Stream
	released bool
}

// Plumb waits for the right to change the stack. It returns ctx's cause if ctx ends first,
// and ENXIO after Close. The caller releases it.
func (s *Stream) Plumb(ctx context.Context) (*Plumbing, error) {
	first, second := s, s.peer
	if second != nil && second.number < first.number {
		first, second = second, first
	}
	if err := first.lock(ctx); err != nil {
		return nil, err
	}
	if second != nil {
		if err := second.lock(ctx); err != nil {
			first.unlock()
			return nil, err
		}
	}
	p := &Plumbing{stream: s}
	if s.ended.Load() {
		p.Release()
		return nil, ENXIO
	}
	return p, nil
}

func (s *Stream) lock(ctx context.Context) error {
	select {
	case s.plumbing <- struct{}{}:
		return nil
	default:
	}
	select {
	case s.plumbing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Stream) tryLock() bool {
	select {
	case s.plumbing <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *Stream) unlock() { <-s.plumbing }

// Release gives the right back. Doing it twice is harmless; afterwards the other methods
// return EINVAL.
func (p *Plumbing) Release() {
	if p.released {
		return
	}
	p.released = true
	p.stream.unlock()
	if peer := p.stream.peer; peer != nil {
		peer.unlock()
	}
}

// usable returns EINVAL where the stack can't be changed now.
func (p *Plumbing) usable() error {
	if p.released || p.stream.below.Load() != nil {
		return EINVAL
	}
	if p.stream.ended.Load() {
		return ENXIO
	}
	return nil
}

// Push puts a module into the stream just below the head and opens it. Messages on their
// way pass it or don't, as they come.
//
// It returns EINVAL for a module that is not valid, if the limit of modules is reached, or
// if the stream is below a multiplexer, and the error of the Open procedure, after which
// the module is out again.
func (p *Plumbing) Push(m *Module, info OpenInfo) error {
	if err := p.usable(); err != nil {
		return err
	}
	s := p.stream
	if m.Validate() != nil || s.pushed >= s.domain.pushLimit {
		return EINVAL
	}
	info.Push = true
	var err error
	s.do(func() {
		n := newPair(s, m, &m.Read, &m.Write)
		s.insert(n)
		if err = n.open(info); err != nil {
			n.leaveStack()
			return
		}
		s.pushed++
		s.rename()
	})
	return err
}

// Pop closes the topmost module and takes it out. Messages in its queues are freed. It
// returns EINVAL if there is no module, or the stream is below a multiplexer.
func (p *Plumbing) Pop() error {
	if err := p.usable(); err != nil {
		return err
	}
	s := p.stream
	if s.pushed == 0 {
		return EINVAL
	}
	s.do(func() {
		n := s.top.write.next.pair
		n.close()
		n.leaveStack()
		s.pushed--
		s.rename()
	})
	return nil
}

// insert links a pair in below the top. The caller is inside.
func (s *Stream) insert(p *pair) {
	below := s.top.write.next.pair
	p.read.lead(&s.top.read)
	p.write.lead(&below.write)
	below.read.lead(&p.read)
	s.top.write.lead(&p.write)
	p.read.wakeBehind()
	p.write.wakeBehind()
}

// leaveStack takes a pair out that has neighbours on both sides, and ends it. Who waited
// for room in it is enabled as its messages are freed.
func (p *pair) leaveStack() {
	above, below := p.read.next.pair, p.write.next.pair
	above.write.lead(&below.write)
	below.read.lead(&above.read)
	p.shut()
}
