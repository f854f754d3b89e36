// SPDX-License-Identifier: Apache-2.0

package inproc_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"testing"
	"unsafe"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestAllocIsPageAlignedAndZeroed(t *testing.T) {
	d := newDriver()
	connect(t, d)
	page := os.Getpagesize()
	for _, size := range []int{1, page - 1, page, page + 1, 10*page + 7} {
		m, release, err := d.res.Alloc(size, userclient.DriverWrites)
		if err != nil {
			t.Fatal(err)
		}
		if got := uintptr(unsafe.Pointer(&m.Bytes[0])) % uintptr(page); got != 0 {
			t.Errorf("%d bytes begin %d past a page boundary", size, got)
		}
		if len(m.Bytes) < size || len(m.Bytes) >= size+page || len(m.Bytes)%page != 0 || cap(m.Bytes) != len(m.Bytes) {
			t.Errorf("%d bytes asked, %d (capacity %d) given", size, len(m.Bytes), cap(m.Bytes))
		}
		if m.Kind != userclient.MemHeap || m.FD != -1 || m.ReadOnly {
			t.Errorf("got %v, FD %d, read-only %v", m.Kind, m.FD, m.ReadOnly)
		}
		if !bytes.Equal(m.Bytes, make([]byte, len(m.Bytes))) {
			t.Error("memory is not zeroed")
		}
		if err := release(); err != nil {
			t.Error(err)
		}
		if err := release(); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("second release: %v, want ErrInvalid", err)
		}
	}
}

func TestAllocRefuses(t *testing.T) {
	d := newDriver()
	c := connect(t, d)
	for _, tc := range []struct {
		size int
		w    userclient.Writer
		want error
	}{
		{0, userclient.DriverWrites, ioreturn.ErrInvalid},
		{-1, userclient.ClientWrites, ioreturn.ErrInvalid},
		{1, 9, ioreturn.ErrInvalid},
		{math.MaxInt, userclient.DriverWrites, ioreturn.ErrNoMemory},
	} {
		if _, _, err := d.res.Alloc(tc.size, tc.w); !errors.Is(err, tc.want) {
			t.Errorf("Alloc(%d, %d): %v, want %v", tc.size, tc.w, err, tc.want)
		}
	}
	c.Close()
	if _, _, err := d.res.Alloc(1, userclient.DriverWrites); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("Alloc after Close: %v, want ErrClosed", err)
	}
}

// Each session has memory of its own, and a mapping outlives its session.
func TestC5MemoryBelongsToASession(t *testing.T) {
	d := newDriver()
	var mem userclient.Mem
	d.memory = func(uint32) (userclient.Mem, error) { return mem, nil }
	var old *userclient.Mapping
	for range 2 {
		c, err := inproc.Connect(t.Context(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		var release func() error
		if mem, release, err = d.res.Alloc(100, userclient.DriverWrites); err != nil {
			t.Fatal(err)
		}
		m, err := c.Map(t.Context(), userclient.MemBufferData)
		if err != nil {
			t.Fatal(err)
		}
		if m.Bytes[0] != 0 {
			t.Error("memory of the session before is seen")
		}
		mem.Bytes[0] = 0xaa
		if m.Bytes[0] != 0xaa {
			t.Error("the client does not see what the driver writes")
		}
		if old != nil && &old.Bytes[0] == &m.Bytes[0] {
			t.Error("two sessions share memory while a mapping is held")
		}
		old = m
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Errorf("release after Closed: %v", err)
		}
		if m.Bytes[0] != 0xaa {
			t.Error("the mapping did not outlive its session")
		}
	}
	if err := old.Unmap(); err != nil {
		t.Error(err)
	}
	if err := old.Unmap(); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("second Unmap: %v, want ErrClosed", err)
	}
}

func TestMapMarksWhoWrites(t *testing.T) {
	d := newDriver()
	c := connect(t, d)
	ours, _, err := d.res.Alloc(4096, userclient.DriverWrites)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, err := d.res.Alloc(4096, userclient.ClientWrites)
	if err != nil {
		t.Fatal(err)
	}
	foreign := make([]byte, 64)
	mems := map[uint32]struct {
		b        []byte
		readOnly bool
	}{
		1: {ours.Bytes, true},
		2: {ours.Bytes[64:128], true},
		3: {theirs.Bytes, false},
		4: {theirs.Bytes[4000:], false},
		5: {foreign, false},
	}
	d.memory = func(typ uint32) (userclient.Mem, error) {
		m, ok := mems[typ]
		if !ok {
			return userclient.Mem{}, ioreturn.NotFound
		}
		return userclient.Mem{Bytes: m.b, FD: -1}, nil
	}
	for typ, want := range mems {
		m, err := c.Map(t.Context(), typ)
		if err != nil {
			t.Fatal(err)
		}
		if &m.Bytes[0] != &want.b[0] || len(m.Bytes) != len(want.b) || cap(m.Bytes) != len(m.Bytes) {
			t.Errorf("memory %d: got %d bytes (capacity %d), want the driver's %d", typ, len(m.Bytes), cap(m.Bytes), len(want.b))
		}
		if m.ReadOnly != want.readOnly {
			t.Errorf("memory %d: read-only %v, want %v", typ, m.ReadOnly, want.readOnly)
		}
	}
	if _, err := c.Map(t.Context(), 6); !errors.Is(err, ioreturn.ErrNotFound) {
		t.Errorf("unknown memory: %v, want ErrNotFound", err)
	}
}
