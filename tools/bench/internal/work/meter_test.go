// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBellsAreCountedByTheKernel writes to an eventfd and looks at the account.
func TestBellsAreCountedByTheKernel(t *testing.T) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	before, err1 := writes()
	for range 1000 {
		if _, err := unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
	}
	after, err2 := writes()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if n := after - before; n < 1000 || n > 1020 { // the scheduler may write too
		t.Errorf("%d writes", n)
	}
}

func TestParseWrites(t *testing.T) {
	const text = "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 44\nread_bytes: 5\nwrite_bytes: 6\n"
	if n, err := parseWrites(text); n != 44 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := parseWrites("rchar: 1\n"); err == nil {
		t.Errorf("%d from half an account", n)
	}
}

var kept []byte // keeps an allocation from being left out

func TestAllocationsAreCounted(t *testing.T) {
	loop := func(entries, every int) float64 {
		a := newAllocs(true)
		for i := range entries {
			if every > 0 && i%every == 0 {
				kept = make([]byte, 100)
			}
			a.add(1)
		}
		return measuredAllocs()
	}
	if got := loop(20*countEvery, 0); got != 0 {
		t.Errorf("%v for none", got)
	}
	if got := loop(20*countEvery, 1); got < 0.99 || got > 1.1 {
		t.Errorf("%v for one in each entry", got)
	}
	if got := loop(20*countEvery, countEvery); got <= 0 {
		t.Errorf("%v for one in %d entries", got, countEvery)
	}
	if got := loop(countEvery, 1); got != notMeasured {
		t.Errorf("%v for a loop that was too short", got)
	}
}

func TestLook(t *testing.T) {
	p := make([]byte, 3*line+9)
	p[0], p[line], p[2*line], p[3*line], p[1] = 1, 2, 3, 4, 0
	p[8] = 100 // is in no first word
	if got := look(p); got != 10 {
		t.Error(got)
	}
	if look(nil) != 0 || look(p[:7]) != 0 {
		t.Error("a word of nothing")
	}
}
