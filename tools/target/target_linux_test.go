// SPDX-License-Identifier: Apache-2.0

package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/internal/sample"
)

// asDriver makes this test program a driver with the streams that it names. The word
// stubborn among them makes it deaf to requests to terminate.
const asDriver = "IOSTREAMKIT_TEST_DRIVER"

func TestMain(m *testing.M) {
	if streams := os.Getenv(asDriver); streams != "" {
		if err := drive(strings.Fields(streams)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	leak.Main(m)
}

func drive(streams []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if i := slices.Index(streams, "stubborn"); i >= 0 {
		streams = slices.Delete(streams, i, i+1)
		ctx = context.Background()
	}
	var all sync.WaitGroup
	errs := make([]error, len(streams))
	for i, name := range streams {
		all.Go(func() {
			d, run, err := sample.Null(iostream.DriverConfig{Name: name, DataSize: 64})
			if err == nil {
				err = iostreamkit.Serve(ctx, d, run)
			}
			errs[i] = err
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// program is this program as a driver.
func program(streams string) Program {
	return Program{Args: []string{os.Args[0]}, Env: []string{asDriver + "=" + streams}}
}

// start starts a driver that is closed at the end of the test, when nothing of it may
// be left.
func start(t *testing.T, p Program) *Process {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	leak.Check(t)
	d, err := Start(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	return d
}

// instance connects and asks which driver it is.
func instance(t *testing.T, d conformance.Target) uint64 {
	t.Helper()
	conn, err := d.Connect(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	desc, err := iostream.Describe(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return desc.Instance
}

func TestStartKillRestart(t *testing.T) {
	d := start(t, program("acme/dev0/data"))
	if d.Name() != "acme/dev0/data" {
		t.Errorf("the stream is called %s", d.Name())
	}
	first := instance(t, d)
	conn, err := d.Connect(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	<-conn.Done()
	if _, err := d.Connect(t.Context(), false); !errors.Is(err, ioreturn.ErrGone) || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("a killed driver: %v", err)
	}
	if err := d.Kill(); err != nil {
		t.Errorf("killed twice: %v", err)
	}
	for range 2 { // a dead one and one that runs
		if err := d.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again := instance(t, d); again == first {
			t.Errorf("instance %#x is there again", again)
		}
	}
	if deaths := d.Deaths(); deaths != nil {
		t.Errorf("deaths that were asked for: %v", deaths)
	}
}

// TestDriverDies has a driver that ends by itself, of which its last words are kept.
func TestDriverDies(t *testing.T) {
	p := program("acme/dev0/data")
	p.Args = []string{"sh", "-c", `"$0" & read line; echo "out of order" >&2; exit 7`, os.Args[0]}
	var output bytes.Buffer
	p.Output = &output
	d := start(t, p)
	instance(t, d)
	l := d.current()
	if _, err := l.stdin.(interface{ WriteString(string) (int, error) }).WriteString("die\n"); err != nil {
		t.Fatal(err)
	}
	<-l.over
	_, err := d.Connect(t.Context(), false)
	if !errors.Is(err, ioreturn.ErrGone) || !strings.HasSuffix(err.Error(), "exit status 7; it printed: out of order") {
		t.Errorf("a driver that died: %v", err)
	}
	deaths := d.Deaths()
	if len(deaths) != 1 || !strings.Contains(deaths[0].Error(), "out of order") || d.Deaths() != nil {
		t.Errorf("deaths: %v", deaths)
	}
	if output.String() != "out of order\n" {
		t.Errorf("the log is %q", output.String())
	}
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	instance(t, d)
}

// TestChildOfAScript kills a driver that is not the process that was started.
func TestChildOfAScript(t *testing.T) {
	p := program("acme/dev0/data")
	p.Args = []string{"sh", "-c", `"$0"; true`, os.Args[0]}
	d := start(t, p)
	instance(t, d)
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	instance(t, d)
}

func TestSeveralStreams(t *testing.T) {
	p := program("acme/dev0/a acme/dev0/b acme/dev0/c")
	p.Stream = "acme/dev0/b"
	d := start(t, p)
	if d.Name() != p.Stream {
		t.Errorf("the stream is %s", d.Name())
	}
	for _, name := range []string{"acme/dev0/a", "acme/dev0/c"} {
		if _, err := d.await(t.Context(), d.current(), name); err != nil {
			t.Fatal(err)
		}
	}
	if others, err := d.Others(t.Context()); err != nil || !slices.Equal(others, []string{"acme/dev0/a", "acme/dev0/c"}) {
		t.Errorf("the others are %v, %v", others, err)
	}
	want := "no stream acme/dev0/d was offered, only acme/dev0/a, acme/dev0/c"
	if got := d.missing(t.Context(), "acme/dev0/d"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := d.missing(t.Context(), ""); got != "no stream was offered" {
		t.Errorf("%q", got)
	}
}

func TestStartFails(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	leak.Check(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	shell := func(script string) Program { return Program{Args: []string{"sh", "-c", script}} }
	other := program("acme/dev0/data")
	other.Stream = "acme/dev0/other"
	missing := filepath.Join(temp, "none")
	for _, tc := range []struct {
		name string
		ctx  context.Context
		give Program
		want []string
	}{
		{"no program", t.Context(), Program{}, []string{"no program is named"}},
		{"a program that is not there", t.Context(), Program{Args: []string{missing}}, []string{missing, "no such file"}},
		{"one that ends", t.Context(), shell("echo no luck; exit 3"), []string{"exit status 3; it printed: no luck"}},
		{"one that succeeds", t.Context(), shell("true"), []string{"ended: exit status 0"}},
		{"one that says a lot", t.Context(), shell("seq 10000; exit 1"), []string{"it printed: \n… ", "9999\n10000"}},
		{"given up", ended, shell("echo waiting; read line"), []string{"context canceled"}},
		{"another stream", ended, other, []string{"no stream acme/dev0/other was offered", ": context canceled"}},
	} {
		d, err := Start(tc.ctx, tc.give)
		if err == nil {
			t.Errorf("%s: no error", tc.name)
			d.Close()
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", tc.name, err, want)
			}
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", tc.name, left, err)
		}
	}
}

// TestStubborn closes a driver that does not end when it is asked to.
func TestStubborn(t *testing.T) {
	leak.Check(t)
	p := program("acme/dev0/data")
	p.Args = []string{"sh", "-c", `trap "" TERM; "$0"`, os.Args[0]}
	p.Env = []string{asDriver + "=acme/dev0/data stubborn"}
	p.patience = 50 * time.Millisecond
	d, err := Start(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("closed: %v", err)
	}
	if _, err := d.Connect(t.Context(), false); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("a connection to a closed target: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

// TestNamed connects to drivers in the run directory of the environment.
func TestNamed(t *testing.T) {
	d := start(t, program("acme/dev0/data"))
	t.Setenv("IOSTREAMKIT_RUNDIR", d.run)
	named := Named("acme/dev0/data", conformance.CapLoopback)
	if named.Name() != "acme/dev0/data" || instance(t, named) != instance(t, d) || named.Capabilities()[0] != conformance.CapLoopback {
		t.Errorf("another driver: %+v", named)
	}
	if _, ok := named.(conformance.Killer); ok {
		t.Error("a driver of somebody else's can be killed")
	}
	observer, err := named.Connect(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer observer.Close()
	if err := observer.Call(t.Context(), &userclient.Args{Selector: userclient.SelOpen, In: []uint64{0}}); err == nil {
		t.Error("an observer has opened the stream")
	}
	if _, err := Named("acme/dev0/none").Connect(t.Context(), false); !errors.Is(err, ioreturn.ErrNotFound) {
		t.Errorf("a stream that is not there: %v", err)
	}
}
