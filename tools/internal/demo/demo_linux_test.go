// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/tools/target"
)

// asDriver makes this test program the driver's process.
const asDriver = "IOSTREAMKIT_TEST_DEMO_DRIVER"

func TestMain(m *testing.M) {
	if path := os.Getenv(asDriver); path != "" {
		if err := Serve(context.Background(), path, os.Stdin); err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	leak.Main(m)
}

// driver returns the Options.Driver that runs this program as the driver's process of
// a file.
func driver(path string) target.Program {
	return target.Program{Args: []string{os.Args[0]}, Env: []string{asDriver + "=" + path}}
}

func file(t *testing.T, size int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTwoProcesses is the demo itself.
func TestTwoProcesses(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	leak.Check(t)
	path := file(t, 3*fileDataSize*fileBuffers+1)
	r, err := Run(t.Context(), Options{File: path, Driver: driver(path), Measure: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	z := r.ZeroCopy
	if !r.Verified || r.DriverPID == os.Getpid() || !z.SameInode || !z.SameOffset || !z.WriteAfterPostVisible {
		t.Errorf("%+v", r)
	}
	if z.Client.Inode == 0 || *z.Client != *z.Driver {
		t.Errorf("places %+v and %+v", z.Client, z.Driver)
	}
	if r.Entries != 3*fileBuffers+1 || r.Bytes != 3*fileDataSize*fileBuffers+1 || r.WakeupsPerEntry <= 0 || r.WakeupsPerEntry > 3 {
		t.Errorf("%+v", r)
	}
	if h := r.RoundTrip; h.Count == 0 || h.P50 <= 0 || h.P99 < h.P50 || h.P999 < h.P99 || h.Max < h.P999 {
		t.Errorf("%+v", h)
	}
	if c := r.Control; c.Name != setting || c.Read != c.Set || len(c.Modules) != 3 || len(c.Trace) < 4 || !strings.Contains(strings.Join(c.Trace, "\n"), "M_IOCACK") {
		t.Errorf("%+v", c)
	}
	if c := r.Conformance; c.Result != "conformant" || c.Pass == 0 || c.Pass+c.NotClaimed != c.Rules || c.Stream != bulkStream || c.Open != nil {
		t.Errorf("%+v", c)
	}
	emptyTemp(t, temp)
}

func emptyTemp(t *testing.T, temp string) {
	t.Helper()
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestOneProcess is the demo where two processes can't be connected.
func TestOneProcess(t *testing.T) {
	leak.Check(t)
	r, err := Run(t.Context(), Options{File: file(t, 100_000), Measure: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Verified || r.DriverPID != os.Getpid() || r.ZeroCopy.SameInode || !r.ZeroCopy.WriteAfterPostVisible {
		t.Errorf("%+v", r)
	}
	if c := r.Conformance; c.Pass == 0 || c.Fail+c.Error > 0 || len(c.Open) != c.Skip {
		t.Errorf("%+v", c)
	}
}

// TestDriverFails has a driver's process that ends, and one that is given up.
func TestDriverFails(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	leak.Check(t)
	shell := Options{File: file(t, 1), Driver: target.Program{Args: []string{"sh", "-c", "echo no luck >&2; exit 3"}}}
	if r, err := Run(t.Context(), shell); r != nil || err == nil || !strings.Contains(err.Error(), "exit status 3; it printed: no luck") {
		t.Error(err)
	}
	emptyTemp(t, temp)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	shell.Driver.Args[2] = "read line"
	if _, err := Run(ctx, shell); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a demo that was given up: %v", err)
	}
	emptyTemp(t, temp)
}

// TestJudgement has one report for each thing that can be wrong.
func TestJudgement(t *testing.T) {
	right := func() *Report {
		return &Report{
			DriverPID: 1, ClientPID: 2, Bytes: 1, Entries: 1, SHA256: sums{"a", "a", "a"},
			ZeroCopy: ZeroCopy{SameInode: true, SameOffset: true, WriteAfterPostVisible: true}, RoundTrip: RoundTrip{Count: 1},
			Control:     Control{Name: "rate", Set: 1, Read: 1, Modules: []string{"a", "b", "driver"}},
			Conformance: Conformance{Result: "conformant", Pass: 1},
		}
	}
	for want, spoil := range map[string]func(*Report){
		"nothing was streamed":             func(r *Report) { r.Bytes = 0 },
		"other bytes than the driver read": func(r *Report) { r.SHA256.Client = "b" },
		"other bytes than there are":       func(r *Report) { r.SHA256.File = "b" },
		"3 entries were lost":              func(r *Report) { r.Lost = 3 },
		"2 copies":                         func(r *Report) { r.Copies = 2 },
		"not in the same file":             func(r *Report) { r.ZeroCopy.SameInode = false },
		"not at the same place":            func(r *Report) { r.ZeroCopy.SameOffset = false },
		"was not seen by the client":       func(r *Report) { r.ZeroCopy.WriteAfterPostVisible = false },
		"no round trip":                    func(r *Report) { r.RoundTrip.Count = 0 },
		"rate is 0 after it was set to 1":  func(r *Report) { r.Control.Read = 0 },
		"the driver is incomplete: LIFE-01": func(r *Report) {
			r.Conformance = Conformance{Result: "incomplete", Pass: 1, Skip: 1, Open: []string{"LIFE-01"}}
		},
	} {
		r := right()
		spoil(r)
		if r.judge(); r.Verified || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], want) {
			t.Errorf("%s: %v, %q", want, r.Verified, r.Problems)
		}
	}
	r := right()
	if r.judge(); !r.Verified || r.Problems != nil {
		t.Errorf("%q", r.Problems)
	}
}

func TestPlaceOf(t *testing.T) {
	here := make([]byte, 10)
	if p, err := placeOf(here); err != nil || p.inode != 0 {
		t.Errorf("heap memory is at %+v, %v", p, err)
	}
	if _, err := placeOf(nil); err == nil {
		t.Error("nothing has a place")
	}
}

// TestHashIsInterrupted does not read a file to its end for somebody who has gone.
func TestHashIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hashFile(ctx, os.Args[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
