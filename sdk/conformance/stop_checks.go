// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// checkQuiet pauses a stream and checks that nothing is posted any more, whatever the
// client gives back.
func checkQuiet(t *T, what string, pause func(*link)) {
	for _, layout := range t.layouts() {
		r := t.running(layout)
		r.mustFollow(2)
		pause(r.link)
		r.mustGiveBack(r.mustDrain()...) // everything is with the driver now
		t.wait()
		if es := r.mustDrain(); len(es) > 0 {
			t.Errorf("%d entries came on the output queue (%v layout) after %s had been answered and the queue was read empty; none may come until the next start",
				len(es), layout, what)
		}
		r.must("hang up", r.Close())
	}
}

// mustQueue waits until an entry is on the output queue.
func (r *rig) mustQueue() {
	ctx, cancel := r.t.Frames(1)
	defer cancel()
	if !r.t.Until(ctx, func() bool { return r.mustLen() > 0 }) {
		r.t.abortf("no entry came")
	}
}

func checkReadableAfterStop(t *T) {
	for _, layout := range t.layouts() {
		r := t.running(layout)
		r.mustQueue()
		before := r.mustLen()
		r.mustStop()
		es, err := r.drain()
		if err != nil {
			t.Fatalf("%d entries were on the output queue (%v layout) when stop was called; reading them afterwards failed: %v", before, layout, err)
		}
		if len(es) < before {
			t.Errorf("%d entries were on the output queue (%v layout) when stop was called, and only %d after it; all of them must stay readable", before, layout, len(es))
		}
		if t.Claims(CapStats) && t.Describe().Mode.FromDevice() {
			if st := r.mustStats(); st.Posted != uint64(len(es)) {
				t.Errorf("%d entries were posted before the stop, but %d could be read after it", st.Posted, len(es))
			}
		}
		r.must("hang up", r.Close())
	}
}

func checkReturnableAfterStop(t *T) {
	for _, layout := range t.layouts() {
		r := t.running(layout)
		r.mustQueue()
		r.mustStop()
		es := r.mustDrain()
		if err := r.put(r.returning(es)...); err != nil {
			t.Fatalf("giving %d buffers back after stop (%v layout) failed: %v", len(es), layout, err)
		}
		t.wait() // the driver may look at them before the next start, or not
		if err := r.start(); err != nil {
			t.Fatalf("%d buffers were given back after stop (%v layout), and the next start was answered with %s; it must succeed", len(es), layout, answer(err))
		}
		ctx, cancel := t.Frames(len(es) + 1)
		if got, err := r.follow(ctx, len(es)+1, nil); err != nil {
			t.Errorf("%d buffers were given back after stop (%v layout); after the next start %d entries came, and then: %v", len(es), layout, len(got), err)
		}
		cancel()
		r.must("hang up", r.Close())
	}
}

// letBacklog gives a driver that keeps entries back the time to do so.
func (t *T) letBacklog(r *rig) {
	if t.Claims(CapDropOldest) && t.Claims(CapStats) {
		t.letRun(r)
	} else {
		r.mustQueue()
	}
}

func checkBacklogAtStop(t *T) {
	t.mustDeliver()
	r := t.running(t.layout())
	t.letBacklog(r)
	before := r.mustStats()
	r.mustStop()
	after := r.mustStats()
	if after.Backlogged > 0 {
		t.Errorf("%d entries were in the backlog before stop, and %d are after it; stop discards the backlog", before.Backlogged, after.Backlogged)
	}
	stopped := after.Lost[userclient.LossStopped] - before.Lost[userclient.LossStopped]
	others := after.TotalLost() - before.TotalLost() - stopped
	posted := after.Posted - before.Posted
	if stopped+others+posted < before.Backlogged {
		t.Errorf("%d entries were in the backlog before stop; after it %d more are counted as stopped, %d as lost otherwise and %d as posted; each must be one of these",
			before.Backlogged, stopped, others, posted)
	}
	if text := unbalanced(&after); text != "" {
		t.Errorf("after stop, %s", text)
	}
}

func checkNothingStale(t *T) {
	r := t.numbered()
	t.letBacklog(r)
	last, told := r.mustStopNumber()
	es := r.mustDrain()
	if !told {
		last = 0
	}
	if len(es) == 0 {
		t.abortf("no entry came")
	}
	newest := max(uint32(last), es[len(es)-1].Seq)
	r.mustGiveBack(es...)
	r.mustStart()
	for _, e := range r.mustFollow(3) {
		if !newer(newest, e.Seq) {
			t.Fatalf("the last number given before the stop is %d; after the next start entry %d came, which is from before the stop", newest, e.Seq)
		}
	}
}

func checkBacklogAtSuspend(t *T) {
	t.mustDeliver()
	r := t.running(t.layout())
	t.letBacklog(r)
	lost := func(st *userclient.Stats) uint64 {
		return st.Lost[userclient.LossStopped] + st.Lost[userclient.LossFlushed] + st.Lost[userclient.LossSessionEnded]
	}
	before := r.mustStats()
	err := r.suspend()
	for n := 0; r.failed(err) && n < failRetries; n++ {
		r.catchUp()
		before = r.mustStats() // what was lost when it stopped by itself was not lost by suspend
		err = r.suspend()
	}
	r.must("suspend the stream", err)
	after := r.mustStats()
	if lost(&after) > lost(&before) {
		t.Errorf("suspend made the driver lose %d entries (%s); it must keep them", lost(&after)-lost(&before), causesText(&after))
	}
	gone := after.Posted + after.TotalLost() - before.Posted - before.TotalLost()
	if after.Backlogged+gone < before.Backlogged {
		t.Errorf("%d entries were in the backlog before suspend and %d are after it, but only %d were posted or counted as lost meanwhile",
			before.Backlogged, after.Backlogged, gone)
	}
}

// pauses is how often a rule pauses a stream.
const pauses = 3

func checkGoesOn(t *T) {
	r := t.running(t.layout())
	r.mustFollow(1)
	for range pauses {
		r.mustSuspend()
		r.mustGiveBack(r.mustDrain()...) // what was on the queue before is no sign of life
		if err := r.start(); err != nil {
			t.Fatalf("start of a suspended stream was answered with %s; it must succeed", answer(err))
		}
		ctx, cancel := t.Frames(2)
		es, err := r.follow(ctx, 2, nil)
		cancel()
		if err != nil {
			t.Fatalf("after suspend and start %d entries came, and then: %v; the stream must go on", len(es), err)
		}
	}
}

func checkOrderOverSuspend(t *T) {
	r := t.numbered()
	t.letBacklog(r)
	seen := append(r.mustSuspend(), r.mustDrain()...)
	t.wait() // what is on its way is kept back now
	r.mustGiveBack(seen...)
	r.mustStart()
	seen = append(seen, r.mustFollow(min(len(r.bounds), t.some()))...)
	for i := 1; i < len(seen); i++ {
		if a, b := seen[i-1].Seq, seen[i].Seq; !newer(a, b) {
			t.Fatalf("the stream was suspended and started again; entry %d came before entry %d, and entries must come in the order of their numbers", a, b)
		}
	}
}

func checkBuffersAfterStops(t *T) {
	r := t.rig(t.layout())
	r.mustStart()
	es := r.gather(min(len(r.bounds), 2*t.some()))
	first := len(es)
	for n := range pauses {
		r.mustStop()
		r.mustGiveBack(append(es, r.mustDrain()...)...)
		r.mustStart()
		var err error
		if es, err = r.keep(first); err != nil {
			t.Fatalf("after the first start the client had %d buffers at the same time; after %d stops and starts it gets %d, and then: %v",
				first, n+1, len(es), err)
		}
	}
}

func checkIndices(t *T) {
	r := t.running(userclient.LayoutNative)
	tail, head := word(r.out.Ring, queue.RingTailOff), word(r.in.Reader, queue.ReaderHeadOff)
	r.mustFollow(2*min(len(r.bounds), t.some()) + 2)
	var lastTail, lastHead uint32
	look := func(after string) {
		for _, w := range []struct {
			name string
			last *uint32
			now  uint32
		}{{"tail of the output queue", &lastTail, tail.Load()}, {"head of the input queue", &lastHead, head.Load()}} {
			if w.now-*w.last >= 1<<31 {
				t.Fatalf("after %s the %s went from %d back to %d; indices only grow within a session", after, w.name, *w.last, w.now)
			}
			*w.last = w.now
		}
	}
	look("start")
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"suspend", func() { r.mustSuspend() }}, {"start", r.mustStart},
		{"stop", r.mustStop}, {"start", r.mustStart}, {"stop", r.mustStop},
	} {
		step.do()
		look(step.what)
	}
}

func checkStatusWord(t *T) {
	r := t.rig(userclient.LayoutNative)
	for range 2 {
		before := r.end.Status()
		r.mustStart()
		if s := r.end.Status(); s != queue.StatusRunning && s == before && !r.overran() {
			t.Errorf("start was answered, but the status word of the output queue is still %s; it must be 0, which says that entries may come", statusText(s))
		}
		r.mustFollow(1)
		r.mustStop()
		if s := r.end.Status(); s == queue.StatusRunning {
			t.Errorf(`stop was answered, but the status word of the output queue is 0, which says that entries may come; it must say why none will`)
		}
		r.mustGiveBack(r.mustDrain()...)
	}
}

func checkStopRings(t *T) {
	r := t.running(userclient.LayoutNative)
	r.gather(min(len(r.bounds), 2*t.some())) // so that nothing more is posted, or as little as can be
	for n := 0; n < 3 && !t.StaysQuiet(r.port); n++ {
		r.mustDrain() // a driver that drops, or takes its time
	}
	if r.overran() {
		return // it has stopped by itself, and rung
	}
	r.mustStop()
	ctx, cancel := t.Within(answerBound)
	defer cancel()
	if err := r.port.Wait(ctx); err != nil {
		t.Errorf("nobody rang the output port after stop (%v); the driver must ring it, so that a client that sleeps there looks at the status word", context.Cause(ctx))
	}
}

func checkSecondStop(t *T) {
	r := t.numbered()
	r.mustFollow(3)
	first, told := r.mustStopNumber()
	r.mustDrain()
	second, again, err := r.stopNumber()
	switch {
	case err != nil:
		t.Errorf("stop of a stream that is stopped was answered with %s; it must succeed", answer(err))
	case told != again:
		t.Errorf("the first stop answered %s, the second %s; both must answer the same", numberText(first, told), numberText(second, again))
	case first > second:
		t.Errorf("the first stop answered that %d is the last number given, the second %d; numbers never go back", first, second)
	case first < second && t.Claims(CapStats):
		if st := r.mustStats(); st.LastSeq < second {
			t.Errorf("the first stop answered that %d is the last number given, the second %d, and the counters say %s; nothing was given in between",
				first, second, lastText(&st))
		}
	}
}

func numberText(n uint64, told bool) string {
	if !told {
		return "no number"
	}
	return fmt.Sprint(n)
}
