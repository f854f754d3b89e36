// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// TestC45DirectoryIsChosen is the table of Default's choice. Another user is
// played by pretending to be one: every directory here then is somebody else's.
func TestC45DirectoryIsChosen(t *testing.T) {
	base := tempDir(t)
	for _, dir := range []string{"xdg", "run/iostreamkit", "emptyrun", "open", "tmp"} {
		must(t, os.MkdirAll(filepath.Join(base, dir), 0o700))
	}
	must(t, os.Chmod(filepath.Join(base, "open"), 0o777))
	me, other := os.Geteuid(), os.Geteuid()+1
	tmpOf := func(uid int) string { return fmt.Sprintf("tmp/iostreamkit-%d", uid) }
	for _, tc := range []struct {
		name       string
		env        map[string]string
		euid       int
		system     string
		wantOwn    string
		wantSearch []string // all of them if nil
	}{
		{"variable", map[string]string{Variable: "$/mine", "XDG_RUNTIME_DIR": "$/xdg"}, me, "run", "mine", []string{"mine"}},
		{"session", map[string]string{"XDG_RUNTIME_DIR": "$/xdg"}, me, "run", "xdg/iostreamkit",
			[]string{"xdg/iostreamkit", "run/iostreamkit", tmpOf(me)}},
		{"session missing", map[string]string{"XDG_RUNTIME_DIR": "$/none"}, me, "run", "run/iostreamkit", []string{"run/iostreamkit", tmpOf(me)}},
		{"session relative", map[string]string{"XDG_RUNTIME_DIR": "xdg"}, me, "run", "run/iostreamkit", []string{"run/iostreamkit", tmpOf(me)}},
		{"session of another user", map[string]string{"XDG_RUNTIME_DIR": "$/xdg"}, other, "run", tmpOf(other), []string{tmpOf(other), "run/iostreamkit"}},
		{"session open to all", map[string]string{"XDG_RUNTIME_DIR": "$/open"}, me, "run", "run/iostreamkit", []string{"run/iostreamkit", tmpOf(me)}},
		{"session no directory", map[string]string{"XDG_RUNTIME_DIR": "/dev/null"}, me, "run", "run/iostreamkit", []string{"run/iostreamkit", tmpOf(me)}},
		{"system's, ours", nil, me, "run", "run/iostreamkit", []string{"run/iostreamkit", tmpOf(me)}},
		{"system's can be made", nil, me, "emptyrun", "emptyrun/iostreamkit", []string{"emptyrun/iostreamkit", tmpOf(me)}},
		{"system's of another user", nil, other, "run", tmpOf(other), []string{tmpOf(other), "run/iostreamkit"}},
		{"no system's", nil, me, "none", tmpOf(me), []string{tmpOf(me), "none/iostreamkit"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := environment{
				getenv: func(key string) string { return strings.ReplaceAll(tc.env[key], "$", base) },
				euid:   tc.euid,
				system: filepath.Join(base, tc.system, "iostreamkit"),
				tmp:    filepath.Join(base, "tmp"),
			}
			d, err := v.resolve()
			must(t, err)
			if got := d.Path(); got != filepath.Join(base, tc.wantOwn) {
				t.Errorf("registers in %s", got)
			}
			var want []string
			for _, dir := range tc.wantSearch {
				want = append(want, filepath.Join(base, dir))
			}
			if got := d.SearchPath(); !slices.Equal(got, want) {
				t.Errorf("searches %q, want %q", got, want)
			}
		})
	}
	for _, path := range []string{"mine", "./mine"} {
		v := environment{getenv: func(string) string { return path }}
		if _, err := v.resolve(); !errors.Is(err, ioreturn.ErrInvalid) || !strings.Contains(err.Error(), Variable) {
			t.Errorf("%s=%s: %v", Variable, path, err)
		}
	}
	if _, err := At(""); !errors.Is(err, ioreturn.ErrInvalid) {
		t.Errorf("At of nothing: %v", err)
	}
}

func TestDefaultReadsTheEnvironment(t *testing.T) {
	dir := tempDir(t)
	t.Setenv(Variable, dir)
	d, err := Default()
	if err != nil || d.Path() != dir {
		t.Errorf("got %s, %v", d.Path(), err)
	}
	t.Setenv(Variable, "")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	must(t, os.Chmod(dir, 0o700))
	d, err = Default()
	if err != nil || d.Path() != filepath.Join(dir, "iostreamkit") || !slices.Contains(d.SearchPath(), "/run/iostreamkit") {
		t.Errorf("got %s of %q, %v", d.Path(), d.SearchPath(), err)
	}
}

// TestC41DirectoryIsJudged is the table of owner and mode.
func TestC41DirectoryIsJudged(t *testing.T) {
	const me, other = 1000, 1001
	for _, tc := range []struct {
		name           string
		place          place
		uid            uint32
		mode           uint32
		read, register bool // is it allowed?
	}{
		{"ours", place{}, me, 0o700, true, true},
		{"ours, others may look", place{}, me, 0o755, true, true},
		{"ours, group may write", place{}, me, 0o770, false, false},
		{"ours, all may write", place{}, me, 0o702, false, false},
		{"ours, sticky and open", place{}, me, 0o1777, false, false},
		{"root's", place{}, 0, 0o755, true, false},
		{"root's, open", place{}, 0, 0o1777, false, false},
		{"another's", place{}, other, 0o755, false, false},
		{"system's, root's", place{system: true}, 0, 0o755, true, false},
		{"system's, a service's", place{system: true}, other, 0o755, true, false},
		{"system's, ours", place{system: true}, me, 0o755, true, true},
		{"system's, open", place{system: true}, 0, 0o777, false, false},
		{"private, ours", place{private: true}, me, 0o700, true, true},
		{"private, others may look", place{private: true}, me, 0o750, false, false},
		{"private, another's", place{private: true}, other, 0o700, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.place.path = "/where/ever"
			st := &unix.Stat_t{Uid: tc.uid, Mode: unix.S_IFDIR | tc.mode}
			for _, register := range []bool{false, true} {
				err := tc.place.judge(st, me, register)
				if want := register && tc.register || !register && tc.read; (err == nil) != want {
					t.Errorf("register %v: %v", register, err)
				}
				if err == nil {
					continue
				}
				if !errors.Is(err, ioreturn.ErrPermission) || !strings.Contains(err.Error(), "/where/ever") || !strings.Contains(err.Error(), Variable) {
					t.Errorf("error %q", err)
				}
			}
		})
	}
}

// TestC41SquattedDirectoryIsRefused puts what an attacker could put in the place
// of /tmp/iostreamkit-UID, and asserts that it is neither used nor changed.
func TestC41SquattedDirectoryIsRefused(t *testing.T) {
	leak.Check(t)
	for _, tc := range []struct {
		name string
		make func(path string) error
		want string
	}{
		{"file", func(p string) error { return os.WriteFile(p, nil, 0o600) }, "is not a directory"},
		{"link", func(p string) error { return os.Symlink(tempDir(t), p) }, "is a symbolic link"},
		{"dangling link", func(p string) error { return os.Symlink("/nonexistent/x", p) }, "is a symbolic link"},
		{"open directory", func(p string) error { return errors.Join(os.Mkdir(p, 0o700), os.Chmod(p, 0o755)) }, "has mode 0755"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tmp := tempDir(t)
			v := environment{getenv: func(string) string { return "" }, euid: os.Geteuid(), system: "/nonexistent/run", tmp: tmp}
			d, err := v.resolve()
			must(t, err)
			must(t, tc.make(d.Path()))
			before, err := os.Lstat(d.Path())
			must(t, err)
			_, registerErr := d.Register(Info{Name: camera})
			_, listErr := d.List(t.Context())
			_, findErr := d.Find(camera)
			for _, err := range []error{registerErr, listErr, findErr} {
				if !errors.Is(err, ioreturn.ErrPermission) || !strings.Contains(err.Error(), d.Path()+" "+tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
			}
			after, err := os.Lstat(d.Path())
			if err != nil || after.Mode() != before.Mode() || !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("it was touched: %v, %v", after, err)
			}
		})
	}
}

func TestRegisterNeedsAParentDirectory(t *testing.T) {
	d := at(t, filepath.Join(tempDir(t), "missing", "run"))
	if _, err := d.Register(Info{Name: camera}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), Variable) {
		t.Errorf("got %v", err)
	}
}

// nobody is a user without any rights; 0 if this process may not become one.
func nobody() uint32 {
	if os.Geteuid() == 0 {
		return 65534
	}
	return 0
}

// userRole is an ordinary user without XDG_RUNTIME_DIR who may not write to /run: BASE.
func userRole(args []string) error {
	base := args[0]
	d, err := environment{
		getenv: os.Getenv, euid: os.Geteuid(), system: base + "/run/iostreamkit", tmp: base + "/tmp",
	}.resolve()
	if err != nil {
		return err
	}
	o, err := offer(d, Info{Name: "user/dev/stream"})
	if err != nil {
		fmt.Println("refused:", err)
		return nil
	}
	defer o.close()
	fi, err := os.Lstat(d.Path())
	if err != nil {
		return err
	}
	streams, err := d.listAll()
	if err != nil {
		return err
	}
	fmt.Println(d.Path(), fi.Mode(), strings.Join(streams, " "))
	untilEOF()
	return nil
}

// asUser starts userRole as nobody if this process is root, else as this user, who
// then must not be able to write to base/run either.
func asUser(t *testing.T, base string) *process {
	return spawn(t, func(cmd *exec.Cmd) {
		if uid := nobody(); uid != 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		}
	}, "user", base)
}

func ordinaryUID() int {
	if uid := nobody(); uid != 0 {
		return int(uid)
	}
	return os.Geteuid()
}

// newSystem returns a directory with a run and a tmp as a system has them; run can
// be written by root only.
func newSystem(t *testing.T) string {
	base, err := os.MkdirTemp("", "sys")
	must(t, err)
	t.Cleanup(func() {
		must(t, os.Chmod(base+"/run", 0o755))
		must(t, os.RemoveAll(base))
	})
	must(t, os.Chmod(base, 0o755))
	must(t, os.Mkdir(base+"/run", 0o755))
	must(t, os.Mkdir(base+"/tmp", 0o700))
	must(t, os.Chmod(base+"/tmp", fs.ModeSticky|0o777))
	return base
}

// TestC41OrdinaryUserWithoutSessionDirectory runs as a user who has neither
// XDG_RUNTIME_DIR nor the right to write to /run: the stream is registered below
// /tmp in a directory of the user's own, and the system's streams are found.
func TestC41OrdinaryUserWithoutSessionDirectory(t *testing.T) {
	base := newSystem(t)
	mustOffer(t, at(t, base+"/run/iostreamkit"), camera)
	if os.Geteuid() != 0 {
		must(t, os.Chmod(base+"/run/iostreamkit", 0o500)) // ours, but not to be written
	}
	must(t, os.Chmod(base+"/run", 0o555))
	own := fmt.Sprintf("%s/tmp/iostreamkit-%d", base, ordinaryUID())
	p := asUser(t, base)
	want := fmt.Sprintf("%s drwx------ %s:true user/dev/stream:true", own, camera)
	if got := p.line(); got != want {
		t.Errorf("the user says %q, want %q", got, want)
	}
	if os.Geteuid() == 0 { // another user does not trust it
		if _, err := at(t, own).List(t.Context()); !errors.Is(err, ioreturn.ErrPermission) || !strings.Contains(err.Error(), "belongs to uid 65534") {
			t.Errorf("root reads the user's directory: %v", err)
		}
	}
	if os.Geteuid() != 0 {
		must(t, os.Chmod(base+"/run/iostreamkit", 0o700))
	}
	p.end()
	wantFiles(t, own)
}

// TestC41SquattersDirectoryOfAnotherUser is the attack on /tmp: the directory is
// there before its user comes.
func TestC41SquattersDirectoryOfAnotherUser(t *testing.T) {
	base := newSystem(t)
	must(t, os.Chmod(base+"/run", 0o555))
	own := fmt.Sprintf("%s/tmp/iostreamkit-%d", base, ordinaryUID())
	must(t, os.Mkdir(own, 0o700))
	want := own + " belongs to uid 1, "
	if os.Geteuid() == 0 {
		must(t, os.Chown(own, 1, 1))
	} else { // a directory of another user cannot be made; one that others may enter can
		must(t, os.Chmod(own, 0o755))
		want = own + " has mode 0755"
	}
	p := asUser(t, base)
	if got := p.line(); !strings.HasPrefix(got, "refused: ") || !strings.Contains(got, want) || !strings.Contains(got, Variable) {
		t.Errorf("the user says %q", got)
	}
	p.end()
	wantFiles(t, own)
}

// readOnlyRole mounts an empty read-only file system as /run, in its own view of
// the files, and says which directory is chosen: BASE.
func readOnlyRole(args []string) error {
	base := args[0]
	err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("none", base+"/run", "tmpfs", unix.MS_RDONLY, ""))
	if err != nil {
		fmt.Println("no mounts:", err)
		return nil
	}
	d, err := environment{
		getenv: os.Getenv, euid: os.Geteuid(), system: base + "/run/iostreamkit", tmp: base + "/tmp",
	}.resolve()
	if err != nil {
		return err
	}
	o, err := offer(d, Info{Name: camera})
	if err != nil {
		return err
	}
	fmt.Println(d.Path())
	return o.close()
}

// TestC41ReadOnlyRun has a /run that even root cannot write to. Where this process
// may not mount, the test above, with a directory that the user must not write to,
// is all there is.
func TestC41ReadOnlyRun(t *testing.T) {
	base := newSystem(t)
	p := newProcess(t, "readonly", base)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Geteuid(); uid != 0 {
		p.cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		p.cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	}
	out, err := p.output()
	if err != nil && errors.Is(err, unix.EPERM) || strings.HasPrefix(out, "no mounts") {
		t.Logf("no mounts here: %s %v", out, err)
		return
	}
	if want := base + "/tmp/iostreamkit-0\n"; err != nil || out != want {
		t.Errorf("registers in %q, want %q (%v)\n%s", out, want, err, &p.err)
	}
}

// listAll returns the names and states of all streams.
func (d Dir) listAll() ([]string, error) {
	streams, err := d.List(context.Background())
	var list []string
	for _, s := range streams {
		list = append(list, fmt.Sprintf("%s:%v", s.Name, s.Live && s.Err == nil))
	}
	return list, err
}
