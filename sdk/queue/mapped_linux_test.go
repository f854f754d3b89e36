// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// A session in two files, one per writer (C2), each mapped by both sides.
const (
	mappedBuffers = 16
	mappedSize    = 256
	mappedTotal   = 100_000

	outRingAt  = 0 // in the driver's file
	inReaderAt = 8192
	payloadAt  = 12288
	driverSize = payloadAt + mappedBuffers*mappedSize

	inRingAt    = 0 // in the client's file
	outReaderAt = 8192
	clientSize  = 12288
)

// memfd returns a file of zeroes that has no name.
func memfd(t *testing.T, size int64) int {
	t.Helper()
	fd, err := unix.MemfdCreate("queue", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Ftruncate(fd, size); err != nil {
		t.Fatal(err)
	}
	return fd
}

func mmap(tb testing.TB, fd, size, prot int) []byte {
	tb.Helper()
	b, err := unix.Mmap(fd, 0, size, prot, unix.MAP_SHARED)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Munmap(b) })
	return b
}

// mappedSide returns a side without ports on the two files: the driver's, with
// everything writable to it and formatted, or the client's, to whom the driver's
// file is read-only.
func mappedSide(tb testing.TB, driverFD, clientFD int, isDriver bool) side {
	tb.Helper()
	prot := unix.PROT_READ
	if isDriver {
		prot |= unix.PROT_WRITE
	}
	d := mmap(tb, driverFD, driverSize, prot)
	c := mmap(tb, clientFD, clientSize, unix.PROT_READ|unix.PROT_WRITE)
	const l = userclient.LayoutNative
	size := RingSize(l, RingCount(l, mappedBuffers))
	out := Memory{Ring: d[outRingAt:][:size], Reader: c[outReaderAt:][:ReaderSize]}
	in := Memory{Ring: c[inRingAt:][:size], Reader: d[inReaderAt:][:ReaderSize]}
	s := side{batch: 4, after: 1}
	for i := range mappedBuffers {
		s.buffers = append(s.buffers, d[payloadAt+i*mappedSize:][:mappedSize])
	}
	if !isDriver {
		s.end = clientEnd(tb, l, mappedBuffers, out, in)
		return s
	}
	for _, m := range []Memory{out, in} {
		if err := Format(m, l, RingCount(l, mappedBuffers)); err != nil {
			tb.Fatal(err)
		}
		startAt(m, 0xffffff00) // the indices wrap on the way
	}
	s.end = driverEnd(tb, l, mappedBuffers, out, in)
	return s
}

// TestC3ExchangeOverTwoMappings has each side use a mapping of its own; the client
// can't write the driver's file, so it shows that each word has one writer (C3).
func TestC3ExchangeOverTwoMappings(t *testing.T) {
	d, c := memfd(t, driverSize), memfd(t, clientSize)
	driver := mappedSide(t, d, c, true)
	client := mappedSide(t, d, c, false)
	driver.own, client.own = make(chanPort, 1), make(chanPort, 1)
	driver.peer, client.peer = client.own, driver.own
	total := uint32(mappedTotal)
	if testing.Short() || raceEnabled {
		total /= 10
	}
	exchange(t, driver, client, total)
}

// filePort is a pipe or an eventfd: no futex, no shared word.
type filePort struct {
	r *os.File
	w int // descriptor that rings, or -1
}

// newFilePort makes a port of a descriptor to read, or to ring by, or of both.
func newFilePort(tb testing.TB, r, w int) *filePort {
	tb.Helper()
	p := &filePort{w: w}
	for _, fd := range []int{r, w} {
		if fd < 0 {
			continue
		}
		if err := unix.SetNonblock(fd, true); err != nil {
			tb.Fatal(err)
		}
	}
	if r >= 0 {
		p.r = os.NewFile(uintptr(r), "port")
		tb.Cleanup(func() { p.r.Close() })
	}
	return p
}

func (p *filePort) ring() error {
	one := [8]byte{1}
	for {
		_, err := unix.Write(p.w, one[:])
		switch {
		case err == nil, errors.Is(err, unix.EAGAIN): // so many rings that there is no room for more
			return nil
		case !errors.Is(err, unix.EINTR):
			return err
		}
	}
}

func (p *filePort) wait() error {
	var b [64]byte
	if err := p.r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := p.r.Read(b[:])
	return err
}

// childKey tells a copy of the test program that it is the client of
// TestExchangeOfTwoProcesses.
const childKey = "IOSTREAMKIT_QUEUE_TEST_CLIENT"

// Descriptors of the client process.
const (
	childDriverFD = 3 + iota
	childClientFD
	childPipe    // where it sleeps
	childEventFD // rings the driver
	childFDs
)

func TestMain(m *testing.M) {
	if os.Getenv(childKey) != "" {
		os.Exit(runClient())
	}
	os.Exit(m.Run())
}

// clientTB is what the client process has instead of a testing.T.
type clientTB struct{ testing.TB }

func (clientTB) Helper()        {}
func (clientTB) Cleanup(func()) {} // the process ends
func (clientTB) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

// runClient is the client process.
func runClient() int {
	var tb clientTB
	s := mappedSide(tb, childDriverFD, childClientFD, false)
	s.own = newFilePort(tb, childPipe, -1)
	s.peer = newFilePort(tb, -1, childEventFD)
	if err := s.consume(mappedTotal); err != nil {
		tb.Fatal(err)
	}
	if c := s.end.Counters(); c.Sent != mappedTotal || c.ReceivedBytes != mappedTotal*mappedSize {
		tb.Fatal("client:", c)
	}
	return 0
}

// TestExchangeOfTwoProcesses streams to another process, which sleeps on a pipe;
// this one sleeps on an eventfd.
func TestExchangeOfTwoProcesses(t *testing.T) {
	d, c := memfd(t, driverSize), memfd(t, clientSize)
	driver := mappedSide(t, d, c, true)
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pipe[1]) })
	driver.own = newFilePort(t, event, -1)
	driver.peer = newFilePort(t, -1, pipe[1])

	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := [childFDs]uintptr{0, 1, 2, uintptr(d), uintptr(c), uintptr(pipe[0]), uintptr(event)}
	pid, err := syscall.ForkExec(exe, []string{exe}, &syscall.ProcAttr{
		Env:   append(os.Environ(), childKey+"=1"),
		Files: files[:],
	})
	unix.Close(pipe[0])
	if err != nil {
		t.Fatal(err)
	}
	child, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() {
		st, err := child.Wait()
		if err == nil && !st.Success() {
			err = fmt.Errorf("the client ended with %s", st)
		}
		exited <- err
	}()
	if err := driver.drive(mappedTotal); err != nil {
		child.Kill()
		t.Error(err)
	}
	if err := <-exited; err != nil {
		t.Fatal(err)
	}
	dst := make([]Entry, mappedBuffers)
	for driver.end.Owned() < mappedBuffers {
		if n := must[int](t)(driver.end.Receive(dst)); n == 0 {
			t.Fatalf("only %d buffers came home", driver.end.Owned())
		}
	}
	n := driver.end.Counters()
	if n.Sent != mappedTotal || n.Received != mappedTotal || n.Rings == 0 {
		t.Errorf("the driver counts %+v", n)
	}
	t.Logf("%d entries in %d batches, %d rings, %d sleeps", n.Sent, n.SentBatches, n.Rings, n.Arms)
}
