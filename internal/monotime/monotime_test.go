// SPDX-License-Identifier: Apache-2.0

package monotime_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
)

// childEnv makes this test binary print one reading and exit.
const childEnv = "MONOTIME_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Stdout.WriteString(strconv.FormatInt(monotime.Now(), 10))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestNowIsComparableBetweenProcesses(t *testing.T) {
	before := monotime.Now()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	after := monotime.Now()
	child, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if before <= 0 || child < before || after < child {
		t.Errorf("parent %d, child %d, parent %d: want growing positive readings", before, child, after)
	}
}

func TestClockFollowsNow(t *testing.T) {
	c := monotime.Start()
	if c.Error() < 0 || c.Error() > time.Second {
		t.Fatalf("Error() = %v", c.Error())
	}
	for range 100 {
		before := monotime.Now()
		got := c.Now()
		after := monotime.Now()
		if slack := int64(c.Error()); got < before-slack || got > after+slack {
			t.Fatalf("Clock reads %d, want within %d of [%d, %d]", got, slack, before, after)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	c := monotime.Start()
	if n := testing.AllocsPerRun(100, func() { _, _ = monotime.Now(), c.Now() }); n != 0 {
		t.Errorf("%v allocations per reading", n)
	}
}

func BenchmarkNow(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		monotime.Now()
	}
}

func BenchmarkClock(b *testing.B) {
	b.ReportAllocs()
	c := monotime.Start()
	for b.Loop() {
		c.Now()
	}
}
