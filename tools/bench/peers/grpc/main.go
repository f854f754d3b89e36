// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command grpc is the bench's peer of that name: messages as raw bytes in one stream over
// a Unix socket, everything else as gRPC has it by default.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/work"
)

func main() {
	done, err := work.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, work.Transport{Name: "grpc", Near: near, Far: far})
	if err == nil && !done {
		err = errors.New("the bench runs this program, with a task")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "grpc:", err)
		os.Exit(1)
	}
}

// raw is a codec of []byte: no message is described, so that none is taken apart.
type raw struct{}

func (raw) Name() string { return "raw" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is not bytes", v)
	}
	return mem.BufferSlice{mem.Copy(b, mem.DefaultBufferPool())}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.([]byte)
	if !ok || data.Len() != len(b) {
		return fmt.Errorf("a message of %d bytes came for a %T of %d", data.Len(), v, len(b))
	}
	data.CopyTo(b)
	return nil
}

const method = "/bench.Messages/Stream"

// describe returns the service with one stream, both ways.
func describe(handle grpc.StreamHandler) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: "bench.Messages", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "Stream", Handler: handle, ServerStreams: true, ClientStreams: true}},
	}
}

func socket(t *job.Task) string { return filepath.Join(t.Dir, "grpc") }

// receiver is the client.
type receiver struct {
	conn    *grpc.ClientConn
	stream  grpc.ClientStream
	message []byte
}

func near(ctx context.Context, t *job.Task, start func(...*os.File) error) (_ work.Receiver, err error) {
	if err := start(); err != nil {
		return nil, err
	}
	r := &receiver{message: make([]byte, t.Job.Size)}
	r.conn, err = grpc.NewClient("unix://"+socket(t),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{})))
	if err != nil {
		return nil, err
	}
	if r.stream, err = r.conn.NewStream(ctx, &describe(nil).Streams[0], method); err != nil {
		return nil, errors.Join(err, r.conn.Close())
	}
	return r, nil
}

func (r *receiver) Receive() ([]byte, error) { return r.message, r.stream.RecvMsg(r.message) }
func (r *receiver) Answer() error            { return r.stream.SendMsg(make([]byte, work.AnswerSize)) }
func (r *receiver) Close() error             { return r.conn.Close() }

// sender is the server, with the one stream that is opened.
type sender struct {
	grpc.ServerStream
	answer [work.AnswerSize]byte
	close  func()
}

func far(ctx context.Context, t *job.Task, ready func() error) (work.Sender, error) {
	l, err := net.Listen("unix", socket(t))
	if err != nil {
		return nil, err
	}
	opened, over := make(chan grpc.ServerStream), make(chan struct{})
	server := grpc.NewServer(grpc.ForceServerCodecV2(raw{}))
	server.RegisterService(describe(func(_ any, stream grpc.ServerStream) error {
		select {
		case opened <- stream:
			<-over
		case <-over:
		}
		return nil
	}), nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	s := &sender{close: sync.OnceFunc(func() {
		close(over)
		server.Stop()
	})}
	if err := ready(); err != nil {
		s.close()
		return nil, err
	}
	select {
	case s.ServerStream = <-opened:
		return s, nil
	case err = <-served:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.close()
	return nil, err
}

func (s *sender) Send(source []byte) error { return s.SendMsg(source) }
func (s *sender) Hear() error              { return s.RecvMsg(s.answer[:]) }

func (s *sender) Close() error {
	s.close()
	return nil
}
