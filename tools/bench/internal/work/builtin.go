// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// The peers that are written here: plain Go, with the standard library.
const (
	Unix = "unix"
	Pipe = "pipe"
)

func builtin() []Transport {
	return []Transport{
		{Unix, nearEnd(socketPair, connOf), farEnd(connOf, firstFile)},
		{Pipe, nearEnd(twoPipes, pipesOf), farEnd(pipesOf, firstFile, firstFile+1)},
	}
}

// ends makes both ends of a connection: the files of the near side and of the far one.
type ends func() (near, far []*os.File, err error)

// opener makes the files of one end what a program of its own would use.
type opener func(files []*os.File) (io.ReadWriteCloser, error)

func socketPair() (near, far []*os.File, err error) { return pairOf(unix.SOCK_STREAM) }
func packetPair() (near, far []*os.File, err error) { return pairOf(unix.SOCK_SEQPACKET) }

// pairOf makes a pair of sockets of a type.
func pairOf(typ int) (near, far []*os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return []*os.File{os.NewFile(uintptr(fds[0]), "near")}, []*os.File{os.NewFile(uintptr(fds[1]), "far")}, nil
}

func connOf(files []*os.File) (io.ReadWriteCloser, error) {
	defer func() { _ = closeAll(files) }() // the connection has its own descriptor
	return net.FileConn(files[0])
}

// pipes are the one that is read and the one that is written.
type pipes struct{ in, out *os.File }

func twoPipes() (near, far []*os.File, err error) {
	messages, toNear, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	answers, toFar, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, closeAll([]*os.File{messages, toNear}))
	}
	return []*os.File{messages, toFar}, []*os.File{answers, toNear}, nil
}

func pipesOf(files []*os.File) (io.ReadWriteCloser, error) { return pipes{files[0], files[1]}, nil }

func (p pipes) Read(b []byte) (int, error)  { return p.in.Read(b) }
func (p pipes) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p pipes) Close() error                { return closeAll([]*os.File{p.in, p.out}) }

func closeAll(files []*os.File) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// nearEnd returns a Transport.Near.
func nearEnd(pair ends, open opener) func(context.Context, *job.Task, func(...*os.File) error) (Receiver, error) {
	return func(_ context.Context, t *job.Task, start func(...*os.File) error) (Receiver, error) {
		near, other, err := pair()
		if err != nil {
			return nil, err
		}
		conn, err := open(near)
		if err != nil {
			return nil, errors.Join(err, closeAll(other))
		}
		// The other process has its files once it is started.
		if err := errors.Join(start(other...), closeAll(other)); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return &carrier{ReadWriteCloser: conn, message: make([]byte, t.Job.Size)}, nil
	}
}

// farEnd returns a Transport.Far whose process was given the descriptors.
func farEnd(open opener, fds ...int) func(context.Context, *job.Task, func() error) (Sender, error) {
	return func(_ context.Context, t *job.Task, ready func() error) (Sender, error) {
		var files []*os.File
		for _, fd := range fds {
			if err := unix.SetNonblock(fd, true); err != nil { // as it was made
				return nil, err
			}
			files = append(files, os.NewFile(uintptr(fd), "far"))
		}
		conn, err := open(files)
		if err != nil {
			return nil, err
		}
		if err := ready(); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return &carrier{ReadWriteCloser: conn, message: make([]byte, t.Job.Size), full: t.Job.Full}, nil
	}
}

// carrier is either end of a connection that carries bytes: one Write and one ReadFull for
// a message.
type carrier struct {
	io.ReadWriteCloser
	message []byte
	full    bool
	answer  [AnswerSize]byte
}

func (s *carrier) Receive() ([]byte, error) {
	_, err := io.ReadFull(s, s.message)
	return s.message, err
}

func (s *carrier) Answer() error {
	_, err := s.Write(s.answer[:])
	return err
}

func (s *carrier) Send(source []byte) error {
	if s.full {
		copy(s.message, source)
	}
	_, err := s.Write(s.message)
	return err
}

func (s *carrier) Hear() error {
	_, err := io.ReadFull(s, s.answer[:])
	return err
}
