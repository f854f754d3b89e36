// SPDX-License-Identifier: Apache-2.0

// Package target makes targets of the conformance suite out of drivers in other
// processes: a stream that is there, and a program to start. It is for the conform
// command, and for go test:
//
//	func TestConformance(t *testing.T) {
//		driver, err := target.Start(t.Context(), target.Program{Args: []string{"./acmed"}})
//		if err != nil {
//			t.Fatal(err)
//		}
//		defer driver.Close()
//		conformtest.Run(t, driver, nil)
//	}
package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Named returns a target for the stream of that name, whose driver somebody else has
// started. The suite can't kill or restart it.
func Named(name string, declared ...conformance.Capability) conformance.Target {
	return conformance.FromDial(name, func(ctx context.Context, observe bool) (userclient.Conn, error) {
		return dial(ctx, "", name, observe)
	}, declared...)
}

// Program is a driver's program, how it is started and what is expected of it.
type Program struct {
	// Path is the program's file. Empty means the one that a shell would find for Args[0].
	Path string
	// Args are the name that the program is called by, and its arguments.
	Args []string
	// Env is added to this process's environment.
	Env []string
	// Stream is the stream to check. Empty means the first that the program offers.
	Stream string
	// Output receives what the program prints, from another goroutine. Nil discards it.
	// Errors quote the end of it in any case.
	Output io.Writer
	// Capabilities are declared of the driver.
	Capabilities []conformance.Capability

	patience time.Duration // until it has ended when it is asked to; zero means endBound
}

// Process is a target whose driver is a process of its own, which the suite may kill
// and start anew. The process finds a run directory of its own in its environment, so
// that it meets no other driver and no other client.
//
// Its methods are called by one goroutine at a time, except Connect and Deaths.
type Process struct {
	program Program
	run     string // the run directory

	mu     sync.Mutex
	name   string
	life   *life
	deaths []error
}

var (
	_ conformance.Target    = (*Process)(nil)
	_ conformance.Killer    = (*Process)(nil)
	_ conformance.Restarter = (*Process)(nil)
)

// The bounds on a driver's process.
const (
	startBound = time.Minute     // from its start until its stream is there
	endBound   = 5 * time.Second // until its stream is gone
)

// Start starts a driver's program and waits until its stream is there, for a minute at
// most; ctx ends the wait. The caller closes the Process, which ends the program.
//
// A program that ends before, or offers no stream in time, is an error that quotes the
// end of what it printed. On systems where processes can't be connected yet the error
// matches errors.ErrUnsupported.
func Start(ctx context.Context, p Program) (*Process, error) {
	if len(p.Args) == 0 {
		return nil, fmt.Errorf("start a driver: no program is named: %w", ioreturn.ErrInvalid)
	}
	run, err := makeRunDir()
	if err != nil {
		return nil, ioreturn.Op("start driver", p.Args[0], err)
	}
	p.patience = cmp.Or(p.patience, endBound)
	d := &Process{program: p, run: run, name: p.Stream}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Name returns the stream's name.
func (d *Process) Name() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.name
}

// Capabilities returns what Program declared.
func (d *Process) Capabilities() []conformance.Capability { return d.program.Capabilities }

// Connect begins a session with the stream that is checked. Its error matches ioreturn.ErrGone when the process has
// ended, and says how it did.
func (d *Process) Connect(ctx context.Context, observe bool) (userclient.Conn, error) {
	name := d.Name()
	l := d.current()
	if l == nil {
		return nil, ioreturn.Op("connect to", name, ioreturn.ErrClosed)
	}
	if err := l.ended(); err != nil {
		return nil, ioreturn.Op("connect to", name, err)
	}
	conn, err := dial(ctx, d.run, name, observe)
	if err == nil {
		return conn, nil
	}
	if ended := l.ended(); ended != nil {
		err = ended
	}
	return nil, err
}

// Dial begins a session with any stream of the program, for which it waits while the
// process runs; ctx ends the wait.
func (d *Process) Dial(ctx context.Context, name string, observe bool) (userclient.Conn, error) {
	l := d.current()
	if l == nil {
		return nil, ioreturn.Op("connect to", name, ioreturn.ErrClosed)
	}
	if _, err := d.await(ctx, l, name); err != nil {
		if ended := l.ended(); ended != nil {
			err = ended
		}
		return nil, ioreturn.Op("connect to", name, err)
	}
	return dial(ctx, d.run, name, observe)
}

// PID returns the number of the process that was started last, -1 after Close.
func (d *Process) PID() int { return d.current().pid() }

func (d *Process) current() *life {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.life
}

// Deaths returns, and forgets, how the process ended each time that nobody had asked it
// to since the last call.
func (d *Process) Deaths() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	deaths := d.deaths
	d.deaths = nil
	return deaths
}

// Restart starts the program anew, after it has ended it if it runs.
func (d *Process) Restart(ctx context.Context) error {
	if err := d.end(); err != nil {
		return err
	}
	return d.start(ctx)
}

// start starts the program and waits for its stream.
func (d *Process) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startBound,
		fmt.Errorf("not within %v", startBound))
	defer cancel()
	name := d.Name()
	l, err := d.begin()
	if err != nil {
		return ioreturn.Op("start driver", d.program.Args[0], err)
	}
	found, err := d.await(ctx, l, name)
	if err != nil {
		if ended := l.ended(); ended != nil {
			err = ended
		} else if said := l.said.quote(); said != "" {
			err = fmt.Errorf("%w; it printed: %s", err, said)
		}
		l.expect()
		return ioreturn.Op("start driver", d.program.Args[0], fmt.Errorf("%s: %w", d.missing(context.WithoutCancel(ctx), name), err))
	}
	d.mu.Lock()
	d.name = found
	d.mu.Unlock()
	return nil
}

// missing says which stream a program does not offer, if it is a certain one, and which it
// does.
func (d *Process) missing(ctx context.Context, name string) string {
	if name == "" {
		return "no stream was offered"
	}
	others, err := d.Others(ctx)
	if err != nil || len(others) == 0 {
		return "no stream " + name + " was offered"
	}
	return fmt.Sprintf("no stream %s was offered, only %s", name, strings.Join(others, ", "))
}

// tail keeps the end of what a program prints.
type tail struct {
	mu   sync.Mutex
	last []byte
	cut  bool
}

// tailSize is how much of it.
const tailSize = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if n := len(t.last) - tailSize; n > 0 {
		t.last, t.cut = append([]byte(nil), t.last[n:]...), true
	}
	return len(p), nil
}

// quote returns it on lines of their own, or nothing.
func (t *tail) quote() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.TrimSpace(strings.ToValidUTF8(string(t.last), "?"))
	if t.cut {
		s = "… " + s
	}
	if strings.Contains(s, "\n") {
		s = "\n" + s
	}
	return s
}
