// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Checks of classic queues.

const classic = userclient.LayoutClassic

// classicPair is the two indices of a classic queue.
type classicPair struct{ head, tail uint32 }

func indicesOf(m queue.Memory) classicPair {
	return classicPair{word(m.Ring, queue.ClassicHeadOff).Load(), word(m.Ring, queue.ClassicTailOff).Load()}
}

func checkClassicHeader(t *T) {
	r := t.mapOnly(classic)
	for what, b := range map[string][]byte{"the output queue": r.out.Ring, "the input queue": r.in.Ring} {
		if len(b) < queue.ClassicEntries {
			t.Errorf("%s has %d bytes, too few for a header of %d", what, len(b), queue.ClassicEntries)
			continue
		}
		count, at := word(b, queue.ClassicCountOff).Load(), indicesOf(queue.Memory{Ring: b})
		if uint64(count) < uint64(len(r.bounds))+1 || count > queue.MaxCount {
			t.Errorf("%s has %d entries; with %d buffers there must be %d at least, for one place stays empty", what, count, len(r.bounds), len(r.bounds)+1)
		}
		if need := queue.ClassicEntries + uint64(count)*queue.EntrySize; need > uint64(len(b)) {
			t.Errorf("%s says that it has %d entries, which need %d bytes, but %d bytes are mapped", what, count, need, len(b))
		}
		if at.head != at.tail || at.head >= count {
			t.Errorf("after open head and tail of %s are %d and %d of %d entries; they must be equal and below the count", what, at.head, at.tail, count)
		}
	}
}

func checkFirstMove(t *T) {
	r := t.mapOnly(classic)
	out, in := indicesOf(r.out), indicesOf(r.in)
	r.mustStart()
	ctx, cancel := t.Frames(1)
	defer cancel()
	if !t.Until(ctx, func() bool { return indicesOf(r.out) != out || indicesOf(r.in) != in }) {
		t.abortf("%s", r.silence(0, 1))
	}
	quiet, stop := t.Quiet()
	defer stop()
	both := func() bool {
		now := indicesOf(r.out)
		return now.head != out.head && now.tail != out.tail || indicesOf(r.in) != in
	}
	t.Until(quiet, both)
	if now := indicesOf(r.out); now.head != out.head && now.tail != out.tail {
		t.Errorf("the client has read nothing, but of the output queue the head went from %d to %d and the tail from %d to %d; only one of them may move", out.head, now.head, out.tail, now.tail)
	}
	if now := indicesOf(r.in); now != in {
		t.Errorf("the client has returned nothing, but head and tail of the input queue went from %d and %d to %d and %d; they must stand", in.head, in.tail, now.head, now.tail)
	}
}

// sides returns the index words of a classic queue, by who moves them. The roles are
// known, and the same in both queues.
func (r *rig) sides() (writer, reader int) {
	if r.roles.Role() == queue.TailWrites {
		return queue.ClassicTailOff, queue.ClassicHeadOff
	}
	return queue.ClassicHeadOff, queue.ClassicTailOff
}

// nameOf returns the word for the index at off.
func nameOf(off int) string {
	if off == queue.ClassicHeadOff {
		return "head"
	}
	return "tail"
}

func checkClassicOwner(t *T) {
	r := t.rig(classic)
	outCount, inCount := word(r.out.Ring, queue.ClassicCountOff).Load(), word(r.in.Ring, queue.ClassicCountOff).Load()
	look := func(when string) {
		writer, reader := r.sides()
		for _, w := range []struct {
			what      string
			b         []byte
			off       int
			want, got uint32
		}{
			{what: "the entry count of the output queue", b: r.out.Ring, off: queue.ClassicCountOff, want: outCount},
			{what: "the entry count of the input queue", b: r.in.Ring, off: queue.ClassicCountOff, want: inCount},
			{what: "the " + nameOf(reader) + " of the output queue", b: r.out.Ring, off: reader, want: r.end.Index() % outCount},
			{what: "the " + nameOf(writer) + " of the input queue", b: r.in.Ring, off: writer, want: uint32(r.end.Counters().Sent % uint64(inCount))},
		} {
			if w.got = word(w.b, w.off).Load(); w.got != w.want {
				t.Fatalf("%s %s is %d, but the client, whose word it is, left it at %d", when, w.what, w.got, w.want)
			}
		}
	}
	n := t.rounds(12, 2)
	r.mustStart()
	r.mustPass(n)
	look("while the stream was running")
	r.mustSuspend()
	look("while the stream was suspended")
	r.mustStart()
	r.mustPass(n)
	r.mustStop()
	look("when the stream was stopped")
	r.mustStart()
	look("after the stream was started again")
}

// mustPass takes n entries and gives each back before the next.
func (r *rig) mustPass(n int) {
	for range n {
		es, err := r.hold(1)
		if err != nil {
			r.t.abortf("%s (%v)", r.silence(0, 1), err)
		}
		r.back(es...)
	}
}

func checkClassicWrap(t *T) {
	r := t.running(classic)
	count := word(r.out.Ring, queue.ClassicCountOff).Load()
	for range t.laps(count) {
		es, err := r.hold(1)
		var broken *ioreturn.RuleError
		if errors.As(err, &broken) && (broken.Rule == ioreturn.RuleQueueIndex || broken.Rule == ioreturn.RuleQueueRoles) {
			t.Fatalf("on a queue of %d entries, which the client has read %d times round, an index is wrong: %s", count, r.end.Index()/count, broken.Detail)
		}
		if len(es) == 0 {
			t.abortf("%s (%v)", r.silence(0, 1), err)
		}
		r.back(es...)
	}
}

func checkSameRoles(t *T) {
	r := t.running(classic)
	mine := r.mustHold()
	writer, reader := r.sides()
	r.back(mine...)
	back, err := r.hold(len(mine))
	words := func() classicPair { return indicesOf(r.in) }
	if len(back) < len(mine) {
		t.Fatalf("the driver posts by moving the %s of the output queue. The client returned %d buffers by moving the %s of the input queue, and %s (%v); head and tail of the input queue are %d and %d",
			nameOf(writer), len(mine), nameOf(writer), r.silence(len(back), len(mine)), err, words().head, words().tail)
	}
	ctx, cancel := t.Frames(2)
	defer cancel()
	if !t.Until(ctx, func() bool { return words().head == words().tail }) {
		t.Errorf("the driver has used every buffer that the client returned, so it has read all of the input queue, but there head and tail are %d and %d; it must move the %s up to the %s",
			words().head, words().tail, nameOf(reader), nameOf(writer))
	}
}

func checkClassicBell(t *T) {
	r := t.running(classic)
	mine := r.mustHold()
	for i := range t.rounds(30, 4) {
		r.mustGiveBack(mine[0])
		r.goOn()
		err := t.rungWithEntry(r)
		n, lenErr := r.end.Len()
		r.must("look at the output queue", lenErr)
		if n == 0 {
			t.abortf("%s (%v)", r.silence(0, 1), err)
		}
		if err != nil {
			t.Fatalf("the output queue was empty, the driver posted an entry, and the client was not rung (%v), for the %dth of its sleeps; it would sleep for ever", err, i+1)
		}
		es, _ := r.hold(1) // it is there
		mine = append(mine[1:], es...)
	}
}

// rungWithEntry waits for rings until there is an entry, and returns why none rang. A
// ring that came too early is left from before.
func (t *T) rungWithEntry(r *rig) error {
	ctx, cancel := t.Frames(1)
	defer cancel()
	for {
		if err := r.port.Wait(ctx); err != nil {
			return err
		}
		if n, err := r.end.Len(); err != nil || n > 0 {
			return err
		}
		r.goOn()
	}
}

func checkClassicReserved(t *T) {
	r := t.running(classic)
	mine := r.mustHold()
	rng := t.Rand()
	const reservedOff = 12
	n := t.rounds(16, 4)
	for i := range n {
		word(r.in.Ring, reservedOff).Store(rng.Uint32() | 1)
		back := r.returning(mine[:1])
		back[0].Seq, back[0].Stamp = rng.Uint32()|1, rng.Uint64()|1
		if _, err := r.end.Send(back); err != nil && !r.over() {
			t.abortf("could not give a buffer back: %v", err)
		}
		r.nudge()
		es, err := r.hold(1)
		if len(es) == 0 {
			t.Fatalf("after the client had written into reserved words, %s (%v)", r.silence(i, n), err)
		}
		mine = append(mine[1:], es...)
	}
}

func checkClassicBatches(t *T) { t.wraps(t.rig(classic)) }
