// SPDX-License-Identifier: Apache-2.0

package job

import (
	"slices"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

func TestPlaces(t *testing.T) {
	for _, tc := range []struct {
		place     Place
		usable    []int
		near, far int
	}{
		{Same, []int{2, 3}, 2, 2},
		{Same, []int{4}, 4, 4},
		{Cross, []int{2, 5, 7}, 2, 5},
		{Cross, []int{2}, -1, -1},
		{Free, []int{0, 1}, -1, -1},
	} {
		if near, far := tc.place.CPUs(tc.usable); near != tc.near || far != tc.far {
			t.Errorf("%s of %v: %d and %d", tc.place, tc.usable, near, far)
		}
	}
	if Same.NeedsTwo() || Free.NeedsTwo() || !Cross.NeedsTwo() {
		t.Error("two CPUs are needed for cross only")
	}
}

func TestCArgs(t *testing.T) {
	task := Task{
		Job:    Job{Program: Loop, Wait: iostream.WaitSpin, Full: true, Size: 4096, Batch: 8, Buffers: 64},
		Millis: 300, Near: 0, Far: -1,
	}
	want := []string{"0", "-1", "4096", "8", "64", "300", "spin", "full", "0"}
	if got := task.CArgs(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	task = Task{Job: Job{Program: PingPong}, Millis: 1}
	want = []string{"0", "0", "64", "1", "1", "1", "block", "handoff", "0"}
	if got := task.CArgs(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestCArgsOfWords(t *testing.T) {
	task := Task{Job: Job{Program: PingPong, Wait: iostream.WaitThread}, Millis: 1}
	if got := task.CArgs()[6]; got != "words" {
		t.Errorf("the wait is %q", got)
	}
}

// TestNamesDiffer shows that String leaves out nothing that makes two jobs differ.
func TestNamesDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for _, j := range []Job{
		{}, {Program: Stream}, {Place: Same}, {Wait: iostream.WaitThread}, {Full: true}, {Size: 1}, {Batch: 1},
		{Buffers: 1}, {Inproc: true}, {Cancel: true}, {Count: true}, {Hz: 1}, {Hog: true},
	} {
		if s := j.String(); seen[s] {
			t.Errorf("two jobs are %q", s)
		} else {
			seen[s] = true
		}
	}
}

func TestMillis(t *testing.T) {
	if got := (Job{}).Millis(300 * time.Millisecond); got != 300 {
		t.Error(got)
	}
	if got := (Job{Program: Paced, Hz: 60}).Millis(300 * time.Millisecond); got != 1500 {
		t.Error(got)
	}
	if got := (Job{}).Millis(time.Nanosecond); got != 1 {
		t.Error(got)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int]string{64: "64 B", 1500: "1500 B", 4096: "4 KiB", 65536: "64 KiB", 8 << 20: "8 MiB"} {
		if got := Size(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

func TestParseResult(t *testing.T) {
	r, err := ParseResult([]byte(`{"p50":293.5,"count":7}` + "\n"))
	if err != nil || r[P50] != 293.5 || len(r) != 2 {
		t.Errorf("%v, %v", r, err)
	}
	for _, bad := range []string{"", "{}", "null", "[1]", `{"p50":"x"}`, "{} {}", `{"per_s":0,"windows":0}`, `{"p50":0}`} {
		if r, err := ParseResult([]byte(bad)); err == nil {
			t.Errorf("%q is %v", bad, r)
		}
	}
}
