// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// entriesOf returns one entry for each ID, of n bytes.
func entriesOf(n uint32, ids ...uint32) []Entry {
	es := make([]Entry, len(ids))
	for i, id := range ids {
		es[i] = Entry{Buffer: id, DataLength: n}
	}
	return es
}

func TestEndLoop(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		driver, client := session(t, l, 3, nil)
		buf := make([]Entry, 8)
		for round := range 50 {
			w := must[Wake](t)(driver.Send(entriesOf(uint32(round), 0, 1, 2)))
			if l == userclient.LayoutClassic && w != WakeBell {
				t.Fatalf("round %d: wake %d after an empty queue, want the bell", round, w)
			}
			if driver.Owned() != 0 || !client.Poll() {
				t.Fatalf("round %d: driver owns %d, client polls %v", round, driver.Owned(), client.Poll())
			}
			if n := must[int](t)(client.Receive(buf)); n != 3 || client.Owned() != 3 {
				t.Fatalf("round %d: received %d, owns %d", round, n, client.Owned())
			}
			for i, e := range buf[:3] {
				if e != (Entry{Buffer: uint32(i), DataLength: uint32(round)}) {
					t.Fatalf("round %d: entry %d is %+v", round, i, e)
				}
			}
			must[Wake](t)(client.Send(buf[:2]))
			must[Wake](t)(client.Send(buf[2:3]))
			if n := must[int](t)(driver.Receive(buf)); n != 3 {
				t.Fatalf("round %d: %d came back", round, n)
			}
			if n := must[int](t)(driver.Receive(buf)); n != 0 {
				t.Fatalf("round %d: %d entries too many", round, n)
			}
		}
		got := driver.Counters()
		want := Counters{Received: 150, Sent: 150, SentBatches: 50, ReceivedBatches: 50, SentBytes: 3 * 49 * 25, ReceivedBytes: 3 * 49 * 25}
		got.Rings, got.Arms = 0, 0
		if got != want {
			t.Errorf("counters are %+v, want %+v", got, want)
		}
	})
}

func TestC12OwnershipIsChecked(t *testing.T) {
	driver, client := session(t, userclient.LayoutNative, 4, nil)
	for name, es := range map[string][]Entry{
		"unknown buffer": entriesOf(0, 4),
		"no buffer":      entriesOf(0, userclient.NoBuffer),
		"too long":       entriesOf(4097, 1),
		"sum overflows":  {{Buffer: 1, DataOffset: 0xffffffff, DataLength: 2}},
		"twice":          entriesOf(0, 0, 1, 0),
	} {
		_, err := driver.Send(es)
		wantIs(t, err, ioreturn.ErrInvalid)
		if driver.Owned() != 4 || !driver.Owns(0) || client.Poll() {
			t.Fatalf("%s: something changed", name)
		}
	}
	_, err := client.Send(entriesOf(0, 2))
	wantIs(t, err, ioreturn.ErrInvalid)
}
