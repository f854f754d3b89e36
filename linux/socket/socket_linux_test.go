// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// bellConfigs runs a session over each kind of bell.
var bellConfigs = map[string]*DialConfig{
	"eventfd":    nil,
	"socketpair": {bells: 1 << BellSocketPair},
}

func TestSessionFromDialToClose(t *testing.T) {
	for name, cfg := range bellConfigs {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			p := newFake()
			path, _ := serve(t, p, nil)
			c := connect(t, path, cfg)
			s := within(t, p.made)
			if got := c.Peer(); got.PID != os.Getpid() || got.UID != os.Getuid() || got.Program == "" {
				t.Errorf("the driver is %+v", got)
			}
			if s.peer != c.Peer() {
				t.Errorf("the client is %+v, want %+v", s.peer, c.Peer())
			}
			out, err := c.Port(userclient.PortOutput)
			if err != nil {
				t.Fatal(err)
			}
			open := &userclient.Args{Selector: userclient.SelOpen, In: []uint64{uint64(userclient.OpenExclusive)}}
			if err := c.Call(t.Context(), open); err != nil {
				t.Fatal(err)
			}
			ring := &userclient.Args{Selector: selRing, In: []uint64{uint64(userclient.PortOutput)}}
			if err := errors.Join(c.Call(t.Context(), ring), out.Wait(t.Context())); err != nil {
				t.Fatal(err)
			}
			in, err := c.Bell(userclient.PortInput)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(in.Ring(), s.r.Doorbell().Wait(t.Context())); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if err := within(t, p.closed); err != nil {
				t.Errorf("Closed(%v) after an orderly end, want nil", err)
			}
			for what, err := range map[string]error{
				"Err": c.Err(), "Call": c.Call(t.Context(), open), "Wait": out.Wait(t.Context()), "Ring": in.Ring(),
			} {
				if !errors.Is(err, ioreturn.ErrClosed) {
					t.Errorf("%s after Close: %v", what, err)
				}
			}
		})
	}
}

func TestCallCarriesArguments(t *testing.T) {
	leak.Check(t)
	c, _ := both(t, nil)
	for _, size := range []int{0, 1, 4096, userclient.MaxInline, userclient.MaxInline + 1, 1 << 20, MaxBulk} {
		a := &userclient.Args{
			Selector: selEcho, In: []uint64{1, ^uint64(0), 3}, Out: make([]uint64, userclient.MaxScalars),
			InBytes: bytes.Repeat([]byte("payload"), size/7+1)[:size], OutBytes: make([]byte, size),
		}
		if err := c.Call(t.Context(), a); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if a.NOut != 3 || !slices.Equal(a.Out[:3], a.In) || a.NOutBytes != size || !bytes.Equal(a.OutBytes, a.InBytes) {
			t.Errorf("%d bytes: %d scalars %v and %d bytes came back", size, a.NOut, a.Out[:3], a.NOutBytes)
		}
	}
}

func TestCallOutsideTheLimits(t *testing.T) {
	leak.Check(t)
	c, _ := both(t, nil)
	for name, a := range map[string]*userclient.Args{
		"scalars in":  {Selector: selEcho, In: make([]uint64, userclient.MaxScalars+1)},
		"scalars out": {Selector: selEcho, Out: make([]uint64, userclient.MaxScalars+1)},
		"bytes in":    {Selector: selEcho, InBytes: make([]byte, MaxBulk+1)},
	} {
		if err := c.Call(t.Context(), a); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	if err := c.Call(t.Context(), &userclient.Args{Selector: selEcho, OutBytes: make([]byte, MaxBulk+1)}); err != nil {
		t.Errorf("room for more than can come: %v", err)
	}
}

func TestErrorsOfTheDriver(t *testing.T) {
	leak.Check(t)
	c, _ := both(t, nil)
	err := c.Call(t.Context(), &userclient.Args{Selector: selFail})
	var status *ioreturn.StatusError
	if !errors.As(err, &status) || status.Code != ioreturn.Busy || status.Detail != "the camera is in use" {
		t.Errorf("a status with a detail came as %v", err)
	}
	if err := c.Call(t.Context(), &userclient.Args{Selector: 0x1ff}); !reflect.DeepEqual(err, ioreturn.Unsupported) {
		t.Errorf("a bare code came as %#v", err)
	}
	err = c.Call(t.Context(), &userclient.Args{Selector: selBad})
	if !errors.Is(err, ioreturn.ErrIO) {
		t.Errorf("an answer larger than the room: %v", err)
	}
}

func TestC8CallGivenUp(t *testing.T) {
	leak.Check(t)
	c, s := both(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	a := &userclient.Args{Selector: selBlock, Out: make([]uint64, 1)}
	go func() {
		s.awaitRunning(1)
		cancel(why)
	}()
	err := c.Call(ctx, a)
	if !errors.Is(err, why) || !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
		t.Errorf("a call given up: %v", err)
	}
	// The driver's handler ends soon, and the session goes on.
	deadline := time.Now().Add(5 * time.Second)
	for {
		s.mu.Lock()
		n := s.cancelled
		s.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the driver was not told of the cancel")
		}
		if err := c.Call(t.Context(), &userclient.Args{Selector: selEcho}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Call(ctx, a); !errors.Is(err, why) || errors.Is(err, ioreturn.ErrOutcomeUnknown) {
		t.Errorf("a call with an ended context was not sent and says %v", err)
	}
}

func TestC37MemoryIsSharedOncePerArena(t *testing.T) {
	leak.Check(t)
	c, s := both(t, nil)
	whole, err := c.Map(t.Context(), userclient.MemDriverArena)
	if err != nil {
		t.Fatal(err)
	}
	half, err := c.Map(t.Context(), userclient.MemBufferData)
	if err != nil {
		t.Fatal(err)
	}
	if !whole.ReadOnly || len(whole.Bytes) != arenaSize || half.Offset != arenaSize/2 || len(half.Bytes) != arenaSize/2 {
		t.Errorf("whole %d bytes (read-only %t), half %d bytes at %d", len(whole.Bytes), whole.ReadOnly, len(half.Bytes), half.Offset)
	}
	if whole.FD != half.FD || &whole.Bytes[arenaSize/2] != &half.Bytes[0] {
		t.Error("one arena came as two")
	}
	s.memory(0).Bytes[arenaSize/2] = 42
	if half.Bytes[0] != 42 {
		t.Error("what the driver writes is not what the client sees")
	}
	var mine, theirs unix.Stat_t
	if err := errors.Join(unix.Fstat(whole.FD, &mine), unix.Fstat(s.memory(0).FD, &theirs)); err != nil || mine.Ino != theirs.Ino {
		t.Errorf("inode %d here, %d there: %v", mine.Ino, theirs.Ino, err)
	}
	if err := errors.Join(whole.Unmap(), half.Unmap()); err != nil {
		t.Error(err)
	}
	if err := half.Unmap(); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("second Unmap: %v", err)
	}
	again, err := c.Map(t.Context(), userclient.MemBufferData)
	if err != nil {
		t.Fatalf("map after the arena was given back: %v", err)
	}
	if again.Bytes[0] != 42 {
		t.Error("the arena came back with other contents")
	}
	if err := again.Unmap(); err != nil {
		t.Error(err)
	}
}

func TestC2ClientCannotWriteOrPunchTheDriversMemory(t *testing.T) {
	leak.Check(t)
	c, _ := both(t, nil)
	m, err := c.Map(t.Context(), userclient.MemDriverArena)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Unmap()
	if err := unix.Mprotect(m.Bytes[:4096], unix.PROT_READ|unix.PROT_WRITE); err == nil {
		t.Error("the client could make the mapping writable")
	}
	if _, err := unix.Mmap(m.FD, 0, 4096, unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("the client could make a writable mapping")
	}
	if err := unix.Fallocate(m.FD, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096); err == nil {
		t.Error("the client could punch a hole")
	}
	if err := unix.Ftruncate(m.FD, 0); err == nil {
		t.Error("the client could truncate the memory")
	}
	w, err := c.Map(t.Context(), userclient.MemClientArena)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Unmap()
	w.Bytes[0] = 1
	if w.ReadOnly || unix.Ftruncate(w.FD, 0) == nil {
		t.Error("the client's memory is read-only or can be truncated")
	}
}

func TestC5MappingOutlivesTheSession(t *testing.T) {
	leak.Check(t)
	c, s := both(t, nil)
	m, err := c.Map(t.Context(), userclient.MemDriverArena)
	if err != nil {
		t.Fatal(err)
	}
	s.memory(0).Bytes[7] = 7
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	within(t, s.p.closed)
	if m.Bytes[7] != 7 {
		t.Error("the memory of a lease is gone")
	}
	if err := m.Unmap(); err != nil {
		t.Error(err)
	}
}

func TestObserverOnlyLooks(t *testing.T) {
	leak.Check(t)
	c, s := both(t, &DialConfig{Observe: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.r.Doorbell().Wait(ctx); !s.peer.Observe || !errors.Is(err, context.Canceled) || s.r.Doorbell().FD() != -1 {
		t.Errorf("the driver sees %+v, its doorbell says %v", s.peer, err)
	}
	if _, err := c.Map(t.Context(), userclient.MemDriverArena); !errors.Is(err, ioreturn.ErrPermission) {
		t.Errorf("map: %v", err)
	}
	if _, err := c.Bell(userclient.PortInput); !errors.Is(err, ioreturn.ErrPermission) {
		t.Errorf("bell: %v", err)
	}
	if _, err := c.Port(userclient.PortOutput); !errors.Is(err, ioreturn.ErrPermission) {
		t.Errorf("output port: %v", err)
	}
	p, err := c.Port(userclient.PortEvents)
	if err != nil {
		t.Fatal(err)
	}
	ring := &userclient.Args{Selector: selRing, In: []uint64{uint64(userclient.PortEvents)}}
	if err := errors.Join(c.Call(t.Context(), ring), p.Wait(t.Context())); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := s.r.Doorbell().Wait(t.Context()); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("the doorbell after the end: %v", err)
	}
}

func TestPortsComeBeforeOpen(t *testing.T) {
	leak.Check(t)
	c, _ := both(t, nil)
	p, err := c.Port(userclient.PortOutput)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), &userclient.Args{Selector: userclient.SelOpen}); err != nil {
		t.Fatal(err)
	}
	if q, err := c.Port(userclient.PortOutput); err != nil || q != p {
		t.Errorf("the same port again: %v, %v", q, err)
	}
	if _, err := c.Port(userclient.PortEvents); !errors.Is(err, ioreturn.ErrState) {
		t.Errorf("a port after open: %v", err)
	}
	if _, err := c.Port(7); !errors.Is(err, ioreturn.ErrInvalid) {
		t.Errorf("no such port: %v", err)
	}
	if _, err := c.Bell(userclient.PortOutput); !errors.Is(err, ioreturn.ErrInvalid) {
		t.Errorf("no such bell: %v", err)
	}
}

// C25: Close has returned, so the driver is done with the session.
func TestC25CloseAndOpenAtOnce(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, p, nil)
	for i := range 500 {
		c, err := Dial(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Call(t.Context(), &userclient.Args{Selector: userclient.SelOpen}); err != nil {
			t.Fatalf("open %d: %v", i, err)
		}
		if i%2 == 0 { // the orderly end must do even without a Close call
			c.mayBeOpen.Store(false)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDialErrors(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	stale := dir + "/stale"
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: stale}), unix.Close(fd)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		path string
		want error
	}{
		"no socket":     {dir + "/none", fs.ErrNotExist},
		"dead driver":   {stale, ioreturn.ErrGone},
		"empty path":    {"", ioreturn.ErrInvalid},
		"zero byte":     {"a\x00b", ioreturn.ErrInvalid},
		"C41 long path": {dir + "/" + strings.Repeat("x", 108), ioreturn.ErrInvalid},
	} {
		if _, err := Dial(t.Context(), tc.path, nil); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if _, err := Listen(dir+"/"+strings.Repeat("x", 108), nil); !errors.Is(err, ioreturn.ErrInvalid) || !strings.Contains(err.Error(), "107") {
		t.Errorf("C41: a path that is too long: %v", err)
	}
	if _, err := Listen(stale, nil); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a path in use: %v", err)
	}
}
