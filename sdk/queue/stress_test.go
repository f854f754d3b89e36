// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// gate is a counter that one side raises and the other waits for. The waiter
// spins, because a race must not take longer than it has to, and parks when the
// other side does not get a CPU.
type gate struct {
	_      [pad]byte
	v      atomic.Uint32
	parked atomic.Bool
	_      [pad]byte
	unpark chan struct{}
}

func (g *gate) raise() { g.add(1) }

func (g *gate) add(n uint32) {
	g.v.Add(n)
	if g.parked.Load() && g.parked.Swap(false) {
		g.unpark <- struct{}{}
	}
}

// await waits until the counter is no longer old, and returns it; ok is false when
// that takes too long. A raise that was interrupted after it had counted may unpark a
// waiter that has seen its count already: then await goes on.
func (g *gate) await(old uint32, single bool) (v uint32, ok bool) {
	for {
		v, ok := g.awaitOnce(old, single)
		if v != old || !ok {
			return v, ok
		}
	}
}

func (g *gate) awaitOnce(old uint32, single bool) (v uint32, ok bool) {
	for range 1 << 12 {
		if v := g.v.Load(); v != old {
			return v, true
		}
		if single {
			runtime.Gosched()
		}
	}
	g.parked.Swap(true)
	if g.v.Load() != old && g.parked.Swap(false) {
		return g.v.Load(), true
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-g.unpark:
		return g.v.Load(), true
	case <-t.C:
		return old, false
	}
}

// wakeRace is one producer and one consumer that meet again and again at the one
// moment at which a wake-up can be lost: the producer publishes an entry as soon as
// it has seen the one before taken, which is when the consumer, finding nothing
// more, arms. The bell is a gate.
type wakeRace struct {
	p        *Producer
	c        *Consumer
	rounds   uint32
	deadline time.Time // for machines that do not run both sides at once
	single   bool      // one CPU

	taken, rings gate

	done, slept, ready uint32
}

func (r *wakeRace) produce() error {
	es := make([]Entry, 1)
	delay := uint32(1) // 0 to 63 steps, so that each step of the one side meets each of the other
	for i := range r.rounds {
		if i > 0 {
			if v, ok := r.taken.await(i-1, r.single); !ok || v != i {
				return nil // the consumer has given up, and says why
			}
		}
		delay = delay*1664525 + 1013904223
		linger(delay >> 26)
		es[0].Seq = i
		w, err := r.p.Put(es)
		if err != nil {
			return err
		}
		if w != WakeNone {
			r.rings.raise()
		}
	}
	return nil
}

// linger passes a little time, about a CPU cycle for each step.
func linger(steps uint32) {
	for ; steps > 0; steps-- {
	}
}

// consume takes the entries and sleeps in between. Its own delay grows when it had
// to sleep and shrinks when it had not, so that it stays where both are likely.
func (r *wakeRace) consume(t *testing.T) {
	dst := make([]Entry, 2)
	heard, delay := uint32(0), uint32(0)
	for r.done < r.rounds {
		n, err := r.c.Get(dst)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			if n != 1 || dst[0].Seq != r.done {
				t.Fatalf("round %d: got %d, %+v", r.done, n, dst[0])
			}
			r.done++
			// A round takes milliseconds where many programs share the CPUs.
			if r.done%(1<<8) == 0 && time.Now().After(r.deadline) {
				return
			}
			r.taken.raise()
			delay -= min(delay, 1)
			linger(delay)
			continue
		}
		ready, err := r.c.Arm(1, SleepBell)
		if err != nil {
			t.Fatal(err)
		}
		if ready {
			r.ready++
			continue
		}
		r.slept++
		delay = min(delay+2, 2048)
		v, ok := r.rings.await(heard, r.single)
		if !ok {
			n, err := r.c.Len()
			t.Fatalf("round %d: asleep beside %d entries (%v), %d rings heard", r.done, n, err, heard)
		}
		heard = v
	}
}

// TestC4NoLostWakeup lets the two sides of a queue race ten million times, or for a
// minute where other programs take the second CPU; the log says how often. The
// native queue starts so that its indices wrap on the way.
func TestC4NoLostWakeup(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		r := &wakeRace{rounds: 10_000_000, single: runtime.GOMAXPROCS(0) == 1}
		switch {
		case raceEnabled || testing.Short():
			r.rounds = 100_000
		case l == userclient.LayoutClassic:
			r.rounds = 2_000_000
		}
		m := heap(t, l, 4)
		if l == userclient.LayoutNative {
			startAt(m, -r.rounds/2)
		}
		r.p, r.c = pair(t, m, Config{Layout: l, Buffers: 2})
		r.taken.unpark, r.rings.unpark = make(chan struct{}, 1), make(chan struct{}, 1)
		start := time.Now()
		r.deadline = start.Add(time.Minute)
		produced := make(chan error, 1)
		go func() { produced <- r.produce() }()
		defer func() {
			r.taken.add(2) // one too many: the producer goes, if the consumer gave up
			if err := <-produced; err != nil {
				t.Error(err)
			}
		}()
		r.consume(t)
		if n := r.rings.v.Load(); n < r.slept-1 || l == userclient.LayoutNative && n > r.slept+r.ready {
			t.Errorf("%d rings for %d sleeps and %d armings", n, r.slept, r.slept+r.ready)
		}
		if r.slept == 0 {
			t.Error("the consumer never had to sleep: nothing was tested")
		}
		t.Logf("%d rounds in %v: slept %d times, was ready on arming %d times, %d rings; GOMAXPROCS %d",
			r.done, time.Since(start), r.slept, r.ready, r.rings.v.Load(), runtime.GOMAXPROCS(0))
	})
}
