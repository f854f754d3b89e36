// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/iostreamkit/iostreamkit/tools/bench/internal/child"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// far is the other process, seen from this one. It answers each line with a Reading.
type far struct {
	child  *child.Child
	ask    io.WriteCloser
	answer *bufio.Reader
	hog    *child.Child
}

// startFar starts the other side of a task, with files as descriptors 3 and up, and a hog
// on its CPU if the job has one. It waits until the other side is ready.
func startFar(t *job.Task, files ...*os.File) (_ *far, err error) {
	args, err := argsOf(FarCommand, t)
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &far{}
	defer func() {
		if err != nil {
			_ = f.close() // the first error says more
		}
	}()
	if t.Job.Hog {
		if f.hog, err = child.Start(exec.Command(exe, hogCommand), t.Far, false); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(exe, args...)
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, files
	if f.ask, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	answer, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	f.answer = bufio.NewReader(answer)
	if f.child, err = child.Start(cmd, t.Far, false); err != nil {
		return nil, err
	}
	_, err = f.line()
	return f, err
}

func (f *far) line() ([]byte, error) {
	b, err := f.answer.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the other process has ended: %w", err)
	}
	return b, nil
}

// read asks the other process for its Reading.
func (f *far) read() (r Reading, err error) {
	if _, err = io.WriteString(f.ask, "read\n"); err != nil {
		return r, err
	}
	b, err := f.line()
	if err != nil {
		return r, err
	}
	err = json.Unmarshal(b, &r)
	return r, err
}

// closePatience is how long the other process has to end by itself.
const closePatience = 5 * time.Second

// close ends the other process and waits for it.
func (f *far) close() error {
	if f.hog != nil {
		f.hog.Kill()
		_ = f.hog.Wait() // it was killed
	}
	if f.ask != nil {
		_ = f.ask.Close() // it is told so
	}
	if f.child == nil {
		return nil
	}
	select {
	case <-f.child.Done():
	case <-time.After(closePatience):
		f.child.Kill()
		return errors.Join(errors.New("the other process did not end"), f.child.Wait())
	}
	return f.child.Wait()
}

// serve is the other process: it runs and answers until stdin ends.
func serve(ctx context.Context, t *job.Task, run func(context.Context, *job.Task, func() error) error, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		for lines := bufio.NewScanner(stdin); lines.Scan(); {
			r, err := take()
			if err != nil || json.NewEncoder(stdout).Encode(r) != nil {
				return
			}
		}
	}()
	err := run(ctx, t, func() error {
		_, err := io.WriteString(stdout, "ready\n")
		return err
	})
	if ctx.Err() != nil {
		return nil // it was told to end, and every error comes from that
	}
	return err
}
