// SPDX-License-Identifier: Apache-2.0

//go:build linux

package peer

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is what the kernel tells of one.
type process struct {
	state  string // "" if it is not there
	parent int
	ticks  int // of CPU time that it used itself, 100 to the second
}

func look(pid int) (p process) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name
	var user, system int
	n, err := fmt.Sscanf(rest, "%s %d %d %d %d %d %d %d %d %d %d %d %d",
		&p.state, &p.parent, new(int), new(int), new(int), new(int), new(uint), new(int), new(int), new(int), new(int), &user, &system)
	if err != nil || n < 13 {
		return process{}
	}
	p.ticks = user + system
	return p
}

// runs reports whether a process is there, and not one that only waits to be asked for
// its end.
func (p process) runs() bool { return p.state != "" && p.state != "Z" && p.state != "X" }

// children returns the processes that pid started, those that worked most first.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	ticks := make(map[int]int)
	entries, err := os.ReadDir("/proc")
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // one that ended meanwhile
		t.Fatal(err)
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p := look(n); p.parent == pid {
			ticks[n] = p.ticks
		}
	}
	return slices.SortedFunc(maps.Keys(ticks), func(a, b int) int { return ticks[b] - ticks[a] })
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// until waits for what a process does, which nothing tells of.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not in time", what)
		}
	}
}
