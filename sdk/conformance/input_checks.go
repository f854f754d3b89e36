// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkEmptiesAfterStart(t *T) {
	for _, layout := range t.layouts() {
		r := t.running(layout)
		ctx, cancel := t.Frames(1)
		es, err := r.take(ctx, 1)
		cancel()
		if err != nil {
			t.Errorf("no empty buffer came on the output queue after start (%v layout): %v", layout, err)
			continue
		}
		more, err := r.drain()
		r.must("read the output queue", err)
		for _, e := range append(es, more...) {
			if e.DataLength != 0 || e.ControlLength != 0 {
				t.Errorf("the empty buffer %d came with %d bytes of data and %d of control; both must be 0, because the client fills it",
					e.Buffer, e.DataLength, e.ControlLength)
			}
		}
		r.must("hang up", r.Close())
	}
}

func checkFilledComeBack(t *T) {
	for _, layout := range t.layouts() {
		r := t.running(layout)
		enough := t.plenty(3*len(r.bounds) + 16)
		for n := 0; !enough(n); n++ {
			e, err := r.await()
			if err != nil {
				t.Errorf("after %d filled buffers were sent (%v layout), no empty one came any more, although the client holds none: %v; "+
					"the stream has %d buffers", n, layout, err, len(r.bounds))
				break
			}
			r.mustGiveBack(e)
		}
		r.must("hang up", r.Close())
	}
}

// span is a part of a region.
type span struct{ off, n uint32 }

// spans lists parts of a region of that size which are easy to get wrong.
func spans(size uint32) []span {
	out := []span{{0, size}, {0, 0}, {size, 0}}
	if size > 0 {
		out = append(out, span{0, 1}, span{size - 1, 1}, span{size / 2, size - size/2}, span{0, size - 1})
	}
	return out
}

func checkPartlyFilled(t *T) {
	r := t.running(t.layout())
	data, control := spans(r.bounds[0].Data), spans(r.bounds[0].Control)
	cases := max(len(data), len(control))
	for i := range cases {
		e, err := r.await()
		if err != nil {
			t.Fatalf("no empty buffer came any more: %v", err)
		}
		d := spans(r.bounds[e.Buffer].Data)[i%len(data)]
		c := spans(r.bounds[e.Buffer].Control)
		cs := c[i%len(c)]
		sent := queue.Entry{
			Buffer: e.Buffer, DataOffset: d.off, DataLength: d.n, ControlOffset: cs.off, ControlLength: cs.n,
		}
		r.must("send a buffer", r.put(sent))
		if err := r.consumed(i + 1); err != nil {
			t.Fatalf("buffer %d (data of %d bytes, control of %d) was sent with data %d+%d and control %d+%d; %v; "+
				"an entry within its buffer must be accepted", e.Buffer, r.bounds[e.Buffer].Data, r.bounds[e.Buffer].Control,
				d.off, d.n, cs.off, cs.n, err)
		}
	}
	for range len(r.bounds) {
		if _, err := r.await(); err != nil {
			t.Fatalf("after buffers with parts of every kind were sent, not all of them came back: %v", err)
		}
		if t.s.period() > 0 {
			break
		}
	}
}

// consumed returns when the driver has taken the first n entries of this session, as far
// as it lets itself be asked, or why it never will.
func (r *rig) consumed(n int) error {
	ctx, cancel := r.t.Frames(2)
	defer cancel()
	if !r.t.Claims(CapStats) {
		return nil
	}
	var st userclient.Stats
	var err error
	ok := r.t.Until(ctx, func() bool {
		st, err = r.stats()
		if err != nil || st.Returned >= uint64(n) {
			return true
		}
		r.revive()
		return false
	})
	switch {
	case r.Err() != nil:
		return fmt.Errorf("the driver ended the session: %w", r.Err())
	case err != nil:
		return fmt.Errorf("its statistics could not be read: %w", err)
	case !ok:
		return fmt.Errorf("the driver has taken %d of %d entries", st.Returned, n)
	}
	return nil
}

func checkBytesSent(t *T) {
	r := t.running(t.layout())
	sent, bytes := 0, uint64(0)
	enough := t.plenty(100)
	for !enough(sent) {
		e, err := r.await()
		if err != nil {
			t.abortf("no empty buffer came any more: %v", err)
		}
		n := uint32(t.Rand().IntN(int(r.bounds[e.Buffer].Data) + 1))
		r.must("send a buffer", r.put(queue.Entry{Buffer: e.Buffer, DataLength: n}))
		sent++
		bytes += uint64(n)
	}
	if err := r.consumed(sent); err != nil {
		t.Fatalf("%d entries were sent; %v", sent, err)
	}
	st, err := r.stats()
	r.must("read the statistics", err)
	if st.Returned != uint64(sent) || st.Bytes != bytes {
		t.Errorf("%d entries with %d bytes were sent; the driver has counted %d entries and %d bytes", sent, bytes, st.Returned, st.Bytes)
	}
}

func checkInputOverStop(t *T) {
	r := t.rig(t.layout())
	for run := range t.fewer(4) {
		r.mustStart()
		var es []queue.Entry
		for range min(2, len(r.bounds)) {
			e, err := r.await()
			if err != nil {
				t.Fatalf("after stop and start number %d, an empty buffer did not come: %v; the client had returned every buffer", run, err)
			}
			es = append(es, e)
		}
		r.mustGiveBack(es[0])
		r.mustStop()
		more, err := r.drain()
		r.must("read what was posted before the stop", err)
		r.mustGiveBack(append(es[1:], more...)...)
	}
	r.mustStart()
	seen := map[uint32]bool{}
	for range t.fewer(len(r.bounds)) {
		e, err := r.await()
		if err != nil {
			t.Fatalf("after some stops and starts, only %d of %d buffers came: %v; the client had returned every buffer", len(seen), len(r.bounds), err)
		}
		seen[e.Buffer] = true
	}
}

// sync calls input sync and returns the index.
func (r *rig) sync(ctx context.Context, token uint64) (uint32, error) {
	a := userclient.Args{Selector: userclient.SelInputSync, In: []uint64{token}, Out: make([]uint64, 1)}
	if err := r.Call(ctx, &a); err != nil {
		return 0, err
	}
	if a.NOut != 1 || a.Out[0] > math.MaxUint32 {
		return 0, fmt.Errorf("it answered %d words %v instead of one index of 32 bits", a.NOut, a.Out[:a.NOut])
	}
	return uint32(a.Out[0]), nil
}

// synced is sync on a running stream, with time for some frames, after sent entries were
// published. One that has stopped by itself is started again; then more are published,
// which synced returns too.
func (r *rig) synced(sent int, token uint64) (index uint32, published int, err error) {
	ctx, cancel := r.t.Frames(4)
	defer cancel()
	read, err := r.retried(func() (err error) {
		index, err = r.sync(ctx, token)
		return err
	})
	return index, sent + len(read), err
}

// sendSome takes some buffers and publishes them in one batch.
func (r *rig) sendSome(most int) int {
	e, err := r.await()
	if err != nil {
		r.t.abortf("no entry came: %v", err)
	}
	es := []queue.Entry{e}
	for len(es) < min(most, len(r.bounds)) && r.t.s.period() == 0 {
		more, err := r.drain()
		r.must("read the output queue", err)
		if len(more) == 0 {
			break
		}
		es = append(es, more...)
	}
	r.mustGiveBack(es...)
	return len(es)
}

// syncRounds is how often a rule syncs, because a driver that answers too early may be
// right by chance.
const syncRounds = 6

func checkSyncWaits(t *T) {
	r := t.running(t.layout())
	sent := 0
	for range syncRounds {
		var err error
		_, sent, err = r.synced(sent+r.sendSome(3), 1)
		if err != nil {
			t.Fatalf("input sync of a running stream was answered with %s; it must succeed", answer(err))
		}
		st, err := r.stats()
		r.must("read the statistics", err)
		if st.Returned < uint64(sent) {
			t.Fatalf("%d entries were published before input sync was called; it has succeeded, but the driver has taken only %d of them",
				sent, st.Returned)
		}
	}
}

func checkSyncIndex(t *T) {
	r := t.running(userclient.LayoutNative)
	sent := 0
	for range syncRounds {
		var index uint32
		var err error
		index, sent, err = r.synced(sent+r.sendSome(3), 1)
		if err != nil {
			t.Fatalf("input sync of a running stream was answered with %s; it must succeed", answer(err))
		}
		if index != uint32(sent) {
			t.Fatalf("%d entries were published since the stream was opened; input sync answered the index %d, it must be %d", sent, index, sent)
		}
	}
}

func checkTokens(t *T) {
	r := t.running(t.layout())
	r.sendSome(1)
	for _, token := range []uint64{0, 1, 0x7fffffff, 0x80000000, 0xffffffff} {
		if _, _, err := r.synced(0, token); err != nil {
			t.Errorf("input sync with the token %#x was answered with %s; it must succeed", token, answer(err))
		}
		if t.Claims(CapDoorbell) {
			r.accepted(fmt.Sprintf("the doorbell with the token %#x", token), r.call(userclient.SelDoorbell, token))
		}
	}
}

func checkDoorbellCall(t *T) {
	for _, layout := range t.layouts() {
		r := t.running(layout)
		held := []queue.Entry{}
		for len(held) < t.fewer(len(r.bounds)) { // with every buffer here, the driver has nothing else to do
			e, err := r.await()
			if err != nil {
				break // it may keep some
			}
			held = append(held, e)
			if t.Claims(CapFail) {
				break
			}
		}
		if len(held) == 0 {
			t.abortf("no entry came")
		}
		if _, err := r.end.Send(r.returning(held[:1])); err != nil { // and the bell is not rung
			t.abortf("could not publish an entry: %v", err)
		}
		if !r.accepted("the doorbell selector, called on a running stream", r.call(userclient.SelDoorbell, 1)) {
			return
		}
		if err := r.noticed(); err != nil {
			t.Errorf("an entry was published and the doorbell called instead of rung (%v layout): %v", layout, err)
		}
		r.must("hang up", r.Close())
	}
}

// noticed checks that the driver has taken the first entry of this session, by its
// counters or by what it posts then.
func (r *rig) noticed() error {
	if r.t.Claims(CapStats) {
		return r.consumed(1)
	}
	if _, err := r.await(); err != nil {
		return fmt.Errorf("nothing followed, although the driver had a buffer again: %w", err)
	}
	return nil
}

// suspended is a rig whose driver may not consume what the client has published last:
// the stream is suspended.
func (t *T) suspended() *rig {
	r := t.running(t.layout())
	e, err := r.await()
	if err != nil {
		t.abortf("no entry came: %v", err)
	}
	r.mustSuspend()
	r.mustGiveBack(e)
	return r
}

func checkSyncGivenUp(t *T) {
	r := t.suspended()
	ctx, cancel := t.Quiet()
	_, err := r.sync(ctx, 1)
	cancel()
	if errors.Is(err, errTimeUp) && !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
		t.Errorf("an input sync was given up and ended with %s; the error must say that the outcome is unknown", answer(err))
	}
	if err := r.call(userclient.SelGetMode); err != nil {
		t.Fatalf("after an input sync was given up, get mode was answered with %s; it must succeed", answer(err))
	}
	if err := r.exchange(2); err != nil {
		t.Fatalf("after an input sync was given up while the stream was suspended, the client %v", err)
	}
	if _, _, err := r.synced(0, 2); err != nil {
		t.Errorf("after an input sync was given up and the stream went on, the next one was answered with %s; it must succeed", answer(err))
	}
}

func checkStopEndsSync(t *T) {
	r := t.suspended()
	answered := make(chan error, 1)
	t.Go(func() {
		_, err := r.sync(t.Context(), 1)
		answered <- err
	})
	ctx, cancel := t.Quiet() // so that the sync is there first, if it waits
	select {
	case err := <-answered:
		answered <- err
	case <-ctx.Done():
	}
	cancel()
	if err := r.stop(); err != nil {
		t.Fatalf("stop was answered with %s while an input sync was under way; it must succeed", answer(err))
	}
	ctx, cancel = t.Within(answerBound)
	defer cancel()
	select {
	case err := <-answered:
		t.Logf("the sync was answered with %s", answer(err))
	case <-ctx.Done():
		t.Errorf("an input sync was under way when the stream was stopped; it was not answered within %v after that", t.s.scaled(answerBound))
	}
}
