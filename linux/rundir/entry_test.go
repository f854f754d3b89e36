// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

const camera = "acme/cam0/video"

func TestEntryFromRegisterToClose(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	props := map[string]string{"vendor": "Acme", "serial": "47/11 <&>", "bus": "usb"}
	e, err := d.Register(Info{Name: camera, Program: "camd", Instance: 1<<63 + 7, Properties: props, SocketMode: 0o666})
	must(t, err)
	wantFiles(t, d.Path(), "acme,cam0,video.lock", "acme,cam0,video.new")
	if streams, err := d.List(t.Context()); err != nil || len(streams) != 0 {
		t.Fatalf("before Publish the list is %v, %v", streams, err)
	}
	if err := e.Publish(); !errors.Is(err, ioreturn.ErrState) || !strings.Contains(err.Error(), e.SocketPath()) {
		t.Errorf("Publish without a socket: %v", err)
	}
	fd, err := listen(e.SocketPath())
	must(t, err)
	defer unix.Close(fd)
	must(t, e.Publish())
	must(t, e.Publish())
	wantFiles(t, d.Path(), "acme,cam0,video.json", "acme,cam0,video.lock", "acme,cam0,video.sock")
	wantMode(t, d.Path(), fs.ModeDir|d.ownMode())
	wantMode(t, e.SocketPath(), fs.ModeSocket|0o666)
	wantMode(t, e.file(infoEnding), 0o644)
	wantMode(t, e.file(lockEnding), 0o600)

	s, err := d.Find(camera)
	must(t, err)
	if s.Name != camera || s.Path != e.SocketPath() || s.Dir != d.Path() || !s.Live || s.Err != nil ||
		s.UID != os.Geteuid() || s.PID != os.Getpid() || s.Program != "camd" || s.Instance != 1<<63+7 ||
		s.ABI != (userclient.Version{Major: userclient.ABIMajor, Minor: userclient.ABIMinor}) ||
		fmt.Sprint(s.Properties) != fmt.Sprint(props) {
		t.Errorf("Find returned %+v", s)
	}
	must(t, e.Close())
	must(t, e.Close())
	if err := e.Publish(); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("Publish after Close: %v", err)
	}
	wantFiles(t, d.Path())
}

func (d Dir) ownMode() fs.FileMode { return fs.FileMode(d.own.mode(d.euid)) }

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	fi, err := os.Lstat(path)
	must(t, err)
	if fi.Mode() != want {
		t.Errorf("%s has mode %v, want %v", path, fi.Mode(), want)
	}
}

// The umask of a driver must decide neither who finds a stream nor who may connect.
func TestUmaskDoesNotMatter(t *testing.T) {
	for _, mask := range []int{0, 0o22, 0o77, 0o777} {
		t.Run(fmt.Sprintf("%03o", mask), func(t *testing.T) {
			d := newDir(t)
			old := unix.Umask(mask)
			o, err := offer(d, Info{Name: camera})
			unix.Umask(old)
			must(t, err)
			wantMode(t, d.Path(), fs.ModeDir|d.ownMode())
			wantMode(t, o.SocketPath(), fs.ModeSocket|0o600)
			wantMode(t, o.file(infoEnding), 0o644)
			must(t, o.close())
		})
	}
}

func TestRegisterRefusesBadInfo(t *testing.T) {
	long := strings.Repeat("x", userclient.MaxText+1)
	many := make(map[string]string)
	for i := range userclient.MaxProperties + 1 {
		many[strconv.Itoa(i)] = ""
	}
	for _, tc := range []struct {
		name string
		info Info
	}{
		{"no name", Info{}},
		{"two parts", Info{Name: "acme/cam0"}},
		{"hidden", Info{Name: "acme/.cam0/video"}},
		{"climbing", Info{Name: "acme/../video"}},
		{"comma", Info{Name: "acme/cam,0/video"}},
		{"program too long", Info{Name: camera, Program: long}},
		{"program with a newline", Info{Name: camera, Program: "a\nb"}},
		{"property without a name", Info{Name: camera, Properties: map[string]string{"": "x"}}},
		{"property that writes on the terminal", Info{Name: camera, Properties: map[string]string{"x": "\x1b[2J"}}},
		{"property not UTF-8", Info{Name: camera, Properties: map[string]string{"x": "\xff"}}},
		{"property too long", Info{Name: camera, Properties: map[string]string{"x": long}}},
		{"too many properties", Info{Name: camera, Properties: many}},
		{"set-uid socket", Info{Name: camera, SocketMode: fs.ModeSetuid | 0o600}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDir(t)
			e, err := d.Register(tc.info)
			if !errors.Is(err, ioreturn.ErrInvalid) || e != nil {
				t.Fatalf("got %v, %v", e, err)
			}
			if _, err := os.Lstat(d.Path()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something was made: %v", err)
			}
		})
	}
}

// TestC41SocketPathLimit asserts that a path that is too long for a socket is told
// before anything is made, with the way out, and that the longest one works.
func TestC41SocketPathLimit(t *testing.T) {
	base := tempDir(t)
	fill := maxSocketPath - len(base) - len("//acme,cam0,video.sock")
	if fill < 1 {
		t.Fatalf("%s is too long for this test", base)
	}
	longest := at(t, filepath.Join(base, strings.Repeat("d", fill)))
	o := mustOffer(t, longest, camera)
	if n := len(o.SocketPath()); n != maxSocketPath {
		t.Fatalf("path has %d bytes", n)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Connect(fd, &unix.SockaddrUnix{Name: o.SocketPath()}))

	tooLong := at(t, filepath.Join(base, strings.Repeat("d", fill+1)))
	_, err = tooLong.Register(Info{Name: camera})
	if !errors.Is(err, ioreturn.ErrInvalid) || !strings.Contains(err.Error(), tooLong.Path()) || !strings.Contains(err.Error(), Variable) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(tooLong.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}

func TestSecondLiveDriverIsRefusedWithTheFirstNamed(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	p := startOffer(t, d, camera)
	for range 3 {
		_, err := d.Register(Info{Name: camera})
		if !errors.Is(err, ioreturn.ErrBusy) {
			t.Fatalf("got %v", err)
		}
		for _, want := range []string{camera, fmt.Sprintf("PID %d (driver under test)", p.cmd.Process.Pid)} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
		if strings.Contains(err.Error(), "container") {
			t.Errorf("%q guesses at a holder that is alive", err)
		}
	}
	must(t, mustOffer(t, d, "acme/cam1/video").close()) // other names are free
	if _, err := d.Find(camera); err != nil {
		t.Errorf("the first driver's stream suffered: %v", err)
	}
	p.end()
	wantFiles(t, d.Path())
	mustOffer(t, d, camera)
}

// TestC41LockFileDecides asserts that the lock, not the files or a connection,
// tells a dead driver: here the socket still answers, as it does when a child of
// the driver has it, but nobody holds the info file's lock.
func TestC41LockFileDecides(t *testing.T) {
	d := newDir(t)
	o, err := offer(d, Info{Name: camera, Program: "camd"})
	must(t, err)
	defer o.close()
	must(t, unlock(o.info))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Connect(fd, &unix.SockaddrUnix{Name: o.SocketPath()}))
	_, err = d.Find(camera)
	if !errors.Is(err, ioreturn.ErrGone) || !strings.Contains(err.Error(), fmt.Sprintf("PID %d (camd), has died", os.Getpid())) {
		t.Errorf("got %v", err)
	}
}

// bequeathRole publishes a stream, starts a process that inherits the descriptors
// of its locks, says that process's PID, and dies: DIR NAME. The heir lives until
// the end of what comes from descriptor 3.
func bequeathRole(args []string) error {
	d, err := At(args[0])
	if err != nil {
		return err
	}
	o, err := offer(d, Info{Name: args[1], Program: "parent"})
	if err != nil {
		return err
	}
	heir := exec.Command("/proc/self/exe")
	heir.Env = []string{roleVariable + "=hold"}
	heir.Stdin = os.NewFile(3, "the heir's life")
	heir.ExtraFiles = []*os.File{os.NewFile(uintptr(o.lock), "lock"), os.NewFile(uintptr(o.info), "info")}
	if err := heir.Start(); err != nil {
		return err
	}
	fmt.Println(heir.Process.Pid)
	die()
	return nil
}

func holdRole([]string) error {
	untilEOF()
	return nil
}

func TestLockInheritedByAForkedProcess(t *testing.T) {
	d := newDir(t)
	// Not the standard input of the process that dies: waiting for it closes that.
	life, end, err := os.Pipe()
	must(t, err)
	defer end.Close()
	p := spawn(t, func(c *exec.Cmd) { c.ExtraFiles = []*os.File{life} }, "bequeath", d.Path(), camera)
	life.Close()
	heir, err := strconv.Atoi(p.line())
	must(t, err)
	pidfd, err := unix.PidfdOpen(heir, 0)
	must(t, err)
	defer unix.Close(pidfd)
	p.wantKilled()
	_, err = d.Register(Info{Name: camera})
	want := fmt.Sprintf("PID %d (parent), which cannot be seen from here", p.cmd.Process.Pid)
	if !errors.Is(err, ioreturn.ErrBusy) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ".lock") {
		t.Errorf("got %v, want %q in it", err, want)
	}
	end.Close()
	poll := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	if _, err := unix.Poll(poll, int(soon.Milliseconds())); err != nil || poll[0].Revents == 0 {
		t.Fatalf("the heir does not end: %v", err)
	}
	mustOffer(t, d, camera)
}

func TestCloseLeavesASuccessorsFilesAlone(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	first, err := offer(d, Info{Name: camera, Program: "first"})
	must(t, err)
	must(t, os.Remove(first.file(lockEnding))) // somebody cleans up by hand
	second, err := offer(d, Info{Name: camera, Program: "second"})
	must(t, err)
	must(t, first.close())
	if s, err := d.Find(camera); err != nil || s.Program != "second" {
		t.Errorf("got %+v, %v", s, err)
	}
	wantFiles(t, d.Path(), "acme,cam0,video.json", "acme,cam0,video.lock", "acme,cam0,video.sock")
	must(t, second.close())
	wantFiles(t, d.Path())
}

func TestLeftoversDoNotBreakAStart(t *testing.T) {
	for _, ending := range []string{lockEnding, socketEnding, infoEnding, newEnding} {
		t.Run(ending, func(t *testing.T) {
			d := newDir(t)
			must(t, os.Mkdir(d.Path(), 0o700))
			must(t, os.WriteFile(filepath.Join(d.Path(), stem(camera)+ending), []byte("0 junk"), 0o600))
			o := mustOffer(t, d, camera)
			must(t, o.close())
			wantFiles(t, d.Path())
		})
	}
	t.Run("symlink", func(t *testing.T) {
		d := newDir(t)
		must(t, os.Mkdir(d.Path(), 0o700))
		victim := filepath.Join(tempDir(t), "victim")
		must(t, os.WriteFile(victim, []byte("precious"), 0o600))
		for _, ending := range []string{socketEnding, infoEnding, newEnding} {
			must(t, os.Symlink(victim, filepath.Join(d.Path(), stem(camera)+ending)))
		}
		must(t, mustOffer(t, d, camera).close())
		must(t, os.Symlink(victim, filepath.Join(d.Path(), stem(camera)+lockEnding)))
		if _, err := d.Register(Info{Name: camera}); err == nil || !strings.Contains(err.Error(), ".lock") {
			t.Errorf("a lock file that is a link: %v", err)
		}
		if b, err := os.ReadFile(victim); err != nil || string(b) != "precious" {
			t.Errorf("the link's target is now %q, %v", b, err)
		}
	})
	t.Run("directory", func(t *testing.T) {
		leak.Check(t)
		d := newDir(t)
		must(t, os.MkdirAll(filepath.Join(d.Path(), stem(camera)+socketEnding), 0o700))
		must(t, os.Chmod(d.Path(), 0o700))
		if _, err := d.Register(Info{Name: camera}); err == nil || !strings.Contains(err.Error(), ".sock") {
			t.Errorf("a directory in the socket's place: %v", err)
		}
	})
}

// TestC25NameIsFreeAtOnceAfterClose asserts that the next Register after Close does
// not fail, even while processes are being started, which hold copies of all
// descriptors, and so of the locks, until they execute their program.
func TestC25NameIsFreeAtOnceAfterClose(t *testing.T) {
	d := newDir(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = exec.Command("/bin/true").Run()
			}
		}
	})
	for range 300 {
		o, err := offer(d, Info{Name: camera})
		if err != nil {
			t.Error(err)
			break
		}
		must(t, o.close())
	}
	close(stop)
	wg.Wait()
}

func TestPublishAndCloseAtOnce(t *testing.T) {
	leak.Check(t)
	d := newDir(t)
	for range 200 {
		e, err := d.Register(Info{Name: camera})
		must(t, err)
		fd, err := listen(e.SocketPath())
		must(t, err)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := e.Publish(); err != nil && !errors.Is(err, ioreturn.ErrClosed) {
				t.Error(err)
			}
		})
		wg.Go(func() { must(t, e.Close()) })
		wg.Wait()
		unix.Close(fd)
		wantFiles(t, d.Path())
	}
}

func TestHolderLine(t *testing.T) {
	for _, tc := range []struct {
		line    string
		pid     int
		program string
		ok      bool
	}{
		{"12 camd\n", 12, "camd", true},
		{"12 cam d (2)\n", 12, "cam d (2)", true},
		{"12 camd", 0, "", false}, // not yet whole
		{"", 0, "", false},
		{"12\n", 0, "", false},
		{"12 \n", 0, "", false},
		{"0 camd\n", 0, "", false},
		{"-1 camd\n", 0, "", false},
		{"99999999999 camd\n", 0, "", false},
		{"12 a\nb\n", 0, "", false},
		{"12 \x1b[2J\n", 0, "", false},
	} {
		if pid, program, ok := parseHolder(tc.line); pid != tc.pid || program != tc.program || ok != tc.ok {
			t.Errorf("%q: got %d, %q, %v", tc.line, pid, program, ok)
		}
	}
}
