// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// TestLookSeesWhatComes spins on a queue while another goroutine fills it, one entry after
// the other.
func TestLookSeesWhatComes(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		driver, client := session(t, l, 4)
		if client.Look(3) {
			t.Fatal("something is there before anything was sent")
		}
		const trips = 2000
		failed := make(chan error, 1)
		go func() {
			back := make([]Entry, 4)
			for range trips {
				driver.Prepare(1)
				_, err := driver.Send([]Entry{{Buffer: 0}})
				for err == nil && driver.Owned() < 4 {
					if !driver.Look(64) {
						runtime.Gosched()
					}
					_, err = driver.Receive(back)
				}
				if err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
		es := make([]Entry, 4)
		for got := 0; got < trips; {
			if !client.Look(64) {
				runtime.Gosched() // where there is one CPU
				select {
				case err := <-failed:
					t.Fatalf("the driver ended after %d trips: %v", got, err)
				default:
					continue
				}
			}
			n := must[int](t)(client.Receive(es))
			if n == 0 {
				continue
			}
			got += n
			client.Prepare(1)
			must[Wake](t)(client.Send(es[:n]))
		}
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	})
}

// TestLookLooksAtOnce looks at a queue that has something already.
func TestLookLooksAtOnce(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		driver, client := session(t, l, 4)
		must[Wake](t)(driver.Send([]Entry{{Buffer: 1}}))
		if client.Look(0) || !client.Look(1) || !client.Look(1) {
			t.Error("no look found something, or the first one did not, or it took it")
		}
		es := make([]Entry, 4)
		if n, m := must[int](t)(client.Receive(es)), must[int](t)(client.Receive(es)); n != 1 || m != 0 || client.Look(2) {
			t.Errorf("received %d and then %d, or there is more", n, m)
		}
	})
}

// TestPrepareChangesNothing compares the memory, which holds all that the other side can
// see, before each entry of some laps.
func TestPrepareChangesNothing(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		count := RingCount(l, 4)
		out, in := heap(t, l, count), heap(t, l, count)
		driver, client := driverEnd(t, l, 4, out, in), clientEnd(t, l, 4, out, in)
		seen := func() []byte { return bytes.Join([][]byte{out.Ring, out.Reader, in.Ring, in.Reader}, nil) }
		es := []Entry{{Buffer: 2}}
		for i := range 3 * count {
			for _, side := range []struct{ from, to *End }{{driver, client}, {client, driver}} {
				before := seen()
				for _, n := range []int{-1, 0, 1, fetchAhead, 3 * fetchMost} {
					side.from.Prepare(n)
					side.to.Prepare(n)
				}
				if !bytes.Equal(before, seen()) {
					t.Fatalf("trip %d: the memory is not what it was", i)
				}
				must[Wake](t)(side.from.Send(es))
				if n := must[int](t)(side.to.Receive(es)); n != 1 || es[0].Buffer != 2 {
					t.Fatalf("trip %d: received %d: %v", i, n, es)
				}
			}
		}
	})
}
