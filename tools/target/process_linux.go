// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"
	"fmt"
	"os"
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
