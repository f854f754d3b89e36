// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/conformtest"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

var seeds = flag.Int("seeds", 2, "with how many seeds the verdicts must be the same")

func TestMain(m *testing.M) {
	if os.Getenv(burning) != "" {
		burnUntilStdinCloses()
		return
	}
	leak.Main(m)
}

// device allows everything: the drivers of the tests have nothing to lose.
func device() *conformance.Device {
	return &conformance.Device{AllowDestructive: true, SafeCommands: mutant.SafeCommands(), SafeModules: mutant.SafeModules()}
}

// correct are drivers that do nothing unusual: on package iostream, and written without
// it.
func correct() map[string]func() conformance.Target {
	return map[string]func() conformance.Target{
		"loopback": mutant.Loopback, "counter": mutant.Counter, "sink": mutant.Sink,
		"raw-loopback": func() conformance.Target {
			return mutant.RawTarget("raw-loopback", mutant.RawConfig{Direction: iostream.BothWays, ControlSize: 64})
		},
		"raw-counter": func() conformance.Target {
			return mutant.RawTarget("raw-counter", mutant.RawConfig{Metadata: true})
		},
		"raw-sink": func() conformance.Target {
			return mutant.RawTarget("raw-sink", mutant.RawConfig{Direction: iostream.ToDevice})
		},
	}
}

// suiteBound is how long the whole suite may take on a driver that is ready at once.
const suiteBound = 20 * time.Second

// Correct drivers pass, and what is not checked on them is known: a rule that is skipped
// without being on the list has stopped to bite.
func TestCorrectDriversPass(t *testing.T) {
	for name, target := range correct() {
		t.Run(name, func(t *testing.T) {
			target := target()
			defer closeTarget(t, target)
			rep := conformtest.Run(t, target, &conformance.Options{Device: device()})
			if d := time.Duration(rep.Duration); d > suiteBound && !t.Failed() {
				t.Errorf("the suite took %v, it may take %v", d, suiteBound)
			}
			allowed(t, name, rep)
		})
	}
}

func closeTarget(t *testing.T, target conformance.Target) {
	t.Helper()
	if err := target.Close(); err != nil {
		t.Error(err)
	}
}

// allowed compares what was not checked with the driver's golden file.
func allowed(t *testing.T, name string, rep *conformance.Report) {
	t.Helper()
	var b strings.Builder
	for i := range rep.Rules {
		if r := &rep.Rules[i]; r.Verdict == conformance.Skip || r.Verdict == conformance.NotClaimed {
			fmt.Fprintf(&b, "%s %s: %s\n", r.ID, r.Verdict, r.Reason)
		}
	}
	file := filepath.Join("testdata", "unchecked", name+".txt")
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); rules not checked now:\n%s", file, b.String())
	}
}

// The verdicts on a driver do not depend on the seed, on the order of the rules, or on
// what else the machine does.
func TestVerdictsAreStable(t *testing.T) {
	for _, load := range []bool{false, true} {
		name := "idle"
		if load {
			name = "loaded"
		}
		t.Run(name, func(t *testing.T) {
			if load {
				defer burn(t)()
			}
			for name, target := range correct() {
				sameVerdicts(t, name, target)
			}
		})
	}
}

// sameVerdicts runs the suite with several seeds and compares. Other programs may take more
// of the machine than the test does, and spoil a run or two; what the seed or the order does
// to a verdict, it does to each.
func sameVerdicts(t *testing.T, name string, target func() conformance.Target) {
	t.Helper()
	var first *conformance.Report
	for seed := range uint64(*seeds) {
		rep, problem := verdictsLike(t, first, seed+1, target())
		for try := 1; problem != "" && try < 3; try++ {
			t.Logf("%s, seed %d, try %d: %s", name, seed+1, try, problem)
			rep, problem = verdictsLike(t, first, seed+1, target())
		}
		if problem != "" {
			t.Errorf("%s, seed %d: %s", name, seed+1, problem)
		}
		if first == nil {
			first = rep
		}
	}
}

// verdictsLike runs the suite and says what is wrong with its verdicts: a breach, or that
// they are not those of an earlier run.
func verdictsLike(t *testing.T, first *conformance.Report, seed uint64, target conformance.Target) (rep *conformance.Report, problem string) {
	t.Helper()
	rep, err := conformance.Run(t.Context(), target, &conformance.Options{Device: device(), Seed: seed, Shuffle: true})
	if err != nil {
		t.Fatal(err)
	}
	closeTarget(t, target)
	var b strings.Builder
	if rep.Fail+rep.Error > 0 {
		if err := rep.WriteText(&b); err != nil {
			t.Fatal(err)
		}
	}
	if first == nil {
		return rep, b.String()
	}
	if changes := conformance.Diff(first, rep); len(changes) > 0 {
		if _, err := conformance.WriteDiff(&b, changes); err != nil {
			t.Fatal(err)
		}
	}
	return rep, b.String()
}

// burn keeps every CPU busy with other processes until the function that it returns is
// called.
func burn(t *testing.T) (stop func()) {
	t.Helper()
	var ends []func()
	for range 2 * runtime.NumCPU() {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), burning+"=1")
		hold, err := c.StdinPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, func() {
			_ = hold.Close() // which ends it
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// burning is the variable by which this program is told to do nothing but that.
const burning = "CONFORMANCE_TEST_BURNS"

// burnUntilStdinCloses also ends when the test is killed.
func burnUntilStdinCloses() {
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // any end is an end
		close(done)
	}()
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		default:
		}
	}
}
