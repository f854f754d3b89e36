// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func idsOf(es []Entry) []uint32 {
	ids := make([]uint32, len(es))
	for i := range es {
		ids[i] = es[i].Buffer
	}
	return ids
}

// What is sent as IDs arrives as entries, what is sent as entries can be received as IDs, and both
// pass the end of the ring.
func TestBuffersAloneTravelAsEntries(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		driver, client := session(t, l, 20)
		ids, buf := make([]uint32, 20), make([]Entry, 20)
		for i := range ids {
			ids[i] = uint32(i)
		}
		const stamp = 7<<56 | 5
		for round := range 20 {
			n := 1 + round%20
			must[Wake](t)(driver.SendBuffers(ids[:n], stamp))
			if got := must[int](t)(client.Receive(buf)); got != n || driver.Owned() != 20-n || client.Owned() != n {
				t.Fatalf("round %d: received %d, owned %d and %d", round, got, driver.Owned(), client.Owned())
			}
			for i, e := range buf[:n] {
				if e != (Entry{Buffer: uint32(i), Stamp: stamp}) {
					t.Fatalf("round %d: entry %d is %+v", round, i, e)
				}
			}
			slices.Reverse(buf[:n])
			must[Wake](t)(client.Send(buf[:n]))
			back := make([]uint32, 20)
			if got := must[int](t)(driver.ReceiveBuffers(back)); got != n || !slices.Equal(back[:n], idsOf(buf[:n])) {
				t.Fatalf("round %d: %d buffers came back: %v", round, got, back)
			}
			if got := must[int](t)(driver.ReceiveBuffers(back)); got != 0 || driver.Owned() != 20 {
				t.Fatalf("round %d: %d buffers too many", round, got)
			}
		}
		d, c := driver.Counters(), client.Counters()
		if d.Sent != d.Received || d.Sent != c.Received || c.Sent != d.Received || d.SentBytes != 0 {
			t.Errorf("counters are %+v and %+v", d, c)
		}
	})
}

// A mistake among the IDs changes nothing, and is told as Send tells it.
func TestC12OwnershipOfBuffersIsChecked(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		driver, client := session(t, l, 4)
		for name, ids := range map[string][]uint32{
			"unknown buffer": {0, 4},
			"no buffer":      {0, userclient.NoBuffer},
			"twice":          {0, 1, 0},
			"too many":       make([]uint32, 1000),
		} {
			_, err := driver.SendBuffers(ids, 0)
			wantIs(t, err, ioreturn.ErrInvalid)
			if driver.Owned() != 4 || !driver.Owns(0) || client.Poll() {
				t.Fatalf("%s: something changed", name)
			}
		}
		if w, err := driver.SendBuffers(nil, 0); w != WakeNone || err != nil {
			t.Errorf("sending nothing: %v, %v", w, err)
		}
		_, err := driver.SendChecked(entriesOf(0, 1, 1))
		wantIs(t, err, ioreturn.ErrInvalid)
		if driver.Owned() != 4 || !driver.Owns(1) {
			t.Error("a buffer sent twice is gone")
		}
	})
}

// wantBuffersJudged sends a bad entry after a good one to a client that asks for IDs.
func wantBuffersJudged(t *testing.T, l userclient.Layout, bad Entry, rule ioreturn.Rule) {
	t.Helper()
	client, out, _ := hostile(t, l)
	must[Wake](t)(out.Put([]Entry{{Buffer: 0}, bad}))
	ids := make([]uint32, 4)
	n := must[int](t)(client.ReceiveBuffers(ids))
	if rule == 0 {
		if n != 2 || ids[0] != 0 || ids[1] != bad.Buffer {
			t.Fatalf("got %d buffers: %v", n, ids)
		}
		return
	}
	if n != 1 || ids[0] != 0 || client.Owned() != 1 {
		t.Fatalf("got %d buffers before the bad entry: %v, %d owned", n, ids, client.Owned())
	}
	for range 2 {
		n, err := client.ReceiveBuffers(ids)
		wantRule(t, err, rule)
		if n != 0 || client.Owned() != 1 {
			t.Fatalf("%d buffers after a broken rule, %d owned", n, client.Owned())
		}
	}
}

// Each call costs no allocation, in either layout.
func TestBuffersAllocateNothing(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		driver, client := session(t, l, 16)
		ids := make([]uint32, 16)
		for i := range ids {
			ids[i] = uint32(i)
		}
		n := testing.AllocsPerRun(100, func() {
			_, err1 := driver.SendBuffers(ids, 0)
			_, err2 := client.ReceiveBuffers(ids)
			_, err3 := client.SendBuffers(ids, 0)
			_, err4 := driver.ReceiveBuffers(ids)
			if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
				t.Error(err1, err2, err3, err4)
			}
		})
		if n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
