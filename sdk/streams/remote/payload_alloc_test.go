// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"fmt"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

func passing(n int) (stack []*streams.Module) {
	for i := range n {
		stack = append(stack, &streams.Module{Name: fmt.Sprint("pass", i)})
	}
	return stack
}

// round takes an entry through the modules and back.
func (f *flow) round(direction iostream.Direction) {
	b, err := f.d.Take(f.t.Context())
	if err == nil {
		err = f.d.Post(b, 8)
	}
	fr := iostream.Frame{}
	if err == nil {
		fr, err = f.s.Next(f.t.Context())
	}
	switch {
	case err != nil:
	case direction == iostream.FromDevice:
		err = fr.Release()
	default:
		err = fr.Send(8)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestPayloadAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, direction := range []iostream.Direction{iostream.FromDevice, iostream.ToDevice, iostream.BothWays} {
		for _, modules := range []int{0, 1, 8} {
			t.Run(fmt.Sprintf("%v, %d modules", direction, modules), func(t *testing.T) {
				f := flowing(t, setup{driver: iostream.DriverConfig{Direction: direction}, stack: passing(modules)})
				if direction == iostream.ToDevice {
					f.send("begin")
				}
				for range 100 {
					f.round(direction)
				}
				if n := testing.AllocsPerRun(300, func() { f.round(direction) }); n != 0 {
					t.Errorf("%v allocations per entry", n)
				}
			})
		}
	}
}

// BenchmarkPayload is an entry's way to the client and its buffer's way back, with and
// without modules in between, all in one goroutine.
func BenchmarkPayload(b *testing.B) {
	for _, modules := range []int{0, 1, 4, 8} {
		b.Run(fmt.Sprint(modules), func(b *testing.B) {
			f := flowing(b, setup{stack: passing(modules)})
			b.ReportAllocs()
			for b.Loop() {
				f.round(iostream.FromDevice)
			}
		})
	}
}
