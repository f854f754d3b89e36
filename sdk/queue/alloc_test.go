// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"fmt"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// TestNoAllocation runs a whole turn of both queues, with everything that a waiter
// does, at the batch sizes of the benchmarks.
func TestNoAllocation(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		for _, batch := range []int{1, 8, 64} {
			t.Run(fmt.Sprintf("batch=%d", batch), func(t *testing.T) {
				driver, client := session(t, l, 64)
				es := make([]Entry, batch)
				for i := range es {
					es[i].Buffer = uint32(i)
				}
				var word userclient.Word
				turn := func() {
					for _, e := range []struct{ from, to *End }{{driver, client}, {client, driver}} {
						ready, err1 := e.to.Arm(uint32(batch), SleepWord)
						e.from.Prepare(1)
						e.from.SetToken(7)
						e.from.SetCPU(e.from.PeerCPU() + 1)
						wake, err2 := e.from.Send(es)
						queued, err3 := e.from.Queued()
						n, err4 := e.to.Receive(es)
						none, err5 := e.to.Receive(es)
						if err1 != nil || err2 != nil || err3 != nil || err4 != nil || err5 != nil {
							t.Fatal(err1, err2, err3, err4, err5)
						}
						if ready || wake == WakeNone || queued != batch || n != batch || none != 0 || e.to.Look(2) {
							t.Fatal(ready, wake, queued, n, none)
						}
						e.to.Disarm()
						word = e.to.Word()
					}
				}
				if n := testing.AllocsPerRun(200, turn); n != 0 {
					t.Errorf("%v allocations for %d entries there and back, want 0", n, batch)
				}
				if l == userclient.LayoutNative && word.Load()*uint32(batch) != driver.Index() {
					t.Errorf("the driver was woken %d times for %d entries", word.Load(), driver.Index())
				}
			})
		}
	})
}
