// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// seen is one pair of a watch.
type seen struct {
	Event
	err error
	at  time.Time
}

// spectator runs a watch for a test.
type spectator struct {
	t      *testing.T
	events chan seen
	cancel context.CancelCauseFunc
}

var errEnough = errors.New("enough")

// watch watches until the end of the test, which then sees that the watch ends
// with its context's cause and leaves nothing behind.
func watch(t *testing.T, d Dir) *spectator {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &spectator{t: t, events: make(chan seen), cancel: cancel}
	go func() {
		defer close(s.events)
		for e, err := range d.Watch(ctx) {
			s.events <- seen{e, err, time.Now()}
		}
	}()
	t.Cleanup(func() {
		cancel(errEnough)
		var last seen
		for e := range s.events {
			last = e
		}
		if !errors.Is(last.err, errEnough) {
			t.Errorf("the watch ended with %+v", last)
		}
	})
	return s
}

func (s *spectator) next() seen {
	s.t.Helper()
	select {
	case e, ok := <-s.events:
		if !ok {
			s.t.Fatal("the watch has ended")
		}
		return e
	case <-time.After(soon):
		s.t.Fatal("nothing is seen")
	}
	return seen{}
}

// want reads events until the one wanted, which must be the next one.
func (s *spectator) want(kind EventKind, name string) seen {
	s.t.Helper()
	e := s.next()
	if e.err != nil || e.Kind != kind || e.Stream.Name != name || e.Stream.Live != (kind != Removed) {
		s.t.Fatalf("saw %v %+v (%v), want %v %s", e.Kind, e.Stream, e.err, kind, name)
	}
	return e
}

func (s *spectator) wantError(is error, text string) {
	s.t.Helper()
	if e := s.next(); !errors.Is(e.err, is) || !strings.Contains(e.err.Error(), text) {
		s.t.Fatalf("saw %+v, want an error with %q", e, text)
	}
}

func TestWatchSeesStreamsComeAndGo(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	first := mustOffer(t, d, "acme/cam0/first")
	dead := mustOffer(t, d, "acme/cam0/dead")
	must(t, unlock(dead.info))
	w := watch(t, d)
	if e := w.want(Added, "acme/cam0/first"); e.Stream.Path != first.SocketPath() || e.Stream.PID != os.Getpid() {
		t.Errorf("saw %+v", e.Stream)
	}
	e, err := d.Register(Info{Name: camera})
	must(t, err)
	fd, err := listen(e.SocketPath())
	must(t, err)
	defer unix.Close(fd)
	other := mustOffer(t, d, "acme/cam0/other") // Register alone is not seen
	w.want(Added, "acme/cam0/other")
	must(t, e.Publish())
	w.want(Added, camera)
	must(t, other.close())
	w.want(Removed, "acme/cam0/other")
	must(t, e.Close())
	w.want(Removed, camera)
}

// TestWatchSeesKilledDrivers kills driver processes, which write nothing then.
func TestWatchSeesKilledDrivers(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	w := watch(t, d)
	var slowest time.Duration
	for range 25 {
		p := startOffer(t, d, camera)
		if e := w.want(Added, camera); e.Stream.PID != p.cmd.Process.Pid {
			t.Fatalf("saw %+v", e.Stream)
		}
		killed := time.Now()
		p.kill()
		e := w.want(Removed, camera)
		if e.Stream.PID != p.cmd.Process.Pid || e.Stream.Program != "driver under test" {
			t.Errorf("saw %+v", e.Stream)
		}
		slowest = max(slowest, e.at.Sub(killed))
	}
	t.Logf("seen after at most %v", slowest)
}

// TestWatchSeesALockGoWithoutAnEvent is the moment in which the kernel has told
// the watch of a dying driver's last close but still holds its lock: here the lock
// is released without any event of its own.
func TestWatchSeesALockGoWithoutAnEvent(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	o := mustOffer(t, d, camera)
	w := watch(t, d)
	w.want(Added, camera)
	must(t, unlock(o.info))
	w.want(Removed, camera)
}

func TestWatchSeesAReplacedDriver(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	w := watch(t, d)
	first := startOffer(t, d, camera)
	w.want(Added, camera)
	first.kill()
	p := startOffer(t, d, camera)
	last := seen{}
	for last.Stream.PID != p.cmd.Process.Pid {
		if last = w.next(); last.err != nil || last.Stream.Name != camera {
			t.Fatalf("saw %+v", last)
		}
	}
	if last.Kind == Removed {
		t.Errorf("the living driver is removed: %+v", last)
	}
}

// TestWatchMergesWhatASlowCallerMissed replaces a stream by one that says exactly
// the same while the caller is busy: that is one change.
func TestWatchMergesWhatASlowCallerMissed(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	o := mustOffer(t, d, camera)
	n := 0
	for e, err := range d.Watch(t.Context()) {
		must(t, err)
		switch n++; n {
		case 1:
			if e.Kind != Added {
				t.Fatalf("saw %+v", e)
			}
			for range 5 {
				must(t, o.close())
				o = mustOffer(t, d, camera)
			}
			continue
		case 2:
			if e.Kind != Changed || e.Stream.Name != camera {
				t.Errorf("saw %+v", e)
			}
		}
		break
	}
	if n != 2 {
		t.Errorf("%d events", n)
	}
}

// TestWatchWaitsForDirectories begins without the directory and its parents, and
// sees it come, go and come again, also while a process has the old one open.
func TestWatchWaitsForDirectories(t *testing.T) {
	leak.Check(t)
	base := tempDir(t)
	d := at(t, filepath.Join(base, "a", "b", "run"))
	w := watch(t, d)
	for round := range 6 {
		must(t, os.MkdirAll(filepath.Join(base, "a", "b"), 0o755))
		o, err := offer(d, Info{Name: camera})
		must(t, err)
		w.want(Added, camera)
		open, err := os.Open(d.Path())
		must(t, err)
		switch round {
		case 0:
			must(t, os.RemoveAll(d.Path()))
		case 1:
			must(t, os.RemoveAll(filepath.Join(base, "a")))
		case 2:
			must(t, os.Rename(d.Path(), d.Path()+".old"))
		case 3:
			must(t, os.Rename(d.Path(), d.Path()+".older"))
			must(t, os.Mkdir(d.Path(), 0o700))
		case 4:
			must(t, os.Rename(filepath.Join(base, "a", "b"), filepath.Join(base, "a", "old")))
		case 5:
			must(t, os.RemoveAll(filepath.Join(base, "a")))
		}
		w.want(Removed, camera)
		must(t, o.close())
		open.Close()
	}
}

// TestWatchOverflow makes more happen than the kernel keeps events for, before a
// stream is replaced, whose events are lost.
func TestWatchOverflow(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	o := mustOffer(t, d, camera)
	w := newTestWatcher(t, d)
	p := w.places[0]
	if events := w.look1(t); len(events) != 1 || events[0].Kind != Added {
		t.Fatalf("saw %+v", events)
	}
	churn := filepath.Join(d.Path(), "x,y,z.json")
	for range queueLimit(t)/2 + 1000 {
		f, err := os.Create(churn)
		must(t, err)
		f.Close()
		must(t, os.Remove(churn))
	}
	must(t, o.close())
	mustOffer(t, d, camera)
	clear(p.checks) // only the kernel's word counts here
	var all []Event
	for {
		notices, err := w.in.read(t.Context(), time.Now().Add(10*time.Millisecond))
		must(t, err)
		if len(notices) == 0 {
			break
		}
		for _, n := range notices {
			w.mark(n)
		}
		all = append(all, w.look1(t)...)
	}
	if len(all) != 1 || all[0].Kind != Changed || all[0].Stream.Name != camera {
		t.Errorf("saw %+v", all)
	}
}

// newTestWatcher returns a watcher that a test drives by hand.
func newTestWatcher(t *testing.T, d Dir) *watcher {
	in, err := newInotify()
	must(t, err)
	t.Cleanup(in.close)
	return &watcher{in: in, d: d, places: []*watched{newWatched(d.own)}}
}

// look1 looks at what is marked in the only directory.
func (w *watcher) look1(t *testing.T) []Event {
	t.Helper()
	events, problem, err := w.update(t.Context(), w.places[0])
	must(t, errors.Join(problem, err))
	return events
}

func queueLimit(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	must(t, err)
	var n int
	if _, err := fmt.Sscan(string(b), &n); err != nil || n > 1<<17 {
		t.Fatalf("max_queued_events is %q (%v): too many for this test", b, err)
	}
	return n
}

// TestWatchTellsOfABadDirectoryAndGoesOn has a squatted directory beside a good one.
func TestWatchTellsOfABadDirectoryAndGoesOn(t *testing.T) {
	leak.Check(t)
	base := tempDir(t)
	bad, good := at(t, filepath.Join(base, "bad")), at(t, filepath.Join(base, "good"))
	must(t, os.Symlink(base, bad.Path()))
	w := watch(t, dirOf(os.Geteuid(), bad.own, good.own))
	w.wantError(ioreturn.ErrPermission, "bad is a symbolic link")
	o := mustOffer(t, good, camera)
	w.want(Added, camera)
	must(t, os.Remove(bad.Path()))
	must(t, os.Mkdir(bad.Path(), 0o777))
	must(t, os.Chmod(bad.Path(), 0o777))
	for { // it may be looked at between the calls
		e := w.next()
		if e.err == nil {
			t.Fatalf("saw %+v", e)
		}
		if strings.Contains(e.err.Error(), "bad has mode 0777") {
			break
		}
	}
	must(t, os.Remove(bad.Path()))
	mustOffer(t, bad, "acme/cam1/video")
	w.want(Added, "acme/cam1/video")
	must(t, o.close())
	w.want(Removed, camera)
}

func TestWatchOfAContextThatHasEnded(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	mustOffer(t, d, camera)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errEnough)
	n := 0
	for e, err := range d.Watch(ctx) {
		if n++; !errors.Is(err, errEnough) {
			t.Errorf("saw %+v, %v", e, err)
		}
	}
	if n != 1 {
		t.Errorf("%d pairs", n)
	}
}

// TestWatchIsQuiet asserts that a watch does not wake itself by looking, that the
// checks of a live stream come to an end, and that a driver that is killed after
// that is seen.
func TestWatchIsQuiet(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	driver := startOffer(t, d, camera)
	w := newTestWatcher(t, d)
	p := w.places[0]
	looks := 0
	for look := true; look; looks++ {
		if looks > 20 {
			t.Fatal("the checks do not end")
		}
		if w.look1(t); len(p.live) != 1 {
			t.Fatalf("sees %v", p.live)
		}
		if notices, err := w.in.read(t.Context(), time.Now().Add(time.Millisecond)); err != nil || len(notices) > 0 {
			t.Fatalf("looking woke the watch: %+v, %v", notices, err)
		}
		look = !w.deadline().IsZero()
		for name, c := range p.checks {
			c.at = time.Now() // do not wait for it
			p.checks[name] = c
		}
		w.markChecks(time.Now())
	}
	if looks < 4 {
		t.Errorf("looked %d times", looks)
	}
	driver.kill()
	notices, err := w.in.read(t.Context(), time.Now().Add(soon))
	must(t, err)
	for _, n := range notices {
		w.mark(n)
	}
	if events := w.look1(t); len(events) != 1 || events[0].Kind != Removed {
		t.Errorf("sees %v", events)
	}
}
