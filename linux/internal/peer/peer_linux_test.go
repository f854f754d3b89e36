// SPDX-License-Identifier: Apache-2.0

package peer_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/peer"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("IOSK_TEST_CONNECT"); path != "" {
		connectAndWait(path)
		return
	}
	leak.Main(m)
}

// connectAndWait is the child: it connects and then does what its parent says by
// closing its standard input.
func connectAndWait(path string) {
	num, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err == nil {
		err = unix.Connect(num, &unix.SockaddrUnix{Name: path})
	}
	if err != nil {
		os.Exit(3)
	}
	os.Stdin.Read(make([]byte, 1))
}

// accept returns the socket of a child process that has connected, and the child.
func accept(t *testing.T) (num int, child *exec.Cmd) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(l)
	if err := errors.Join(unix.Bind(l, &unix.SockaddrUnix{Name: path}), unix.Listen(l, 1)); err != nil {
		t.Fatal(err)
	}
	child = exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "IOSK_TEST_CONNECT="+path)
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	num, _, err = unix.Accept4(l, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(num)
		child.Process.Kill()
		child.Wait()
	})
	return num, child
}

func TestC28DeathIsSeen(t *testing.T) {
	leak.Check(t)
	for range 20 { // other programs on this machine may spoil some
		if death(t) <= 100*time.Millisecond {
			return
		}
	}
	t.Error("each death was seen after more than 100 ms")
}

// death returns how long after the death of a child its parent saw it.
func death(t *testing.T) time.Duration {
	num, child := accept(t)
	p, err := peer.Of(num)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.PID != child.Process.Pid || p.UID != os.Getuid() || p.GID != os.Getgid() || p.Program != filepath.Base(os.Args[0]) {
		t.Errorf("the peer is %+v", p)
	}
	if !p.Watched() {
		t.Fatal("this system has no pidfd")
	}
	if p.SameUser() != (os.Getuid() != 65534) {
		t.Errorf("SameUser() = %t", p.SameUser())
	}
	died := make(chan error, 1)
	go func() { died <- p.Wait() }()
	select {
	case err := <-died:
		t.Fatalf("Wait of a living process returned %v", err)
	case <-time.After(10 * time.Millisecond):
	}
	start := time.Now()
	child.Process.Kill()
	if err := <-died; err != nil {
		t.Errorf("Wait: %v", err)
	}
	return time.Since(start)
}

func TestCloseEndsWait(t *testing.T) {
	leak.Check(t)
	num, _ := accept(t)
	p, err := peer.Of(num)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Wait() }()
	time.AfterFunc(2*time.Millisecond, func() { p.Close() })
	if err := <-done; err == nil {
		t.Error("Wait of a closed watch says that the process died")
	}
}

func TestC28DeadPeer(t *testing.T) {
	leak.Check(t)
	num, child := accept(t)
	child.Process.Kill()
	child.Wait()
	if p, err := peer.Of(num); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("a dead peer: %+v, %v", p, err)
	}
	// The older way: the number may be another process's by now.
	if fd, err := peer.OpenByNumber(num, os.Getpid()); !errors.Is(err, unix.ESRCH) {
		t.Errorf("a dead peer by a number in use: %d, %v", fd, err)
	}
}

func TestC28WatchByNumber(t *testing.T) {
	leak.Check(t)
	num, child := accept(t)
	fd, err := peer.OpenByNumber(num, child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	child.Process.Kill()
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(p, 5000); n != 1 || err != nil {
		t.Errorf("poll: %d, %v", n, err)
	}
}

func TestNotASocket(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := peer.Of(int(f.Fd())); !errors.Is(err, unix.ENOTSOCK) {
		t.Errorf("a device as a socket: %v", err)
	}
}

func TestProgramNamesCannotConfuseATerminal(t *testing.T) {
	if got := peer.Printable("cam\x1b[31m\n\xff"); got != "cam\ufffd[31m\ufffd\ufffd" {
		t.Errorf("%q", got)
	}
}
