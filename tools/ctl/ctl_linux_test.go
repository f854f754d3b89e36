// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/rundir"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// outcome is what a command did.
type outcome struct {
	status         int
	stdout, stderr string
}

// run runs a command in this process.
func run(t *testing.T, o Options, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptBound)
	defer cancel()
	var out, errs bytes.Buffer
	status := Main(ctx, o, args, strings.NewReader(""), &out, &errs)
	return outcome{status, out.String(), errs.String()}
}

// alone gives the test a run directory of its own, and checks that nothing is left.
func alone(t *testing.T) {
	t.Helper()
	t.Setenv(rundir.Variable, t.TempDir())
	leak.Check(t)
}

// burst is a handler that posts frames while the client waits for its start, so that
// the client can't return a buffer in between, and then ends the stream.
type burst struct {
	d      *iostream.Driver
	frames int
}

func (b *burst) Start(ctx context.Context) error {
	for range b.frames {
		buf, err := b.d.Take(ctx)
		if err != nil {
			return err
		}
		if err := b.d.Post(buf, copy(buf.Data(), "frame")); err != nil {
			return err
		}
	}
	b.d.Halt(nil)
	return nil
}

func (*burst) Stop(context.Context) error    { return nil }
func (*burst) Suspend(context.Context) error { return nil }

// serveBurst offers a stream that loses all but two of its frames.
func serveBurst(t *testing.T, name string, frames int) {
	t.Helper()
	h := &burst{frames: frames}
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: name, Buffers: 2, DataSize: 64, Policy: iostream.DropNewest}, h)
	if err != nil {
		t.Fatal(err)
	}
	h.d = d
	ctx, cancel := context.WithCancel(t.Context())
	up, over := make(chan struct{}), make(chan error, 1)
	go func() {
		over <- iostreamkit.Serve(ctx, d, func(ctx context.Context) error {
			close(up)
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-up:
	case err := <-over:
		t.Fatal(err)
	}
}

// TestLossIsReported reads a stream that lost most of its frames at the end, where only
// the numbers that the driver gave tell of it.
func TestLossIsReported(t *testing.T) {
	alone(t)
	serveBurst(t, "acme/late/stream", 10)
	r := run(t, Options{}, "cat", "acme/late/stream")
	if r.status != 0 || r.stdout != "frameframe" {
		t.Errorf("status %d, output %q", r.status, r.stdout)
	}
	for _, want := range []string{
		"8 frames of acme/late/stream were lost", "drop-newest 8", "of 2 buffers", "0 free: the client was late",
	} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("%q is not in %q", want, r.stderr)
		}
	}

	file := filepath.Join(t.TempDir(), "out")
	r = run(t, Options{}, "cat", "acme/late/stream", "-o", file, "--json", "--strict")
	var c catResult
	if err := json.Unmarshal([]byte(r.stdout), &c); err != nil {
		t.Fatal(err)
	}
	if r.status != 1 || c.Lost != 8 || c.Frames != 2 || c.LostByCause["drop-newest"] != 8 || !strings.Contains(r.stderr, "8 frames of 10 lost") {
		t.Errorf("status %d, %+v, %s", r.status, c, r.stderr)
	}

	r = run(t, Options{}, "info", "acme/late/stream")
	if r.status != 0 || !strings.Contains(r.stdout, "lost        8 frames (drop-newest 8)") || !strings.Contains(r.stdout, "last loss   8 frames (drop-newest)") {
		t.Errorf("status %d, %s", r.status, r.stdout)
	}
}

// TestWatch reads what list --watch prints while streams come and go.
func TestWatch(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		alone(t)
		ctx, cancel := context.WithTimeout(t.Context(), scriptBound)
		defer cancel()
		r, w := io.Pipe()
		args := []string{"list", "--watch", "acme"}
		if asJSON {
			args = append(args, "--json")
		}
		status := make(chan int, 1)
		var errs bytes.Buffer
		go func() {
			status <- Main(ctx, Options{}, args, nil, w, &errs)
			w.Close()
		}()
		lines := bufio.NewScanner(r)
		next := func(want ...string) {
			t.Helper()
			if !lines.Scan() {
				t.Fatalf("the watch ended: %v, %s", lines.Err(), &errs)
			}
			for _, s := range want {
				if !strings.Contains(lines.Text(), s) {
					t.Errorf("%q is not in %q", s, lines.Text())
				}
			}
		}
		t.Run("streams", func(t *testing.T) {
			serveBurst(t, "other/dev/stream", 1)
			serveBurst(t, "acme/dev/stream", 1)
			if asJSON {
				next(`{"event":"added","stream":{"name":"acme/dev/stream","state":"live"`)
			} else {
				next("added    acme/dev/stream  ")
			}
		})
		next("removed", "acme/dev/stream")
		cancel()
		if got := <-status; got != exitDone {
			t.Errorf("status %d, %s", got, &errs)
		}
	}
}

// TestReaderGone writes to a pipe that nobody reads.
func TestReaderGone(t *testing.T) {
	alone(t)
	serveBurst(t, "acme/dev/stream", 1)
	for _, args := range [][]string{{"cat", "acme/dev/stream"}, {"list"}, {"info", "acme/dev/stream"}, {"version", "--json"}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var errs bytes.Buffer
		if status := Main(t.Context(), Options{}, args, nil, w, &errs); status != exitDone || errs.Len() > 0 {
			t.Errorf("%v: status %d, %s", args, status, &errs)
		}
		w.Close()
	}
}

// TestWatchEndsWithItsReader closes the pipe that a watch writes to while nothing
// happens that it could write about.
func TestWatchEndsWithItsReader(t *testing.T) {
	alone(t)
	serveBurst(t, "acme/dev/stream", 1)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	status := make(chan int, 1)
	go func() { status <- Main(t.Context(), Options{}, []string{"list", "--watch"}, nil, w, io.Discard) }()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.Contains(line, "acme/dev/stream") {
		t.Errorf("%q, %v", line, err)
	}
	r.Close()
	select {
	case got := <-status:
		if got != exitDone {
			t.Errorf("status %d", got)
		}
	case <-time.After(scriptBound):
		t.Fatal("the watch goes on without a reader")
	}
}

// terminal returns a terminal's two sides.
func terminal(t *testing.T) (screen, line *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	var number int
	raw, err := screen.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if err := unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err != nil {
				t.Error(err)
			}
			if number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err != nil {
				t.Error(err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { line.Close() })
	return screen, line
}

// TestProgressOnATerminal sends to a stream from a pipe that stays open until the
// terminal shows how far it is.
func TestProgressOnATerminal(t *testing.T) {
	alone(t)
	screen, line := terminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served, over := make(chan struct{}), make(chan int, 1)
	go func() { over <- Main(ctx, Options{}, []string{"serve", "null"}, nil, notify{served}, io.Discard) }()
	<-served
	r, w := io.Pipe()
	sent := make(chan int, 1)
	go func() { sent <- Main(ctx, Options{}, []string{"send", "sample/null/sink"}, r, io.Discard, line) }()
	if _, err := w.Write(make([]byte, 1500)); err != nil {
		t.Fatal(err)
	}
	var shown []byte
	for buf := make([]byte, 100); !bytes.Contains(shown, []byte("\x1b[K1.50 kB  ")); {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, shown)
		}
		shown = append(shown, buf[:n]...)
	}
	w.Close()
	if status := <-sent; status != exitDone {
		t.Errorf("status %d", status)
	}
	cancel()
	<-over
}

// TestInterruptedSend ends a send whose input does not come.
func TestInterruptedSend(t *testing.T) {
	alone(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	served := make(chan struct{})
	over := make(chan int, 1)
	go func() {
		over <- Main(ctx, Options{}, []string{"serve", "null", "--json"}, nil, notify{served}, io.Discard)
	}()
	<-served
	sent := make(chan outcome, 1)
	sending, stop := context.WithCancelCause(t.Context())
	go func() {
		var errs bytes.Buffer
		status := Main(sending, Options{}, []string{"send", "sample/null/sink"}, r, io.Discard, &errs)
		sent <- outcome{status: status, stderr: errs.String()}
	}()
	for range 2 { // the second is read when the first was sent
		if _, err := io.WriteString(w, "some"); err != nil {
			t.Fatal(err)
		}
	}
	stop(errors.New("enough"))
	if got := <-sent; got.status != exitFailed || !strings.Contains(got.stderr, "send to sample/null/sink: ") || !strings.Contains(got.stderr, "enough (4 B were") && !strings.Contains(got.stderr, "enough (8 B were") {
		t.Errorf("status %d, %s", got.status, got.stderr)
	}
	w.Close() // ends the read that was left behind
	cancel(nil)
	if status := <-over; status != exitDone {
		t.Errorf("serve ended with status %d", status)
	}
}

// notify closes a channel at the first write.
type notify struct{ c chan struct{} }

func (n notify) Write(p []byte) (int, error) {
	select {
	case <-n.c:
	default:
		close(n.c)
	}
	return len(p), nil
}

// TestC47VendorLinksTheCommands puts the commands into a tool of another name with a
// driver of its own.
func TestC47VendorLinksTheCommands(t *testing.T) {
	alone(t)
	o := Options{Name: "acmectl", Version: "v9.8.7", Sources: []Source{{
		Name: "cam", Argument: "PORT", About: "from-device: the camera at a port",
		New: func(o SourceOptions) (*iostream.Driver, func(context.Context) error, error) {
			o.Driver.Name, o.Driver.DataSize = "acme/cam"+o.Argument+"/video", 16
			d, err := iostream.NewDriver(o.Driver, nil)
			return d, nil, err
		},
	}}}
	for _, tc := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"version"}, exitDone, "acmectl v9.8.7 (IOStreamKit "},
		{[]string{"serve", "--help"}, exitDone, "cam:PORT     from-device: the camera at a port\n  file:PATH"},
		{[]string{"nothing"}, exitUsage, "acmectl: there is no command \"nothing\""},
		{[]string{"serve", "cam"}, exitUsage, "source cam needs PORT: cam:PORT"},
		{[]string{"cat", "acme/cam1/video"}, exitFailed, "\"acmectl serve pattern\" starts one"},
	} {
		r := run(t, o, tc.args...)
		if all := r.stdout + r.stderr; r.status != tc.status || !strings.Contains(all, tc.want) {
			t.Errorf("%v: status %d, %s", tc.args, r.status, all)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	served, over := make(chan struct{}), make(chan int, 1)
	go func() {
		over <- Main(ctx, o, []string{"serve", "cam:1", "--buffers", "3"}, nil, notify{served}, io.Discard)
	}()
	<-served
	r := run(t, o, "info", "acme/cam1/video")
	if !strings.Contains(r.stdout, "buffers     3 of 16 bytes") || !strings.Contains(r.stdout, "driver      acmectl, PID ") || !strings.Contains(r.stdout, "version v9.8.7") {
		t.Errorf("%+v", r)
	}
	cancel()
	if status := <-over; status != exitDone {
		t.Errorf("serve ended with status %d", status)
	}

	// Below another root, as one of a tool's commands.
	root := &cobra.Command{Use: "acme", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(Command(Options{Name: "stream"}))
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs([]string{"stream", "cat"})
	cmd, err := root.ExecuteC()
	if status := Fail(cmd, err); status != exitUsage || !strings.Contains(errs.String(), "see \"acme stream cat --help\"") {
		t.Errorf("status %d, %s", status, &errs)
	}
}

func TestSecondServeOfANameIsBusy(t *testing.T) {
	alone(t)
	serveBurst(t, "acme/dev/stream", 1)
	r := run(t, Options{}, "serve", "null", "--name", "acme/dev/stream", "--json")
	var p problem
	if err := json.Unmarshal([]byte(r.stderr), &p); err != nil {
		t.Fatal(err)
	}
	if r.status != exitFailed || p.Code != "IOSK-E02D5" || !strings.Contains(p.Error, "the name is taken by PID") {
		t.Errorf("status %d, %+v", r.status, p)
	}
}

// TestInterruptEndsInTime bounds how long an interrupted command takes.
func TestInterruptEndsInTime(t *testing.T) {
	alone(t)
	ctx, cancel := context.WithCancel(t.Context())
	served, over := make(chan struct{}), make(chan int, 1)
	go func() {
		over <- Main(ctx, Options{}, []string{"serve", "pattern", "--rate", "0.001"}, nil, notify{served}, io.Discard)
	}()
	<-served
	reading, stop := context.WithCancel(t.Context())
	defer stop()
	first, read := make(chan struct{}), make(chan int, 1)
	go func() {
		read <- Main(reading, Options{}, []string{"cat", "sample/pattern/counter", "-n", "2"}, nil, notify{first}, io.Discard)
	}()
	select {
	case <-first:
	case status := <-read:
		t.Fatalf("reading ended with status %d", status)
	}
	begin := time.Now()
	stop()
	if status := <-read; status != exitDone {
		t.Errorf("status %d", status)
	}
	cancel()
	if status := <-over; status != exitDone {
		t.Errorf("serve ended with status %d", status)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
