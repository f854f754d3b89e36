// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestAddAndRemoveBuffers(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{Buffers: 2, DataSize: 100}, nil)
	generation := d.Describe().Generation
	id, err := d.AddBuffer(iostream.BufferShape{DataSize: 200, ControlSize: 20})
	if err != nil || id != 2 {
		t.Fatal(id, err)
	}
	ids, err := d.AddBuffers(iostream.BufferShape{DataSize: 300}, iostream.BufferShape{DataSize: 400})
	if err != nil || !slices.Equal(ids, []int{3, 4}) {
		t.Fatal(ids, err)
	}
	if d.Describe().Generation == generation {
		t.Error("the generation has not grown")
	}
	s := connect(t, d, nil)
	start(t, s)
	wantIs(t, d.RemoveBuffer(0), ioreturn.ErrBusy)
	wantIs(t, d.RemoveAllBuffers(), ioreturn.ErrBusy)
	if id, err := d.AddBuffer(iostream.BufferShape{DataSize: 500}); err != nil || id != 5 { // at the end it is allowed
		t.Fatal(id, err)
	}
	if s.BufferCount() != 5 || d.BufferCount() != 6 {
		t.Errorf("%d buffers here, %d at the driver: an open session keeps those it has", s.BufferCount(), d.BufferCount())
	}
	out := make([]uint64, 1)
	if err := s.Call(t.Context(), &iostream.Args{Selector: userclient.SelGetBufferCount, Out: out}); err != nil || out[0] != 5 {
		t.Errorf("the session says %d, %v", out[0], err)
	}
	s.Close()
	wantIs(t, d.RemoveBuffer(6), ioreturn.ErrNotFound)
	wantIs(t, d.RemoveBuffer(-1), ioreturn.ErrNotFound)
	if err := d.RemoveBuffer(1); err != nil {
		t.Fatal(err)
	}
	want := []iostream.BufferShape{{DataSize: 100}, {DataSize: 200, ControlSize: 20}, {DataSize: 300}, {DataSize: 400}, {DataSize: 500}}
	if got := d.BufferShapes(); !slices.Equal(got, want) {
		t.Errorf("the buffers are %+v", got)
	}
	if shape, ok := d.BufferShape(1); !ok || shape != want[1] {
		t.Errorf("buffer 1 is %+v, %v", shape, ok)
	}
	if _, ok := d.BufferShape(5); ok {
		t.Error("buffer 5 of 5 exists")
	}
	if err := d.RemoveAllBuffers(); err != nil || d.BufferCount() != 0 {
		t.Fatal(err, d.BufferCount())
	}
	_, err = iostream.Open(t.Context(), dial(t, d), nil)
	wantIs(t, err, ioreturn.ErrState)
}

func TestAddBuffersIsAllOrNone(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{Buffers: 1}, nil)
	for _, bad := range []iostream.BufferShape{{}, {DataSize: -1}, {DataSize: 1, ControlSize: -1}, {DataSize: 1<<31 - 1, ControlSize: -1 << 31}} {
		_, err := d.AddBuffers(iostream.BufferShape{DataSize: 1}, bad)
		wantIs(t, err, ioreturn.ErrInvalid)
	}
	_, err := d.AddBuffers(make([]iostream.BufferShape, userclient.MaxBuffers)...)
	wantIs(t, err, ioreturn.ErrNoMemory)
	var changing []iostream.BufferShape // more changes of size than a memory map has rows for
	for i := range userclient.MaxRegions {
		changing = append(changing, iostream.BufferShape{DataSize: 1 + i%2})
	}
	_, err = d.AddBuffers(changing...)
	wantIs(t, err, ioreturn.ErrNoMemory)
	if d.BufferCount() != 1 {
		t.Errorf("%d buffers", d.BufferCount())
	}
}

// TestBuffersOfDifferentSizes writes each buffer to its last byte, so that regions
// which overlap would show.
func TestBuffersOfDifferentSizes(t *testing.T) {
	for _, direction := range []iostream.Direction{iostream.FromDevice, iostream.ToDevice} {
		layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
			cfg.Buffers, cfg.DataSize, cfg.Alignment, cfg.Direction = 1, 1, 64, direction
			d := newDriver(t, cfg, nil)
			sizes := []iostream.BufferShape{{DataSize: 1}}
			for i := range 40 {
				shape := iostream.BufferShape{DataSize: 1 + i*i, ControlSize: i % 3 * 50}
				if _, err := d.AddBuffer(shape); err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, shape)
			}
			s := connect(t, d, ccfg)
			start(t, s)
			fill := func(b []byte, id uint32) {
				for i := range b {
					b[i] = byte(id) + byte(i)
				}
			}
			check := func(b []byte, id uint32, size int) {
				t.Helper()
				if len(b) != size {
					t.Fatalf("buffer %d has %d bytes, want %d", id, len(b), size)
				}
				for i := range b {
					if b[i] != byte(id)+byte(i) {
						t.Fatalf("buffer %d was changed at %d", id, i)
					}
				}
			}
			var bs []*iostream.Buffer
			var frames []iostream.Frame
			for id := range sizes {
				shape, ok := s.BufferShape(id)
				if !ok || shape != sizes[id] {
					t.Fatalf("buffer %d is %+v, %v", id, shape, ok)
				}
				if direction == iostream.ToDevice {
					frames = append(frames, next(t, s))
					f := &frames[id]
					fill(f.Region(), f.BufferID())
					fill(f.Control(), f.BufferID()+1)
				} else {
					bs = append(bs, take(t, d))
					fill(bs[id].Region(), bs[id].ID())
					fill(bs[id].Control(), bs[id].ID()+1)
				}
			}
			for i := range sizes {
				if direction == iostream.ToDevice {
					f := &frames[i]
					p := iostream.Posting{Length: len(f.Region()), ControlLength: len(f.Control())}
					if err := f.SendEntry(p); err != nil {
						t.Fatal(err)
					}
					b := take(t, d)
					check(b.Data(), b.ID(), sizes[b.ID()].DataSize)
					check(b.FilledControl(), b.ID()+1, sizes[b.ID()].ControlSize)
					continue
				}
				b := bs[i]
				if off := b.Memory().Offset; off%64 != 0 { // of an arena that begins with a page
					t.Fatalf("buffer %d begins at %d", b.ID(), off)
				}
				if err := d.PostEntry(b, iostream.Posting{Length: len(b.Region()), ControlLength: len(b.Control())}); err != nil {
					t.Fatal(err)
				}
				f := next(t, s)
				check(f.Data(), f.BufferID(), sizes[f.BufferID()].DataSize)
				check(f.Control(), f.BufferID()+1, sizes[f.BufferID()].ControlSize)
			}
			if _, ok := s.BufferShape(len(sizes)); ok {
				t.Error("there is one buffer too many")
			}
		})
	}
}

func TestOneBufferAndAThousand(t *testing.T) {
	for _, n := range []int{1, 1000} {
		for _, direction := range []iostream.Direction{iostream.FromDevice, iostream.ToDevice, iostream.BothWays} {
			t.Run(fmt.Sprint(n, " buffers, ", direction), func(t *testing.T) {
				layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
					cfg.Buffers, cfg.DataSize, cfg.Alignment, cfg.Direction = n, 64, 64, direction
					d, s := running(t, cfg, nil, ccfg)
					ctx, cancel := context.WithCancel(bounded(t))
					done := make(chan error, 1)
					go func() { done <- endless(ctx, d, min(n, 3)) }()
					for range 2*n + 10 {
						f := next(t, s)
						if direction == iostream.FromDevice {
							release(t, f)
						} else if err := f.Send(1); err != nil {
							t.Fatal(err)
						}
					}
					cancel()
					wantIs(t, <-done, context.Canceled)
				})
			})
		}
	}
}

func TestSwitchDirection(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		ctx := bounded(t)
		cfg.Buffers = 2
		cfg.Directions = []iostream.Direction{iostream.FromDevice, iostream.ToDevice}
		d, s := running(t, cfg, nil, ccfg)
		post(t, d, "there")
		f := next(t, s)
		wantIs(t, s.SetDirection(ctx, iostream.ToDevice), ioreturn.ErrBusy) // it runs
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		wantIs(t, s.SetDirection(ctx, iostream.ToDevice), ioreturn.ErrBusy) // a buffer is here
		release(t, f)
		if ccfg.Layout == userclient.LayoutNative { // one that the driver has keeps it, too
			start(t, s)
			b := take(t, d)
			if err := s.Stop(ctx); err != nil {
				t.Fatal(err)
			}
			wantIs(t, s.SetDirection(ctx, iostream.ToDevice), ioreturn.ErrBusy)
			if err := d.Return(b); err != nil {
				t.Fatal(err)
			}
		}
		wantIs(t, s.SetDirection(ctx, iostream.BothWays), ioreturn.ErrUnsupported) // not offered
		if err := s.SetDirection(ctx, iostream.ToDevice); err != nil {
			t.Fatal(err)
		}
		if s.Direction() != iostream.ToDevice || d.Describe().Mode != userclient.ModeInput {
			t.Errorf("the direction is %v here, %v at the driver", s.Direction(), d.Describe().Mode)
		}
		if e := watch(t, s)(userclient.EventModeChanged); e.Value != uint64(userclient.ModeInput) {
			t.Errorf("the event is %+v", e)
		}
		start(t, s)
		f = next(t, s)
		if err := f.Send(copy(f.Data(), "back")); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- s.Sync(ctx, 1) }()
		b := take(t, d)
		wantText(t, string(b.Data()), "back")
		if err := d.Post(b, 0); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestDirectionHandlerMayRefuse(t *testing.T) {
	h := &turns{}
	_, s := pair(t, iostream.DriverConfig{Directions: []iostream.Direction{iostream.FromDevice, iostream.BothWays}}, h, nil)
	wantIs(t, s.SetDirection(t.Context(), iostream.BothWays), ioreturn.ErrIO)
	if s.Direction() != iostream.FromDevice {
		t.Errorf("the direction is %v", s.Direction())
	}
	if err := s.SetDirection(t.Context(), iostream.FromDevice); err != nil { // nothing to ask
		t.Error(err)
	}
}

type turns struct{ script }

func (*turns) SetDirection(context.Context, iostream.Direction) error { return ioreturn.DeviceError }

// vendor answers one selector by adding.
type vendor struct{ script }

func (*vendor) Call(_ context.Context, a *iostream.Args) error {
	if a.Selector != userclient.SelVendorBase+1 {
		return ioreturn.Unsupported
	}
	sum := uint64(0)
	for _, v := range a.In {
		sum += v
	}
	a.NOut = copy(a.Out, []uint64{sum})
	a.NOutBytes = copy(a.OutBytes, a.InBytes)
	return nil
}

func TestVendorMethods(t *testing.T) {
	_, s := pair(t, iostream.DriverConfig{}, &vendor{}, nil)
	in, out := []uint64{1, 2, 3}, make([]uint64, 1)
	a := iostream.Args{Selector: userclient.SelVendorBase + 1, In: in, Out: out, InBytes: []byte("echo"), OutBytes: make([]byte, 16)}
	if err := s.Call(t.Context(), &a); err != nil || out[0] != 6 || string(a.OutBytes[:a.NOutBytes]) != "echo" {
		t.Errorf("%v, %v, %q", err, out, a.OutBytes[:a.NOutBytes])
	}
	done := s.CallAsync(t.Context(), a)
	in[0] = 100 // the call has its own copy
	if c := <-done; c.Err != nil || len(c.Out) != 1 || c.Out[0] != 6 || string(c.Buf) != "echo" {
		t.Errorf("asynchronously %+v", c)
	}
	wantIs(t, s.Call(t.Context(), &iostream.Args{Selector: userclient.SelVendorBase}), ioreturn.ErrUnsupported)
	s.Close()
	wantIs(t, (<-s.CallAsync(t.Context(), a)).Err, ioreturn.ErrClosed)
	_, s = pair(t, iostream.DriverConfig{}, nil, nil)
	wantIs(t, s.Call(t.Context(), &a), ioreturn.ErrUnsupported)
}

func TestDriverConfigIsChecked(t *testing.T) {
	good := iostream.DriverConfig{Name: "a/b/c", DataSize: 1}
	if _, err := iostream.NewDriver(good, nil); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(c *iostream.DriverConfig){
		"no name":     func(c *iostream.DriverConfig) { c.Name = "" },
		"bad name":    func(c *iostream.DriverConfig) { c.Name = "a/b" },
		"no size":     func(c *iostream.DriverConfig) { c.DataSize = 0 },
		"buffers":     func(c *iostream.DriverConfig) { c.Buffers = userclient.MaxBuffers + 1 },
		"negative":    func(c *iostream.DriverConfig) { c.Buffers = -1 },
		"control":     func(c *iostream.DriverConfig) { c.ControlSize = -1 },
		"alignment":   func(c *iostream.DriverConfig) { c.Alignment = 96 },
		"small":       func(c *iostream.DriverConfig) { c.Alignment = 32 },
		"large":       func(c *iostream.DriverConfig) { c.Alignment = 2 * os.Getpagesize() },
		"backlog":     func(c *iostream.DriverConfig) { c.Backlog = -1 },
		"policy":      func(c *iostream.DriverConfig) { c.Policy = userclient.PolicyDriver },
		"direction":   func(c *iostream.DriverConfig) { c.Direction = 3 },
		"directions":  func(c *iostream.DriverConfig) { c.Directions = []iostream.Direction{iostream.ToDevice} },
		"directions2": func(c *iostream.DriverConfig) { c.Directions = []iostream.Direction{iostream.FromDevice, 9} },
		"wait":        func(c *iostream.DriverConfig) { c.Wait = iostream.WaitSpin + 1 },
		"index":       func(c *iostream.DriverConfig) { c.Index = -1 },
		"property":    func(c *iostream.DriverConfig) { c.Properties = map[string]string{"k": string(make([]byte, 300))} },
		"extra":       func(c *iostream.DriverConfig) { c.Format.Extra = make([]byte, 5000) },
		"driver":      func(c *iostream.DriverConfig) { c.Driver = "new\nline" },
	} {
		c := good
		spoil(&c)
		if _, err := iostream.NewDriver(c, nil); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			wantIs(t, err, ioreturn.ErrInvalid)
		}
	}
	d := newDriver(t, good, nil)
	_, err := iostream.Open(t.Context(), dial(t, d), &iostream.Config{Wait: 9})
	wantIs(t, err, ioreturn.ErrInvalid)
	_, err = iostream.Open(t.Context(), dial(t, d), &iostream.Config{Layout: 9})
	wantIs(t, err, ioreturn.ErrUnsupported)
}
