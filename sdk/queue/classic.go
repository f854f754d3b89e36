// SPDX-License-Identifier: Apache-2.0

package queue

import "github.com/iostreamkit/iostreamkit/sdk/ioreturn"

// putClassic is Put in the classic layout. es is not empty.
func (p *Producer) putClassic(es []Entry) (Wake, error) {
	s := p.classic
	r, err := s.role()
	if err != nil {
		return WakeNone, err
	}
	if r == RoleUnknown {
		return WakeNone, ioreturn.Op("put", p.name, &ioreturn.StatusError{
			Code:   ioreturn.NotReady,
			Detail: "it is not known yet which index the driver moves; wait for the first entry of the output queue",
		})
	}
	used, err := s.observe(r)
	if err != nil {
		return WakeNone, err
	}
	n := uint32(len(es))
	if n > s.count-1-used {
		return WakeNone, p.full(n, used, s.count-1)
	}
	old := s.at.Load()
	p.store(old, es)
	s.advance(r, n)
	// C19: a reader that had taken everything before this batch may be asleep, or
	// about to be. One that has taken a part of it will look again. What else may
	// stand there is judged by the next call.
	_, other := s.words(r)
	if p.always || other.Load() == old {
		return WakeBell, nil
	}
	return WakeNone, nil
}

func (p *Producer) queuedClassic() (int, error) {
	r, err := p.classic.role()
	if err != nil || r == RoleUnknown {
		return 0, err
	}
	n, err := p.classic.observe(r)
	return int(n), err
}

// getClassic is Get in the classic layout. The index is published each time: it
// is what the other side's decision to ring hangs on (C19).
func (c *Consumer) getClassic(dst []Entry) (int, error) {
	r, err := c.classic.role()
	if err != nil || r == RoleUnknown {
		return 0, err
	}
	unread, err := c.classic.observe(r)
	if err != nil {
		return 0, err
	}
	n := min(unread, uint32(min(len(dst), MaxCount)))
	if n == 0 {
		return 0, nil
	}
	c.load(c.classic.at.Load(), dst[:n])
	c.next += n
	c.classic.advance(r, n)
	return int(n), nil
}

func (c *Consumer) lenClassic() (int, error) {
	r, err := c.classic.role()
	if err != nil || r == RoleUnknown {
		return 0, err
	}
	n, err := c.classic.observe(r)
	return int(n), err
}
