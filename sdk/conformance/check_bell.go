// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"runtime"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
)

// Checks of notifications.

// sleep waits at the port, and looks at the queue only when it is rung, until n entries
// are there. The error says why no ring came.
func (h *hand) sleep(n int) error {
	ctx, cancel := h.t.Frames(n)
	defer cancel()
	for {
		if err := h.port.Wait(ctx); err != nil {
			return err
		}
		if h.waiting() >= n {
			return nil
		}
		if h.halted() {
			h.goOn()
		}
	}
}

// halted reports whether the driver has stopped the stream because it found no buffer.
func (h *hand) halted() bool {
	return word(h.out.Ring, queue.RingStatusOff).Load() == uint32(ioreturn.Overrun)
}

// mustSleep is sleep, and reports a ring that did not come. what is what the client did,
// and n of the entries that it waited for are there.
func (h *hand) mustSleep(n int, what string) {
	err := h.sleep(n)
	if err == nil {
		return
	}
	if got := h.waiting(); got < n {
		h.t.abortf("%s (%v)", h.silence(got, n), err)
	}
	h.t.Fatalf("%s; the entry came (tail %d), but the output port was not rung (%v). The client's event index is %d",
		what, h.seen, err, word(h.out.Reader, queue.ReaderWakeOff).Load())
}

// readAll takes what is on the queue now.
func (h *hand) readAll() []queue.Entry {
	var es []queue.Entry
	for range h.waiting() {
		es = append(es, h.read())
	}
	return es
}

// spin lets a random short time go by, without sleeping.
func (t *T) spin() {
	for range t.Rand().IntN(40) {
		runtime.Gosched()
	}
}

func checkArmed(t *T) {
	h := t.hand()
	h.mustStart()
	mine := h.mustHold()
	for range t.rounds(50, 4) {
		h.arm(1)
		if h.waiting() == 0 {
			h.give(mine[0])
			h.mustSleep(1, "the client had read everything, armed for the next entry and returned a buffer")
			mine = mine[1:]
		}
		mine = append(mine, h.readAll()...)
	}
}

func checkArmRace(t *T) {
	h := t.hand()
	h.mustStart()
	for range t.rounds(400, 4) {
		h.arm(1)
		if h.waiting() == 0 {
			h.mustSleep(1, "the client armed while the driver was publishing, and saw no entry yet")
		}
		h.give(h.readAll()...)
		t.spin()
	}
}

// unasked passes n entries without arming, and returns how many times the client was
// rung meanwhile.
func (h *hand) unasked(n int) (rings int) {
	for i := range n {
		ctx, cancel := h.t.Frames(1)
		came := h.t.Until(ctx, func() bool {
			if h.halted() {
				h.goOn()
				_ = h.t.hush(h.port, hushWindow) // a change of the state rings
			}
			return h.waiting() > 0 || h.over()
		})
		cancel()
		if !came || h.over() {
			h.t.abortf("%s", h.silence(i, n))
		}
		rung := h.t.hush(h.port, 50*time.Microsecond)
		stopped := h.halted() // which rings, as the start that follows does
		if rung && !stopped {
			rings++
		}
		h.give(h.read())
		if stopped {
			_ = h.t.hush(h.port, hushWindow)
		}
	}
	return rings
}

func checkUnarmed(t *T) {
	h := t.hand()
	h.disarm()
	h.mustStart()
	n := t.rounds(32, 8)
	_ = t.hush(h.port, hushWindow) // a change of the state rings
	if rings := h.unasked(n); rings > n/4 {
		t.Errorf("the client read %d entries and never armed, but was rung %d times", n, rings)
	}
}

func checkOneRing(t *T) {
	h := t.hand()
	h.mustStart()
	for mine := h.mustHold(); ; {
		h.arm(1)
		if h.waiting() == 0 {
			h.give(mine...)
			break
		}
		mine = append(mine, h.readAll()...)
	}
	if err := h.sleep(1); err != nil {
		t.abortf("no ring came (%v)", err)
	}
	n := t.rounds(32, 8)
	_ = t.hush(h.port, hushWindow)
	if rings := h.unasked(n); rings > n/4 {
		t.Errorf("the client armed once and was rung. It read %d entries after that and did not arm again, but was rung %d times more", n, rings)
	}
}

func checkCoalesce(t *T) {
	h := t.hand()
	h.mustStart()
	mine := h.mustHold()
	k := min(len(mine), 4)
	if t.Claims(CapDropOldest) {
		k = min(k, int(t.Describe().Backlog))
	}
	if k < 2 || t.Claims(CapFail) {
		t.inapplicable("the driver can't be kept from posting, or posts one entry at a time: %d buffers, policy %v", len(h.bounds), t.Describe().Policy)
	}
	const rounds = 3
	early := 0
	for range rounds {
		_ = t.hush(h.port, hushWindow)
		h.arm(k)
		h.give(mine[:k-1]...)
		ctx, cancel := t.Frames(k)
		came := t.Until(ctx, func() bool { return h.waiting() >= k-1 || h.over() })
		cancel()
		if !came || h.over() {
			t.abortf("%s", h.silence(h.waiting(), k-1))
		}
		if t.hush(h.port, hushWindow) && h.waiting() < k {
			early++
		}
		if h.waiting() < k {
			h.give(mine[k-1])
			h.mustSleep(k, "the client armed for several entries, and returned as many buffers")
			mine = mine[k:]
		} else {
			mine = mine[k-1:]
		}
		mine = append(mine, h.readAll()...)
	}
	if early == rounds {
		t.Errorf("the client armed for %d entries (event index %d ahead of its head), and was rung when %d were there, %d times of %d", k, k-1, k-1, early, rounds)
	}
}

func checkStopWakes(t *T) {
	h := t.hand()
	h.mustStart()
	h.mustHold()
	h.arm(int(h.count))
	for n := 0; n < 3 && t.hush(h.port, t.QuietTime()); n++ {
		h.readAll()
		h.arm(int(h.count))
	}
	if t.Claims(CapFail) && h.halted() {
		t.inapplicable("a client that holds every buffer has stopped the stream, as is its policy")
	}
	h.mustStop()
	ctx, cancel := t.Within(answerBound)
	defer cancel()
	if err := h.port.Wait(ctx); err != nil {
		t.Errorf("the client had armed for more entries than came, and the stream was stopped, but the output port was not rung (%v)", err)
	}
}

func checkArmedBeforeStart(t *T) {
	h := t.hand()
	for range min(t.rounds(6, 2), warmUps-2) {
		h.arm(1)
		if h.waiting() == 0 {
			h.mustStart()
			h.mustSleep(1, "the client armed while the stream was stopped, and started it")
		}
		h.mustStop()
		h.put(h.returning(h.readAll())...)
		_ = h.bell.Ring()
	}
}

// mustReach waits for an entry that the driver can only post when it has seen the buffer
// that was returned.
func (h *hand) mustReach(what string) queue.Entry {
	if !h.comes(1) {
		at := word(h.in.Reader, queue.ReaderWakeOff).Load()
		h.t.Fatalf("%s; %s. The driver's event index is %d, the client's tail on the input queue %d", what, h.silence(0, 1), at, h.tail)
	}
	return h.read()
}

// ringIfAsked returns a buffer and rings only if the driver wants that.
func (h *hand) ringIfAsked(e queue.Entry) (rang bool) {
	h.put(h.returning([]queue.Entry{e})...)
	if rang = h.asked(1); rang {
		_ = h.bell.Ring() // a session that is over shows in what does not come
	}
	h.goOn()
	return rang
}

func checkDriverArms(t *T) {
	h := t.hand()
	h.mustStart()
	mine := h.mustHold()
	for range t.rounds(4, 2) {
		ctx, cancel := t.Quiet()
		t.Until(ctx, func() bool { return word(h.in.Reader, queue.ReaderWakeOff).Load() == h.tail })
		cancel()
		what := "the client held every buffer for a while, returned one, and did not ring, because the driver had not asked for it"
		if h.ringIfAsked(mine[0]) {
			what = "the client held every buffer for a while, returned one, and rang, because the driver had asked for it"
		}
		mine = append(mine[1:], h.mustReach(what))
	}
}

func checkDriverArmRace(t *T) {
	h := t.hand()
	h.mustStart()
	mine := h.mustHold()
	for range t.rounds(300, 4) {
		what := "the client returned a buffer while the driver was about to sleep, and did not ring, because the driver had not asked for it"
		if h.ringIfAsked(mine[0]) {
			what = "the client returned a buffer while the driver was about to sleep, and rang"
		}
		mine = append(mine[1:], h.mustReach(what))
		t.spin()
	}
}

func checkSpurious(t *T) {
	h := t.hand()
	tail := func() uint32 { return word(h.out.Ring, queue.RingTailOff).Load() }
	disturb := func(when string, idle bool) {
		before := tail()
		for range 20 {
			_ = h.bell.Ring() // a session that is over shows below
			t.spin()
		}
		ctx, cancel := t.Quiet()
		defer cancel()
		t.Until(ctx, func() bool { return h.over() || idle && tail() != before })
		if h.over() {
			t.Fatalf("the client rang several times %s, with nothing on its queue, and the driver ended the session (%v)", when, h.Err())
		}
		if now := tail(); idle && now != before {
			t.Fatalf("the client rang several times %s, with nothing on its queue, and the driver posted: the tail of the output queue went from %d to %d", when, before, now)
		}
	}
	disturb("before the stream was started", true)
	h.mustStart()
	mine := h.mustHold()
	disturb("while it held every buffer", len(mine) == len(h.bounds))
	h.give(mine...)
	h.mustTurn(t.rounds(4, 1))
	h.mustSuspend()
	disturb("while the stream was suspended", true)
	h.mustStart()
	h.mustTurn(1)
	h.mustStop()
	disturb("while the stream was stopped", true)
	h.mustStart()
	if problem := h.turn(t.rounds(4, 1), nil); problem != "" {
		t.Errorf("after the client had rung many times with nothing on its queue, %s", problem)
	}
}
