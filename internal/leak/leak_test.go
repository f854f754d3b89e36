// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"fmt"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

// recorder is a testing.TB that keeps errors and cleanups for the test to look at.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// finish ends the recorded test and returns what Check complained about.
func (r *recorder) finish() string {
	for _, f := range r.cleanups {
		f()
	}
	return strings.Join(r.errors, "\n")
}

func TestCheckPassesWhenNothingIsLeft(t *testing.T) {
	r := &recorder{TB: t}
	Check(r)
	done := make(chan struct{})
	go close(done)
	<-done
	if got := r.finish(); got != "" {
		t.Errorf("Check complained: %s", got)
	}
}

func TestCheckFindsGoroutine(t *testing.T) {
	r := &recorder{TB: t}
	Check(r)
	stop := make(chan struct{})
	go func() { <-stop }()
	got := r.finish()
	close(stop)
	if !strings.Contains(got, "leak_test.go") {
		t.Errorf("Check said %q, want the goroutine's stack", got)
	}
}
