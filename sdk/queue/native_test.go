// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"fmt"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// startAt makes an empty native queue stand at index i, as if it had been used.
func startAt(m Memory, i uint32) {
	wordAt(m.Ring, RingTailOff).Store(i)
	wordAt(m.Reader, ReaderHeadOff).Store(i)
	wordAt(m.Reader, ReaderWakeOff).Store(notArmed(i))
}

// numbered returns n entries whose Seq grows from first.
func numbered(first uint32, n int) []Entry {
	es := make([]Entry, n)
	for i := range es {
		es[i] = Entry{Seq: first + uint32(i), Buffer: uint32(i)}
	}
	return es
}

// TestC3OneRingForEachArming puts entries one by one and in batches, from indices
// that wrap, and looks at which Put asks to ring.
func TestC3OneRingForEachArming(t *testing.T) {
	for _, start := range []uint32{0, 1, 0xfffffff0, 0xfffffffb, 0xffffffff, 0x7ffffffe} {
		t.Run(fmt.Sprintf("from %#x", start), func(t *testing.T) {
			m := heap(t, userclient.LayoutNative, 16)
			startAt(m, start)
			p, c := pair(t, m, Config{Buffers: 8})
			dst := make([]Entry, 16)
			put := func(n int, want Wake) {
				t.Helper()
				if w := must[Wake](t)(p.Put(numbered(0, n))); w != want {
					t.Fatalf("Put of %d at %#x: wake %d, want %d", n, p.next, w, want)
				}
			}
			arm := func(after uint32, how Sleep, want bool) {
				t.Helper()
				if ready := must[bool](t)(c.Arm(after, how)); ready != want {
					t.Fatalf("Arm(%d) at %#x: ready is %v", after, c.Index(), ready)
				}
			}
			drain := func(want int) {
				t.Helper()
				if n := must[int](t)(c.Get(dst)); n != want {
					t.Fatalf("got %d, want %d", n, want)
				}
			}
			put(3, WakeNone) // nobody has armed yet
			drain(3)
			arm(1, SleepBell, false)
			put(1, WakeBell)
			put(2, WakeNone)
			arm(1, SleepBell, true)
			arm(3, SleepBell, true)
			arm(5, SleepWord, false) // coalescing: three are there
			put(1, WakeNone)
			put(2, WakeWord) // passes the fifth
			put(1, WakeNone)
			drain(7)
			arm(4, SleepBell, false)
			arm(2, SleepBell, false) // the last arming counts
			put(1, WakeNone)
			put(3, WakeBell)
			drain(4)
			arm(1, SleepBell, false)
			c.Disarm()
			put(2, WakeNone)
			arm(100, SleepBell, false) // cut to the ring
			put(13, WakeNone)
			put(1, WakeBell)
			drain(16)
			drain(0)
		})
	}
}

// TestSeen checks that what a sleeper compares the word with changes with every wake-up
// and every status after Arm, and with nothing else.
func TestSeen(t *testing.T) {
	m := heap(t, userclient.LayoutNative, 8)
	startAt(m, 0xfffffffe)
	p, c := pair(t, m, Config{})
	must[Wake](t)(p.Put(numbered(0, 3)))
	if must[bool](t)(c.Arm(4, SleepWord)) {
		t.Fatal("three entries are four")
	}
	w := c.Word()
	if c.Seen() != w.Load() || w.Addr() != p.Word().Addr() || w.Addr() == 0 {
		t.Errorf("seen %d, word %d", c.Seen(), w.Load())
	}
	if wake := must[Wake](t)(p.Put(numbered(0, 1))); wake != WakeWord || c.Seen() == w.Load() {
		t.Errorf("the fourth entry: wake %d, seen %d, word %d", wake, c.Seen(), w.Load())
	}
	must[bool](t)(c.Arm(8, SleepWord))
	if wake := must[Wake](t)(p.Put(numbered(0, 1))); wake != WakeNone || c.Seen() != w.Load() {
		t.Errorf("an entry that nobody waits for: wake %d, seen %d, word %d", wake, c.Seen(), w.Load())
	}
	p.SetStatus(StatusEnd)
	if c.Seen() == w.Load() {
		t.Error("a sleeper that saw the old status would sleep on")
	}
	if !must[bool](t)(c.Arm(8, SleepWord)) {
		t.Error("nothing will follow, and Arm says: sleep")
	}
}

// TestPollFromTheFirst polls a queue that stands anywhere, before the first Get.
func TestPollFromTheFirst(t *testing.T) {
	for _, start := range []uint32{0, 5, 0xfffffffe} {
		m := heap(t, userclient.LayoutNative, 4)
		startAt(m, start)
		p, c := pair(t, m, Config{})
		if c.Poll() {
			t.Errorf("from %#x: true beside nothing", start)
		}
		for range 3 {
			if must[Wake](t)(p.Put(numbered(0, 1))); !c.Poll() {
				t.Errorf("from %#x: false beside %d entries", start, p.next-start)
			}
		}
	}
}

// TestLazyHead looks at when the read index reaches shared memory.
func TestLazyHead(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		want []uint32 // head after each of eight entries, taken one by one
	}{
		{"lazy", Config{Buffers: 8}, []uint32{0, 0, 0, 4, 4, 4, 4, 8}},
		{"eager", Config{Buffers: 8, Eager: true}, []uint32{1, 2, 3, 4, 5, 6, 7, 8}},
		{"too small a ring", Config{Buffers: 9}, []uint32{1, 2, 3, 4, 5, 6, 7, 8}},
		{"unknown buffers", Config{}, []uint32{1, 2, 3, 4, 5, 6, 7, 8}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := heap(t, userclient.LayoutNative, 16)
			p, c := pair(t, m, tc.cfg)
			head := wordAt(m.Reader, ReaderHeadOff)
			must[Wake](t)(p.Put(numbered(0, 11)))
			dst := make([]Entry, 1)
			for i, want := range tc.want {
				must[int](t)(c.Get(dst))
				if h := head.Load(); h != want || c.Index() != uint32(i+1) {
					t.Fatalf("after entry %d: head is %d, want %d; own index %d", i, h, want, c.Index())
				}
				if n := must[int](t)(p.Queued()); n != 11-int(want) {
					t.Fatalf("after entry %d: %d queued", i, n)
				}
			}
			must[int](t)(c.Get(dst))
			must[int](t)(c.Get(dst))
			if must[bool](t)(c.Arm(1, SleepBell)); head.Load() != 10 {
				t.Errorf("Arm left the head at %d", head.Load())
			}
			must[int](t)(c.Get(dst))
			must[int](t)(c.Get(dst)) // found dry
			if head.Load() != 11 {
				t.Errorf("the head of an empty queue is %d", head.Load())
			}
		})
	}
}

// TestHostileIndices lets the other side put each index where it can't be.
func TestHostileIndices(t *testing.T) {
	const start = 0xfffffffa
	for _, tc := range []struct {
		name       string
		head, tail uint32 // the hostile value, relative to start
		producer   bool   // the consumer lies, so the producer sees it
	}{
		{"tail back", 0, 2, false},
		{"tail back to before the start", 0, 0xffffffff, false},
		{"tail past the ring", 0, 12, false},
		{"tail far away", 0, 0x80000000, false},
		{"head past the tail", 5, 0, true},
		{"head back", 0, 0, true},
		{"head far away", 0x80000000, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := heap(t, userclient.LayoutNative, 8)
			startAt(m, start)
			p, c := pair(t, m, Config{Name: "input queue", Eager: true})
			must[Wake](t)(p.Put(numbered(0, 4)))
			dst := make([]Entry, 8)
			must[int](t)(c.Get(dst[:1]))
			must[int](t)(p.Queued()) // three: the producer has seen head start+1
			if tc.producer {
				wordAt(m.Reader, ReaderHeadOff).Store(start + tc.head)
				_, err := p.Put(numbered(0, 8))
				wantRule(t, err, ioreturn.RuleQueueIndex)
				_, err = p.Queued()
				wantRule(t, err, ioreturn.RuleQueueIndex)
				if wordAt(m.Ring, RingTailOff).Load() != start+4 {
					t.Error("a refused Put moved the tail")
				}
				return
			}
			wordAt(m.Ring, RingTailOff).Store(start + tc.tail)
			_, err := c.Get(dst)
			wantRule(t, err, ioreturn.RuleQueueIndex)
			_, err = c.Len()
			wantRule(t, err, ioreturn.RuleQueueIndex)
			_, err = c.Arm(1, SleepBell)
			wantRule(t, err, ioreturn.RuleQueueIndex)
			if c.Index() != start+1 || wordAt(m.Reader, ReaderHeadOff).Load() != start+1 {
				t.Error("a refused Get moved the head")
			}
		})
	}
}

// TestHostileSleep lets the consumer ask for a kind of sleep that does not exist.
func TestHostileSleep(t *testing.T) {
	m := heap(t, userclient.LayoutNative, 8)
	p, c := pair(t, m, Config{})
	must[bool](t)(c.Arm(1, 0xdeadbeef))
	if w := must[Wake](t)(p.Put(numbered(0, 1))); w != WakeBell {
		t.Errorf("wake %d, want the bell", w)
	}
}

func TestC11FullRingIsABrokenRule(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		count, capacity := uint32(8), 8
		if l == userclient.LayoutClassic {
			capacity = 7
		}
		m := heap(t, l, count)
		p, c := pair(t, m, Config{Layout: l, Name: "output queue"})
		must[Wake](t)(p.Put(numbered(0, capacity-2)))
		_, err := p.Put(numbered(0, 3))
		wantRule(t, err, ioreturn.RuleQueueFull)
		must[Wake](t)(p.Put(numbered(uint32(capacity-2), 2)))
		_, err = p.Put(numbered(0, 1))
		wantRule(t, err, ioreturn.RuleQueueFull)
		_, err = p.Put(numbered(0, 9))
		wantIs(t, err, ioreturn.ErrInvalid) // never fits: the caller's mistake
		dst := make([]Entry, 16)
		if n := must[int](t)(c.Get(dst)); n != capacity {
			t.Fatalf("%d entries, want %d", n, capacity)
		}
		for i, e := range dst[:capacity] {
			if e.Seq != uint32(i) {
				t.Fatalf("entry %d is number %d", i, e.Seq)
			}
		}
		if n := must[int](t)(p.Queued()); n != 0 {
			t.Errorf("%d entries queued in an empty ring", n)
		}
	})
}

func TestEmptyBatches(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		m := heap(t, l, 4)
		p, c := pair(t, m, Config{Layout: l})
		must[bool](t)(c.Arm(1, SleepBell))
		if w := must[Wake](t)(p.Put(nil)); w != WakeNone || c.Poll() {
			t.Errorf("an empty batch: wake %d, poll %v", w, c.Poll())
		}
		must[Wake](t)(p.Put(numbered(0, 2)))
		if n := must[int](t)(c.Get(nil)); n != 0 {
			t.Errorf("Get into nothing: %d", n)
		}
		if n := must[int](t)(c.Len()); n != 2 || !c.Poll() {
			t.Errorf("Len is %d, poll %v", n, c.Poll())
		}
	})
}

// TestTakeOverOfASleeper makes a new consumer after one that slept on the word.
func TestTakeOverOfASleeper(t *testing.T) {
	m := heap(t, userclient.LayoutNative, 4)
	_, c := pair(t, m, Config{})
	must[bool](t)(c.Arm(1, SleepWord))
	p, c := pair(t, m, Config{})
	must[bool](t)(c.Arm(1, SleepBell))
	if w := must[Wake](t)(p.Put(numbered(0, 1))); w != WakeBell {
		t.Errorf("wake %d for one that sleeps on its port", w)
	}
}

// TestTakeOver makes new ends on a queue that is in use.
func TestTakeOver(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		m := heap(t, l, 4)
		cfg := Config{Layout: l, Roles: NewRoles(TailWrites)}
		p, c := pair(t, m, cfg)
		dst := make([]Entry, 4)
		must[Wake](t)(p.Put(numbered(0, 3)))
		must[int](t)(c.Get(dst[:2]))
		p, c = pair(t, m, cfg)
		must[Wake](t)(p.Put(numbered(3, 2)))
		if n := must[int](t)(c.Get(dst)); n != 3 || dst[0].Seq != 2 || dst[2].Seq != 4 {
			t.Errorf("got %d entries: %v", n, dst)
		}
	})
}

func TestStatus(t *testing.T) {
	driver, client := session(t, userclient.LayoutNative, 2)
	if client.Ended() || client.Status() != StatusRunning {
		t.Fatal("a new queue has ended")
	}
	driver.SetStatus(StatusEnd)
	if !client.Ended() || client.Status() != StatusEnd || driver.Ended() {
		t.Fatalf("status is %d", client.Status())
	}
	driver.SetStatus(StatusRunning)
	if client.Ended() {
		t.Fatal("the end can't be taken back")
	}
	driver, client = session(t, userclient.LayoutClassic, 2)
	if driver.SetStatus(StatusEnd); client.Ended() {
		t.Fatal("a classic queue has no word for its end")
	}
}

// A producer that takes over a ring changes the word that a sleeper compares with,
// whatever the one before has left in it.
func TestC4TakeoverWakes(t *testing.T) {
	for before := range 3 {
		m := heap(t, userclient.LayoutNative, 8)
		p, c := pair(t, m, Config{Buffers: 4})
		for i := range uint32(before) {
			must[bool](t)(c.Arm(1, SleepWord))
			must[Wake](t)(p.Put(numbered(i, 1)))
			must[int](t)(c.Get(make([]Entry, 1)))
		}
		p = must[*Producer](t)(NewProducer(m, Config{Buffers: 4}))
		if must[bool](t)(c.Arm(1, SleepWord)) {
			t.Fatalf("after %d wake-ups: ready", before)
		}
		if w := must[Wake](t)(p.Put(numbered(uint32(before), 1))); w != WakeWord || c.Word().Load() == c.Seen() {
			t.Errorf("after %d wake-ups: %v, and the word is %d still", before, w, c.Seen())
		}
	}
}
