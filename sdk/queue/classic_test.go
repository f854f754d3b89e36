// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// roles runs f for both.
func roles(t *testing.T, f func(t *testing.T, r Role)) {
	for _, r := range []Role{HeadWrites, TailWrites} {
		t.Run(r.String(), func(t *testing.T) { f(t, r) })
	}
}

// TestC19RingWhenEmpty: a batch asks for the bell if and only if the reader had
// taken everything before it.
func TestC19RingWhenEmpty(t *testing.T) {
	roles(t, func(t *testing.T, r Role) {
		m := heap(t, userclient.LayoutClassic, 5)
		p, c := pair(t, m, Config{Layout: userclient.LayoutClassic, Roles: NewRoles(r), Buffers: 4})
		dst := make([]Entry, 4)
		for round := range 20 {
			if must[bool](t)(c.Arm(1, SleepBell)) {
				t.Fatalf("round %d: ready although empty", round)
			}
			if w := must[Wake](t)(p.Put(numbered(0, 1))); w != WakeBell {
				t.Fatalf("round %d: wake %d for the first entry", round, w)
			}
			if w := must[Wake](t)(p.Put(numbered(1, 2))); w != WakeNone {
				t.Fatalf("round %d: wake %d although unread entries are there", round, w)
			}
			if !must[bool](t)(c.Arm(4, SleepBell)) {
				t.Fatalf("round %d: a classic consumer may sleep beside entries", round)
			}
			must[int](t)(c.Get(dst[:2]))
			if w := must[Wake](t)(p.Put(numbered(3, 1))); w != WakeNone {
				t.Fatalf("round %d: wake %d although the reader has not drained", round, w)
			}
			if n := must[int](t)(c.Get(dst)); n != 2 || dst[0].Seq != 2 || dst[1].Seq != 3 {
				t.Fatalf("round %d: got %d: %v", round, n, dst)
			}
		}
	})
}

func TestC19UnknownKernelIsRungAlways(t *testing.T) {
	m := heap(t, userclient.LayoutClassic, 5)
	p, _ := pair(t, m, Config{Layout: userclient.LayoutClassic, RingAlways: true})
	for range 4 {
		if w := must[Wake](t)(p.Put(numbered(0, 1))); w != WakeBell {
			t.Fatalf("wake %d, want the bell for each batch", w)
		}
	}
}

// TestC21RolesAreFound lets a driver of either kind meet a client that does not
// know which index it moves.
func TestC21RolesAreFound(t *testing.T) {
	roles(t, func(t *testing.T, r Role) {
		const l = userclient.LayoutClassic
		out, in := heap(t, l, 4), heap(t, l, 4)
		dp, _ := pair(t, out, Config{Layout: l, Roles: NewRoles(r)})
		_, dc := pair(t, in, Config{Layout: l, Roles: NewRoles(r)})
		found := NewRoles(RoleUnknown)
		_, cc := pair(t, out, Config{Layout: l, Roles: found})
		cp, _ := pair(t, in, Config{Layout: l, Roles: found})

		_, err := cp.Put(numbered(0, 1))
		wantIs(t, err, ioreturn.ErrState)
		dst := make([]Entry, 4)
		if n := must[int](t)(cc.Get(dst)); n != 0 || cc.Poll() || must[bool](t)(cc.Arm(1, SleepBell)) {
			t.Fatal("a queue that stands is not empty")
		}
		if n := must[int](t)(cp.Queued()); n != 0 || found.Role() != RoleUnknown {
			t.Fatalf("%d queued, roles: %s", n, found.Role())
		}
		must[Wake](t)(dp.Put(numbered(7, 1)))
		if !cc.Poll() || !must[bool](t)(cc.Arm(1, SleepBell)) {
			t.Fatal("the first movement is not seen")
		}
		if found.Role() != r {
			t.Fatalf("found: %s", found.Role())
		}
		if n := must[int](t)(cc.Get(dst)); n != 1 || dst[0].Seq != 7 {
			t.Fatalf("got %d: %v", n, dst)
		}
		if w := must[Wake](t)(cp.Put(numbered(9, 1))); w != WakeBell {
			t.Fatalf("wake %d", w)
		}
		if n := must[int](t)(dc.Get(dst)); n != 1 || dst[0].Seq != 9 {
			t.Fatalf("the driver got %d: %v", n, dst)
		}
	})
}

// TestC21LateClient maps the output queue after the driver has written to it.
func TestC21LateClient(t *testing.T) {
	const l = userclient.LayoutClassic
	for _, tc := range []struct {
		name       string
		head, tail uint32
		rule       ioreturn.Rule
		role       Role
	}{
		{"head moved", 2, 0, 0, HeadWrites},
		{"tail moved", 0, 2, 0, TailWrites},
		{"both moved", 1, 2, ioreturn.RuleQueueRoles, RoleUnknown},
		{"both moved alike", 2, 2, 0, RoleUnknown}, // empty: nothing to go by yet
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := heap(t, l, 4)
			wordAt(m.Ring, ClassicHeadOff).Store(tc.head)
			wordAt(m.Ring, ClassicTailOff).Store(tc.tail)
			found := NewRoles(RoleUnknown)
			c, err := NewConsumer(m, Config{Layout: l, Roles: found})
			if tc.rule != 0 {
				wantRule(t, err, tc.rule)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := 2
			if tc.role == RoleUnknown {
				want = 0
			}
			if n := must[int](t)(c.Len()); n != want || found.Role() != tc.role {
				t.Errorf("%d entries, %s", n, found.Role())
			}
			if _, err := NewProducer(m, Config{Layout: l, Roles: NewRoles(RoleUnknown)}); tc.head != tc.tail {
				wantRule(t, err, ioreturn.RuleQueueRoles) // an input queue that nobody can have written
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestC21BrokenRoles lets the other side change its mind.
func TestC21BrokenRoles(t *testing.T) {
	const l = userclient.LayoutClassic
	t.Run("both at once", func(t *testing.T) {
		m := heap(t, l, 4)
		found := NewRoles(RoleUnknown)
		_, c := pair(t, m, Config{Layout: l, Roles: found})
		wordAt(m.Ring, ClassicHeadOff).Store(1)
		wordAt(m.Ring, ClassicTailOff).Store(1)
		if !c.Poll() {
			t.Error("Poll does not see a movement")
		}
		_, err := c.Get(make([]Entry, 1))
		if wantRule(t, err, ioreturn.RuleQueueRoles); found.Role() != RoleUnknown {
			t.Errorf("concluded: %s", found.Role())
		}
	})
	roles(t, func(t *testing.T, r Role) {
		m := heap(t, l, 4)
		cfg := Config{Layout: l, Roles: NewRoles(r)}
		p, c := pair(t, m, cfg)
		must[Wake](t)(p.Put(numbered(0, 1)))
		own, other := c.classic.words(r)
		own.Store(2) // the driver moves the reader's index
		_, err := c.Get(make([]Entry, 1))
		wantRule(t, err, ioreturn.RuleQueueRoles)
		own.Store(0)
		other.Store(3) // the client moves the writer's
		_, err = p.Put(numbered(0, 1))
		wantRule(t, err, ioreturn.RuleQueueRoles)
		_, err = p.Queued()
		wantRule(t, err, ioreturn.RuleQueueRoles)
	})
	t.Run("the two queues differ", func(t *testing.T) {
		found := NewRoles(RoleUnknown)
		a, b := heap(t, l, 4), heap(t, l, 4)
		_, c1 := pair(t, a, Config{Layout: l, Roles: found})
		_, c2 := pair(t, b, Config{Layout: l, Roles: found})
		wordAt(a.Ring, ClassicHeadOff).Store(1)
		wordAt(b.Ring, ClassicTailOff).Store(1)
		if n := must[int](t)(c1.Len()); n != 1 {
			t.Fatalf("%d entries", n)
		}
		_, err := c2.Len()
		wantRule(t, err, ioreturn.RuleQueueRoles)
	})
}

// TestClassicHostileIndices lets the other side put its index where it can't be.
func TestClassicHostileIndices(t *testing.T) {
	const l = userclient.LayoutClassic
	roles(t, func(t *testing.T, r Role) {
		set := func(v uint32) (p *Producer, c *Consumer, writer, reader func(uint32)) {
			m := heap(t, l, 8)
			p, c = pair(t, m, Config{Layout: l, Roles: NewRoles(r)})
			must[Wake](t)(p.Put(numbered(0, 6)))
			must[int](t)(c.Get(make([]Entry, 3)))
			must[int](t)(p.Queued())
			own, other := c.classic.words(r)
			return p, c, other.Store, own.Store
		}
		for _, tail := range []uint32{8, 0xffffffff, 5, 4, 3} { // past the array, back
			_, c, writer, _ := set(0)
			must[int](t)(c.Len())
			writer(tail)
			_, err := c.Get(make([]Entry, 8))
			wantRule(t, err, ioreturn.RuleQueueIndex)
			_, err = c.Arm(1, SleepBell)
			wantRule(t, err, ioreturn.RuleQueueIndex)
		}
		for _, head := range []uint32{8, 0xffffffff, 2, 0, 7} { // past the array, back, past the writer
			p, _, _, reader := set(0)
			reader(head)
			_, err := p.Put(numbered(0, 1))
			wantRule(t, err, ioreturn.RuleQueueIndex)
		}
	})
}

func TestClassicHasNoWords(t *testing.T) {
	driver, client := session(t, userclient.LayoutClassic, 2)
	driver.SetToken(5)
	driver.SetCPU(1)
	driver.Disarm()
	if client.Token() != 0 || client.PeerCPU() != 0 || driver.PeerCPU() != 0 || client.Word() != nil || client.OutWord() != nil {
		t.Error("a classic queue has words that its header has no room for")
	}
	if driver.out.PeerCPU() != 0 || driver.Index() != 0 {
		t.Error("a fresh queue is not at zero")
	}
}
