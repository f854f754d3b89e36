// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// A client and a driver in one process. The driver's loop knows nothing of clients: it
// waits until one has started the stream.
func Example() {
	ctx := context.Background()
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "acme/cam0/video", DataSize: 1 << 16}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	go func() {
		for i := range 3 {
			b, err := d.Take(ctx) // a buffer that the client has given back
			if err != nil {
				return
			}
			n := copy(b.Data(), fmt.Sprintf("frame %d", i))
			if err := d.Post(b, n); err != nil {
				return
			}
		}
		d.Halt(nil) // the end of the stream
	}()

	conn, err := inproc.Connect(ctx, d, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := iostream.Open(ctx, conn, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	for f, err := range s.Frames(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d: %s\n", f.Seq(), f.Data()) // f goes back to the driver at the end of the body
	}
	// Output:
	// 0: frame 0
	// 1: frame 1
	// 2: frame 2
}

// A stream to the device: frames come empty, and the client sends them filled. Sync
// waits until the driver has consumed what was sent.
func Example_toDevice() {
	ctx := context.Background()
	d, err := iostream.NewDriver(iostream.DriverConfig{
		Name: "acme/dac0/tx", DataSize: 1 << 12, Direction: iostream.ToDevice,
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	go func() {
		for {
			b, err := d.Take(ctx) // a buffer that the client has filled
			if err != nil {
				return
			}
			fmt.Printf("the device got %q\n", b.Data())
			if err := d.Post(b, 0); err != nil { // back to the client, empty
				return
			}
		}
	}()

	conn, err := inproc.Connect(ctx, d, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := iostream.Open(ctx, conn, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{"one", "two"} {
		f, err := s.Next(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := f.Send(copy(f.Data(), text)); err != nil {
			fmt.Println(err)
			return
		}
	}
	w := s.Writer(ctx) // the same for bytes without frames
	if _, err := io.Copy(w, strings.NewReader("many bytes")); err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Sync(ctx, 0); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("consumed")
	// Output:
	// the device got "one"
	// the device got "two"
	// the device got "many bytes"
	// consumed
}

// lamp is a driver in handler mode: it is told of the turns of the stream's life, and
// of what the client sends, instead of running a loop of its own.
type lamp struct {
	d *iostream.Driver
}

func (*lamp) Start(context.Context) error   { fmt.Println("on"); return nil }
func (*lamp) Stop(context.Context) error    { fmt.Println("off"); return nil }
func (*lamp) Suspend(context.Context) error { return ioreturn.Unsupported }

// Input takes all that is there and returns.
func (l *lamp) Input(uint32) {
	for {
		b, err := l.d.TryTake()
		if err != nil {
			return
		}
		fmt.Printf("color %s\n", b.Data())
		if err := l.d.Post(b, 0); err != nil {
			return
		}
	}
}

// InputSync is the client waiting for it.
func (l *lamp) InputSync(_ context.Context, token uint32) error {
	l.Input(token)
	return nil
}

func ExampleHandler() {
	ctx := context.Background()
	h := new(lamp)
	d, err := iostream.NewDriver(iostream.DriverConfig{
		Name: "acme/lamp0/color", DataSize: 64, Direction: iostream.ToDevice,
	}, h)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	h.d = d

	conn, err := inproc.Connect(ctx, d, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := iostream.Open(ctx, conn, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	f, err := s.Next(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := f.Send(copy(f.Data(), "red")); err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Sync(ctx, 0); err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Suspend(ctx); errors.Is(err, ioreturn.ErrUnsupported) {
		fmt.Println("it can't be suspended")
	}
	if err := s.Stop(ctx); err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// on
	// color red
	// it can't be suspended
	// off
}

// An observer looks without opening: it keeps nobody out.
func ExampleObserver() {
	ctx := context.Background()
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "acme/cam0/video", DataSize: 64}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	conn, err := inproc.Connect(ctx, d, &inproc.Config{Observe: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := iostream.NewObserver(ctx, conn)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer o.Close()

	desc, err := o.Describe(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	ob, err := o.Observe(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(desc.Name, "is", ob.State)

	d.Emit(iostream.Event{Kind: userclient.EventSignalLost})
	events, _, err := o.NextEvents(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(events[0].Kind)
	// Output:
	// acme/cam0/video is closed
	// signal-lost
}

// Several frames and buffers at once: one publication, one time stamp, one
// notification at most.
func ExampleDriver_PostBatch() {
	ctx := context.Background()
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "acme/adc0/samples", DataSize: 64}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	conn, err := inproc.Connect(ctx, d, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := iostream.Open(ctx, conn, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}

	buffers, postings := make([]*iostream.Buffer, 4), make([]iostream.Posting, 4)
	n, err := d.TakeBatch(ctx, buffers)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, b := range buffers[:n] {
		postings[i].Length = copy(b.Data(), fmt.Sprint("sample ", i))
	}
	if err := d.PostBatch(buffers[:n], postings[:n]); err != nil {
		fmt.Println(err)
		return
	}

	frames := make([]iostream.Frame, 4)
	n, err = s.NextBatch(ctx, frames, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range frames[:n] {
		fmt.Printf("%s\n", frames[i].Data())
	}
	if err := s.ReleaseBatch(frames[:n]); err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// sample 0
	// sample 1
	// sample 2
	// sample 3
}
