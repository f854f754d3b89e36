// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Checks of the entries and indices of native queues.

func checkEntries(t *T) {
	h := t.hand()
	h.mustStart()
	n := t.rounds(max(64, 2*len(h.bounds)), 4)
	problem := h.turn(n, func(e *queue.Entry) {
		if !h.exists(e) {
			t.Fatalf("an entry of the output queue names buffer %d, but there are only the buffers 0 to %d", e.Buffer, len(h.bounds)-1)
		}
		b := h.bounds[e.Buffer]
		if uint64(e.DataOffset)+uint64(e.DataLength) > uint64(b.Data) {
			t.Fatalf("an entry of buffer %d says that %d bytes of data begin at %d, but the buffer has %d bytes", e.Buffer, e.DataLength, e.DataOffset, b.Data)
		}
		if uint64(e.ControlOffset)+uint64(e.ControlLength) > uint64(b.Control) {
			t.Fatalf("an entry of buffer %d says that %d bytes of control begin at %d, but its control region has %d bytes", e.Buffer, e.ControlLength, e.ControlOffset, b.Control)
		}
	})
	if problem != "" {
		t.abortf("%s", problem)
	}
}

func checkComplete(t *T) {
	h := t.hand()
	h.mustStart()
	mine := h.mustHold()
	for range t.rounds(64, 4) {
		before, index := h.entry(h.head-1), h.head-1
		h.give(mine[0])
		mine = append(mine[1:], h.mustHoldOne())
		// The client has every buffer again, so the driver can't have begun the next lap
		// of the ring, unless that has a single entry.
		if now := h.entry(index); h.count > 1 && now != before {
			t.Fatalf("entry %d of the output queue was (%s) when the client saw it, and is (%s) now; a published entry must not change",
				index, entryText(&before), entryText(&now))
		}
	}
}

// entryText says in words what an entry holds.
func entryText(e *queue.Entry) string {
	return fmt.Sprintf("buffer %d, %d bytes of data from %d, %d bytes of control from %d, number %d, stamp %#x",
		e.Buffer, e.DataLength, e.DataOffset, e.ControlLength, e.ControlOffset, e.Seq, e.Stamp)
}

// mustHold takes as many entries as the driver gives to a client that returns none.
func (h *hand) mustHold() []queue.Entry {
	es := h.hold(len(h.bounds))
	if len(es) == 0 {
		h.t.abortf("%s", h.silence(0, 1))
	}
	return es
}

// mustHoldOne takes the next entry.
func (h *hand) mustHoldOne() queue.Entry {
	if !h.comes(1) {
		h.t.abortf("%s", h.silence(0, 1))
	}
	return h.read()
}

func checkTail(t *T) {
	h := t.hand()
	h.mustStart()
	for range t.laps(h.count) {
		ctx, cancel := t.Frames(1)
		came := t.Until(ctx, func() bool {
			if problem := h.check(); problem != "" {
				t.Fatalf("%s; it must count on", problem)
			}
			if h.seen == h.head && h.halted() {
				h.goOn()
			}
			return h.seen != h.head || h.over()
		})
		cancel()
		if !came || h.over() {
			t.abortf("%s", h.silence(0, 1))
		}
		e := h.read()
		if !h.exists(&e) {
			t.abortf("entry %d of the output queue names buffer %d of %d", h.head-1, e.Buffer, len(h.bounds))
		}
		h.give(e)
	}
}

func checkHead(t *T) {
	h := t.hand()
	h.mustStart()
	last := word(h.in.Reader, queue.ReaderHeadOff).Load()
	look := func() bool {
		now := word(h.in.Reader, queue.ReaderHeadOff).Load()
		if now-last > h.tail-last {
			t.Fatalf("the head of the input queue went from %d to %d, while the client's tail is %d; it must count on, and may not pass the tail", last, now, h.tail)
		}
		last = now
		return now == h.tail
	}
	left := t.laps(h.inCount)
	for left > 0 && !t.Failed() {
		es := h.hold(min(len(h.bounds), left))
		if len(es) == 0 {
			t.abortf("%s", h.silence(0, 1))
		}
		h.give(es...)
		look()
		left -= len(es)
	}
	// Once the client has every buffer again, the driver has used all that it returned.
	h.mustHold()
	ctx, cancel := t.Frames(2)
	defer cancel()
	if !t.Until(ctx, look) && !h.over() {
		t.Errorf("the driver has used every buffer that the client returned, but the head of the input queue stays at %d, and the tail is %d; they must become equal", last, h.tail)
	}
}

func checkLazyHead(t *T) {
	h := t.hand()
	n := len(h.bounds)
	if uint64(h.count) < 2*uint64(n) || h.count < 8 || t.Claims(CapDropOldest) {
		t.inapplicable("a client must tell this driver at once what it has read: it has %d buffers, a ring of %d entries and policy %v",
			n, h.count, t.Describe().Policy)
	}
	h.mustStart()
	h.comes(n) // or fewer, where the driver keeps some
	there := h.waiting()
	if there < 2 {
		t.inapplicable("the driver posts %d entries ahead, so the client has always read everything", there)
	}
	h.lazy = true
	steps := t.rounds(3*int(h.count), 4)
	for i := range steps {
		h.give(h.read())
		if !h.comes(there) {
			t.Fatalf("while the client had not told of the last %d entries that it had read from a ring of %d, %s", h.head-h.told(), h.count, h.silence(i, steps))
		}
		if h.head-h.told() >= h.count/4 {
			h.tell()
		}
	}
}

// told is the head that was published last.
func (h *hand) told() uint32 { return word(h.out.Reader, queue.ReaderHeadOff).Load() }

func checkOverfill(t *T) {
	h := t.hand()
	h.mustStart()
	n := len(h.bounds)
	ctx, cancel := t.Frames(n)
	defer cancel()
	tail := func() uint32 { return word(h.out.Ring, queue.RingTailOff).Load() }
	t.Until(ctx, func() bool { return tail()-h.head >= uint32(n) || h.over() })
	quiet, stop := t.Quiet()
	defer stop()
	t.Until(quiet, func() bool { return tail()-h.head > uint32(n) })
	if got := tail() - h.head; got > uint32(n) {
		t.Errorf("the client has read nothing and returned nothing, and there are %d entries on the output queue (head %d, tail %d) of a stream with %d buffers", got, h.head, tail(), n)
	}
}

func checkBatch(t *T) {
	h := t.hand()
	h.mustStart()
	mine := h.mustHold()
	for range t.roundsOf(len(mine), 8, 1) {
		h.give(mine...)
		back := h.hold(len(mine))
		if len(back) < len(mine) {
			t.Fatalf("the client returned %d buffers in one batch and rang once, and %s", len(mine), h.silence(len(back), len(mine)))
		}
		mine = back
	}
}

func checkWrap(t *T) { t.wraps(t.rig(userclient.LayoutNative)) }

// wraps returns batches of random sizes until the input queue has gone round several
// times.
func (t *T) wraps(r *rig) {
	r.mustStart()
	mine := r.mustHold()
	count := word(r.in.Ring, queue.ClassicCountOff)
	if r.layout == userclient.LayoutNative {
		count = word(r.in.Ring, queue.RingCountOff)
	}
	sent := 0
	for left := t.laps(count.Load()); left > 0; {
		n := 1 + t.Rand().IntN(len(mine))
		r.back(mine[:n]...)
		back, err := r.hold(n)
		if len(back) < n {
			t.Fatalf("after %d entries the client returned a batch of %d on an input queue with %d places; %s (%v)",
				sent, n, count.Load(), r.silence(len(back), n), err)
		}
		mine = append(mine[n:], back...)
		sent += n
		left -= n
	}
}

// hold takes up to n entries, as many as come. A driver whose policy is to stop when it
// finds no buffer is started again as often as it does.
func (r *rig) hold(n int) ([]queue.Entry, error) {
	ctx, cancel := r.t.Frames(n)
	defer cancel()
	if !r.t.Claims(CapFail) {
		return r.take(ctx, n)
	}
	var got []queue.Entry
	for {
		wait, stop := context.WithTimeoutCause(ctx, r.t.QuietTime(), errTimeUp)
		es, err := r.take(wait, n-len(got))
		stop()
		if got = append(got, es...); len(got) == n || ctx.Err() != nil || !errors.Is(err, errTimeUp) {
			return got, err
		}
		r.goOn()
	}
}

// mustHold takes as many entries as the driver gives to a client that returns none.
func (r *rig) mustHold() []queue.Entry {
	es, err := r.hold(len(r.bounds))
	if len(es) == 0 {
		r.t.abortf("no entry came: %v", err)
	}
	return es
}

func checkReadOnce(t *T) {
	h := t.hand()
	h.mustStart()
	mine := h.mustHold()
	h.mustStop()
	first := h.tail
	h.put(h.returning(mine)...)
	_ = h.bell.Ring() // some look only when they are rung
	h.untilRead()
	read := word(h.in.Reader, queue.ReaderHeadOff).Load()
	for i := first; i != read; i++ {
		at := h.inAt + int(i&(h.inCount-1))*queue.EntrySize
		for off := 0; off < queue.EntrySize; off += 4 {
			h.store(h.in.Ring, at+off, 0xffffffff)
		}
	}
	if err := h.start(); err != nil && !h.over() {
		t.abortf("could not start the stream again: %v", err)
	}
	if back := h.hold(len(mine)); len(back) < len(mine) {
		t.Errorf("the client returned %d buffers, and overwrote the entries when the driver had told that it had read %d of them; after that %s", len(mine), read-first, h.silence(len(back), len(mine)))
	}
}

// untilRead gives the driver the occasion to read what was returned: some do that only
// when they are asked to.
func (h *hand) untilRead() {
	if h.t.Claims(CapInputSync) {
		for range 2 { // some publish what they read when they look again
			_ = h.call(userclient.SelInputSync, 0) // INPUT rules are about the answer
		}
	}
	ctx, cancel := h.t.Quiet()
	defer cancel()
	h.t.Until(ctx, func() bool { return word(h.in.Reader, queue.ReaderHeadOff).Load() == h.tail })
}
