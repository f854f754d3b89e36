// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// signaller signals one eventfd through an io_uring that has the eventfd registered:
// for each completion the kernel adds one to the counter, by a function that interrupt
// handlers use too. That function leaves a full counter as it is, does not look at
// O_NONBLOCK, and never waits. So, unlike a write, it cannot be blocked by whoever
// shares the eventfd. The io_uring itself is shared with nobody.
//
// What is submitted is a request to do nothing. That is what an entry of zeros says,
// and the list of entries to submit is zeros too, so submitting is to move the tail.
//
// AIO can signal eventfds as well and is allowed in more sandboxes. But when a process
// that has an AIO context dies, the kernel waits for two grace periods of RCU before
// it closes the descriptors, 20 to 100 ms, and its peers must know by then (C28).
type signaller struct {
	num int    // the io_uring
	mem []byte // its two rings
	rings
}

// newSignaller makes a signaller for eventfd num. It fails where the kernel has no
// io_uring, or where a sandbox or the administrator forbids it.
func newSignaller(num int) (_ *signaller, err error) {
	ring, p, errno := uringSetup()
	if errno != 0 {
		return nil, fmt.Errorf("make an io_uring: %w", errno)
	}
	if p.sqEntries == 0 {
		return nil, fmt.Errorf("make an io_uring: success is pretended: %w", unix.ENOSYS)
	}
	s := &signaller{num: ring}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if p.features&needed != needed {
		return nil, fmt.Errorf("use an io_uring: features %#x, needed are %#x: %w", p.features, needed, unix.ENOSYS)
	}
	s.mem, err = unix.Mmap(ring, 0, p.size(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map an io_uring: %w", err)
	}
	_ = unix.Madvise(s.mem, unix.MADV_DONTFORK) // as with all memory that is shared
	s.rings = p.in(s.mem)
	if errno := uringRegister(ring, num); errno != 0 {
		return nil, fmt.Errorf("register an eventfd: %w", errno)
	}
	return s, nil
}

// close gives everything back. Nobody may be in signal.
func (s *signaller) close() {
	if s.mem != nil {
		_ = unix.Munmap(s.mem) // it is ours, whole
	}
	unix.Close(s.num)
}

// signal adds one to the counter of the eventfd and wakes those who wait for it, or
// does so together with another signal that is given at the same time. If it returns
// false, that may have failed. It does not block and may be called concurrently.
func (s *signaller) signal() bool {
	s.sqTail.Add(1) // which of the entries each call submits does not matter: all are the same
	n, errno := uringEnter(s.num, 1, 0)
	s.reap()
	if s.sqFlags.Load()&overflown != 0 {
		// More callers than the ring has room for were interrupted just before they
		// reaped. A completion without room signals nothing.
		_, _ = uringEnter(s.num, 0, flush)
		s.reap()
		return false
	}
	return errno == 0 && n == 1
}

// reap throws away the completions that are there. Others may be at it too and have
// seen more; the head must not go back, or the ring would look fuller than it is.
func (s *signaller) reap() {
	for {
		head, tail := s.cqHead.Load(), s.cqTail.Load()
		if head == tail || s.cqHead.CompareAndSwap(head, tail) {
			return
		}
	}
}
