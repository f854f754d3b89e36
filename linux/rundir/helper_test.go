// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/internal/leak"
)

// roleVariable makes the test binary play another process: its value is
// "role argument …", separated by spaces.
const roleVariable = "RUNDIR_TEST_ROLE"

var roles = map[string]func(args []string) error{
	"offer":    offerRole,
	"die":      dieRole,
	"start":    startRole,
	"churn":    churnRole,
	"bequeath": bequeathRole,
	"hold":     holdRole,
	"user":     userRole,
	"readonly": readOnlyRole,
}

func TestMain(m *testing.M) {
	words := strings.Fields(os.Getenv(roleVariable))
	if len(words) == 0 {
		leak.Main(m)
	}
	if err := roles[words[0]](words[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is another process, playing a role.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
	err   strings.Builder
}

// spawn starts a process that is ended with the test at the latest.
func spawn(t testing.TB, prepare func(*exec.Cmd), role string, args ...string) *process {
	t.Helper()
	p := newProcess(t, role, args...)
	stdin, err := p.cmd.StdinPipe()
	must(t, err)
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	p.stdin, p.out = stdin, bufio.NewReader(out)
	if prepare != nil {
		prepare(p.cmd)
	}
	p.start(role)
	return p
}

func newProcess(t testing.TB, role string, args ...string) *process {
	p := &process{t: t, cmd: exec.Command("/proc/self/exe")}
	p.cmd.Env = []string{
		roleVariable + "=" + strings.Join(append([]string{role}, args...), " "),
		"GORACE=atexit_sleep_ms=0", // one second for each process otherwise
	}
	p.cmd.Stderr = &p.err
	return p
}

func (p *process) start(role string) {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatalf("start %s: %v", role, err)
	}
	p.t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.kill()
		}
	})
}

// line reads one line of the process.
func (p *process) line() string {
	p.t.Helper()
	s, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("process ended: %v\n%s", err, &p.err)
	}
	return strings.TrimSuffix(s, "\n")
}

// kill kills the process and waits for its end.
func (p *process) kill() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}

// wantKilled waits until the process has killed itself.
func (p *process) wantKilled() {
	p.t.Helper()
	_ = p.cmd.Wait()
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != unix.SIGKILL {
		p.t.Fatalf("process ended with %v\n%s", p.cmd.ProcessState, &p.err)
	}
}

// end closes the process's standard input, which ends most roles, and waits.
func (p *process) end() {
	p.t.Helper()
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("process: %v\n%s", err, &p.err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// at returns At(path).
func at(t testing.TB, path string) Dir {
	t.Helper()
	d, err := At(path)
	must(t, err)
	return d
}

// tempDir is t.TempDir with a path short enough for sockets below it.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "r")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// newDir returns a run directory that is not there yet.
func newDir(t testing.TB) Dir {
	t.Helper()
	return at(t, filepath.Join(tempDir(t), "run"))
}

// listen makes the socket of an entry. It returns its descriptor.
func listen(path string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = unix.Fchmod(fd, 0o600); err == nil {
		if err = unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err == nil {
			err = unix.Listen(fd, 8)
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// offering is a published stream and its socket.
type offering struct {
	*Entry
	socket int
}

func offer(d Dir, info Info) (*offering, error) {
	e, err := d.Register(info)
	if err != nil {
		return nil, err
	}
	fd, err := listen(e.SocketPath())
	if err == nil {
		err = e.Publish()
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return &offering{Entry: e, socket: fd}, nil
}

func (o *offering) close() error {
	err := o.Close()
	unix.Close(o.socket)
	return err
}

// mustOffer publishes a stream until the end of the test.
func mustOffer(t testing.TB, d Dir, name string) *offering {
	t.Helper()
	o, err := offer(d, Info{Name: name})
	must(t, err)
	t.Cleanup(func() {
		if !o.closed {
			must(t, o.close())
		}
	})
	return o
}

// unlock makes an entry look as if its driver had died.
func unlock(fd int) error {
	return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK, Whence: io.SeekStart})
}

// files returns what is in a directory, sorted.
func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func wantFiles(t testing.TB, dir string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Fatalf("%s has %q, want %q", dir, got, want)
	}
}

// untilEOF waits for the end of this process's standard input.
func untilEOF() { _, _ = io.Copy(io.Discard, os.Stdin) }

// die kills this process as kill -9 does.
func die() {
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	select {}
}

// offerRole publishes a stream until the end of its input: DIR NAME.
func offerRole(args []string) error {
	d, err := At(args[0])
	if err != nil {
		return err
	}
	o, err := offer(d, Info{Name: args[1], Program: "driver under test", Instance: uint64(os.Getpid())})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	untilEOF()
	return o.close()
}

// startOffer starts a process that offers a stream, and waits until it does.
func startOffer(t testing.TB, d Dir, name string) *process {
	t.Helper()
	p := spawn(t, nil, "offer", d.Path(), name)
	if got := p.line(); got != "ready" {
		t.Fatalf("process said %q", got)
	}
	return p
}

// soon is far longer than anything here takes.
const soon = 20 * time.Second

// output runs the process and returns what it said.
func (p *process) output() (string, error) {
	var out strings.Builder
	p.cmd.Stdout = &out
	err := p.cmd.Run()
	return out.String(), err
}
