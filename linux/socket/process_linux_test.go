// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// Tests with two processes run this test binary again, as one side of a session.
const (
	envRole  = "IOSK_TEST_ROLE"  // a key of roles
	envPath  = "IOSK_TEST_PATH"  // the socket
	envFault = "IOSK_TEST_FAULT" // "point n": die at the n-th time that this point is passed
)

var roles = map[string]func(path string) error{
	"client":          func(path string) error { return walk(path, dieAt(os.Getenv(envFault))) },
	"driver":          driverRole,
	"forked client":   forkedClientRole,
	"forked driver":   forkedDriverRole,
	"other user":      otherUserRole,
	"other user sets": otherUserSetsRole,
	"echo":            echoRole,
	"bare echo":       bareEchoRole,
	"settings":        settingsRole,
	"bell":            bellRole,
	"control":         controlRole,
}

// role runs this process as one side of a test with two processes; false means that
// it runs the tests.
func role(*testing.M) bool {
	f := roles[os.Getenv(envRole)]
	if f == nil {
		return false
	}
	go func() { // however the tests end, this process does not outlive them
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(1)
	}()
	if err := f(os.Getenv(envPath)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// child is a process in a role.
type child struct {
	*exec.Cmd
	lines *bufio.Scanner // what it prints
	r     *os.File
	once  sync.Once
}

// spawn starts a process in a role. It is killed at the end of the test at the latest.
func spawn(t testing.TB, role, path, fault string, change ...func(*exec.Cmd)) *child {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	// The link and not the name, so that another user can run a binary in our directory.
	c := &child{Cmd: exec.Command("/proc/self/exe"), lines: bufio.NewScanner(r), r: r}
	c.Env = append(os.Environ(), envRole+"="+role, envPath+"="+path, envFault+"="+fault)
	c.Stdout, c.Stderr = w, os.Stderr
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(c.Cmd)
	}
	if err := c.Start(); err != nil {
		r.Close()
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	return c
}

// stop kills the process, if it still runs.
func (c *child) stop() {
	_ = c.Process.Kill() // fails if it has ended
	c.wait()
}

// wait waits for the end of the process and reports whether it was killed.
func (c *child) wait() (killed bool) {
	c.once.Do(func() {
		_ = c.Wait() // the state says more
		c.r.Close()
	})
	ws, ok := c.ProcessState.Sys().(syscall.WaitStatus)
	return ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL
}

// line returns the next line that the process prints.
func (c *child) line(t testing.TB) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the process ended without a line: %v", c.lines.Err())
	}
	return c.lines.Text()
}

// dieAt returns a fault hook that kills this process, "point n": at the n-th time.
// From then on no goroutine passes a point, although the others run until the kill
// has reached them.
func dieAt(fault string) func(string) {
	point, n, _ := strings.Cut(fault, " ")
	left, _ := strconv.Atoi(n)
	var alive sync.Mutex
	return func(at string) {
		alive.Lock()
		defer alive.Unlock()
		if at != point {
			return
		}
		if left--; left == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}

// walk goes once through everything that a client can do, and passes every point of
// the protocol.
func walk(path string, fault func(string)) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var giveUp atomic.Pointer[context.CancelFunc] // at the next call, as soon as it is sent
	c, err := Dial(ctx, path, &DialConfig{fault: func(point string) {
		if fault != nil {
			fault(point)
		}
		if f := giveUp.Load(); f != nil && point == "client.call-sent" {
			(*f)()
		}
	}})
	if err != nil {
		return err
	}
	return errors.Join(walkSession(ctx, c, &giveUp), c.Close())
}

func walkSession(ctx context.Context, c *Conn, giveUp *atomic.Pointer[context.CancelFunc]) error {
	out, err := c.Port(userclient.PortOutput)
	if err != nil {
		return err
	}
	if _, err := c.Port(userclient.PortEvents); err != nil {
		return err
	}
	if err := c.Call(ctx, &userclient.Args{Selector: userclient.SelOpen}); err != nil {
		return err
	}
	for _, typ := range []uint32{userclient.MemDriverArena, userclient.MemClientArena} {
		m, err := c.Map(ctx, typ)
		if err != nil {
			return err
		}
		defer m.Unmap()
	}
	in, err := c.Bell(userclient.PortInput)
	if err != nil {
		return err
	}
	if err := in.Ring(); err != nil {
		return err
	}
	if err := c.Call(ctx, &userclient.Args{Selector: selRing, In: []uint64{0}}); err != nil {
		return err
	}
	if err := out.Wait(ctx); err != nil {
		return err
	}
	big := &userclient.Args{Selector: selEcho, InBytes: make([]byte, 1<<17), OutBytes: make([]byte, 1<<17)}
	if err := c.Call(ctx, big); err != nil {
		return err
	}
	short, cancel := context.WithCancel(ctx)
	defer cancel()
	giveUp.Store(&cancel)
	if err := c.Call(short, &userclient.Args{Selector: selBlock}); !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
		return fmt.Errorf("a call given up: %w", err)
	}
	giveUp.Store(nil)
	return c.Call(ctx, &userclient.Args{Selector: selEcho})
}

// driverRole serves until it is killed.
func driverRole(path string) error {
	l, err := Listen(path, &ListenConfig{fault: dieAt(os.Getenv(envFault))})
	if err != nil {
		return err
	}
	fmt.Println("serving")
	p := newFake()
	go func() {
		for { // nobody looks at them here
			select {
			case <-p.made:
			case <-p.closed:
			}
		}
	}()
	return l.Serve(context.Background(), p)
}

// fork makes a copy of this process that does nothing, as a C library may do under
// us, and returns its number.
//
//go:norace
func fork() (int, error) {
	aMinute := unix.NsecToTimespec(int64(time.Minute)) // should nobody kill it
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	if pid == 0 { // the copy has one thread and no runtime that works
		syscall.RawSyscall6(unix.SYS_PPOLL, 0, 0, uintptr(unsafe.Pointer(&aMinute)), 0, 0, 0)
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	return int(pid), nil
}

// forkedClientRole opens a session, forks, and waits to be killed.
func forkedClientRole(path string) error {
	ctx := context.Background()
	c, err := Dial(ctx, path, nil)
	if err != nil {
		return err
	}
	if _, err := c.Map(ctx, userclient.MemDriverArena); err != nil {
		return err
	}
	if err := c.Call(ctx, &userclient.Args{Selector: userclient.SelOpen}); err != nil {
		return err
	}
	pid, err := fork()
	if err != nil {
		return err
	}
	fmt.Println(pid)
	select {}
}

// forkedDriverRole serves one client, forks, and waits to be killed.
func forkedDriverRole(path string) error {
	p := newFake()
	l, err := Listen(path, nil)
	if err != nil {
		return err
	}
	fmt.Println("serving")
	go l.Serve(context.Background(), p)
	s := <-p.made
	for s.memory(0).Bytes == nil { // until the client has mapped it
		<-time.After(time.Millisecond)
	}
	pid, err := fork()
	if err != nil {
		return err
	}
	fmt.Println(pid)
	select {}
}

// otherUserRole is a client of another user.
func otherUserRole(path string) error {
	c, err := Dial(context.Background(), path, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if got := c.PortKind(); got != userclient.PortSocketPair {
		return fmt.Errorf("bells towards another user are of kind %d", got)
	}
	out, err := c.Port(userclient.PortOutput)
	if err != nil {
		return err
	}
	in, err := c.Bell(userclient.PortInput)
	if err != nil {
		return err
	}
	ctx := context.Background()
	ring := &userclient.Args{Selector: selRing, In: []uint64{0}}
	return errors.Join(in.Ring(), c.Call(ctx, ring), out.Wait(ctx))
}
