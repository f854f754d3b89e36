// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// childBound is how long the driver's process may take to end by itself.
const childBound = 5 * time.Second

// child is the driver's process.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	dir    string
}

// spawn starts the driver's process with a run directory of its own.
func spawn(ctx context.Context, o Options) (_ *link, err error) {
	c := &child{}
	if c.dir, err = os.MkdirTemp("", "iostreamkit-demo-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(c.dir))
		}
	}()
	if c.cmd, err = o.Driver(ctx); err != nil {
		return nil, err
	}
	c.cmd.Env = append(c.cmd.Environ(), rundir.Variable+"="+c.dir)
	c.cmd.Stderr = &c.stderr
	c.cmd.WaitDelay = childBound
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.cmd.Cancel = c.stdin.Close // let it clear up; it is killed if it does not
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the driver's process: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != ready {
		return nil, c.failed(err)
	}
	dir, err := rundir.At(c.dir)
	if err != nil {
		return nil, errors.Join(err, c.end())
	}
	return &link{pid: c.cmd.Process.Pid, close: c.close, open: func(ctx context.Context, name string, cfg *iostream.Config) (*iostream.Stream, error) {
		found, err := dir.Find(name)
		if err != nil {
			return nil, err
		}
		conn, err := socket.Dial(ctx, found.Path, nil)
		if err != nil {
			return nil, err
		}
		return iostream.Open(ctx, conn, cfg)
	}}, nil
}

// failed ends a driver's process that did not become ready, and says what it said.
func (c *child) failed(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New("the driver's process did not become ready")
	}
	if ended := c.end(); ended != nil {
		err = fmt.Errorf("%w: %w", err, ended)
	}
	return err
}

// close ends the driver's process and removes its run directory.
func (c *child) close() error { return errors.Join(c.end(), os.RemoveAll(c.dir)) }

// end closes the driver's standard input, by which it ends, and waits for that. A
// process that does not end is killed.
func (c *child) end() error {
	_ = c.stdin.Close() // it is closed already if the process has ended
	kill := time.AfterFunc(childBound, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("the driver's process: %w %s", err, bytes.TrimSpace(c.stderr.Bytes()))
	}
	return nil
}

// placeOf finds out where a slice of shared memory is, from the list of this process's
// mappings.
func placeOf(p []byte) (place, error) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return place{}, err
	}
	defer maps.Close()
	address := uint64(reflect.ValueOf(p).Pointer())
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var begin, end, offset, inode uint64
		var major, minor uint64
		var mode string
		n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s %x %x:%x %d", &begin, &end, &mode, &offset, &major, &minor, &inode)
		if n == 7 && begin <= address && address < end {
			return place{major, minor, inode, offset + address - begin}, nil
		}
	}
	return place{}, errors.Join(fmt.Errorf("address %#x is in no mapping of this process", address), lines.Err())
}

// mappedPlace finds out where the client has a frame's buffer, and checks it with
// fstat of the descriptor that the memory was mapped from.
func mappedPlace(ctx context.Context, s *iostream.Stream, f *iostream.Frame) (_ place, err error) {
	p, err := placeOf(f.Region())
	if err != nil {
		return p, err
	}
	m, err := s.Conn().Map(ctx, userclient.MemBufferData|f.BufferID())
	if err != nil {
		return p, err
	}
	defer func() {
		if unmapped := m.Unmap(); err == nil {
			err = unmapped
		}
	}()
	if m.FD < 0 {
		return p, errors.ErrUnsupported // memory of this process only
	}
	var st unix.Stat_t
	if err := unix.Fstat(m.FD, &st); err != nil {
		return p, err
	}
	byDescriptor := place{uint64(unix.Major(st.Dev)), uint64(unix.Minor(st.Dev)), st.Ino, uint64(m.Offset)}
	if byDescriptor != p {
		return p, fmt.Errorf("the buffer is at %+v by its descriptor, and at %+v by its mapping", byDescriptor, p)
	}
	return p, nil
}
