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

// sendBuffers sends entries that name the buffers ids and carry stamp: in their slots where
// that can be, and by Send elsewhere.
func sendBuffers(e *End, ids []uint32, stamp uint64) (Wake, error) {
	if len(ids) == 0 || !e.Room(len(ids)) {
		var some [64]Entry
		es := some[:0]
		for _, id := range ids {
			es = append(es, Entry{Buffer: id, Stamp: stamp})
		}
		return e.SendChecked(es)
	}
	for i, id := range ids {
		*e.Slot(i, id) = Entry{Buffer: id, Stamp: stamp}
	}
	return e.Publish(len(ids), 0), nil
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
			must[Wake](t)(sendBuffers(driver, ids[:n], stamp))
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

// A buffer that is not this side's can't be sent, however that is tried, and nothing has changed then.
func TestC12OwnershipOfBuffersIsChecked(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		driver, client := session(t, l, 4)
		_, err := driver.SendChecked(entriesOf(0, 1, 1))
		wantIs(t, err, ioreturn.ErrInvalid)
		if driver.Owned() != 4 || !driver.Owns(1) {
			t.Error("a buffer sent twice is gone")
		}
		if l == userclient.LayoutClassic {
			if driver.Room(1) {
				t.Error("a classic queue has slots for a batch")
			}
			return
		}
		if !driver.Room(4) || driver.Room(17) || driver.Room(-1) {
			t.Error("there is no room for all buffers, or for more than the ring holds")
		}
		*driver.Slot(0, 2) = Entry{Buffer: 2}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a buffer has two slots")
				}
			}()
			driver.Slot(1, 2)
		}()
		if client.Poll() {
			t.Error("something was published")
		}
		if w := driver.Publish(1, 0); w != WakeNone || driver.Owned() != 3 {
			t.Errorf("wake is %v, %d buffers are left", w, driver.Owned())
		}
	})
}

// Room does not believe an index of the other side that can't be.
func TestC3RoomLooksAtTheIndex(t *testing.T) {
	count := RingCount(userclient.LayoutNative, 4)
	out, in := heap(t, userclient.LayoutNative, count), heap(t, userclient.LayoutNative, count)
	client, driver := clientEnd(t, userclient.LayoutNative, 4, out, in), driverEnd(t, userclient.LayoutNative, 4, out, in)
	buf := make([]uint32, 4)
	trip := func() {
		for _, side := range []struct{ from, to *End }{{driver, client}, {client, driver}} {
			must[Wake](t)(sendBuffers(side.from, []uint32{0}, 0))
			if n := must[int](t)(side.to.ReceiveBuffers(buf)); n != 1 {
				t.Fatalf("received %d buffers", n)
			}
		}
	}
	for range 3 * count { // so that the driver has to look more than once
		trip()
	}
	for trips := uint32(0); ; trips++ {
		wordAt(out.Reader, ReaderHeadOff).Store(1 << 20)
		if !driver.Room(1) {
			break
		}
		if trips == count {
			t.Fatal("there is room for more entries than the ring has")
		}
		trip()
	}
	_, err := driver.Send(entriesOf(0, 0))
	wantRule(t, err, ioreturn.RuleQueueIndex)
	if driver.Room(1) {
		t.Error("there is room after a broken rule")
	}
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
			_, err1 := sendBuffers(driver, ids, 0)
			_, err2 := client.ReceiveBuffers(ids)
			_, err3 := sendBuffers(client, ids, 0)
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
