// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"
	"fmt"
	"math"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Checks of ownership.

// eachLayout runs a check with a stream that was started, in each layout that the driver
// offers, or in the preferred one if there is no time for more. passes is how often the
// check takes every buffer.
func (t *T) eachLayout(passes int, check func(*rig)) {
	layouts := t.layouts()
	if !t.affords(passes * len(layouts) * int(t.Describe().Buffers.Count)) {
		layouts = layouts[:1]
	}
	for _, l := range layouts {
		r := t.running(l)
		check(r)
		r.must("hang up", r.Close())
	}
}

// claim takes up to n entries, as many as come, and reports one of a buffer that the
// client has already. what is what the client did before.
func (r *rig) claim(n int, what string) []queue.Entry {
	es, err := r.hold(n)
	r.rightful(err, what)
	return es
}

// rightful reports an error by which the client's end of the queues tells of a buffer
// that came although the client has it.
func (r *rig) rightful(err error, what string) {
	var broken *ioreturn.RuleError
	switch {
	case !errors.As(err, &broken):
	case broken.Rule == ioreturn.RuleEntryOwner:
		r.t.Fatalf("(%s queues) %s; then an entry came of a buffer that the client has: %s", r.layout, what, broken.Detail)
	default:
		r.t.abortf("the queues are broken: %v", err)
	}
}

// nothingWrong looks for a quiet time whether a buffer comes that the client has. It
// returns what else comes.
func (r *rig) nothingWrong(what string) []queue.Entry {
	ctx, cancel := r.t.Quiet()
	defer cancel()
	es, err := r.take(ctx, len(r.bounds)+1)
	r.rightful(err, what)
	return es
}

func checkHeld(t *T) {
	t.eachLayout(3, func(r *rig) {
		mine := r.claim(len(r.bounds), "the client took every buffer")
		for range t.roundsOf(len(mine), 40, 2) {
			t.Rand().Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			n := (len(mine) + 1) / 2
			what := fmt.Sprintf("the client kept %d buffers and returned %d others", len(mine)-n, n)
			r.back(mine[:n]...)
			mine = append(mine[n:], r.claim(n, what)...)
		}
		r.nothingWrong("the client took every buffer")
	})
}

// missing lists buffers of which has knows nothing, out of those that ids names.
func missing(ids []uint32, has []queue.Entry) []uint32 {
	there := map[uint32]bool{}
	for _, e := range has {
		there[e.Buffer] = true
	}
	var out []uint32
	for _, id := range ids {
		if !there[id] {
			out = append(out, id)
		}
	}
	return out
}

func idsOf(es []queue.Entry) []uint32 {
	out := make([]uint32, len(es))
	for i, e := range es {
		out[i] = e.Buffer
	}
	return out
}

// again returns buffers in one batch and takes as many, and reports those that do not
// come.
func (r *rig) again(mine []queue.Entry, what string) []queue.Entry {
	r.back(mine...)
	back := r.claim(len(mine), what)
	if len(back) < len(mine) {
		r.t.Fatalf("(%s queues) %s; %s, although the client returned everything that it had. The buffers %v did not come",
			r.layout, what, r.silence(len(back), len(mine)), missing(idsOf(mine), back))
	}
	return back
}

func checkComesAgain(t *T) {
	t.eachLayout(3, func(r *rig) {
		mine := r.mustHold()
		seen := append([]queue.Entry(nil), mine...)
		for i := range t.roundsOf(2*len(mine), 24, 2) {
			mine = r.again(mine, fmt.Sprintf("the client returned all its %d buffers in round %d", len(mine), i+1))
			seen = append(seen, mine...)
		}
		all := make([]uint32, len(r.bounds))
		for id := range all {
			all[id] = uint32(id)
		}
		if never := missing(all, seen); len(never) > 0 {
			t.Errorf("(%s queues) the buffers %v of %d were never used, although the client took and returned all it could get", r.layout, never, len(all))
		}
	})
}

func checkAnyOrder(t *T) {
	t.eachLayout(3, func(r *rig) {
		mine := r.mustHold()
		for range t.roundsOf(2*len(mine), 12, 2) {
			order := t.Rand().Perm(len(mine))
			if len(mine) > 1 && order[0] == 0 {
				order[0], order[1] = order[1], order[0] // not the order in which they came
			}
			for _, i := range order {
				r.back(mine[i])
			}
			what := "the client returned its buffers one by one, in another order than it had got them"
			back := r.claim(len(mine), what)
			if len(back) < len(mine) {
				t.Fatalf("(%s queues) %s; %s. The buffers %v did not come", r.layout, what, r.silence(len(back), len(mine)), missing(idsOf(mine), back))
			}
			mine = back
		}
	})
}

func checkStarve(t *T) {
	t.eachLayout(2, func(r *rig) {
		mine := r.mustHold()
		mine = append(mine, r.nothingWrong("the client took every buffer and returned none")...)
		if r.over() {
			t.Fatalf("(%s queues) the client took every buffer and returned none for a while, and the driver ended the session (%v); it must wait, or lose frames", r.layout, r.Err())
		}
		if t.Claims(CapObserve) && !t.Claims(CapFail) {
			o, err := r.observation()
			r.must("ask for the state", err)
			if o.State != userclient.StateRunning {
				t.Errorf("(%s queues) the client took every buffer and returned none for a while, and the stream is %s; it must still be running, as the policy %v says", r.layout, o.State, t.Describe().Policy)
			}
		}
		r.again(mine, "the client took every buffer, kept them for a while and returned them")
	})
}

// keepsOwners checks that who owns what outlasts a pause of the stream.
func (t *T) keepsOwners(name string, pause func(*link) error) {
	t.eachLayout(4, func(r *rig) {
		mine := r.mustHoldAndPause(name, pause)
		mine = append(mine, r.nothingWrong("the client took every buffer, and the answer to "+name+" came")...)
		n := len(mine) / 2
		kept, free := mine[n:], mine[:n]
		r.must("give buffers back", r.put(r.returning(free)...))
		r.attend(name == "stop")
		r.mustStart()
		what := fmt.Sprintf("the client had %d buffers at a %s, kept %d, returned the others, and started the stream", len(mine), name, len(kept))
		back := r.claim(n, what)
		if len(back) < n {
			t.Fatalf("(%s queues) %s; %s. The buffers %v did not come", r.layout, what, r.silence(len(back), n), missing(idsOf(free), back))
		}
		back = append(back, r.nothingWrong(what)...)
		r.again(append(kept, back...), "after that the client returned every buffer")
	})
}

// mustHoldAndPause takes buffers, and stops or suspends the stream. A driver whose policy
// is to stop by itself when every buffer is with the client must be left some.
func (r *rig) mustHoldAndPause(name string, pause func(*link) error) []queue.Entry {
	if !r.t.Claims(CapFail) {
		mine := r.mustHold()
		r.must(name+" the stream", pause(r.link))
		return mine
	}
	mine, err := r.hold(1)
	for range 20 {
		if err == nil {
			if err = pause(r.link); err == nil {
				return mine
			}
		}
		var es []queue.Entry
		es, err = r.drain()
		if len(es) > 0 {
			r.back(es...)
		}
		r.goOn()
	}
	r.t.inapplicable("the stream stops by itself, as is its policy, before the client can %s it (%v)", name, err)
	return nil
}

// attend gives the driver the occasion to read what was returned while the stream is
// stopped or suspended.
func (r *rig) attend(stopped bool) {
	_ = r.bell.Ring() // a session that is over shows in what does not come
	if stopped && r.t.Claims(CapInputSync) {
		_ = r.call(userclient.SelInputSync, 0) // some answer that they are stopped
		return
	}
	ctx, cancel := r.t.Quiet()
	defer cancel()
	<-ctx.Done()
}

func checkReopenOwns(t *T) {
	t.eachLayout(3, func(r *rig) {
		mine := r.mustHold()
		all := func(r *rig, what string) {
			if got := r.claim(len(mine), what); len(got) < len(mine) {
				t.Fatalf("(%s queues) %s; %s. The buffers %v did not come", r.layout, what, r.silence(len(got), len(mine)), missing(idsOf(mine), got))
			}
		}
		r.must("close the stream", r.closeStream())
		r.mustOpen()
		again := r.mustMap(r.layout)
		again.mustStart()
		all(again, fmt.Sprintf("the client closed the stream while it had %d buffers, and opened and started it again", len(mine)))
		again.must("hang up", again.Close())
		another := t.running(r.layout)
		all(another, fmt.Sprintf("a client hung up while it had %d buffers, and another opened and started the stream", len(mine)))
		another.must("hang up", another.Close())
	})
}

// part returns a random part of a region, at least that many bytes long.
func (t *T) part(size uint32, least int64) (off, length uint32) {
	n := least + t.Rand().Int64N(int64(size)-least+1)
	return uint32(t.Rand().Int64N(int64(size) - n + 1)), uint32(n)
}

func checkAnyPart(t *T) {
	least := int64(0)
	if t.Claims(CapToDevice) {
		least = 1 // what is sent holds something
	}
	t.eachLayout(2, func(r *rig) {
		mine := r.mustHold()
		for i := range t.roundsOf(2, 24, 2) {
			e, b := mine[0], r.bounds[mine[0].Buffer]
			e.Seq, e.Stamp = 0, 0
			if i%2 == 1 || least > 0 {
				e.DataOffset, e.DataLength = t.part(b.Data, least)
				e.ControlOffset, e.ControlLength = t.part(b.Control, 0)
			}
			if _, err := r.end.Send([]queue.Entry{e}); err != nil && !r.over() {
				t.abortf("could not give a buffer back: %v", err)
			}
			r.nudge()
			what := "the client returned an entry with (" + entryText(&e) + ")"
			back := r.claim(1, what)
			if len(back) == 0 {
				t.Fatalf("(%s queues) %s, which lies within the buffer's %d and %d bytes; %s", r.layout, what, b.Data, b.Control, r.silence(0, 1))
			}
			mine = append(mine[1:], back...)
		}
	})
}

// breach publishes entries past every check and reports a driver that keeps the session.
func (r *rig) breach(what string, es ...queue.Entry) {
	if err := r.forge(es...); err != nil && !r.over() {
		r.t.abortf("could not publish: %v", err)
	}
	if r.t.Claims(CapInputSync) {
		for range 2 { // some read what they can use, and find the rest when they look again
			_ = r.call(userclient.SelInputSync, 0) // the answer is of no interest
		}
	}
	r.expose()
	if r.ended() == nil {
		r.t.Errorf("(%s queues) %s, and the driver keeps the session; it must end it", r.layout, what)
	}
}

// stoppedWith is a stream of which the client has taken some entries and which is stopped
// now, so that the driver can't give a buffer again.
func (t *T) stoppedWith() (r *rig, mine []queue.Entry) {
	r = t.running(t.layout())
	mine = r.mustHold()
	r.mustStop()
	return r, mine
}

func checkTwiceInBatch(t *T) {
	r, mine := t.stoppedWith()
	e := r.returning(mine[:1])[0]
	r.breach(fmt.Sprintf("the stream is stopped, and the client returned buffer %d twice in one batch", e.Buffer), e, e)
}

func checkReturnedAgain(t *T) {
	r, mine := t.stoppedWith()
	e := r.returning(mine[:1])[0]
	r.must("give a buffer back", r.put(e))
	r.attend(true)
	if r.over() {
		t.abortf("the driver ended the session when a buffer was returned: %v", r.Err())
	}
	r.breach(fmt.Sprintf("the stream is stopped, and the client returned buffer %d a second time", e.Buffer), e)
}

func checkForeign(t *T) {
	n := uint32(0)
	for _, pick := range []func() uint32{
		func() uint32 { return n },
		func() uint32 { return userclient.NoBuffer },
		func() uint32 { return math.MaxInt32 },
		func() uint32 { return n + t.Rand().Uint32N(math.MaxUint32-n) },
	} {
		r := t.soon(t.layout())
		r.mustHold()
		n = uint32(len(r.bounds))
		id := pick()
		r.breach(fmt.Sprintf("the client returned buffer %d of a stream with the buffers 0 to %d", id, n-1), queue.Entry{Buffer: id})
		_ = r.Close() // the driver has ended it
		if t.Failed() {
			return
		}
	}
}

// soon is running, for a driver that may not yet be done with the session that it ended
// before.
func (t *T) soon(layout userclient.Layout) *rig {
	l := t.link()
	l.must("select features", l.choose(layout))
	ctx, cancel := t.Within(answerBound)
	defer cancel()
	err := errors.New("not tried")
	t.Until(ctx, func() bool { err = l.open(); return err == nil })
	l.must("open the stream", err)
	r := l.mustMap(layout)
	r.mustStart()
	return r
}
