// SPDX-License-Identifier: Apache-2.0

package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// dial connects to a stream in a run directory, or in those of this process.
func dial(ctx context.Context, run, name string, observe bool) (userclient.Conn, error) {
	dir, err := rundir.Default()
	if run != "" {
		dir, err = rundir.At(run)
	}
	if err != nil {
		return nil, err
	}
	found, err := dir.Find(name)
	if err != nil {
		return nil, err
	}
	conn, err := socket.Dial(ctx, found.Path, &socket.DialConfig{Observe: observe})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// makeRunDir makes a run directory. Its name is short, because Linux allows a socket's
// path no more than 107 bytes.
func makeRunDir() (string, error) { return os.MkdirTemp("", "iosk-") }

// life is one process, from its start to its end.
type life struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	said     tail
	expected atomic.Bool   // to end
	over     chan struct{} // closed when it has ended
	how      string        // it ended, when it is over
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
	l.cmd.WaitDelay = time.Second // for a grandchild that keeps the output open
	// The request to terminate is for the case that this process is killed.
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	stdin, err := l.cmd.StdinPipe() // never written to: a driver that reads it waits
	if err != nil {
		return nil, err
	}
	l.stdin = stdin
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // Pdeathsig is about the thread that starts the process
		defer runtime.UnlockOSThread()
		err := l.cmd.Start()
		started <- err
		if err == nil {
			l.how = howEnded(l.cmd.Wait())
			d.ended(l, !l.expected.Load() || failed(l.cmd.ProcessState))
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.life = l
	d.mu.Unlock()
	return l, nil
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

// await waits for a stream of that name, or for the first if there is no name, while
// the process runs.
func (d *Process) await(ctx context.Context, l *life, name string) (string, error) {
	dir, err := rundir.At(d.run)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	for e, err := range dir.Watch(ctx) {
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil:
			return "", err
		case e.Kind != rundir.Removed && (name == "" || e.Stream.Name == name):
			return e.Stream.Name, nil
		}
	}
	return "", context.Cause(ctx)
}

// Others returns the names of the streams that the program offers besides the one that
// is checked.
func (d *Process) Others(ctx context.Context) ([]string, error) {
	dir, err := rundir.At(d.run)
	if err != nil {
		return nil, err
	}
	streams, err := dir.List(ctx)
	var names []string
	for _, s := range streams {
		if s.Live && s.Name != d.Name() {
			names = append(names, s.Name)
		}
	}
	return names, err
}

// signal sends a signal to the process and what it has started.
func (l *life) signal(s syscall.Signal) error {
	err := syscall.Kill(-l.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return nil // they have all ended
	}
	return err
}

// Kill ends the process without warning, with what it has started, and returns when
// its stream is not there any more.
func (d *Process) Kill() error {
	l := d.current()
	if l == nil {
		return nil
	}
	l.expect()
	if err := l.signal(syscall.SIGKILL); err != nil {
		return ioreturn.Op("kill driver", d.Name(), err)
	}
	<-l.over
	return ioreturn.Op("kill driver", d.Name(), d.awaitGone())
}

// awaitGone waits until the driver is gone, which a process that this one started, but
// not directly, may be a little later.
func (d *Process) awaitGone() error {
	dir, err := rundir.At(d.run)
	if err != nil {
		return err
	}
	deadline := time.NewTimer(endBound)
	defer deadline.Stop()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		if s, err := dir.Find(d.Name()); err != nil || !s.Live {
			return nil
		}
		select {
		case <-look.C:
		case <-deadline.C:
			return errors.New("the stream is still there although its process has ended")
		}
	}
}

// end asks the process to end, waits, and kills what is left.
func (d *Process) end() error {
	l := d.current()
	if l == nil {
		return nil
	}
	l.expect()
	_ = l.stdin.Close() // it is closed already if the process has ended
	err := l.signal(syscall.SIGTERM)
	patience := time.NewTimer(d.program.patience)
	defer patience.Stop()
	select {
	case <-l.over:
	case <-patience.C:
		err = errors.Join(err, fmt.Errorf("it did not end within %v of a request to terminate and was killed", d.program.patience))
	}
	if err == nil {
		err = d.awaitGone()
	}
	err = errors.Join(err, l.signal(syscall.SIGKILL))
	<-l.over
	d.mu.Lock()
	d.life = nil
	d.mu.Unlock()
	return ioreturn.Op("end driver", d.program.Args[0], err)
}

// Close ends the program and removes its run directory. The error says that it had to be
// killed.
func (d *Process) Close() error { return errors.Join(d.end(), os.RemoveAll(d.run)) }
