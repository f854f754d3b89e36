// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// The named points of the protocol at which a side is killed, each with how often
// walk passes it.
var (
	clientPoints = map[string]int{
		"client.connected": 1, "client.hello-sent": 1, "client.welcomed": 1, "client.port-made": 2, "client.port-sent": 2,
		"client.call-sent": 6, "client.call-answered": 5, "client.cancel-sent": 1, "client.map-sent": 2,
		"client.map-answered": 2, "client.mapped": 2, "client.closing": 1, "client.close-answered": 1, "client.bye-sent": 1,
	}
	driverPoints = map[string]int{
		"driver.accepted": 1, "driver.client-known": 1, "driver.hello-read": 1, "driver.session-made": 1, "driver.welcome-sent": 1,
		"driver.port-read": 2, "driver.notified": 2, "driver.call-read": 6, "driver.call-done": 6, "driver.reply-sent": 6,
		"driver.cancel-read": 1, "driver.map-read": 2, "driver.mapped-sent": 2, "driver.bye-read": 1, "driver.closing": 1, "driver.closed": 1,
	}
)

// faults lists every point and time, "client.port-made 2".
func faults(points map[string]int) []string {
	var list []string
	for point, n := range points {
		for i := range n {
			list = append(list, fmt.Sprintf("%s %d", point, i+1))
		}
	}
	slices.Sort(list)
	return list
}

// cycles is how many processes of one side are killed.
func cycles() int {
	if testing.Short() {
		return 60
	}
	return 500
}

// The points in the code are those of the lists: a new one is not forgotten.
func TestFaultPointsAreAllPassed(t *testing.T) {
	leak.Check(t)
	var mu sync.Mutex
	passed := make(map[string]int)
	fault := func(point string) {
		mu.Lock()
		defer mu.Unlock()
		passed[point]++
	}
	p := newFake()
	path, l := serve(t, p, &ListenConfig{fault: fault})
	if err := walk(path, fault); err != nil {
		t.Fatal(err)
	}
	within(t, p.closed)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, points := range []map[string]int{clientPoints, driverPoints} {
		for point, n := range points {
			if passed[point] < n {
				t.Errorf("%s is passed %d times, the list says %d", point, passed[point], n)
			}
			delete(passed, point)
		}
	}
	if len(passed) > 0 {
		t.Errorf("points that are in no list: %v", passed)
	}
}

// C28: a client that is killed at any point of the protocol leaves nothing behind in
// the driver, which serves the next one.
func TestC28ClientKilledAnywhere(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, l := serve(t, p, nil)
	list := faults(clientPoints)
	var slow late
	for i := range cycles() {
		fault := list[i%len(list)]
		c := spawn(t, "client", path, fault)
		if !c.wait() {
			t.Fatalf("the client did not die at %q: %v", fault, c.ProcessState)
		}
		slow.add(emptied(t, l))
		select {
		case <-p.made: // the handshake had come that far
			err := within(t, p.closed)
			if fault != "client.bye-sent 1" && !errors.Is(err, ioreturn.ErrGone) {
				t.Errorf("killed at %q: Closed(%v)", fault, err)
			}
		default:
		}
		if i%25 == 0 {
			usable(t, path)
			emptied(t, l)
			drain(p)
		}
	}
	slow.check(t)
}

// emptied waits until the listener has no session any more, and tells how long that took.
func emptied(t *testing.T, l *Listener) time.Duration {
	t.Helper()
	start := time.Now()
	for time.Since(start) < 5*time.Second {
		l.mu.Lock()
		n := len(l.live)
		l.mu.Unlock()
		if n == 0 {
			return time.Since(start)
		}
		<-time.After(100 * time.Microsecond)
	}
	t.Fatal("a session of a dead client is still there after 5 s")
	return 0
}

func drain(p *fakeProvider) {
	for {
		select {
		case <-p.made:
		case <-p.closed:
		default:
			return
		}
	}
}

// C28: a driver that is killed at any point of the protocol leaves nothing behind in
// the client, which learns of it and can use the next driver.
func TestC28DriverKilledAnywhere(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	list := faults(driverPoints)
	var slow late
	for i := range cycles() {
		fault := list[i%len(list)]
		path := filepath.Join(dir, strconv.Itoa(i))
		c := spawn(t, "driver", path, fault)
		if got := c.line(t); got != "serving" {
			t.Fatalf("the driver says %q", got)
		}
		dead := make(chan time.Time, 1)
		go func() {
			c.wait()
			dead <- time.Now()
		}()
		err := walk(path, nil)
		if d := time.Since(within(t, dead)); d > 0 {
			slow.add(d)
		}
		if !errors.Is(err, ioreturn.ErrGone) && !(err == nil && atTheEnd(fault)) {
			t.Errorf("killed at %q: the client was told %v", fault, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	slow.check(t)
}

// atTheEnd reports whether a driver may pass a point when walk has done everything
// but Close, which does not fail because a driver is gone. The answers to the call
// that was given up and to the next one come in any order, and whoever has sent an
// answer may come to the point behind it at any later time.
func atTheEnd(fault string) bool {
	switch fault {
	case "driver.call-read 6", "driver.call-done 5", "driver.call-done 6",
		"driver.cancel-read 1", "driver.bye-read 1", "driver.closing 1", "driver.closed 1":
		return true
	}
	return strings.HasPrefix(fault, "driver.reply-sent ")
}

// killChild kills a copy that a forked process has left.
func killChild(t *testing.T, line string) (pid int) {
	t.Helper()
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("%q is no process", line)
	}
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	return pid
}

// hasArena reports whether a process has memory of a session mapped.
func hasArena(t *testing.T, pid int) bool {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(maps), "memfd:iosk")
}

func TestC28ForkAfterOpenByTheClient(t *testing.T) {
	leak.Check(t)
	inTime(t, func() time.Duration { return forkedClientDies(t) })
}

// forkedClientDies returns how long after its client's death the driver knew.
func forkedClientDies(t *testing.T) time.Duration {
	p := newFake()
	path, _ := serve(t, p, nil)
	c := spawn(t, "forked client", path, "")
	copied := killChild(t, c.line(t))
	if !hasArena(t, c.Process.Pid) || hasArena(t, copied) {
		t.Errorf("the client has the arena mapped: %t; its forked child: %t", hasArena(t, c.Process.Pid), hasArena(t, copied))
	}
	c.stop()
	start := time.Now()
	if err := within(t, p.closed); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("Closed(%v)", err)
	}
	took := time.Since(start)
	if err := syscall.Kill(copied, 0); err != nil {
		t.Errorf("the forked child has died too: %v", err)
	}
	usable(t, path)
	return took
}

func TestC28ForkAfterOpenByTheDriver(t *testing.T) {
	leak.Check(t)
	inTime(t, func() time.Duration { return forkedDriverDies(t) })
}

// forkedDriverDies returns how long after its driver's death the client knew.
func forkedDriverDies(t *testing.T) time.Duration {
	path := filepath.Join(t.TempDir(), "s")
	d := spawn(t, "forked driver", path, "")
	d.line(t)
	c := connect(t, path, nil)
	m, err := c.Map(t.Context(), userclient.MemDriverArena)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Unmap()
	copied := killChild(t, d.line(t))
	if hasArena(t, copied) {
		t.Error("the driver's forked child has the arena mapped")
	}
	d.stop()
	start := time.Now()
	within(t, c.Done())
	took := time.Since(start)
	if err := c.Err(); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("Err() = %v", err)
	}
	if m.Bytes[0] != 0 {
		t.Error("the memory is gone with the driver")
	}
	return took
}

// openDir returns a directory that every user may enter, which those of t.TempDir are not.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "iosk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// C1: towards another user there is no eventfd. Only root can become one; for
// everybody else the choice itself is tested by TestC1BellsOfASession.
func TestC1OtherUserGetsSocketPairs(t *testing.T) {
	if os.Getuid() != 0 {
		return
	}
	leak.Check(t)
	dir := openDir(t)
	path := filepath.Join(dir, "s")
	l, err := Listen(path, &ListenConfig{Mode: 0o666})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newFake()
	go l.Serve(context.Background(), p)
	c := spawn(t, "other user", path, "", func(c *exec.Cmd) {
		c.Dir = dir
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 1234}}
	})
	if c.wait(); !c.ProcessState.Success() {
		t.Errorf("the other user's client: %v", c.ProcessState)
	}
	s := within(t, p.made)
	if err := s.r.Doorbell().Wait(t.Context()); err != nil && !errors.Is(err, ioreturn.ErrGone) && !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("the doorbell: %v", err)
	}
	if s.peer.UID != 1234 || s.peer.PID != c.Process.Pid {
		t.Errorf("the client is %+v", s.peer)
	}
	if err := within(t, p.closed); err != nil {
		t.Errorf("Closed(%v)", err)
	}
}

func TestC1BellsOfASession(t *testing.T) {
	const both = AllBells
	for _, tc := range []struct {
		client, driver uint32
		same           bool
		want           uint32
	}{
		{both, both, true, BellEventFD},
		{both, both, false, BellSocketPair},
		{1 << BellSocketPair, both, true, BellSocketPair},
		{both, 1 << BellSocketPair, true, BellSocketPair},
		{1 << BellEventFD, both, false, 0},
		{1 << BellEventFD, 1 << BellSocketPair, true, 0},
		{^uint32(0) &^ both, both, true, 0},
	} {
		if got := chooseBell(tc.client, tc.driver, tc.same); got != tc.want {
			t.Errorf("client %#x, driver %#x, same user %t: %d, want %d", tc.client, tc.driver, tc.same, got, tc.want)
		}
	}
}
