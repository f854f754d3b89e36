// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/spf13/cobra"
)

// sendResult is what send --json prints.
type sendResult struct {
	Stream     string  `json:"stream" doc:"the stream's name"`
	Frames     uint64  `json:"frames" doc:"buffers sent"`
	Bytes      uint64  `json:"bytes" doc:"payload in them"`
	Seconds    float64 `json:"seconds" doc:"until the driver had consumed the last one"`
	FramesBack uint64  `json:"frames_back" doc:"both-ways: buffers that came back with payload"`
	BytesBack  uint64  `json:"bytes_back" doc:"both-ways: payload in them"`
}

func (a *app) sendCommand() *cobra.Command {
	var back string
	cmd := &cobra.Command{
		Use:   "send NAME [FILE]",
		Short: "Send a file or standard input to a stream",
		Long: `Open a to-device stream, start it, and send it a file, or standard input if there is
none or it is "-". Each buffer is filled from a file before it is sent; from a pipe
it takes what is there. It ends when the driver has consumed everything.

A both-ways stream gives buffers back. What is in them is written to --output.`,
		Example: fmt.Sprintf("  %[1]s send acme/dac0/wave wave.raw\n  %[1]s send sample/loopback/echo in.bin -o out.bin", a.opts.Name),
		Args:    arguments(1, 2, "the name of a stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := "-"
			if len(args) == 2 {
				file = args[1]
			}
			return a.send(cmd, args[0], file, back)
		},
	}
	cmd.Flags().StringVarP(&back, "output", "o", "", "both-ways: write what comes back to this `file` (default: it is only counted)")
	return cmd
}

func (a *app) send(cmd *cobra.Command, name, path, back string) (err error) {
	ctx := cmd.Context()
	in, total, err := input(cmd, path)
	if err != nil {
		return err
	}
	defer in.Close()
	s, err := a.open(ctx, name, iostream.ToDevice)
	if err != nil {
		return err
	}
	defer closing(&err, s)
	t := transfer{s: s, in: in, back: io.Discard, both: s.Direction() == iostream.BothWays}
	if back != "" {
		if !t.both {
			return usagef("--output is for both-ways streams; %s is %v and gives nothing back", name, s.Direction())
		}
		file, createErr := os.Create(back)
		if createErr != nil {
			return createErr
		}
		defer closing(&err, file)
		t.back = file
	}
	t.sent = make([]bool, s.BufferCount())
	t.bar = startProgress(cmd.ErrOrStderr(), total)
	t.r.Stream = name
	err = t.run(ctx)
	t.r.Seconds = t.bar.finish().Seconds()
	if err != nil {
		return explainEnd(ctx, name, fmt.Errorf("send to %s: %w (%s were sent before)", name, err, size(t.r.Bytes)))
	}
	return a.emit(stdout(cmd), &t.r, "")
}

// feed is what is sent.
type feed struct {
	io.ReadCloser
	whole bool // a file: fill each buffer
}

// input opens what is to be sent. total is its size, 0 if unknown.
func input(cmd *cobra.Command, path string) (in *feed, total uint64, err error) {
	in = &feed{ReadCloser: io.NopCloser(cmd.InOrStdin())}
	file, isFile := cmd.InOrStdin().(*os.File)
	if path != "-" {
		if file, err = os.Open(path); err != nil {
			return nil, 0, err
		}
		in.ReadCloser, isFile = file, true
	}
	if !isFile {
		return in, 0, nil
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, in.Close())
	}
	if info.Mode().IsRegular() {
		in.whole, total = true, uint64(info.Size())
	}
	return in, total, nil
}

// fill reads into a frame. It returns io.EOF with 0 bytes at the end. When ctx ends
// it returns its cause and left: a read that is blocked by then is left behind, and
// releases the frame when it returns.
func (in *feed) fill(ctx context.Context, f iostream.Frame) (n int, left bool, err error) {
	p := f.Region()
	if in.whole {
		n, err := io.ReadFull(in, p)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return n, false, err
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := in.Read(p)
		for n == 0 && err == nil {
			n, err = in.Read(p)
		}
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		if r.n > 0 && errors.Is(r.err, io.EOF) {
			r.err = nil // it comes again
		}
		return r.n, false, r.err
	case <-ctx.Done():
		go func() {
			<-done
			_ = f.Release() // the stream is closed by now, or soon
		}()
		return 0, true, context.Cause(ctx)
	}
}

// transfer moves a feed into a stream.
type transfer struct {
	s    *iostream.Stream
	in   *feed
	back io.Writer // what comes back
	both bool
	bar  *progress
	r    sendResult

	sent []bool           // by buffer: sent and not back yet
	out  int              // how many of them
	held []iostream.Frame // not to be sent any more
}

// run sends everything and waits until the driver has consumed it.
func (t *transfer) run(ctx context.Context) error {
	defer t.release()
	if err := t.s.Start(ctx); err != nil {
		return err
	}
	if err := t.sendAll(ctx); err != nil {
		return err
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	return t.s.Stop(ctx)
}

// sendAll sends until the feed ends. It keeps the last frame.
func (t *transfer) sendAll(ctx context.Context) error {
	for {
		f, err := t.next(ctx)
		if err != nil {
			return err
		}
		n, left, err := t.in.fill(ctx, f)
		if err != nil && !left {
			t.held = append(t.held, f)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.Send(n); err != nil {
			return err
		}
		t.sent[f.BufferID()] = true
		t.out++
		t.r.Frames++
		t.r.Bytes += uint64(n)
		t.bar.add(n)
	}
}

// next returns a frame to be filled, and keeps what the driver put into it.
func (t *transfer) next(ctx context.Context) (iostream.Frame, error) {
	f, err := t.s.Next(ctx)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the driver of %s has ended the stream", t.s.Name())
	}
	if err != nil {
		return f, err
	}
	if id := f.BufferID(); t.sent[id] {
		t.sent[id] = false
		t.out--
	}
	if t.both && len(f.Data()) > 0 {
		t.r.FramesBack++
		t.r.BytesBack += uint64(len(f.Data()))
		if _, err := t.back.Write(f.Data()); err != nil {
			t.held = append(t.held, f)
			return f, err
		}
	}
	return f, nil
}

// settle waits until the driver is done with everything: it says so, or on a both-ways
// stream everything has come back.
func (t *transfer) settle(ctx context.Context) error {
	if !t.both {
		return t.s.Sync(ctx, 0)
	}
	for t.out > 0 {
		f, err := t.next(ctx)
		if err != nil {
			return err
		}
		t.held = append(t.held, f)
	}
	return nil
}

// release ends the loans that are left, after the transfer or a failure.
func (t *transfer) release() {
	for i := range t.held {
		_ = t.held[i].Release() // the stream is closed next
	}
}
