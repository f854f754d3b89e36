// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package child starts processes that are bound to a CPU and that never outlive the one
// that started them.
package child

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Child is a process that was started.
type Child struct {
	cmd  *exec.Cmd
	over chan struct{}
	err  error // of the wait, when it is over

	mu    sync.Mutex
	freed bool // its number may be another process's
}

// Start starts cmd on one CPU, or on any if cpu is negative. group makes it the leader of
// a process group of its own, which is killed as a whole when its leader has ended.
func Start(cmd *exec.Cmd, cpu int, group bool) (*Child, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: group}
	c := &Child{cmd: cmd, over: make(chan struct{})}
	started := make(chan error, 1)
	go c.live(cpu, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// live is the life of the child. Pdeathsig is about the thread that starts a process, and
// a process has the CPUs of that thread, so the thread is its own and ends with it.
func (c *Child) live(cpu int, started chan<- error) {
	runtime.LockOSThread()
	defer close(c.over)
	err := Pin(cpu)
	if err == nil {
		err = c.cmd.Start()
	}
	started <- err
	if err != nil {
		return
	}
	// The child keeps its number until cmd.Wait, and its group is known by that.
	for errors.Is(unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	if c.cmd.SysProcAttr.Setpgid {
		c.Kill()
	}
	c.mu.Lock()
	c.freed = true
	c.mu.Unlock()
	c.err = c.cmd.Wait()
}

// Kill ends the child, with its group if it has one.
func (c *Child) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.freed {
		return
	}
	pid := c.cmd.Process.Pid
	if c.cmd.SysProcAttr.Setpgid {
		pid = -pid
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // fails only if it has ended
}

// Done is closed when the child has ended.
func (c *Child) Done() <-chan struct{} { return c.over }

// Wait waits for the end of the child and says what went wrong with it.
func (c *Child) Wait() error {
	<-c.over
	return c.err
}

// Usage returns what the child and its own children used. It has ended.
func (c *Child) Usage() *syscall.Rusage {
	<-c.over
	u, ok := c.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return new(syscall.Rusage)
	}
	return u
}

// Pin binds the calling thread to one CPU, unless the number is negative.
func Pin(cpu int) error {
	if cpu < 0 {
		return nil
	}
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}

// CPUs returns the numbers of the CPUs that this process may use.
func CPUs() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	var cpus []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus, nil
}
