// SPDX-License-Identifier: Apache-2.0

package socket_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// A driver offers a stream at a path, and a client, usually another process, opens
// it. Programs that look for streams by name use the root package instead.
func Example() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// acme/probe0/data, from-device
	// one frame
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "data")

	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "acme/probe0/data", Buffers: 2, DataSize: 4096}, nil)
	if err != nil {
		return err
	}
	defer d.Close()
	l, err := socket.Listen(path, nil)
	if err != nil {
		return err
	}
	defer l.Close()
	go l.Serve(ctx, d)
	go func() {
		if b, err := d.Take(ctx); err == nil {
			d.Post(b, copy(b.Data(), "one frame"))
		}
	}()

	conn, err := socket.Dial(ctx, path, nil)
	if err != nil {
		return err
	}
	s, err := iostream.Open(ctx, conn, nil)
	if err != nil {
		conn.Close()
		return err
	}
	defer s.Close()
	desc := s.Description()
	fmt.Printf("%s, %s\n", desc.Name, desc.Mode)
	if err := s.Start(ctx); err != nil {
		return err
	}
	for f, err := range s.Frames(ctx) {
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", f.Data())
		break
	}
	return nil
}
