// SPDX-License-Identifier: Apache-2.0

//go:build linux

package seqpacket

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

// The bounds of the queue of messages that the socket did not take, unless Limit
// sets others.
const (
	MaxQueued      = 64
	MaxQueuedBytes = 1 << 20 // of all of them together
)

// sendBuffer is the size asked for the socket's send buffer. A message larger than
// the buffer can't be sent at all.
const sendBuffer = 208 << 10

// Conn is one connected socket. Send may be called concurrently, also while
// another goroutine is in Recv; Recv is called by one goroutine at a time.
type Conn struct {
	file *os.File
	raw  syscall.RawConn
	// OnError is told of an error of a queued message, from another goroutine. Set it
	// before the first Send; it must not block. A peer that has hung up is not told.
	OnError func(error)

	mu       sync.Mutex // guards what follows and keeps the messages in order
	queue    []message
	queued   int // bytes
	maxQueue int // messages
	maxBytes int // their sum
	closed   bool
	current  message // of sendNow
	sendErr  error
	sendNow  func(fd uintptr)
	wg       sync.WaitGroup

	to      []byte // of the Recv under way
	in      inbox
	n, oobn int
	flags   int
	recvErr unix.Errno
	recvNow func(fd uintptr) bool
}

// message is one message with the descriptor that travels with it, or -1.
type message struct {
	bytes []byte
	fd    int
}

// newConn takes over the non-blocking socket num.
func newConn(num int) (*Conn, error) {
	// The kernel cuts the size to what it allows; a message that does not fit is told by Send.
	_ = unix.SetsockoptInt(num, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	c := &Conn{file: os.NewFile(uintptr(num), "socket"), maxQueue: MaxQueued, maxBytes: MaxQueuedBytes}
	c.in.oob = make([]byte, unix.CmsgSpace(4*4))
	raw, err := c.file.SyscallConn()
	if err != nil {
		c.file.Close()
		return nil, fmt.Errorf("use a socket: %w", err)
	}
	c.raw = raw
	c.sendNow = func(fd uintptr) { c.sendErr = send(int(fd), c.current) }
	c.recvNow = func(fd uintptr) bool {
		c.n, c.oobn, c.flags, c.recvErr = c.in.recv(int(fd), c.to)
		return c.recvErr != unix.EAGAIN
	}
	return c, nil
}

// Send sends p, and with it a copy of descriptor fd unless that is -1; p and fd
// stay the caller's. It never blocks. The error is RulePeerStalled if the queue is
// full, and matches EPIPE if the peer has hung up.
func (c *Conn) Send(p []byte, fd int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ioreturn.ErrClosed
	}
	m := message{p, fd}
	if len(c.queue) > 0 {
		return c.enqueue(m)
	}
	c.current = m
	err := c.raw.Control(c.sendNow)
	c.current = message{}
	switch {
	case err != nil:
		return ioreturn.ErrClosed
	case c.sendErr == unix.EAGAIN:
		return c.enqueue(m)
	case c.sendErr != nil:
		return fmt.Errorf("send a message of %d bytes: %w", len(p), c.sendErr)
	}
	return nil
}

// Limit sets the bounds of the queue: to more than a peer that keeps the rules can
// ever leave unread.
func (c *Conn) Limit(messages, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.maxQueue, c.maxBytes = messages, bytes
}

// enqueue keeps a copy of m for the drain goroutine, which runs while the queue
// is not empty.
func (c *Conn) enqueue(m message) error {
	if len(c.queue) >= c.maxQueue || c.queued+len(m.bytes) > c.maxBytes {
		return ioreturn.Broken(ioreturn.RulePeerStalled, "%d messages of together %d bytes wait to be read", len(c.queue), c.queued)
	}
	m.bytes = append([]byte(nil), m.bytes...)
	if m.fd >= 0 {
		fd, err := unix.FcntlInt(uintptr(m.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("keep a descriptor for later: %w", err)
		}
		m.fd = fd
	}
	c.queue = append(c.queue, m)
	c.queued += len(m.bytes)
	if len(c.queue) == 1 {
		c.wg.Go(c.drain)
	}
	return nil
}

// drain sends the queue, waiting for the peer, until it is empty. A message leaves
// the queue after it was sent, so that Send does not overtake it.
func (c *Conn) drain() {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.queue = nil
			c.mu.Unlock()
			return
		}
		m := c.queue[0]
		c.mu.Unlock()

		var sendErr error
		err := c.raw.Write(func(fd uintptr) bool {
			sendErr = send(int(fd), m)
			return sendErr != unix.EAGAIN
		})
		if err != nil { // closed, perhaps after the socket was found full
			c.stop(nil)
			return
		}
		if sendErr != nil {
			c.stop(sendErr)
			return
		}
		c.mu.Lock()
		c.drop()
		c.mu.Unlock()
	}
}

// drop removes the first message of the queue. c.mu is held.
func (c *Conn) drop() {
	m := c.queue[0]
	if m.fd >= 0 {
		unix.Close(m.fd)
	}
	c.queue[0] = message{}
	c.queue = c.queue[1:]
	c.queued -= len(m.bytes)
}

// stop gives up sending after an error, or when the connection was closed.
func (c *Conn) stop(err error) {
	c.mu.Lock()
	c.closed = true
	for len(c.queue) > 0 {
		c.drop()
	}
	c.mu.Unlock()
	if err != nil && !HungUp(err) && c.OnError != nil {
		c.OnError(fmt.Errorf("send a message: %w", err))
	}
}

// Recv waits for the next message and puts it into p. fd is the descriptor that
// came with it, -1 if none did; it is the caller's. A message that is longer than
// p, or came with more than one descriptor, is a broken rule; its descriptors are
// closed. After the peer has hung up the error is io.EOF.
func (c *Conn) Recv(p []byte) (n, fd int, err error) {
	return c.recv(p, true)
}

// RecvNow is Recv that does not wait and heeds no deadline. If there is no message,
// the error matches os.ErrDeadlineExceeded.
func (c *Conn) RecvNow(p []byte) (n, fd int, err error) {
	return c.recv(p, false)
}

// recv receives a message.
func (c *Conn) recv(p []byte, wait bool) (n, fd int, err error) {
	for {
		c.to = p
		var err error
		if wait {
			err = c.raw.Read(c.recvNow)
		} else {
			err = c.raw.Control(func(fd uintptr) { c.recvNow(fd) })
		}
		c.to = nil
		switch {
		case err != nil:
			return 0, -1, err
		case c.recvErr == 0:
			return c.received(p)
		case c.recvErr == unix.EAGAIN: // of RecvNow
			return 0, -1, os.ErrDeadlineExceeded
		case c.recvErr == unix.EINTR:
		case c.recvErr == unix.ECONNRESET:
			// The peer hung up with messages of ours unread. It is told once, and before
			// what the peer sent last.
		default:
			return 0, -1, fmt.Errorf("receive a message: %w", c.recvErr)
		}
	}
}

// received judges what the kernel has put into p and c.in.
func (c *Conn) received(p []byte) (n, fd int, err error) {
	if c.oobn == 0 && c.flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) == 0 && c.n > 0 { // as a rule
		return c.n, -1, nil
	}
	fds, err := descriptors(c.in.oob[:c.oobn])
	switch {
	case err != nil:
	case c.flags&unix.MSG_TRUNC != 0:
		err = ioreturn.Broken(ioreturn.RuleFrameSize, "a message is longer than %d bytes", len(p))
	case c.flags&unix.MSG_CTRUNC != 0:
		err = ioreturn.Broken(ioreturn.RuleFrameFDs, "descriptors of a message were cut off: there were too many, or no number is free here")
	case len(fds) > 1:
		err = ioreturn.Broken(ioreturn.RuleFrameFDs, "a message came with %d descriptors", len(fds))
	case c.n == 0 && len(fds) > 0:
		err = ioreturn.Broken(ioreturn.RuleFrameFDs, "a descriptor came without a message")
	case c.n == 0:
		err = io.EOF
	}
	if err != nil {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return 0, -1, err
	}
	if len(fds) == 1 {
		return c.n, fds[0], nil
	}
	return c.n, -1, nil
}

// descriptors returns the descriptors in a control message; with an error, those
// found so far.
func descriptors(oob []byte) (fds []int, err error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, ioreturn.Broken(ioreturn.RuleFrameFDs, "a control message cannot be decoded: %v", err)
	}
	for _, m := range msgs {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_RIGHTS {
			continue
		}
		some, err := unix.ParseUnixRights(&m)
		if err != nil {
			return fds, ioreturn.Broken(ioreturn.RuleFrameFDs, "a control message cannot be decoded: %v", err)
		}
		fds = append(fds, some...)
	}
	return fds, nil
}

// SetReadDeadline makes a Recv fail with os.ErrDeadlineExceeded after t; the zero
// time means never.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// Interrupt makes the current and every later Recv fail with os.ErrDeadlineExceeded,
// until SetReadDeadline is called.
func (c *Conn) Interrupt() {
	_ = c.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed, which ends Recv too
}

// Control calls f with the socket's number, which is valid until f returns.
func (c *Conn) Control(f func(num int)) error {
	return c.raw.Control(func(fd uintptr) { f(int(fd)) })
}

// Shutdown hangs up in both directions: Recv and the peer's receive end with
// io.EOF after what was sent before.
func (c *Conn) Shutdown() {
	c.raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RDWR) })
}

// Close gives the socket back, drops what is still queued, and ends Recv. Closing
// twice is harmless.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	err := c.file.Close()
	c.wg.Wait()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// HungUp reports whether err, of a Send, says that the peer has hung up.
func HungUp(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.ENOTCONN)
}

func send(num int, m message) error {
	var oob []byte
	if m.fd >= 0 {
		oob = unix.UnixRights(m.fd)
	}
	for {
		var err error
		if oob == nil {
			err = sendBytes(num, m.bytes)
		} else {
			_, err = unix.SendmsgN(num, m.bytes, oob, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		}
		if err != unix.EINTR {
			return err
		}
	}
}
