// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

// incoming is a frame that was received, with the descriptor that came with it.
type incoming struct {
	header
	bytes []byte // the whole frame; valid until the next receive
	fd    int    // -1: none, or taken
}

// take hands the descriptor over to the caller.
func (in *incoming) take() int {
	fd := in.fd
	in.fd = -1
	return fd
}

// discard closes the descriptor, unless it was taken.
func (in *incoming) discard() {
	if in.fd >= 0 {
		unix.Close(in.take())
	}
}

// frames receives whole frames from a socket.
type frames struct {
	sock *seqpacket.Conn
	buf  []byte
	in   incoming
}

func newFrames(sock *seqpacket.Conn) *frames {
	return &frames{sock: sock, buf: make([]byte, MaxFrame), in: incoming{fd: -1}}
}

// next waits for the next frame. What it returns is valid until the next call,
// which also closes a descriptor that nobody has taken.
func (f *frames) next() (*incoming, error) {
	f.in.discard()
	n, fd, err := f.sock.Recv(f.buf)
	return f.received(n, fd, err)
}

// now is next that does not wait and heeds no deadline. If there is no frame, the
// error matches os.ErrDeadlineExceeded.
func (f *frames) now() (*incoming, error) {
	f.in.discard()
	n, fd, err := f.sock.RecvNow(f.buf)
	return f.received(n, fd, err)
}

func (f *frames) received(n, fd int, err error) (*incoming, error) {
	if err != nil {
		return nil, err
	}
	f.in = incoming{bytes: f.buf[:n], fd: fd}
	f.in.header, err = parseHeader(f.in.bytes)
	if err == nil && f.in.hasFD != (fd >= 0) {
		err = ioreturn.Broken(ioreturn.RuleFrameFDs, "%s should carry a descriptor: %t, carries one: %t",
			frameName(f.in.typ), f.in.hasFD, fd >= 0)
	}
	if err != nil {
		f.in.discard()
		return nil, err
	}
	return &f.in, nil
}
