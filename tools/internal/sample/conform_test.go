// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

var update = flag.Bool("update", false, "write testdata/conform anew")

// underTest is a sample as the conformance suite sees it.
type underTest struct {
	name    string
	make    func() (*iostream.Driver, Loop, error)
	device  conformance.Device
	classic bool // it hides the native layout
}

// shape is that of every sample under test.
func shape() iostream.DriverConfig {
	return iostream.DriverConfig{Buffers: 4, DataSize: 4096, ControlSize: 64, Driver: "sample", Version: "1"}
}

// samples lists every sample that is tested: each kind, and one that loses frames, all
// of them with both layouts and with the classic one alone. Rules that are not about
// layouts use the native one where it is offered.
func samples() []underTest {
	late := shape()
	late.Policy, late.Metadata = iostream.DropOldest, true
	const perSecond = 1000
	both := []underTest{
		{name: "file", make: func() (*iostream.Driver, Loop, error) {
			return File(os.Args[0], shape(), Options{Loop: true})
		}, device: conformance.Device{Pattern: conformance.PatternNone}},
		{name: "pattern", make: func() (*iostream.Driver, Loop, error) {
			return Pattern(shape(), Options{})
		}, device: conformance.Device{Pattern: conformance.PatternCounter}},
		{name: "pattern-late", make: func() (*iostream.Driver, Loop, error) {
			return Pattern(late, Options{Rate: perSecond})
		}, device: conformance.Device{Pattern: conformance.PatternCounter, FramePeriod: conformance.Duration(time.Second / perSecond)}},
		{name: "loopback", make: func() (*iostream.Driver, Loop, error) {
			return Loopback(shape())
		}, device: conformance.Device{Pattern: conformance.PatternLoopback}},
		{name: "null", make: func() (*iostream.Driver, Loop, error) {
			return Null(shape())
		}, device: conformance.Device{Pattern: conformance.PatternNone}},
	}
	all := both
	for _, u := range both {
		u.name, u.classic = u.name+"-classic", true
		all = append(all, u)
	}
	return all
}

// hideNative makes a driver one that has never heard of the native layout.
func hideNative(p userclient.Provider) userclient.Provider {
	return mutant.Wrap(p, mutant.Hooks{
		Describe: func(d userclient.Description) userclient.Description {
			d.Layouts = 1 << userclient.LayoutClassic
			return d
		},
		Call: func(ctx context.Context, s *mutant.Session, a *userclient.Args, next func() error) error {
			if a.Selector == userclient.SelSelect && len(a.In) > 1 && a.In[1] == uint64(userclient.LayoutNative) {
				unknown := *a
				unknown.In = append([]uint64(nil), a.In...)
				unknown.In[1] = 63
				return s.Driver(ctx, &unknown)
			}
			return next()
		},
	})
}

// start is the sample as a driver in this process.
func (u *underTest) start() (userclient.Provider, func() error, error) {
	d, run, err := u.make()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- run(ctx) }()
	var p userclient.Provider = d
	if u.classic {
		p = hideNative(d)
	}
	return p, func() error {
		cancel()
		err := <-over
		if errors.Is(err, context.Canceled) || errors.Is(err, ioreturn.ErrClosed) {
			err = nil
		}
		err = errors.Join(err, d.Close())
		<-d.Done()
		return err
	}, nil
}

// conform runs the whole suite on a sample, destructive rules included, and compares
// what was not checked with the list of what may not be.
func (u *underTest) conform(t *testing.T, target conformance.Target, transport string) {
	t.Helper()
	device := u.device
	device.AllowDestructive = true
	rep, err := conformance.Run(t.Context(), target, &conformance.Options{Device: &device})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules in %v", len(rep.Rules), time.Duration(rep.Duration).Round(time.Millisecond))
	if rep.Result == conformance.NotConformant || rep.Error > 0 {
		var text bytes.Buffer
		if err := rep.WriteText(&text); err != nil {
			t.Error(err)
		}
		t.Errorf("%s", &text)
	}
	if !compare(t, filepath.Join("testdata", "conform", u.name+"-"+transport+".golden"), unchecked(rep)) {
		for i := range rep.Rules {
			if r := &rep.Rules[i]; r.Verdict != conformance.Pass {
				t.Logf("%s: %s %s %q", r.ID, r.Verdict, r.Reason, r.Messages)
			}
		}
	}
}

// unchecked lists the rules of a report that did not pass, and the result.
func unchecked(rep *conformance.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "result: %s\n", rep.Result)
	for i := range rep.Rules {
		if r := &rep.Rules[i]; r.Verdict != conformance.Pass {
			fmt.Fprintf(&b, "%s %s %s\n", r.ID, r.Level, r.Verdict)
		}
	}
	return b.String()
}

// compare compares a text with a file, line by line.
func compare(t *testing.T, path, got string) (same bool) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return true
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update and look at what changes", err)
	}
	want := make(map[string]bool)
	for line := range strings.Lines(string(b)) {
		want[line] = true
	}
	for line := range strings.Lines(got) {
		if !want[line] {
			t.Errorf("not in %s: %s", path, line)
		}
		delete(want, line)
	}
	for line := range want {
		t.Errorf("in %s, and not any more: %s", path, line)
	}
	return !t.Failed()
}

// TestConformance runs the suite on every sample within this process.
func TestConformance(t *testing.T) {
	for _, u := range samples() {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			target := conformance.FromStart(u.name, u.start)
			u.conform(t, target, "inproc")
			if err := target.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
