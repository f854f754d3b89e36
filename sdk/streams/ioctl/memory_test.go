// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

func regions(t testing.TB, list ...Region) *Regions {
	t.Helper()
	m, err := NewRegions(list...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestC7NoRegionNoAccess(t *testing.T) {
	low, high := []byte("0123456789"), []byte("abcd")
	m := regions(t,
		Region{Addr: math.MaxUint64 - 3, Data: high},
		Region{Addr: 0x1000, Data: low},
		Region{Addr: 0x100a, Data: []byte("XY"), ReadOnly: true}, // touches the one before
		Region{Addr: 0x1000, Data: nil},
	)
	for _, tc := range []struct {
		name    string
		addr    uint64
		size    int
		read    string // empty: EFAULT
		noWrite bool
	}{
		{"whole", 0x1000, 10, "0123456789", false},
		{"last byte", 0x1009, 1, "9", false},
		{"one too many", 0x1000, 11, "", true},
		{"across regions that touch", 0x1009, 2, "", true},
		{"read-only", 0x100a, 2, "XY", true},
		{"before the first", 0xfff, 2, "", true},
		{"behind the last", 0x100c, 1, "", true},
		{"end of the address space", math.MaxUint64 - 3, 4, "abcd", false},
		{"wraps", math.MaxUint64, 2, "", true},
		{"wraps far", math.MaxUint64 - 1, 1 << 20, "", true},
		{"nowhere, but nothing", 0x9999, 0, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := make([]byte, tc.size)
			err := m.ReadAt(p, tc.addr)
			if fault := tc.read == "" && tc.size > 0; fault != errors.Is(err, streams.EFAULT) || !fault && string(p) != tc.read {
				t.Errorf("read %q, %v", p, err)
			}
			if err := m.WriteAt(p, tc.addr); tc.noWrite != errors.Is(err, streams.EFAULT) {
				t.Errorf("write: %v", err)
			}
		})
	}
	if string(low) != "0123456789" || string(high) != "abcd" {
		t.Errorf("a refused write left bytes: %q %q", low, high)
	}
	var fault *FaultError
	err := m.WriteAt([]byte("ab"), 0x1009)
	if !errors.As(err, &fault) || *fault != (FaultError{0x1009, 2, true}) {
		t.Errorf("got %v", err)
	}
	if want := "write of 2 bytes at 0x1009: address outside the caller's memory (EFAULT, 14)"; err.Error() != want {
		t.Errorf("reads %q, want %q", err, want)
	}
}

func TestRegionsRefused(t *testing.T) {
	for name, list := range map[string][]Region{
		"same":     {{Addr: 8, Data: make([]byte, 4)}, {Addr: 8, Data: make([]byte, 1)}},
		"overlap":  {{Addr: 11, Data: make([]byte, 4)}, {Addr: 8, Data: make([]byte, 4)}},
		"wraps":    {{Addr: math.MaxUint64, Data: make([]byte, 2)}},
		"zero":     {{Addr: 0, Data: make([]byte, 1)}},
		"contains": {{Addr: 1, Data: make([]byte, 100)}, {Addr: 50, Data: make([]byte, 1)}},
	} {
		if _, err := NewRegions(list...); !errors.Is(err, streams.EINVAL) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRegionsModel compares Regions with memory of one byte each.
func TestRegionsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type cell struct {
			region   int
			readOnly bool
			at       *byte
		}
		cells := map[uint64]cell{}
		var list []Region
		base := rapid.SampledFrom([]uint64{1, 1000, math.MaxUint64 - 15}).Draw(t, "base")
		at := uint64(0)
		for i := range rapid.IntRange(0, 4).Draw(t, "regions") {
			at += uint64(rapid.IntRange(0, 2).Draw(t, "gap"))
			size := rapid.IntRange(0, 5).Draw(t, "size")
			if at+uint64(size) > 16 {
				break
			}
			r := Region{Addr: base + at, Data: make([]byte, size), ReadOnly: rapid.Bool().Draw(t, "ro")}
			for j := range r.Data {
				r.Data[j] = byte(i<<4 | j)
				cells[r.Addr+uint64(j)] = cell{i, r.ReadOnly, &r.Data[j]}
			}
			list = append(list, r)
			at += uint64(size)
		}
		m, err := NewRegions(rapid.Permutation(list).Draw(t, "order")...)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			addr := base + uint64(rapid.IntRange(0, 20).Draw(t, "addr")) - 2
			size := rapid.IntRange(1, 6).Draw(t, "copy")
			want, readable, writable := []byte(nil), true, true
			for i := range size {
				c, ok := cells[addr+uint64(i)]
				if !ok || c.region != cells[addr].region || addr+uint64(i) < addr {
					readable, writable = false, false
					break
				}
				want = append(want, *c.at)
				writable = writable && !c.readOnly
			}
			p := make([]byte, size)
			if err := m.ReadAt(p, addr); (err == nil) != readable || readable && !bytes.Equal(p, want) {
				t.Fatalf("read of %d at %#x: %v %v, want %v %v", size, addr, p, err, want, readable)
			}
			for i := range p {
				p[i] ^= 0xff
			}
			if err := m.WriteAt(p, addr); (err == nil) != writable {
				t.Fatalf("write of %d at %#x: %v, want %v", size, addr, err, writable)
			}
			for i := range want {
				if writable {
					want[i] ^= 0xff
				}
				if got := *cells[addr+uint64(i)].at; readable && got != want[i] {
					t.Fatalf("byte %d at %#x is %#x, want %#x", i, addr, got, want[i])
				}
			}
		}
	})
}

func TestFaulty(t *testing.T) {
	var seen []string
	m := &Faulty{
		Memory: regions(t, Region{Addr: 8, Data: []byte("abcd")}),
		Fail: func(n int, write bool, addr uint64, size int) error {
			seen = append(seen, fmt.Sprint(n, write, addr, size))
			if n == 1 {
				return streams.EIO
			}
			return nil
		},
	}
	p := make([]byte, 2)
	if err := m.ReadAt(p, 8); err != nil || string(p) != "ab" {
		t.Errorf("got %q, %v", p, err)
	}
	if err := m.WriteAt(p, 10); !errors.Is(err, streams.EIO) {
		t.Errorf("got %v", err)
	}
	if err := m.WriteAt(p, 10); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(seen); got != "[0 false 8 2 1 true 10 2 2 true 10 2]" {
		t.Errorf("asked %s", got)
	}
}
