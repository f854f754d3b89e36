// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// queueModel is what a queue is: a list, and a consumer that may be armed.
type queueModel struct {
	p        *Producer
	c        *Consumer
	native   bool
	eager    bool
	capacity int
	start    uint32 // index of entry 0

	sent, read uint64 // entries so far
	unread     []Entry
	armed      uint64 // native: a Put that brings sent to it or past it must ring; 0: none
	how        Sleep
	seq        uint32
}

// newQueueModel draws a queue of either layout, either role, lazy or eager, that
// stands anywhere.
func newQueueModel(t *rapid.T, tb testing.TB) *queueModel {
	q := &queueModel{native: rapid.Bool().Draw(t, "native"), eager: rapid.Bool().Draw(t, "eager")}
	cfg := Config{Layout: userclient.LayoutNative, Name: "queue", Eager: q.eager}
	count := uint32(1) << rapid.IntRange(1, 5).Draw(t, "log2 of the count")
	if !q.native {
		cfg.Layout = userclient.LayoutClassic
		count = rapid.Uint32Range(2, 12).Draw(t, "count")
		cfg.Roles = NewRoles(rapid.SampledFrom([]Role{HeadWrites, TailWrites}).Draw(t, "roles"))
	}
	m := heap(tb, cfg.Layout, count)
	if q.native {
		cfg.Buffers = int(count) / 2
		q.capacity = int(count)
		q.start = rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0xfffffff0, 0xffffffff)).Draw(t, "start")
		startAt(m, q.start)
	} else {
		q.capacity = int(count) - 1
		start := rapid.Uint32Range(0, count-1).Draw(t, "start")
		wordAt(m.Ring, ClassicHeadOff).Store(start)
		wordAt(m.Ring, ClassicTailOff).Store(start)
	}
	q.p, q.c = pair(tb, m, cfg)
	return q
}

func (q *queueModel) put(t *rapid.T) {
	es := make([]Entry, rapid.IntRange(0, q.capacity).Draw(t, "n"))
	for i := range es {
		q.seq++
		es[i] = Entry{Buffer: q.seq * 3, Seq: q.seq, Stamp: uint64(q.seq) << 40, DataLength: ^q.seq}
	}
	was := len(q.unread)
	w, err := q.p.Put(es)
	if len(es) > q.capacity-was {
		if !errors.Is(err, ioreturn.ErrProtocol) {
			t.Fatalf("Put of %d beside %d in %d: %v", len(es), was, q.capacity, err)
		}
		return
	}
	if err != nil {
		if q.native && !q.eager && errors.Is(err, ioreturn.ErrProtocol) && len(es) > q.capacity-was-q.capacity/4 {
			return // up to a quarter may be read but not published
		}
		t.Fatalf("Put of %d beside %d in %d: %v", len(es), was, q.capacity, err)
	}
	q.unread = append(q.unread, es...)
	q.sent += uint64(len(es))
	if want := q.wake(was, len(es)); w != want {
		t.Fatalf("Put of %d beside %d: wake %d, want %d", len(es), was, w, want)
	}
}

// wake says what a Put of n entries must return, and forgets the arming it met.
func (q *queueModel) wake(was, n int) Wake {
	switch {
	case n == 0:
	case !q.native && was == 0:
		return WakeBell
	case q.native && q.armed != 0 && q.sent >= q.armed:
		q.armed = 0
		if q.how == SleepWord {
			return WakeWord
		}
		return WakeBell
	}
	return WakeNone
}

func (q *queueModel) get(t *rapid.T) {
	dst := make([]Entry, rapid.IntRange(0, q.capacity+1).Draw(t, "room"))
	n, err := q.c.Get(dst)
	if err != nil || n != min(len(dst), len(q.unread)) {
		t.Fatalf("Get of %d of %d: %d, %v", len(dst), len(q.unread), n, err)
	}
	for i, e := range dst[:n] {
		if e != q.unread[i] {
			t.Fatalf("entry %d is %+v, want %+v", i, e, q.unread[i])
		}
	}
	q.unread = q.unread[n:]
	q.read += uint64(n)
}

func (q *queueModel) arm(t *rapid.T) {
	after := rapid.Uint32Range(0, uint32(q.capacity)+1).Draw(t, "after")
	how := rapid.SampledFrom([]Sleep{SleepBell, SleepWord}).Draw(t, "how")
	want := int(min(max(after, 1), uint32(q.capacity)))
	if !q.native {
		want = 1
	}
	ready, err := q.c.Arm(after, how)
	if err != nil || ready != (len(q.unread) >= want) {
		t.Fatalf("Arm(%d) beside %d: %v, %v", after, len(q.unread), ready, err)
	}
	if !ready {
		q.armed, q.how = q.read+uint64(want), how
	}
}

func (q *queueModel) check(t *rapid.T) {
	if len(q.unread) > 0 && !q.c.Poll() {
		t.Fatalf("Poll is false beside %d", len(q.unread))
	}
	if n, err := q.c.Len(); err != nil || n != len(q.unread) {
		t.Fatalf("Len is %d, %v, want %d", n, err, len(q.unread))
	}
	if q.c.Poll() != (len(q.unread) > 0) {
		t.Fatalf("Poll is %v beside %d", q.c.Poll(), len(q.unread))
	}
	slack := 0
	if q.native && !q.eager {
		slack = q.capacity / 4
	}
	if n, err := q.p.Queued(); err != nil || n < len(q.unread) || n > len(q.unread)+slack {
		t.Fatalf("Queued is %d, %v; %d are unread", n, err, len(q.unread))
	}
	if want := q.start + uint32(q.read); q.c.Index() != want {
		t.Fatalf("own index is %d, want %d", q.c.Index(), want)
	}
}

// TestQueueProperty runs random operations on a queue and on a list.
func TestQueueProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		q := newQueueModel(rt, t)
		rt.Repeat(map[string]func(*rapid.T){
			"put": q.put,
			"get": q.get,
			"arm": q.arm,
			"disarm": func(*rapid.T) {
				q.c.Disarm()
				q.armed = 0
			},
			"": q.check,
		})
	})
}

// owner says where a buffer is in a session.
type owner int

const (
	withDriver owner = iota
	toClient
	withClient
	toDriver
)

// drawBuffers draws a batch: mostly of buffers that are where from says, at times
// of any, also of ones that do not exist or are named twice.
func drawBuffers(t *rapid.T, where []owner, from owner) []uint32 {
	n := uint32(len(where))
	if rapid.IntRange(0, 9).Draw(t, "any") == 0 {
		return rapid.SliceOfN(rapid.Uint32Range(0, n), 0, len(where)+1).Draw(t, "buffers")
	}
	var ids []uint32
	for id := range n {
		if where[id] == from {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return rapid.Permutation(ids).Draw(t, "order")[:rapid.IntRange(0, len(ids)).Draw(t, "n")]
}

// TestC12SessionProperty runs random operations, right and wrong, on both ends of
// a session, and compares who owns what with a table.
func TestC12SessionProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := rapid.SampledFrom([]userclient.Layout{userclient.LayoutNative, userclient.LayoutClassic}).Draw(rt, "layout")
		buffers := rapid.IntRange(1, 70).Draw(rt, "buffers")
		driver, client := session(t, l, buffers)
		where := make([]owner, buffers)
		var onWay [2][]Entry // to the client, to the driver
		moved := false       // the output queue, so that a classic client knows the roles

		send := func(e *End, from owner, dir int) func(*rapid.T) {
			return func(rt *rapid.T) {
				ids := drawBuffers(rt, where, from)
				es := make([]Entry, len(ids))
				right, seen := true, map[uint32]bool{}
				for i, id := range ids {
					es[i] = Entry{Buffer: id, DataLength: rapid.Uint32Range(0, 4096).Draw(rt, "length"), Seq: uint32(i)}
					right = right && int(id) < buffers && !seen[id] && where[id] == from
					seen[id] = true
				}
				_, err := e.Send(es)
				switch {
				case !right:
					if !errors.Is(err, ioreturn.ErrInvalid) {
						rt.Fatalf("Send of %v: %v", ids, err)
					}
					return
				case len(ids) > 0 && dir == 1 && !moved && l == userclient.LayoutClassic:
					rt.Fatal("a client has a buffer before the output queue moved")
				case err != nil:
					rt.Fatalf("Send of %v: %v", ids, err)
				}
				for _, id := range ids {
					where[id] = from + 1
				}
				onWay[dir] = append(onWay[dir], es...)
				moved = moved || len(ids) > 0
			}
		}
		receive := func(e *End, to owner, dir int) func(*rapid.T) {
			return func(rt *rapid.T) {
				dst := make([]Entry, rapid.IntRange(0, buffers).Draw(rt, "room"))
				n, err := e.Receive(dst)
				if err != nil || n != min(len(dst), len(onWay[dir])) {
					rt.Fatalf("Receive: %d, %v; %d are on their way", n, err, len(onWay[dir]))
				}
				for i, ent := range dst[:n] {
					if ent != onWay[dir][i] {
						rt.Fatalf("entry %d is %+v, want %+v", i, ent, onWay[dir][i])
					}
					where[ent.Buffer] = to
				}
				onWay[dir] = onWay[dir][n:]
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"driver sends":    send(driver, withDriver, 0),
			"client receives": receive(client, withClient, 0),
			"client sends":    send(client, withClient, 1),
			"driver receives": receive(driver, withDriver, 1),
			"": func(rt *rapid.T) {
				var owned [4]int
				for id, w := range where {
					owned[w]++
					if driver.Owns(uint32(id)) != (w == withDriver) || client.Owns(uint32(id)) != (w == withClient) {
						rt.Fatalf("buffer %d is at %d", id, w)
					}
				}
				if driver.Owned() != owned[withDriver] || client.Owned() != owned[withClient] {
					rt.Fatalf("owned: %d and %d, want %v", driver.Owned(), client.Owned(), owned)
				}
			},
		})
		if driver.Err() != nil || client.Err() != nil {
			rt.Fatal(driver.Err(), client.Err())
		}
	})
}
