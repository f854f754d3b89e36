// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// dieRole registers, publishes and closes a stream, and dies at the n-th step of
// it: DIR NAME N.
func dieRole(args []string) error {
	d, err := At(args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	d.step = func(string) {
		if n--; n == 0 {
			die()
		}
	}
	o, err := offer(d, Info{Name: args[1], Program: "mayfly"})
	if err != nil {
		return err
	}
	return o.close()
}

// steps returns the steps of a life of an entry in d.
func steps(t *testing.T, d Dir) []string {
	var list []string
	d.step = func(s string) { list = append(list, s) }
	o, err := offer(d, Info{Name: camera})
	must(t, err)
	must(t, o.close())
	return list
}

// TestKilledAtEveryStep kills a driver at each step from Register to Close, and
// again upon what the one killed at another step has left. Whatever is left, no
// reader sees half an entry or a live driver, and a new driver starts.
func TestKilledAtEveryStep(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	list := steps(t, d)
	if len(list) < 14 {
		t.Fatalf("only %d steps are reported: %q", len(list), list)
	}
	for i, step := range list {
		t.Run(fmt.Sprintf("%02d_%s", i+1, strings.ReplaceAll(step, " ", "_")), func(t *testing.T) {
			dieAt(t, d, i+1)
			dieAt(t, d, len(list)-i)
			must(t, mustOffer(t, d, camera).close())
			wantFiles(t, d.Path())
		})
	}
}

func dieAt(t *testing.T, d Dir, step int) {
	t.Helper()
	spawn(t, nil, "die", d.Path(), camera, strconv.Itoa(step)).wantKilled()
	streams, err := d.List(t.Context())
	must(t, err)
	for _, s := range streams {
		if s.Err != nil || s.Live || s.Name != camera || s.Program != "mayfly" {
			t.Errorf("after death at step %d the list has %+v", step, s)
		}
	}
	_, err = d.Find(camera)
	if len(streams) == 0 && !errors.Is(err, ioreturn.ErrNotFound) || len(streams) == 1 && !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("after death at step %d Find returns %v", step, err)
	}
}

// startRole waits for the end of its input and tries to become the driver; if it
// is, it stays so until descriptor 3 ends: DIR NAME.
func startRole(args []string) error {
	d, err := At(args[0])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	untilEOF()
	o, err := offer(d, Info{Name: args[1]})
	if errors.Is(err, ioreturn.ErrBusy) {
		fmt.Println("busy")
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Println("won")
	_, _ = io.Copy(io.Discard, os.NewFile(3, "hold"))
	return o.close()
}

// TestOneOfManyStartersWins lets several drivers of one name start at the same
// moment, on a directory that is missing, empty, or has the files of a dead one.
func TestOneOfManyStartersWins(t *testing.T) {
	leak.Check(t)
	const starters, rounds = 5, 12
	d := newDir(t)
	for round := range rounds {
		switch round % 3 {
		case 0:
			must(t, os.RemoveAll(d.Path()))
		case 1:
			startOffer(t, d, camera).kill()
		}
		gate, open, err := os.Pipe()
		must(t, err)
		held, hold, err := os.Pipe()
		must(t, err)
		all := make([]*process, starters)
		for i := range all {
			all[i] = spawnGated(t, gate, held, d)
		}
		gate.Close()
		held.Close()
		open.Close()
		won := 0
		for _, p := range all {
			switch said := p.line(); said {
			case "won":
				won++
			case "busy":
			default:
				t.Errorf("a starter said %q", said)
			}
		}
		if won != 1 {
			t.Errorf("round %d: %d starters won", round, won)
		}
		hold.Close()
		for _, p := range all {
			p.end()
		}
		wantFiles(t, d.Path())
	}
}

func spawnGated(t *testing.T, gate, held *os.File, d Dir) *process {
	t.Helper()
	p := spawnWith(t, gate, []*os.File{held}, "start", d.Path(), camera)
	if got := p.line(); got != "ready" {
		t.Fatalf("a starter said %q", got)
	}
	return p
}

// stays is how many lives of a churning driver there are to one in which it stays until
// it was looked at. Where all share a processor, the others may all lie between two looks.
const stays = 16

// looksFile counts, beside the directory, how often the reader has looked.
func looksFile(d Dir) string { return filepath.Join(filepath.Dir(d.Path()), "looks") }

// untilLookedAt returns when the reader has begun and finished a look, or done is closed.
func untilLookedAt(d Dir, done <-chan struct{}) error {
	looks := func() (int64, error) {
		st, err := os.Stat(looksFile(d)) // its size is the count
		if err != nil {
			return 0, err
		}
		return st.Size(), nil
	}
	first, err := looks()
	for now := first; err == nil && now < first+2; now, err = looks() {
		select {
		case <-done:
			return nil
		default:
		}
	}
	return err
}

// churnRole becomes the driver, leaves and comes back, until its input ends. A
// file beside the directory shows whether two ever believe to be the driver: DIR NAME.
func churnRole(args []string) error {
	d, err := At(args[0])
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { untilEOF(); close(done) }()
	fmt.Println("ready")
	marker := filepath.Join(filepath.Dir(d.Path()), "driver")
	for lives := 0; ; {
		select {
		case <-done:
			fmt.Println(lives)
			return nil
		default:
		}
		o, err := offer(d, Info{Name: args[1], Instance: uint64(os.Getpid())})
		if errors.Is(err, ioreturn.ErrBusy) {
			continue
		}
		if err != nil {
			return err
		}
		lives++
		fd, err := unix.Open(marker, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return fmt.Errorf("two drivers at once: %w", err)
		}
		unix.Close(fd)
		if lives%stays == 0 {
			if err := untilLookedAt(d, done); err != nil {
				return err
			}
		}
		if err := os.Remove(marker); err != nil {
			return fmt.Errorf("two drivers at once: %w", err)
		}
		if err := o.close(); err != nil {
			return err
		}
	}
}

// TestDriversComeAndGoUnderReaders has drivers of one name replace each other as
// fast as they can while this process lists. No reader ever sees a damaged or a
// dead entry, nor two.
func TestDriversComeAndGoUnderReaders(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	looks, err := os.Create(looksFile(d))
	must(t, err)
	defer looks.Close()
	var all []*process
	for range 3 {
		all = append(all, spawn(t, nil, "churn", d.Path(), camera))
	}
	for _, p := range all {
		if got := p.line(); got != "ready" {
			t.Fatalf("a driver said %q", got)
		}
	}
	seen := 0
	enough := 1500 * time.Millisecond
	for begin := time.Now(); time.Since(begin) < enough || seen == 0 && time.Since(begin) < soon; {
		streams, err := d.List(t.Context())
		must(t, err)
		if len(streams) > 1 {
			t.Fatalf("the list has %+v", streams)
		}
		for _, s := range streams {
			seen++
			if s.Err != nil || s.PID != int(s.Instance) {
				t.Fatalf("the list has %+v", s)
			}
		}
		if s, err := d.Find(camera); err != nil && !errors.Is(err, ioreturn.ErrNotFound) && !errors.Is(err, ioreturn.ErrGone) {
			t.Fatalf("Find returned %+v, %v", s, err)
		}
		_, err = looks.Write([]byte{0})
		must(t, err)
	}
	lives := 0
	for _, p := range all {
		p.stdin.Close()
		n, err := strconv.Atoi(p.line())
		must(t, err)
		lives += n
		p.end()
	}
	if seen == 0 || lives < 10 {
		t.Errorf("saw %d entries of %d lives: nothing was tested", seen, lives)
	}
	wantFiles(t, d.Path())
}

// spawnWith starts a process with an input and further files of the caller's.
func spawnWith(t *testing.T, stdin *os.File, more []*os.File, role string, args ...string) *process {
	t.Helper()
	p := newProcess(t, role, args...)
	p.cmd.Stdin, p.cmd.ExtraFiles = stdin, more
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	p.stdin, p.out = nopCloser{}, bufio.NewReader(out)
	p.start(role)
	return p
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
