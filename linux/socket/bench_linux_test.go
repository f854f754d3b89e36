// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/control/plane"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// The benchmarks have their other side in a process of its own.

// echoRole is a driver that echoes.
func echoRole(path string) error { return driverRole(path) }

// bareEchoRole echoes messages with what package net has, and nothing else: what a request
// and its answer over this kind of socket cost at least where both sides wait as a Conn does.
func bareEchoRole(path string) error {
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		return err
	}
	fmt.Println("serving")
	conn, err := l.AcceptUnix()
	if err != nil {
		return err
	}
	buf := make([]byte, MaxFrame)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return err
		}
		if _, err := conn.Write(buf[:n]); err != nil {
			return err
		}
	}
}

// bellRole is a driver that answers each ring of the doorbell with one of the output port.
func bellRole(path string) error {
	p := newFake()
	l, err := Listen(path, nil)
	if err != nil {
		return err
	}
	fmt.Println("serving")
	go l.Serve(context.Background(), p)
	for s := range p.made {
		for s.r.Doorbell().Wait(context.Background()) == nil {
			s.mu.Lock()
			b := s.bells[userclient.PortOutput]
			s.mu.Unlock()
			if b.Ring() != nil {
				break
			}
		}
	}
	return nil
}

// controlRole is a driver whose control plane acknowledges every command with its data.
func controlRole(path string) error {
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "bench/control/stream", DataSize: 4096, Control: &remote.Plane{
		Driver: &streams.Module{Name: "echo", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
			if m.Type() != streams.MIoctl || q.ReplyAck(m, m.Next().Size(), 1) != nil {
				q.PassOn(m)
			}
		}}},
	}}, nil)
	if err != nil {
		return err
	}
	l, err := Listen(path, nil)
	if err != nil {
		return err
	}
	fmt.Println("serving")
	return l.Serve(context.Background(), d)
}

// settingsRole is a driver with one named control.
func settingsRole(path string) error {
	var table control.Table
	err := table.Add(control.Info{
		Name: "gain", Access: control.CanGet | control.CanSet,
		Shape: control.Shape{Type: control.TypeInt, Max: control.Int(60), Default: control.Int(20)},
	}, control.Handler{})
	driver, err2 := plane.Module("settings", &table, nil)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	d, err := iostream.NewDriver(iostream.DriverConfig{
		Name: "bench/settings/stream", DataSize: 4096, Control: &remote.Plane{Driver: driver},
	}, nil)
	if err != nil {
		return err
	}
	l, err := Listen(path, nil)
	if err != nil {
		return err
	}
	fmt.Println("serving")
	return l.Serve(context.Background(), d)
}

// far starts the other side of a benchmark.
func far(b *testing.B, role string) (path string) {
	path = filepath.Join(b.TempDir(), "s")
	spawn(b, role, path, "").line(b)
	return path
}

func BenchmarkCall(b *testing.B) {
	for _, size := range []int{0, 4096, userclient.MaxInline, 1 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			c := connect(b, far(b, "echo"), nil)
			a := &userclient.Args{
				Selector: selEcho, In: []uint64{1}, Out: make([]uint64, 1), InBytes: make([]byte, size), OutBytes: make([]byte, size),
			}
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Call(ctx, a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStr is an I_STR of the control plane, there and back. Compare it with
// BenchmarkBareRoundTrip.
func BenchmarkStr(b *testing.B) {
	for _, size := range []int{0, 4096} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			s, err := remote.Open(connect(b, far(b, "control"), nil), nil)
			if err != nil {
				b.Fatal(err)
			}
			ctx := context.Background()
			defer s.Close(ctx)
			str := head.Str{Command: 0x6101, Data: make([]byte, size)}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Str(ctx, &str); err != nil || str.Len != size {
					b.Fatal(str.Len, err)
				}
			}
		})
	}
}

// BenchmarkSetting gets and sets a named control, which copies its request and its reply.
func BenchmarkSetting(b *testing.B) {
	s, err := remote.Open(connect(b, far(b, "settings"), nil), nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	defer s.Close(ctx)
	c := plane.Client(s)
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Get(ctx, "gain"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("set", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Set(ctx, "gain", control.Int(1)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkBareRoundTrip is a request and its answer over a socket of package net.
func BenchmarkBareRoundTrip(b *testing.B) {
	for _, size := range []int{40, 4096 + 40, userclient.MaxInline + 40} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: far(b, "bare echo"), Net: "unixpacket"})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			out, in := make([]byte, size), make([]byte, size)
			for b.Loop() {
				if _, err := c.Write(out); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Read(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBellPingPong(b *testing.B) {
	for name, cfg := range bellConfigs {
		b.Run(name, func(b *testing.B) {
			c := connect(b, far(b, "bell"), cfg)
			port, err := c.Port(userclient.PortOutput)
			if err != nil {
				b.Fatal(err)
			}
			bell, err := c.Bell(userclient.PortInput)
			if err != nil {
				b.Fatal(err)
			}
			// The answer to a call comes after the driver has the port.
			if err := c.Call(context.Background(), &userclient.Args{Selector: selEcho}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := errors.Join(bell.Ring(), port.Wait(context.Background())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDialAndClose(b *testing.B) {
	path := far(b, "echo")
	for b.Loop() {
		c, err := Dial(context.Background(), path, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
