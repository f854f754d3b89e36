// SPDX-License-Identifier: Apache-2.0

package bell_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"golang.org/x/sys/unix"
)

const (
	envRole    = "IOSTREAMKIT_TEST_ROLE"
	envRefusal = "IOSTREAMKIT_TEST_REFUSAL"
)

// roles are what this program does as the child of a test.
var roles = map[string]func(){"attacker": attack, "sandboxed": ringInSandbox}

// start starts a child in a role, with f as descriptor 3.
func start(t *testing.T, role string, f *os.File) *exec.Cmd {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), envRole+"="+role)
	c.Stderr = os.Stderr
	if f != nil {
		c.ExtraFiles = []*os.File{f}
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// soon fails the test if f does not return.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s has not ended after 10 s", what)
	}
}

// signalled is pair for an eventfd that is rung by signals. It returns false where the
// system has no io_uring for us; what is left then is tested elsewhere.
func signalled(t *testing.T) (*bell.Port, *bell.Bell, bool) {
	t.Helper()
	p, b := pair(t, eventFD, func(err error) { t.Error(err) })
	ok := b.Signals()
	if !ok {
		t.Log("this system has no io_uring for us")
	}
	return p, b, ok
}

// C1: a holder that clears O_NONBLOCK and fills the counter blocks nothing at all.
func TestC1NobodyBlocksASignal(t *testing.T) {
	leak.Check(t)
	p, b, ok := signalled(t)
	if !ok {
		return
	}
	fillAndBlock(t, p.FD())
	soon(t, "a ring", func() { ring(t, b) })
	soon(t, "garbage collection", runtime.GC)
	soon(t, "Wait", func() {
		if err := p.Wait(context.Background()); err != nil {
			t.Error(err)
		}
	})
	fillAndBlock(t, p.FD())
	soon(t, "Fail", func() { p.Fail(errors.New("enough")) })
	soon(t, "Close", func() {
		if err := errors.Join(b.Close(), p.Close()); err != nil {
			t.Error(err)
		}
	})
	if n := bell.Writes(b); n != 0 {
		t.Errorf("%d writes", n)
	}
}

// attack clears O_NONBLOCK of descriptor 3 and fills its counter, again and again, until
// it is killed. When one of its own writes blocks, the parent's reading ends that.
func attack() {
	go func() {
		for {
			_ = unix.SetNonblock(3, false)
		}
	}()
	for {
		_ = unix.SetNonblock(3, true)
		_, _ = unix.Write(3, full())
	}
}

// C1: another process that attacks without end, faster than any watchdog.
func TestC1AttackThatIsRepeated(t *testing.T) {
	leak.Check(t)
	p, num, err := bell.NewPort(bell.EventFD, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	dup, err := unix.FcntlInt(uintptr(num), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(dup), "eventfd")
	defer theirs.Close()
	b, err := bell.NewBell(bell.EventFD, num, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !b.Signals() {
		t.Log("this system has no io_uring for us")
		return
	}
	attacker := start(t, "attacker", theirs)
	defer func() {
		_ = attacker.Process.Kill()
		_ = attacker.Wait() // it was killed
	}()
	if err := p.Wait(t.Context()); err != nil { // it has begun
		t.Fatal(err)
	}
	for range 30 {
		soon(t, "a round", func() {
			for range 100 {
				ring(t, b)
			}
			runtime.GC()
			if err := p.Wait(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	soon(t, "the end", func() {
		p.Fail(errors.New("enough"))
		if err := errors.Join(b.Close(), p.Close()); err != nil {
			t.Error(err)
		}
	})
}

// Rings that are made at the same time may become one, but not none: after each there is
// something to wait for.
func TestNoSignalIsLost(t *testing.T) {
	leak.Check(t)
	p, b, ok := signalled(t)
	if !ok {
		return
	}
	const rounds, ringers = 2000, 3
	var rung [ringers]atomic.Bool
	heard := make([]chan struct{}, ringers)
	var wg sync.WaitGroup
	for i := range ringers {
		heard[i] = make(chan struct{}, 1)
		wg.Go(func() {
			for range rounds {
				rung[i].Store(true)
				ring(t, b)
				<-heard[i]
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for left := ringers * rounds; left > 0; {
		if err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		for i := range ringers {
			if rung[i].Swap(false) {
				heard[i] <- struct{}{}
				left--
			}
		}
	}
	wg.Wait()
	if n := bell.Writes(b); n != 0 {
		t.Errorf("%d writes", n)
	}
}

// Rings that are made one after the other are counted, each.
func TestEverySignalIsCounted(t *testing.T) {
	leak.Check(t)
	p, b, ok := signalled(t)
	if !ok {
		return
	}
	const many = 1000 // more than there is room for in the io_uring
	for range many {
		ring(t, b)
	}
	if got, n := counter(t, p), bell.Writes(b); got != many || n != 0 {
		t.Errorf("%d of %d rings came, %d were written", got, many, n)
	}
}

// counter takes the rings of a port.
func counter(t *testing.T, p *bell.Port) uint64 {
	t.Helper()
	var v [8]byte
	if _, err := unix.Read(p.FD(), v[:]); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(v[:])
}

// A completion that the io_uring has no room for signals nothing, so that ring is written.
func TestSignalWithoutRoomBecomesAWrite(t *testing.T) {
	leak.Check(t)
	p, b, ok := signalled(t)
	if !ok {
		return
	}
	for i := range 3 {
		came, err := bell.Overflow(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := counter(t, p); got != uint64(came) || came == 0 {
			t.Errorf("%d rings came, want %d", got, came)
		}
		ring(t, b)
		if got, n := counter(t, p), bell.Writes(b); got < 1 || n != i+1 { // the one without room may come late
			t.Errorf("after the overflow %d rings came, %d were written", got, n)
		}
		ring(t, b)
		if got, n := counter(t, p), bell.Writes(b); got != 1 || n != i+1 {
			t.Errorf("when there was room again %d rings came, %d were written", got, n)
		}
	}
}

// refusals are what sandboxes do to io_uring: refuse it, or pretend to have done it.
var refusals = map[string]struct {
	call   uint32
	answer unix.Errno
}{
	"setup refused":    {unix.SYS_IO_URING_SETUP, unix.ENOSYS},
	"setup pretended":  {unix.SYS_IO_URING_SETUP, 0},
	"register refused": {unix.SYS_IO_URING_REGISTER, unix.EACCES},
	"enter refused":    {unix.SYS_IO_URING_ENTER, unix.EPERM},
	"enter pretended":  {unix.SYS_IO_URING_ENTER, 0},
}

// Where a system has no io_uring for us, bells ring all the same.
func TestRingInASandbox(t *testing.T) {
	for name := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Setenv(envRefusal, name)
			if err := start(t, "sandboxed", nil).Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// ringInSandbox is the child of TestRingInASandbox.
func ringInSandbox() {
	if err := tryInSandbox(os.Getenv(envRefusal)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func tryInSandbox(refusal string) error {
	runtime.LockOSThread() // the sandbox is the thread's
	if err := refuse(refusals[refusal].call, refusals[refusal].answer); err != nil {
		return err
	}
	p, num, err := bell.NewPort(bell.EventFD, nil)
	if err != nil {
		return err
	}
	b, err := bell.NewBell(bell.EventFD, num, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(b.Ring(), b.Ring(), p.Wait(context.Background()), b.Close(), p.Close()); err != nil {
		return err
	}
	if n := bell.Writes(b); n != 2 {
		return fmt.Errorf("%d writes", n)
	}
	return nil
}

// refuse makes the kernel answer a system call of this thread without doing it.
func refuse(call uint32, answer unix.Errno) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(answer)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}
