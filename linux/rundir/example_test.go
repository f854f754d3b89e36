// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir_test

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
)

func Example() {
	path, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(path)
	dir, err := rundir.At(path) // programs use rundir.Default()
	if err != nil {
		fmt.Println(err)
		return
	}

	// The driver.
	entry, err := dir.Register(rundir.Info{Name: "acme/cam0/video", Properties: map[string]string{"serial": "4711"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer entry.Close()
	socket, err := net.ListenUnix("unixpacket", &net.UnixAddr{Net: "unixpacket", Name: entry.SocketPath()})
	if err != nil {
		fmt.Println(err)
		return
	}
	socket.SetUnlinkOnClose(false) // Close of the entry removes it
	defer socket.Close()
	if err := entry.Publish(); err != nil {
		fmt.Println(err)
		return
	}

	// A client.
	filter, err := rundir.ParseFilter("acme", "serial=47*")
	if err != nil {
		fmt.Println(err)
		return
	}
	streams, err := dir.List(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range filter.Select(streams) {
		fmt.Println(s.Name, s.Live, s.PID == os.Getpid())
	}
	// Output: acme/cam0/video true true
}
