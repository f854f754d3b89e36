// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"math"
	"strings"
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
		driver, client := session(t, l, 3)
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
	driver, client := session(t, userclient.LayoutNative, 4)
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

// hostile returns a client's End of a session of four buffers, and the bare ends
// of its queues by which a driver can send it anything.
func hostile(t *testing.T, l userclient.Layout) (client *End, out *Producer, in *Consumer) {
	t.Helper()
	outMem, inMem := heap(t, l, 8), heap(t, l, 8)
	r := NewRoles(HeadWrites)
	out, cc := pair(t, outMem, Config{Layout: l, Name: "output queue", Roles: r})
	cp, in := pair(t, inMem, Config{Layout: l, Name: "input queue", Roles: r})
	return NewEnd(cc, cp, []Bound{{100, 10}, {100, 10}, {0, 0}, {0xffffffff, 0xffffffff}}, false), out, in
}

// TestC12EntriesAreChecked sends one bad entry after a good one.
func TestC12EntriesAreChecked(t *testing.T) {
	for _, tc := range []struct {
		name string
		bad  Entry
		rule ioreturn.Rule // 0: it is good
	}{
		{"whole buffer", Entry{Buffer: 1, DataLength: 100, ControlLength: 10}, 0},
		{"nothing at its end", Entry{Buffer: 1, DataOffset: 100, ControlOffset: 10}, 0},
		{"nothing of nothing", Entry{Buffer: 2}, 0},
		{"largest", Entry{Buffer: 3, DataOffset: 1, DataLength: 0xfffffffe, ControlOffset: 0xffffffff}, 0},
		{"buffer 4 of 4", Entry{Buffer: 4}, ioreturn.RuleEntryBuffer},
		{"no buffer", Entry{Buffer: userclient.NoBuffer}, ioreturn.RuleEntryBuffer},
		{"data too long", Entry{Buffer: 1, DataLength: 101}, ioreturn.RuleEntryRange},
		{"data offset", Entry{Buffer: 1, DataOffset: 101}, ioreturn.RuleEntryRange},
		{"data sum", Entry{Buffer: 1, DataOffset: 60, DataLength: 41}, ioreturn.RuleEntryRange},
		{"data sum overflows", Entry{Buffer: 1, DataOffset: 0xffffffff, DataLength: 1}, ioreturn.RuleEntryRange},
		{"data sum overflows by much", Entry{Buffer: 3, DataOffset: 0xffffffff, DataLength: 0xffffffff}, ioreturn.RuleEntryRange},
		{"control sum", Entry{Buffer: 1, ControlOffset: 5, ControlLength: 6}, ioreturn.RuleEntryRange},
		{"control overflows", Entry{Buffer: 1, ControlOffset: 0xfffffff8, ControlLength: 8}, ioreturn.RuleEntryRange},
		{"data of nothing", Entry{Buffer: 2, DataLength: 1}, ioreturn.RuleEntryRange},
		{"twice", Entry{Buffer: 0}, ioreturn.RuleEntryOwner},
	} {
		layouts(t, func(t *testing.T, l userclient.Layout) {
			t.Run(tc.name, func(t *testing.T) {
				wantBuffersJudged(t, l, tc.bad, tc.rule)
				client, out, _ := hostile(t, l)
				must[Wake](t)(out.Put([]Entry{{Buffer: 0, DataLength: 7}, tc.bad}))
				dst := make([]Entry, 4)
				if tc.rule == 0 {
					if n := must[int](t)(client.Receive(dst)); n != 2 || dst[1] != tc.bad {
						t.Fatalf("got %d entries, %+v", n, dst[1])
					}
					return
				}
				if n := must[int](t)(client.Receive(dst)); n != 1 || dst[0].DataLength != 7 || dst[1] != (Entry{}) {
					t.Fatalf("got %d entries before the bad one: %+v", n, dst)
				}
				if client.Owned() != 1 || !client.Owns(0) || client.Owns(1) || client.Counters().Received != 1 {
					t.Fatalf("the bad entry counts: %d owned", client.Owned())
				}
				for range 2 {
					_, err := client.Receive(dst)
					wantRule(t, err, tc.rule)
				}
				wantRule(t, client.Err(), tc.rule)
			})
		})
	}
}

// TestBrokenRuleIsFinal looks at every method of an End after its peer broke a rule.
func TestBrokenRuleIsFinal(t *testing.T) {
	client, out, _ := hostile(t, userclient.LayoutNative)
	must[Wake](t)(out.Put(entriesOf(0, 0)))
	dst := make([]Entry, 4)
	must[int](t)(client.Receive(dst))
	if client.Err() != nil {
		t.Fatal(client.Err())
	}
	must[Wake](t)(out.Put(entriesOf(0, 9, 1)))
	const rule = ioreturn.RuleEntryBuffer
	_, err := client.Receive(dst)
	wantRule(t, err, rule)
	_, err = client.Send(entriesOf(0, 0))
	wantRule(t, err, rule)
	_, err = client.Queued()
	wantRule(t, err, rule)
	_, err = client.Len()
	wantRule(t, err, rule)
	_, err = client.Arm(1, SleepBell)
	wantRule(t, err, rule)
	if wantRule(t, client.Err(), rule); !client.Owns(0) || client.Owns(1) {
		t.Error("ownership changed after the end")
	}
}

// TestHostilePeerOfEnd breaks the rules of the queues themselves beneath an End.
func TestHostilePeerOfEnd(t *testing.T) {
	for _, tc := range []struct {
		name string
		call func(client *End) error
		rule ioreturn.Rule
	}{
		{"receive", func(c *End) error { _, err := c.Receive(make([]Entry, 4)); return err }, ioreturn.RuleQueueIndex},
		{"len", func(c *End) error { _, err := c.Len(); return err }, ioreturn.RuleQueueIndex},
		{"arm", func(c *End) error { _, err := c.Arm(1, SleepBell); return err }, ioreturn.RuleQueueIndex},
		{"queued", func(c *End) error { _, err := c.Queued(); return err }, ioreturn.RuleQueueIndex},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, out, in := hostile(t, userclient.LayoutNative)
			out.tail.Store(99)
			in.head.Store(99)
			wantRule(t, tc.call(client), tc.rule)
			wantRule(t, client.Err(), tc.rule)
		})
	}
	t.Run("send to a reader that never reads", func(t *testing.T) {
		client, out, _ := hostile(t, userclient.LayoutNative)
		dst := make([]Entry, 4)
		for round := range 3 { // the ring holds twice the buffers
			must[Wake](t)(out.Put(entriesOf(0, 0, 1, 2, 3)))
			must[int](t)(client.Receive(dst))
			if _, err := client.Send(dst); round < 2 && err != nil {
				t.Fatal(err)
			} else if round == 2 {
				wantRule(t, err, ioreturn.RuleQueueFull)
			}
		}
		if wantRule(t, client.Err(), ioreturn.RuleQueueFull); client.Owned() != 4 || !client.Owns(3) {
			t.Error("entries that were not sent are lost")
		}
	})
}

// TestSendMistakesNameTheBuffer checks that the caller's own mistakes are told
// apart, and do no harm.
func TestSendMistakesNameTheBuffer(t *testing.T) {
	driver, _ := session(t, userclient.LayoutNative, 4)
	must[Wake](t)(driver.Send(entriesOf(0, 3)))
	for _, tc := range []struct {
		es   []Entry
		want string
	}{
		{entriesOf(0, 0, 77), "buffer 77 does not exist, there are 4"},
		{entriesOf(0, 0, 3), "buffer 3 is not owned by this side"},
		{entriesOf(0, 0, 1, 0), "buffer 0 is named twice in one batch"},
		{entriesOf(4097, 2), "data 0+4097 or control 0+0 leaves buffer 2, which has 4096 and 64 bytes"},
	} {
		_, err := driver.Send(tc.es)
		wantIs(t, err, ioreturn.ErrInvalid)
		if ioreturn.Of(err) != ioreturn.BadArgument || !strings.HasPrefix(err.Error(), "send output queue: "+tc.want) {
			t.Errorf("error is %q, want %q", err, tc.want)
		}
		if driver.Owned() != 3 || !driver.Owns(0) || !driver.Owns(1) || driver.Err() != nil {
			t.Fatalf("after %q something changed", err)
		}
	}
	if n := must[int](t)(driver.Queued()); n != 1 {
		t.Errorf("%d queued, want 1", n)
	}
}

// TestC21ClientWaitsToSend: the refusal of a classic client is not final.
func TestC21ClientWaitsToSend(t *testing.T) {
	driver, client := session(t, userclient.LayoutClassic, 2)
	client.buffers[0].mine, client.owned = true, 1 // as if it had a buffer to give back
	_, err := client.Send(entriesOf(0, 0))
	wantIs(t, err, ioreturn.ErrState)
	if client.Err() != nil || !client.Owns(0) {
		t.Fatal("the refusal changed something")
	}
	must[Wake](t)(driver.Send(entriesOf(0, 1)))
	must[int](t)(client.Receive(make([]Entry, 1)))
	if w := must[Wake](t)(client.Send(entriesOf(0, 0, 1))); w != WakeBell {
		t.Errorf("wake %d", w)
	}
}

// TestArmIsCutToWhatCanCome: an End never waits for more entries than the other
// side has buffers for.
func TestArmIsCutToWhatCanCome(t *testing.T) {
	driver, client := session(t, userclient.LayoutNative, 4)
	must[Wake](t)(driver.Send(entriesOf(0, 0, 1)))
	must[int](t)(client.Receive(make([]Entry, 2)))
	if must[bool](t)(client.Arm(3, SleepWord)) {
		t.Fatal("ready although empty")
	}
	if w := must[Wake](t)(driver.Send(entriesOf(0, 2, 3))); w != WakeWord {
		t.Fatalf("wake %d although the driver has no buffer left", w)
	}
	if !must[bool](t)(client.Arm(3, SleepWord)) {
		t.Fatal("not ready although nothing more can come")
	}
	if n := must[int](t)(client.Len()); n != 2 {
		t.Fatalf("%d entries", n)
	}
	must[int](t)(client.Receive(make([]Entry, 4)))
	if must[bool](t)(client.Arm(0, SleepBell)) { // all are here: at least one must come back first
		t.Fatal("ready although empty")
	}
	client.Disarm()
	c := client.Counters()
	if c.Arms != 2 || c.Received != 4 || driver.Counters().Rings != 1 {
		t.Errorf("counters are %+v and %+v", c, driver.Counters())
	}
}

func TestEndPassesOn(t *testing.T) {
	driver, client := session(t, userclient.LayoutNative, 4)
	driver.SetToken(11)
	driver.SetCPU(2)
	driver.SetCPU(2)
	client.SetCPU(5)
	if client.Token() != 11 || client.PeerCPU() != 2 || driver.PeerCPU() != 5 || driver.out.PeerCPU() != 5 {
		t.Errorf("token %d, CPUs %d and %d", client.Token(), client.PeerCPU(), driver.PeerCPU())
	}
	must[Wake](t)(driver.Send(entriesOf(0, 0)))
	must[bool](t)(client.Arm(1, SleepWord))
	if client.Seen() != client.Word().Load() || client.Word().Addr() != driver.OutWord().Addr() || client.Index() != 0 {
		t.Errorf("seen %d, index %d", client.Seen(), client.Index())
	}
	must[int](t)(client.Receive(make([]Entry, 1)))
	if client.Index() != 1 || client.Owns(4) || client.Owns(userclient.NoBuffer) {
		t.Errorf("index %d", client.Index())
	}
}

func TestStamps(t *testing.T) {
	for _, tc := range []struct {
		ns   int64
		f    Flags
		want uint64
		time int64
	}{
		{0, 0, 0, 0},
		{1, FlagTime, 0x0100000000000001, 1},
		{MaxTime, 0xff, math.MaxUint64, MaxTime},
		{MaxTime + 1, FlagKey, 0x10ffffffffffffff, MaxTime},
		{math.MaxInt64, 0, MaxTime, MaxTime},
		{-1, FlagEnd, 0x0800000000000000, 0},
	} {
		e := Entry{Stamp: MakeStamp(tc.ns, tc.f)}
		if e.Stamp != tc.want || e.Time() != tc.time || e.Flags() != tc.f {
			t.Errorf("%d, %#x: stamp %#x, time %d, flags %#x", tc.ns, tc.f, e.Stamp, e.Time(), e.Flags())
		}
	}
}

// An exclusive End does what another does, and leaves the locking to its caller.
func TestExclusiveEndTakesNoLock(t *testing.T) {
	layouts(t, func(t *testing.T, l userclient.Layout) {
		driver, client := session(t, l, 3)
		client.exclusive = true
		client.mu.Lock() // whoever wanted it would wait for ever
		defer client.mu.Unlock()
		buf := make([]Entry, 8)
		must[Wake](t)(driver.Send(entriesOf(7, 0, 1, 2)))
		if n := must[int](t)(client.Len()); n != 3 {
			t.Errorf("%d entries are there", n)
		}
		if n := must[int](t)(client.Receive(buf)); n != 3 || client.Owned() != 3 || !client.Owns(1) {
			t.Fatalf("received %d, owns %d", n, client.Owned())
		}
		if ready := must[bool](t)(client.Arm(1, SleepBell)); ready {
			t.Error("an empty queue is ready")
		}
		client.Disarm()
		must[Wake](t)(client.Send(buf[:3]))
		if n := must[int](t)(client.Queued()); n != 3 {
			t.Errorf("%d entries are queued", n)
		}
		if c := client.Counters(); c.Sent != 3 || c.Received != 3 || client.Err() != nil || client.Index() != 3 && l == userclient.LayoutNative {
			t.Errorf("%+v, index %d, %v", c, client.Index(), client.Err())
		}
		if n := must[int](t)(driver.Receive(buf)); n != 3 {
			t.Errorf("%d came back", n)
		}
	})
}
