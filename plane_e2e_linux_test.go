// SPDX-License-Identifier: Apache-2.0

package iostreamkit_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Commands of the driver in the tests of the control plane between processes.
const (
	cmdEcho   streams.Command = 'T'<<8 | iota // gives its data back
	cmdIgnore                                 // is never answered
	cmdFail                                   // is never answered; an M_ERROR follows
	cmdHangUp                                 // is never answered; an M_HANGUP follows
	cmdLater                                  // is answered; an M_ERROR follows at SIGUSR1
)

// planeProcess is a driver with a control plane.
func planeProcess() error {
	var fail failing = make(chan os.Signal, 1)
	signal.Notify(fail, syscall.SIGUSR1)
	d, err := iostream.NewDriver(iostream.DriverConfig{
		Name: streamName, DataSize: bufferSize,
		Control: &remote.Plane{
			Driver:  &streams.Module{Name: "driver", Write: streams.Procedures{Put: fail.put}},
			Modules: func(string, userclient.Peer) *streams.Module { return &streams.Module{Name: "pass"} },
		},
	}, nil)
	if err != nil {
		return err
	}
	return iostreamkit.Serve(untilStdinCloses(), d, func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
}

// failing tells when a driver fails that was told to fail later.
type failing chan os.Signal

func (f failing) put(q *streams.Queue, m *streams.Block) {
	x, ok := m.Ioctl()
	if !ok || m.Type() != streams.MIoctl {
		q.PassOn(m)
		return
	}
	up := func(t streams.Type, bytes ...byte) func() {
		return func() { _ = q.Partner().PutNextCtl(t, bytes...) } // without it the test fails
	}
	switch x.Cmd {
	case cmdFail:
		_, _ = q.Timeout(20*time.Millisecond, up(streams.MError, byte(streams.EIO)))
	case cmdHangUp:
		_, _ = q.Timeout(20*time.Millisecond, up(streams.MHangup))
	case cmdLater:
		go func() {
			<-f
			_ = q.Stream().Do(func(*streams.Queue) { up(streams.MError, byte(streams.EIO))() })
		}()
	}
	if x.Cmd != cmdEcho && x.Cmd != cmdLater {
		m.Free()
		return
	}
	if q.ReplyAck(m, m.Next().Size(), 0) != nil {
		q.PassOn(m)
	}
}

// openPlane connects to the control plane of a new process, and returns where it is told of
// what happens to the stream.
func openPlane(t *testing.T) (c *iostreamkit.Control, told <-chan head.Notice, p *os.Process) {
	t.Helper()
	ctx := setup(t)
	p = startRole(t, "plane").Process
	c, err := iostreamkit.OpenControl(ctx, streamName, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the driver may have been killed
	notices := make(chan head.Notice, 16)
	if err := c.SetSig(streams.EventError|streams.EventHangup, func(n head.Notice) { notices <- n }); err != nil {
		t.Fatal(err)
	}
	return c, notices, p
}

// notice waits for what the stream tells.
func notice(t *testing.T, told <-chan head.Notice, want streams.Events) {
	t.Helper()
	select {
	case n := <-told:
		if n.Events != want {
			t.Errorf("told of %v, want %v", n.Events, want)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("not told of %v", want)
	}
}

// C22: what the driver's stack says by itself ends the client's calls, and is known without
// any.
func TestC22EventsBetweenProcesses(t *testing.T) {
	for name, c := range map[string]struct {
		cmd  streams.Command
		ends bool // the command does
		want streams.Errno
		tell streams.Events
	}{
		"M_ERROR under a command":   {cmdFail, true, streams.EIO, streams.EventError},
		"M_HANGUP under a command":  {cmdHangUp, true, streams.ENXIO, streams.EventHangup},
		"M_ERROR without a command": {cmdLater, false, streams.EIO, streams.EventError},
	} {
		t.Run(name, func(t *testing.T) {
			plane, told, driver := openPlane(t)
			ctx := watched(t)
			s := head.Str{Command: cmdEcho, Data: []byte("there and back"), Wait: head.Forever}
			if _, err := plane.Str(ctx, &s); err != nil || s.Len != len(s.Data) {
				t.Errorf("%d bytes, %v", s.Len, err)
			}
			_, err := plane.Str(ctx, &head.Str{Command: c.cmd, Wait: head.Forever})
			if c.ends && !errors.Is(err, c.want) || !c.ends && err != nil {
				t.Errorf("the command: %v, want %v: %t", err, c.want, c.ends)
			}
			if !c.ends { // it has answered, and fails now
				if err := driver.Signal(syscall.SIGUSR1); err != nil {
					t.Fatal(err)
				}
			}
			notice(t, told, c.tell)
			if _, err := plane.Str(ctx, &s); !errors.Is(err, c.want) {
				t.Errorf("a command of such a stream: %v, want %v", err, c.want)
			}
		})
	}
}

// The end of the driver's process ends a command, and the head knows of it.
func TestC22DeathOfTheDriver(t *testing.T) {
	plane, told, driver := openPlane(t)
	ended := make(chan error, 1)
	go func() {
		_, err := plane.Str(context.Background(), &head.Str{Command: cmdIgnore, Wait: head.Forever})
		ended <- err
	}()
	s := head.Str{Command: cmdEcho}
	ctx, cancel := context.WithTimeout(watched(t), 50*time.Millisecond)
	defer cancel()
	if _, err := plane.Str(ctx, &s); !errors.Is(err, streams.ETIME) && err != nil {
		t.Errorf("a command behind one that is not answered: %v", err)
	}
	if err := driver.Kill(); err != nil {
		t.Fatal(err)
	}
	notice(t, told, streams.EventHangup)
	select {
	case err := <-ended:
		if !errors.Is(err, streams.ENXIO) {
			t.Errorf("the command: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the command did not end")
	}
}

// The modules that a client pushes by number are the driver's (C6).
func TestC6ModulesByNumberBetweenProcesses(t *testing.T) {
	plane, _, _ := openPlane(t)
	ctx := watched(t)
	mem := make([]byte, streams.MaxName+1)
	copy(mem, "pass")
	regions, err := ioctl.NewRegions(ioctl.Region{Addr: 0x1000, Data: mem})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plane.Ioctl(ctx, streams.CmdPush, 0x1000, regions); err != nil {
		t.Fatal(err)
	}
	if names, err := plane.List(ctx); !slices.Equal(names, []string{"pass", "driver"}) || err != nil {
		t.Errorf("%q, %v", names, err)
	}
	s := head.Str{Command: cmdEcho, Data: []byte("through a module")}
	if _, err := plane.Str(ctx, &s); err != nil || s.Len != len(s.Data) {
		t.Errorf("%d bytes, %v", s.Len, err)
	}
	if _, err := plane.Ioctl(ctx, streams.CmdPop, 0, nil); err != nil {
		t.Error(err)
	}
	if _, err := plane.Ioctl(ctx, streams.CmdPop, 0, nil); !errors.Is(err, streams.EINVAL) {
		t.Errorf("a pop of nothing: %v", err)
	}
}

// A driver without a control plane gets a stack on the client's side, if the client has
// modules for it (C6).
func TestC6StackForADriverWithoutOne(t *testing.T) {
	ctx := setup(t)
	startDriver(t)
	if _, err := iostreamkit.OpenControl(ctx, streamName, nil); !errors.Is(err, ioreturn.ErrUnsupported) {
		t.Errorf("without modules: %v", err)
	}
	module := &streams.Module{Name: "adapter", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if x, ok := m.Ioctl(); !ok || x.Cmd != cmdEcho || q.ReplyAck(m, m.Next().Size(), 3) != nil {
			q.PutNext(m)
		}
	}}}
	c, err := iostreamkit.OpenControl(ctx, streamName, &head.Config{
		Modules: func(string) *streams.Module { return module },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Push(ctx, "adapter"); err != nil {
		t.Fatal(err)
	}
	s := head.Str{Command: cmdEcho, Data: []byte("no process but this")}
	if rval, err := c.Str(ctx, &s); err != nil || rval != 3 || s.Len != len(s.Data) {
		t.Errorf("%d, %d bytes, %v", rval, s.Len, err)
	}
	if _, err := c.Str(ctx, &head.Str{Command: cmdLater}); !errors.Is(err, streams.EOPNOTSUPP) {
		t.Errorf("what the module does not know: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
