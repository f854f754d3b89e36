// SPDX-License-Identifier: Apache-2.0

package seqpacket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { leak.Main(m) }

// ends returns the two ends of a connection.
func ends(t testing.TB) (dialled, accepted *seqpacket.Conn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := seqpacket.Listen(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if dialled, err = seqpacket.Dial(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(dialled.Close(), accepted.Close()); err != nil {
			t.Error(err)
		}
	})
	return dialled, accepted
}

// rawSend sends a message as a peer can that keeps no rules.
func rawSend(t testing.TB, c *seqpacket.Conn, p []byte, fds ...int) {
	t.Helper()
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	var sendErr error
	err := c.Control(func(num int) {
		if len(p) == 0 { // unix.Sendmsg would send a byte
			sendErr = sendEmpty(num, oob)
			return
		}
		sendErr = unix.Sendmsg(num, p, oob, nil, 0)
	})
	if err := errors.Join(err, sendErr); err != nil {
		t.Fatal(err)
	}
}

func sendEmpty(num int, oob []byte) error {
	msg := unix.Msghdr{Control: unsafe.SliceData(oob)}
	msg.SetControllen(len(oob))
	if _, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(num), uintptr(unsafe.Pointer(&msg)), 0); errno != 0 {
		return errno
	}
	return nil
}

func devNull(t testing.TB) int {
	t.Helper()
	fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func rule(err error) ioreturn.Rule {
	var r *ioreturn.RuleError
	if errors.As(err, &r) {
		return r.Rule
	}
	return 0
}

func TestMessagesKeepTheirBoundsAndOrder(t *testing.T) {
	leak.Check(t)
	a, b := ends(t)
	for i := range 20 {
		if err := a.Send(bytes.Repeat([]byte{byte(i)}, i+1), -1); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 100)
	for i := range 20 {
		n, fd, err := b.Recv(buf)
		if err != nil || fd != -1 || n != i+1 || buf[0] != byte(i) {
			t.Fatalf("message %d: %d bytes of %d, descriptor %d, %v", i, n, buf[0], fd, err)
		}
	}
}

func TestDescriptorTravels(t *testing.T) {
	leak.Check(t)
	a, b := ends(t)
	if err := a.Send([]byte("here"), devNull(t)); err != nil {
		t.Fatal(err)
	}
	_, fd, err := b.Recv(make([]byte, 10))
	if err != nil || fd < 0 {
		t.Fatalf("descriptor %d, %v", fd, err)
	}
	defer unix.Close(fd)
	if f, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || f&unix.FD_CLOEXEC == 0 {
		t.Errorf("C28: a received descriptor has flags %#x, %v", f, err)
	}
}

// C37: whatever is wrong with a message, its descriptors are closed. leak.Check sees them.
func TestC37BadMessagesLeakNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		size, fds int
		want      ioreturn.Rule
	}{
		"too long":                  {11, 0, ioreturn.RuleFrameSize},
		"too long, with descriptor": {11, 1, ioreturn.RuleFrameSize},
		"two descriptors":           {5, 2, ioreturn.RuleFrameFDs},
		"four descriptors":          {5, 4, ioreturn.RuleFrameFDs},
		"as many as can be":         {5, 253, ioreturn.RuleFrameFDs},
		"descriptor alone":          {0, 1, ioreturn.RuleFrameFDs},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			a, b := ends(t)
			fds := make([]int, tc.fds)
			for i := range fds {
				fds[i] = devNull(t)
			}
			rawSend(t, a, make([]byte, tc.size), fds...)
			if _, fd, err := b.Recv(make([]byte, 10)); rule(err) != tc.want || fd != -1 {
				t.Errorf("descriptor %d, %v, want rule %v", fd, err, tc.want)
			}
		})
	}
}

func TestHangUp(t *testing.T) {
	leak.Check(t)
	a, b := ends(t)
	// Unread messages at the end that closes make the kernel report a reset before
	// the messages that it sent.
	if err := errors.Join(a.Send([]byte("unread"), -1), b.Send([]byte("last words"), -1)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	buf := make([]byte, 20)
	if n, _, err := a.Recv(buf); err != nil || string(buf[:n]) != "last words" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if _, _, err := a.Recv(buf); !errors.Is(err, io.EOF) {
		t.Errorf("after the hang-up: %v", err)
	}
	if err := a.Send([]byte("x"), -1); !seqpacket.HungUp(err) {
		t.Errorf("send after the hang-up: %v", err)
	}
	if err := b.Send([]byte("x"), -1); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("send after Close: %v", err)
	}
}

func TestShutdownLeavesWhatWasSent(t *testing.T) {
	leak.Check(t)
	a, b := ends(t)
	if err := a.Send([]byte("last words"), -1); err != nil {
		t.Fatal(err)
	}
	a.Shutdown()
	buf := make([]byte, 20)
	if n, _, err := b.Recv(buf); err != nil || string(buf[:n]) != "last words" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if _, _, err := b.Recv(buf); !errors.Is(err, io.EOF) {
		t.Errorf("then: %v", err)
	}
	if _, _, err := a.Recv(buf); !errors.Is(err, io.EOF) {
		t.Errorf("at the end that shut down: %v", err)
	}
}

func TestRecvEnds(t *testing.T) {
	leak.Check(t)
	a, b := ends(t)
	buf := make([]byte, 10)
	if err := a.SetReadDeadline(time.Now().Add(2 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Recv(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := b.Recv(buf)
		done <- err
	}()
	time.AfterFunc(2*time.Millisecond, func() { b.Close() })
	if err := <-done; err == nil {
		t.Error("Recv of a closed connection succeeded")
	}
}

// fillUp sends until n messages wait in c's queue, and returns how many were sent.
func fillUp(t *testing.T, c *seqpacket.Conn, n, fd int) int {
	t.Helper()
	for sent := 0; ; sent++ {
		if c.Queued() == n {
			return sent
		}
		if err := c.Send(fmt.Appendf(nil, "%06d", sent), fd); err != nil {
			t.Fatal(err)
		}
	}
}

// RecvNow takes what is there, also after the deadline, and never waits.
func TestRecvNow(t *testing.T) {
	a, b := ends(t)
	buf := make([]byte, 10)
	if _, fd, err := b.RecvNow(buf); !errors.Is(err, os.ErrDeadlineExceeded) || fd != -1 {
		t.Errorf("nothing sent: descriptor %d, %v", fd, err)
	}
	b.Interrupt()
	if err := a.Send([]byte("late"), -1); err != nil {
		t.Fatal(err)
	}
	if n, fd, err := b.RecvNow(buf); err != nil || string(buf[:n]) != "late" || fd != -1 {
		t.Errorf("received %q, descriptor %d, %v", buf[:n], fd, err)
	}
	a.Shutdown()
	if _, _, err := b.RecvNow(buf); err != io.EOF {
		t.Errorf("after the hang-up: %v", err)
	}
}

func TestC38QueueKeepsTheOrder(t *testing.T) {
	leak.Check(t)
	a, b := ends(t)
	a.Limit(200, 1<<20)
	sent := fillUp(t, a, 100, devNull(t))
	buf := make([]byte, 10)
	for i := range sent + 50 {
		if i == sent/2 { // the queue is being emptied meanwhile
			for j := range 50 {
				if err := a.Send(fmt.Appendf(nil, "%06d", sent+j), -1); err != nil {
					t.Fatal(err)
				}
			}
		}
		n, fd, err := b.Recv(buf)
		if err != nil || string(buf[:n]) != fmt.Sprintf("%06d", i) || (fd >= 0) != (i < sent) {
			t.Fatalf("message %d is %q with descriptor %d, %v", i, buf[:n], fd, err)
		}
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

func TestC38PeerThatDoesNotRead(t *testing.T) {
	leak.Check(t)
	a, _ := ends(t)
	sent := fillUp(t, a, seqpacket.MaxQueued, devNull(t))
	start := time.Now()
	if err := a.Send([]byte("one more"), -1); rule(err) != ioreturn.RulePeerStalled {
		t.Errorf("message %d: %v, want RulePeerStalled", sent, err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Send blocked for %v", d)
	}
}

func TestC38QueueIsBoundedInBytes(t *testing.T) {
	leak.Check(t)
	a, _ := ends(t)
	big := make([]byte, 64<<10)
	for i := range 1000 {
		if err := a.Send(big, -1); err != nil {
			if rule(err) != ioreturn.RulePeerStalled || i*len(big) < seqpacket.MaxQueuedBytes {
				t.Errorf("message %d: %v", i, err)
			}
			return
		}
	}
	t.Error("64 MB were queued for a peer that does not read")
}

func TestPeerDiesWithMessagesQueued(t *testing.T) {
	leak.Check(t)
	a, b := ends(t)
	a.OnError = func(err error) { t.Errorf("told of %v", err) }
	fillUp(t, a, 10, devNull(t))
	b.Close()
	buf := make([]byte, 10)
	if _, _, err := a.Recv(buf); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

// A connection that is closed while messages wait for a peer that does not read tells of
// no error.
func TestClosedWithMessagesQueued(t *testing.T) {
	leak.Check(t)
	buf := make([]byte, 10)
	for range 20 {
		a, b := ends(t)
		a.OnError = func(err error) { t.Errorf("told of %v", err) }
		fillUp(t, a, 10, -1)
		for a.Queued() == 10 { // until the queue is being sent: it goes on to the next message, which finds no room
			if _, _, err := b.RecvNow(buf); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestMessageThatIsTooLong(t *testing.T) {
	leak.Check(t)
	a, _ := ends(t)
	if err := a.Send(make([]byte, 8<<20), -1); !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("8 MB in one message: %v", err)
	}
}

func TestDialWaitsForAFullListener(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "s")
	num, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(num)
	if err := errors.Join(unix.Bind(num, &unix.SockaddrUnix{Name: path}), unix.Listen(num, 0)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	for { // the backlog holds one or two
		c, err := seqpacket.Dial(ctx, path)
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Dial: %v", err)
			}
			return
		}
		defer c.Close()
	}
}

func TestListenerFile(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	l, err := seqpacket.Listen(path, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if _, err := seqpacket.Listen(path, 0o600); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a second listener: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	// A file that somebody else put there meanwhile stays.
	if l, err = seqpacket.Listen(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600), l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("another's file was removed: %v", err)
	}
}

func TestC41Paths(t *testing.T) {
	for name, path := range map[string]string{
		"empty": "", "zero byte": "a\x00", "too long": "/" + strings.Repeat("x", seqpacket.MaxPath),
	} {
		if _, err := seqpacket.Listen(path, 0o600); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("%s: listen: %v", name, err)
		}
		if _, err := seqpacket.Dial(t.Context(), path); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("%s: dial: %v", name, err)
		}
	}
	// The longest path works, and a name with @ is a file.
	t.Chdir(t.TempDir())
	for _, path := range []string{strings.Repeat("x", seqpacket.MaxPath), "@s"} {
		l, err := seqpacket.Listen(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		c, err := seqpacket.Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("no file: %v", err)
		}
		if err := errors.Join(c.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	}
}
