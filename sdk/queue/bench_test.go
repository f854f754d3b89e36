// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// batches runs f for the batch sizes that the goals of performance are set for.
func batches(b *testing.B, f func(b *testing.B, batch int)) {
	for _, batch := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) { f(b, batch) })
	}
}

// pause gives way where there is no second CPU to spin on.
func pause(spins *int) {
	if *spins++; *spins%64 == 0 || runtime.GOMAXPROCS(0) == 1 {
		runtime.Gosched()
	}
}

// BenchmarkOneWay streams entries from one goroutine to another through the bare
// ends of a queue of 1024 entries.
func BenchmarkOneWay(b *testing.B) {
	batches(b, func(b *testing.B, batch int) {
		p, c := pair(b, heap(b, userclient.LayoutNative, 1024), Config{Buffers: 512})
		es, dst := make([]Entry, batch), make([]Entry, batch)
		b.ReportAllocs()
		b.ResetTimer()
		done := make(chan error, 1)
		go func() {
			spins := 0
			for sent := 0; sent < b.N; {
				if 1024-(p.next-p.done) < uint32(batch) {
					if n, err := p.Queued(); err != nil || n+batch > 1024 {
						pause(&spins)
						continue
					}
				}
				if _, err := p.Put(es); err != nil {
					done <- err
					return
				}
				sent += batch
			}
			done <- nil
		}()
		spins := 0
		for got := 0; got < b.N; {
			n, err := c.Get(dst)
			if err != nil {
				b.Fatal(err)
			}
			if n == 0 {
				pause(&spins)
			}
			got += n
		}
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mentries/s")
	})
}

// BenchmarkTwoQueueLoop streams entries from a driver's End to a client's, which
// gives them back, each on a goroutine of its own, with 512 buffers.
func BenchmarkTwoQueueLoop(b *testing.B) {
	batches(b, func(b *testing.B, batch int) {
		const buffers = 512
		driver, client := session(b, userclient.LayoutNative, buffers)
		free := make([]Entry, buffers, 2*buffers)
		for i := range free {
			free[i] = Entry{Buffer: uint32(i), DataLength: 64}
		}
		b.ReportAllocs()
		b.ResetTimer()
		done := make(chan error, 1)
		go func() { done <- giveBack(client, batch, b.N) }()
		spins := 0
		for sent := 0; sent < b.N; {
			if len(free) < batch {
				n, err := driver.Receive(free[len(free):buffers])
				if err != nil {
					b.Fatal(err)
				}
				if free = free[:len(free)+n]; n == 0 {
					pause(&spins)
				}
				continue
			}
			if _, err := driver.Send(free[len(free)-batch:]); err != nil {
				b.Fatal(err)
			}
			free = free[:len(free)-batch]
			sent += batch
		}
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mentries/s")
	})
}

// giveBack is a client that returns what it receives until it has seen n entries.
func giveBack(client *End, batch, n int) error {
	dst := make([]Entry, batch)
	spins := 0
	for seen := 0; seen < n; {
		got, err := client.Receive(dst)
		if err != nil {
			return err
		}
		if got == 0 {
			pause(&spins)
			continue
		}
		if _, err := client.Send(dst[:got]); err != nil {
			return err
		}
		seen += got
	}
	return nil
}

// BenchmarkCall is the cost of the code alone: both ends of both queues on one
// goroutine, per entry that went there and back.
func BenchmarkCall(b *testing.B) {
	for _, l := range []userclient.Layout{userclient.LayoutNative, userclient.LayoutClassic} {
		b.Run(l.String(), func(b *testing.B) {
			batches(b, func(b *testing.B, batch int) {
				driver, client := session(b, l, 512)
				es := make([]Entry, batch)
				for i := range es {
					es[i].Buffer = uint32(i)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for n := 0; n < b.N; n += batch {
					_, err1 := driver.Send(es)
					_, err2 := client.Receive(es)
					_, err3 := client.Send(es)
					_, err4 := driver.Receive(es)
					if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
						b.Fatal(err1, err2, err3, err4)
					}
				}
			})
		})
	}
}

// BenchmarkPoll is one look at an empty queue by a spinning consumer.
func BenchmarkPoll(b *testing.B) {
	driver, _ := session(b, userclient.LayoutNative, 4)
	for b.Loop() {
		if driver.Poll() {
			b.Fatal("the queue is empty")
		}
	}
}
