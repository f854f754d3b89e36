// SPDX-License-Identifier: Apache-2.0

// Package leak checks in tests that nothing is left behind: no goroutine, no open
// descriptor and no shared mapping (promise 4 of the design). Descriptors and
// mappings are read from /proc/self and so are checked on Linux only; elsewhere
// the package checks goroutines alone.
package leak

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// settle is how long what was released may take to disappear: a goroutine that has
// been told to end, a descriptor that its last user is just closing.
const settle = 2 * time.Second

// Check makes t fail at its end if goroutines, descriptors or shared mappings have
// been added since the call. Call it first in a test: cleanups registered later
// run before the comparison. It must not be used in a test that runs in parallel
// with others, whose resources it would see.
func Check(t testing.TB) {
	t.Helper()
	before := take()
	goroutines := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		t.Helper()
		for _, problem := range before.compare(goroutines) {
			t.Errorf("leak: %s", problem)
		}
	})
}

// Main runs the tests of m, makes the run fail if they pass but leave something
// behind, and exits the process. It is meant for TestMain. It does not compare
// while fuzzing, because the fuzzing engine keeps descriptors and a shared mapping
// of its own.
func Main(m *testing.M) {
	before := take()
	code := m.Run()
	if code == 0 && !fuzzing() {
		for _, problem := range before.compare() {
			fmt.Fprintln(os.Stderr, "leak:", problem)
			code = 1
		}
	}
	os.Exit(code)
}

// fuzzing reports whether this process is a fuzzing engine's coordinator or worker.
func fuzzing() bool {
	for _, name := range [...]string{"test.fuzz", "test.fuzzworker"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != f.DefValue {
			return true
		}
	}
	return false
}

// compare returns what has been added since s, one sentence each. It gives what is
// on its way out time to go.
func (s snapshot) compare(opts ...goleak.Option) []string {
	var problems []string
	deadline := time.Now().Add(settle)
	err := goleak.Find(opts...) // which waits too, but less
	for err != nil && time.Now().Before(deadline) {
		err = goleak.Find(opts...)
	}
	if err != nil {
		problems = append(problems, err.Error())
	}
	for pause := time.Millisecond; ; pause *= 2 {
		grown := s.grown(take())
		if len(grown) == 0 || time.Now().After(deadline) {
			return append(problems, grown...)
		}
		<-time.After(pause)
	}
}
