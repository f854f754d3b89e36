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

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// TestHostileDirectory fills a run directory with what should not be there. Each
// thing is told as an entry of its own, at once, and spoils no other entry.
func TestHostileDirectory(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	good := mustOffer(t, d, camera)
	dead := mustOffer(t, d, "acme/cam0/dead")
	must(t, unlock(dead.info))
	valid, err := os.ReadFile(good.file(infoEnding))
	must(t, err)
	path := func(file string) string { return filepath.Join(d.Path(), file) }
	write := func(file, content string) { must(t, os.WriteFile(path(file), []byte(content), 0o644)) }

	write("x,y,empty.json", "")
	write("x,y,garbage.json", "\x00\xff garbage")
	write("x,y,array.json", "[]")
	write("x,y,future.json", `{"format":2,"name":"x/y/future","pid":1,"program":"p","instance":"1","abi":"0.1"}`)
	write("x,y,other.json", string(valid))
	write("x,y,terminal.json", strings.Replace(strings.Replace(string(valid), camera, "x/y/terminal", 1), `"program": "`, `"program": "\u001b[2J`, 1))
	write("x,y,huge.json", string(valid))
	must(t, os.Truncate(path("x,y,huge.json"), 1<<40))
	must(t, os.Symlink(good.file(infoEnding), path("x,y,link.json")))
	must(t, os.Symlink("x,y,loop.json", path("x,y,loop.json")))
	must(t, os.Mkdir(path("x,y,directory.json"), 0o755))
	must(t, unix.Mkfifo(path("x,y,fifo.json"), 0o644))
	socket, err := listen(path("x,y,socket.json"))
	must(t, err)
	defer unix.Close(socket)
	write("x,y,closed.json", string(valid))
	if os.Geteuid() == 0 {
		must(t, os.Chown(path("x,y,closed.json"), 12345, 12345))
	} else {
		must(t, os.Chmod(path("x,y,closed.json"), 0))
	}
	// What is no entry at all is not told.
	for _, file := range []string{"README", ".json", "a,b.json", "a,b,c,d.json", "a,.b,c.json", "a,b,c.json.new", "a,b,c.sock", "a b,c,d.json"} {
		write(file, "{}")
	}

	streams, err := d.List(t.Context())
	must(t, err)
	bad := 0
	for _, s := range streams {
		switch s.Name {
		case camera:
			if s.Err != nil || !s.Live {
				t.Errorf("the good entry is %+v", s)
			}
			continue
		case "acme/cam0/dead":
			if s.Err != nil || s.Live {
				t.Errorf("the dead entry is %+v", s)
			}
			continue
		}
		bad++
		if s.Err == nil || s.Live || !strings.HasPrefix(s.Name, "x/y/") || s.Dir != d.Path() {
			t.Errorf("%s: %+v", s.Name, s)
		}
		file := path(strings.ReplaceAll(s.Name, "/", ",") + ".json")
		if s.Err != nil && (!strings.Contains(s.Err.Error(), file) || strings.Contains(s.Err.Error(), "\x1b")) {
			t.Errorf("%s: error %q", s.Name, s.Err)
		}
		if _, err := d.Find(s.Name); err == nil || !errors.Is(err, s.Err) && err.Error() != "find "+s.Name+": "+s.Err.Error() {
			t.Errorf("Find(%s) returned %v", s.Name, err)
		}
	}
	if bad != 13 {
		t.Errorf("%d of 13 bad entries are told", bad)
	}
	if _, err := d.Find("x/y/missing"); !errors.Is(err, ioreturn.ErrNotFound) || !strings.Contains(err.Error(), "more") {
		t.Errorf("got %v", err)
	}
}

func TestFindSaysWhereItLookedAndWhatToDo(t *testing.T) {
	base := tempDir(t)
	first, second := at(t, filepath.Join(base, "first")), at(t, filepath.Join(base, "second"))
	d := dirOf(os.Geteuid(), first.own, second.own, place{path: filepath.Join(base, "missing")})
	wantText := func(name string, is error, words ...string) {
		t.Helper()
		_, err := d.Find(name)
		if !errors.Is(err, is) {
			t.Errorf("Find(%q) = %v, want %v", name, err, is)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("Find(%q) = %q, lacks %q", name, err, w)
			}
		}
	}
	wantText(camera, ioreturn.ErrNotFound, camera, "registered there: nothing", Variable)
	mustOffer(t, second, "acme/cam1/video")
	dead, err := offer(first, Info{Name: "acme/cam2/video", Program: "camd"})
	must(t, err)
	must(t, unlock(dead.info))
	defer dead.close()
	wantText(camera, ioreturn.ErrNotFound, first.Path(), second.Path(), "missing", "acme/cam1/video", "acme/cam2/video (its driver has died)")
	wantText("acme/cam2/video", ioreturn.ErrGone, fmt.Sprintf("PID %d (camd), has died", os.Getpid()), "start it again")
	wantText("cam2", ioreturn.ErrInvalid, "three")
	wantText("../../etc/passwd", ioreturn.ErrInvalid)
}

// TestC45NameNeverFallsBack asserts that a dead or damaged entry hides a stream of
// the same name in a later directory, instead of a user getting another device
// than the one that is named, and that the first of two live ones is taken.
func TestC45NameNeverFallsBack(t *testing.T) {
	base := tempDir(t)
	first, second := at(t, filepath.Join(base, "first")), at(t, filepath.Join(base, "second"))
	d := dirOf(os.Geteuid(), first.own, second.own)
	mustOffer(t, second, camera)
	if s, err := d.Find(camera); err != nil || s.Dir != second.Path() {
		t.Fatalf("got %+v, %v", s, err)
	}
	o := mustOffer(t, first, camera)
	if s, err := d.Find(camera); err != nil || s.Dir != first.Path() {
		t.Errorf("got %+v, %v", s, err)
	}
	streams, err := d.List(t.Context())
	if err != nil || len(streams) != 2 || streams[0].Dir != first.Path() || streams[1].Dir != second.Path() {
		t.Errorf("got %+v, %v", streams, err)
	}
	must(t, unlock(o.info))
	if s, err := d.Find(camera); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("a dead entry: got %+v, %v", s, err)
	}
	must(t, os.WriteFile(o.file(infoEnding), []byte("garbage"), 0o600))
	if s, err := d.Find(camera); err == nil {
		t.Errorf("a damaged entry: got %+v", s)
	}
	must(t, o.close())
	if s, err := d.Find(camera); err != nil || s.Dir != second.Path() {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestListTellsOfBadDirectoriesAndReadsTheOthers(t *testing.T) {
	base := tempDir(t)
	good, open := at(t, filepath.Join(base, "good")), at(t, filepath.Join(base, "open"))
	mustOffer(t, good, camera)
	must(t, os.Mkdir(open.Path(), 0o700))
	must(t, os.Chmod(open.Path(), 0o777))
	d := dirOf(os.Geteuid(), open.own, good.own, place{path: filepath.Join(base, "missing")})
	streams, err := d.List(t.Context())
	if !errors.Is(err, ioreturn.ErrPermission) || !strings.Contains(err.Error(), open.Path()+" has mode 0777") || strings.Contains(err.Error(), "missing") {
		t.Errorf("got %v", err)
	}
	if len(streams) != 1 || streams[0].Name != camera {
		t.Errorf("got %+v", streams)
	}
	if _, err := d.Find(camera); !errors.Is(err, ioreturn.ErrPermission) {
		t.Errorf("Find passed over a directory that may hide the stream: %v", err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := dirOf(os.Geteuid(), good.own).List(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}
