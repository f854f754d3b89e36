// SPDX-License-Identifier: Apache-2.0

package iostreamkit_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

const (
	streamName = "test/e2e/counter"
	bufferSize = 4096
)

// The test binary is also the processes that the tests start.
func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv("E2E_ROLE"); role {
	case "":
		leak.Main(m)
		return
	case "driver", "driver that writes late", "driver for all users":
		var s iostreamkit.Server
		if role == "driver for all users" {
			s.Mode = 0o666
		}
		err = driverProcess(s, role == "driver that writes late")
	case "driver with modules":
		err = modulesProcess()
	case "sink with modules":
		err = sinkProcess()
	case "client":
		err = clientProcess()
	case "plane":
		err = planeProcess()
	default:
		err = fmt.Errorf("unknown role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
}

// untilStdinCloses ends with the test, also if that is killed.
func untilStdinCloses() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx
}

// driverProcess serves frames that carry a count, the inode and the offset of their
// memory. One that writes late breaks a rule: after a frame was posted it changes the
// byte at 16 from 'p' to 'w'. So that this never hits memory of a session that has
// ended, it keeps a buffer of each session.
func driverProcess(s iostreamkit.Server, late bool) error {
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: streamName, Buffers: 4, DataSize: bufferSize}, nil)
	if err != nil {
		return err
	}
	return s.Serve(untilStdinCloses(), d, func(ctx context.Context) error {
		for i := uint64(0); ; i++ {
			b, err := d.Take(ctx)
			if err != nil {
				return err
			}
			if late && i == 0 {
				continue
			}
			data := b.Data()
			st, err := inode(b.Memory())
			if err != nil {
				return err
			}
			le := binary.LittleEndian
			le.PutUint64(data, i)
			le.PutUint64(data[8:], st)
			data[16] = 'p'
			le.PutUint64(data[24:], uint64(b.Memory().Offset))
			if err := d.Post(b, len(data)); err != nil {
				return err
			}
			if late {
				data[16] = 'w'
			}
		}
	})
}

// inode returns the inode of the file that memory lies in.
func inode(m userclient.Mem) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(m.FD, &st); err != nil {
		return 0, fmt.Errorf("fstat the memory: %w", err)
	}
	return st.Ino, nil
}

// clientProcess reads for ever. It prints a line after its first frame.
func clientProcess() error {
	ctx := untilStdinCloses()
	s, err := iostreamkit.Open(ctx, streamName, nil)
	if err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	first := true
	for _, err := range s.Frames(ctx) {
		if err != nil {
			return err
		}
		if first {
			fmt.Println("reading")
			first = false
		}
	}
	return nil
}

// process starts this binary in a role. It is killed at the end of the test.
func process(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	return processOf(t, role, os.Args[0], nil)
}

func processOf(t *testing.T, role, binary string, as *syscall.Credential) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	cmd.Env = append(os.Environ(), "E2E_ROLE="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill() // it may be over already
		_ = cmd.Wait()
	})
	if role == "client" {
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "reading\n" {
			t.Fatalf("the client said %q, %v", line, err)
		}
	}
	return cmd
}

// kill ends a process for sure.
func kill(t *testing.T, p *exec.Cmd) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait() // it was killed
}

// startDriver returns when the stream of a new driver process is there.
func startDriver(t *testing.T) *exec.Cmd {
	t.Helper()
	return startRole(t, "driver")
}

func startRole(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	p := process(t, role)
	for e, err := range iostreamkit.Watch(watched(t), streamName) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != iostreamkit.StreamRemoved && e.Stream.PID == p.Process.Pid {
			return p
		}
	}
	t.Fatal("the driver did not appear")
	return nil
}

func setup(t *testing.T) context.Context {
	t.Helper()
	leak.Check(t)
	t.Setenv("IOSTREAMKIT_RUNDIR", t.TempDir())
	return watched(t)
}

// watched returns a context that ends a wait that would never end.
func watched(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func openStarted(t *testing.T, ctx context.Context) *iostream.Stream {
	t.Helper()
	s, err := iostreamkit.Open(ctx, streamName, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestZeroCopyIsProved compares inode and offset on both sides, and looks at a byte
// that the driver writes after it has posted the buffer.
func TestZeroCopyIsProved(t *testing.T) {
	ctx := setup(t)
	startRole(t, "driver that writes late")
	s := openStarted(t, ctx)
	if d := s.Description(); d.Buffers.Kind != userclient.MemMemfd || d.Ports != userclient.PortEventFD {
		t.Errorf("the description says memory %v and ports of kind %d", d.Buffers.Kind, d.Ports)
	}
	for range 100 {
		f, err := s.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ino, err := inode(f.Memory())
		if err != nil {
			t.Fatal(err)
		}
		le := binary.LittleEndian
		if theirs := le.Uint64(f.Data()[8:]); ino != theirs {
			t.Fatalf("frame %d lies in inode %d here, %d at the driver's", f.Seq(), ino, theirs)
		}
		if off := le.Uint64(f.Data()[24:]); uint64(f.Memory().Offset) != off {
			t.Fatalf("frame %d lies at %d here, %d at the driver's", f.Seq(), f.Memory().Offset, off)
		}
		for f.Data()[16] != 'w' { // written without any notification: look until it is there
			if ctx.Err() != nil {
				t.Fatal("a byte written after Post is not visible")
			}
		}
		if err := f.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Stats(); st.Copies != 0 || st.Missed != 0 {
		t.Errorf("%d copies, %d missed", st.Copies, st.Missed)
	}
}

// TestOpenToFirstEntry holds the promise of 5 ms. It looks at the fastest tenth of many,
// again and again for half a minute, because other programs may have the processors at
// the same time; what is too slow by design is so every time.
func TestOpenToFirstEntry(t *testing.T) {
	const promised = 5 * time.Millisecond
	ctx := setup(t)
	startDriver(t)
	for begin := time.Now(); time.Since(begin) < 30*time.Second; {
		took := openTimes(t, ctx, 31)
		tenth := took[len(took)/10]
		t.Logf("open to first entry: tenth %v, median %v, worst %v", tenth, took[len(took)/2], took[len(took)-1])
		if tenth <= promised {
			return
		}
	}
	t.Errorf("the fastest tenth is never within %v, as promised", promised)
}

// openTimes opens the stream n times and returns how long each took until the first
// entry was there, the shortest first.
func openTimes(t *testing.T, ctx context.Context, n int) []time.Duration {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		begin := time.Now()
		s := openStarted(t, ctx)
		f, err := s.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(begin)
		if err := f.Release(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(took)
	return took
}

// TestBusyNamesTheHolder: the second client learns who has the stream.
func TestBusyNamesTheHolder(t *testing.T) {
	ctx := setup(t)
	startDriver(t)
	holder := process(t, "client")
	_, err := iostreamkit.Open(ctx, streamName, nil)
	if !errors.Is(err, ioreturn.ErrBusy) || !strings.Contains(err.Error(), fmt.Sprint(holder.Process.Pid)) {
		t.Errorf("second open: %v, want busy with PID %d", err, holder.Process.Pid)
	}
	o, err := iostreamkit.Observe(ctx, streamName)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	seen, err := o.Observe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if seen.OwnerPID != holder.Process.Pid || seen.State != userclient.StateRunning {
		t.Errorf("an observer sees owner %d in state %v, want %d running", seen.OwnerPID, seen.State, holder.Process.Pid)
	}
}

// cycles of the kill tests; -short does fewer.
func cycles(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// survivorBound is how soon the survivor of a death must know. One cycle in ten may be
// late, because other tests may have the processors at the same time.
const survivorBound = 100 * time.Millisecond

// TestDriverDiesAtAnyMoment kills drivers while they stream, closes and starts the
// next of the same name. The client learns it in time, reads on what was posted, and
// nothing is left.
func TestDriverDiesAtAnyMoment(t *testing.T) {
	setup(t)
	n, lateOnes := cycles(100), 0
	defer func() {
		if lateOnes > n/10 {
			t.Errorf("%d of %d deaths were learned of after %v", lateOnes, n, survivorBound)
		}
	}()
	for i := range n {
		p := startDriver(t)
		ctx := watched(t)
		s := openStarted(t, ctx)
		when := rand.IntN(2000)
		var died time.Time
		for j := 0; ; j++ {
			f, err := s.Next(ctx)
			if err != nil {
				if !errors.Is(err, ioreturn.ErrGone) {
					t.Fatalf("cycle %d: %v, want gone", i, err)
				}
				break
			}
			if err := f.Release(); err != nil {
				t.Fatalf("cycle %d: release: %v", i, err)
			}
			if j == when {
				kill(t, p)
				died = time.Now()
			}
		}
		if time.Since(died) > survivorBound {
			lateOnes++
		}
		if err := s.Close(); err != nil && !errors.Is(err, ioreturn.ErrGone) {
			t.Errorf("cycle %d: close: %v", i, err)
		}
	}
}

// TestClientDiesAtAnyMoment kills clients while they read; the driver serves the next.
func TestClientDiesAtAnyMoment(t *testing.T) {
	setup(t)
	startDriver(t)
	n, lateOnes := cycles(100), 0
	for i := range n {
		kill(t, process(t, "client"))
		ctx := watched(t)
		died := time.Now()
		for {
			s, err := iostreamkit.Open(ctx, streamName, nil)
			if errors.Is(err, ioreturn.ErrBusy) {
				continue // the driver has not heard of it yet
			}
			if err != nil {
				t.Fatalf("cycle %d, %v after the death: %v", i, time.Since(died), err)
			}
			if time.Since(died) > survivorBound {
				lateOnes++
			}
			if err := s.Close(); err != nil {
				t.Fatalf("cycle %d: close: %v", i, err)
			}
			break
		}
	}
	if lateOnes > n/10 {
		t.Errorf("%d of %d deaths were learned of after %v", lateOnes, n, survivorBound)
	}
}

// TestStoppedProcessIsNoDeath: a driver that only hangs is neither gone nor in the way
// of an observer's context.
func TestStoppedProcessIsNoDeath(t *testing.T) {
	ctx := setup(t)
	p := startDriver(t)
	s := openStarted(t, ctx)
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(p.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("wait for the driver to stop: %v, %v", status, err)
	}
	for patience, asked := 50*time.Millisecond, false; !asked; patience *= 2 { // a deadline may pass before the driver is asked
		short, cancel := context.WithTimeout(ctx, patience)
		err := s.Stop(short)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("stop of a hanging driver: %v, want deadline", err)
		}
		if asked = errors.Is(err, ioreturn.ErrOutcomeUnknown); patience > 10*time.Second {
			t.Fatalf("stop of a hanging driver: %v, want outcome unknown", err)
		}
	}
	if err := p.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	f, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Release(); err != nil {
		t.Error(err)
	}
}

// TestAnotherUserReads: a root's driver that admits everybody is read by an ordinary
// user, whose bells are then socket pairs (C1).
func TestAnotherUserReads(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	ctx := setup(t)
	dir, err := os.MkdirTemp("", "iosk-users-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "e2e")
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, b, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("IOSTREAMKIT_RUNDIR", filepath.Join(dir, "run"))
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	startRole(t, "driver for all users")
	const nobody = 65534
	client := processOf(t, "client", binary, &syscall.Credential{Uid: nobody, Gid: nobody})
	o, err := iostreamkit.Observe(ctx, streamName)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	seen, err := o.Observe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if seen.OwnerUID != nobody || seen.OwnerPID != client.Process.Pid {
		t.Errorf("the owner is PID %d of user %d, want PID %d of user %d", seen.OwnerPID, seen.OwnerUID, client.Process.Pid, nobody)
	}
}
