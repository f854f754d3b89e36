// SPDX-License-Identifier: Apache-2.0

package target

import (
	"cmp"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// life is one process, from its start to its end.
type life struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	said     tail
	expected atomic.Bool   // to end
	over     chan struct{} // closed when it has ended, with what it has started
	how      string        // it ended, when it is over

	mu    sync.Mutex
	freed bool // its number may be another process's
}

// begin starts the program in a group of its own, which a Ctrl-C does not reach and
// which is ended as a whole: the driver may be the child of a script.
func (d *Process) begin() (*life, error) {
	p := &d.program
	l := &life{cmd: exec.Command(cmp.Or(p.Path, p.Args[0])), over: make(chan struct{})}
	l.cmd.Args = p.Args
	l.cmd.Env = append(append(l.cmd.Environ(), p.Env...), rundir.Variable+"="+d.run)
	var out io.Writer = &l.said
	if p.Output != nil {
		out = io.MultiWriter(out, p.Output)
	}
	l.cmd.Stdout, l.cmd.Stderr = out, out
	l.cmd.WaitDelay = time.Second // for one that has left the group and keeps the output open
	// The request to terminate is for the case that this process is killed.
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	stdin, err := l.cmd.StdinPipe() // never written to: a driver that reads it waits
	if err != nil {
		return nil, err
	}
	l.stdin = stdin
	started := make(chan error, 1)
	go d.live(l, started)
	if err := <-started; err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.life = l
	d.mu.Unlock()
	return l, nil
}

// live starts a process and follows it to its end. What it has started does not outlive
// it, but for a driver that is just clearing up.
func (d *Process) live(l *life, started chan<- error) {
	runtime.LockOSThread() // Pdeathsig is about the thread that starts the process
	defer runtime.UnlockOSThread()
	err := l.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	l.awaitExit()
	if l.expected.Load() {
		_ = d.awaitGone() // it is killed otherwise
	}
	_ = l.signal(syscall.SIGKILL) // who can't be killed is not this user's
	l.mu.Lock()
	l.freed = true
	l.mu.Unlock()
	l.how = howEnded(l.cmd.Wait())
	d.ended(l, !l.expected.Load() || failed(l.cmd.ProcessState))
}

// awaitExit waits for the end of the process and leaves it its number, by which its
// group is known.
func (l *life) awaitExit() {
	for {
		err := unix.Waitid(unix.P_PID, l.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// signal sends a signal to the process and what it has started, unless they have ended.
func (l *life) signal(s syscall.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.freed {
		return nil
	}
	err := syscall.Kill(-l.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// ended keeps how a process ended, if it is a surprise.
func (d *Process) ended(l *life, surprise bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(l.over)
	if surprise {
		d.deaths = append(d.deaths, l.ended())
	}
}

// failed reports whether a process ended in another way than after a request: it may
// have been about to end by itself when it was asked.
func failed(p *os.ProcessState) bool {
	ws, ok := p.Sys().(syscall.WaitStatus)
	if !ok || p.Success() {
		return false
	}
	sig := ws.Signal() // -1 unless it is what ended the process
	if code := ws.ExitStatus(); code > shellSignal {
		sig = syscall.Signal(code - shellSignal)
	}
	return sig != syscall.SIGTERM && sig != syscall.SIGKILL
}

// shellSignal is what shells add to the number of the signal that ended a command.
const shellSignal = 128

func howEnded(err error) string {
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return "exit status 0"
	}
	return err.Error()
}

func (l *life) pid() int {
	if l == nil {
		return -1
	}
	return l.cmd.Process.Pid
}

// expect says that the end of the process will be no surprise.
func (l *life) expect() { l.expected.Store(true) }

// ended returns how the process ended, or nil if it has not.
func (l *life) ended() error {
	select {
	case <-l.over:
	default:
		return nil
	}
	how := "the driver's process has ended: " + l.how
	if said := l.said.quote(); said != "" {
		how += "; it printed: " + said
	}
	return goneError(how)
}

// goneError is how a driver's process ended. It matches ioreturn.ErrGone.
type goneError string

func (e goneError) Error() string { return string(e) }
func (e goneError) Unwrap() error { return ioreturn.ErrGone }
