// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkWildEventIndex(t *T) {
	values := []uint32{0, math.MaxUint32, 1 << 31, 1<<31 - 1, t.Rand().Uint32(), t.Rand().Uint32()}
	n := 0
	spoil := func(r *rig) {
		v := values[n%len(values)]
		n++
		word(r.out.Reader, queue.ReaderWakeOff).Swap(v)
		word(r.out.Reader, queue.ReaderHowOff).Swap(v)
	}
	t.attacks(userclient.LayoutNative, []attack{{
		"the client wrote rubbish into its event index and into the word that says how it sleeps",
		func(r *rig, _ queue.Entry) error {
			spoil(r)
			return nil
		},
	}}, func(r *rig, own queue.Entry, what string) {
		if !r.endures(what, own, func() { spoil(r) }) {
			return
		}
		word(r.out.Reader, queue.ReaderHowOff).Swap(uint32(queue.SleepBell))
		for range 2 {
			e, err := r.await()
			if err != nil {
				t.Errorf("%s, and then armed properly again; it was not woken: %v", what, err)
				return
			}
			r.mustGiveBack(e)
		}
	})
}

func checkWildHints(t *T) {
	spoil := func(r *rig) {
		for _, off := range []int{queue.RingTokenOff, queue.RingCPUOff, queue.RingStatusOff, queue.RingWakesOff} {
			word(r.in.Ring, off).Swap(t.wild32())
		}
		word(r.out.Reader, queue.ReaderCPUOff).Swap(t.wild32())
	}
	t.attacks(userclient.LayoutNative, []attack{{
		"the client wrote rubbish into the words for token, CPU and status",
		func(r *rig, _ queue.Entry) error {
			spoil(r)
			return nil
		},
	}}, func(r *rig, own queue.Entry, what string) {
		r.poke()
		if !r.endures(what, own, func() { spoil(r) }) && !t.Failed() {
			t.Errorf("%s; the driver ended the session: %v; these words may hold anything, and the stream must go on", what, r.Err())
		}
	})
}

// targets are the words of the queues that the client can write, without the entries.
func (r *rig) targets() []*atomic.Uint32 {
	var out []*atomic.Uint32
	add := func(b []byte, offs ...int) {
		for _, off := range offs {
			out = append(out, word(b, off))
		}
	}
	if r.layout == userclient.LayoutClassic {
		for _, b := range [][]byte{r.in.Ring, r.out.Ring} {
			add(b, queue.ClassicCountOff, queue.ClassicHeadOff, queue.ClassicTailOff, 12)
		}
		return out
	}
	add(r.in.Ring, queue.RingMagicOff, queue.RingCountOff, queue.RingEntryOff, queue.RingSizeOff, queue.RingTailOff,
		queue.RingCPUOff, queue.RingTokenOff, queue.RingStatusOff, queue.RingWakesOff)
	add(r.out.Reader, queue.ReaderMagicOff, queue.ReaderHeadOff, queue.ReaderCPUOff, queue.ReaderWakeOff, queue.ReaderHowOff)
	return out
}

// randomWords is how many words a client overwrites at random.
const randomWords = 300

func checkRandomWords(t *T) {
	for _, layout := range t.layouts() {
		after := fmt.Sprintf("random words in the queues (%v layout)", layout)
		for range t.fewer(4) {
			r := t.rig(layout)
			for off := queue.RingEntries; off+4 <= len(r.in.Ring); off += 4 {
				word(r.in.Ring, off).Store(t.wild32()) // entries, which the driver has not looked at yet
			}
			r.mustStart()
			r.scribble()
			if err := r.call(userclient.SelGetMode); err != nil && r.Err() == nil {
				t.Fatalf("after %s, get mode was answered with %s; the driver must answer it or end the session", after, answer(err))
			}
			_ = r.Close() // the session may be broken on both sides
			if !t.served(layout, after) {
				return
			}
		}
	}
}

// scribble overwrites words until the session is over or there were enough.
func (r *rig) scribble() {
	targets := r.targets()
	rng := r.t.Rand()
	for range randomWords {
		w := targets[rng.IntN(len(targets))]
		v := r.t.wild32()
		if rng.IntN(3) == 0 {
			v = w.Load() + uint32(rng.IntN(9)) - 4
		}
		w.Swap(v)
		if rng.IntN(4) == 0 {
			_, _ = r.drain() // it may find the queue broken by the client's own words
		}
		if r.bell.Ring() != nil {
			return
		}
	}
	r.poke()
}

// changeFrames is how many buffers a client sends and goes on to change.
const changeFrames = 24

func checkPayloadChanges(t *T) {
	if !t.Describe().Mode.ToDevice() {
		t.inapplicable("the client sends nothing on this stream")
	}
	quiet := raceBuild() && t.Describe().Buffers.Kind == userclient.MemHeap
	if quiet {
		t.Logf("driver and client share a program that was built with the race detector, which would stop it: " +
			"buffers were sent, but not changed; run without -race for that")
	}
	for _, layout := range t.layouts() {
		what := fmt.Sprintf("the client went on to change buffers that it had sent (%v layout)", layout)
		r, own := t.outlaw(layout, "")
		send := func(e queue.Entry) error { // full, whatever the direction
			return r.put(queue.Entry{Buffer: e.Buffer, DataLength: r.bounds[e.Buffer].Data})
		}
		r.must("send a buffer", send(own))
		sent, n := map[uint32]bool{own.Buffer: true}, uint32(0)
		flip := func() { // the first words of what the driver has, again and again
			for id := range sent {
				if quiet {
					break
				}
				for off := 0; off+4 <= min(len(r.data[id]), 16); off += 4 {
					n++
					word(r.data[id], off).Swap(n * 0x9e3779b1)
				}
			}
		}
		for i := 0; i < changeFrames && r.Err() == nil && (i < 2 || t.s.period() == 0); i++ {
			e, err := r.spinFor(flip)
			if err == nil {
				sent[e.Buffer] = true
				err = send(e)
			}
			if err != nil {
				if r.Err() == nil {
					t.Errorf("%s; the driver then neither went on nor ended the session: %v", what, err)
				}
				break
			}
		}
		_ = r.Close() // the session may be over
		t.served(layout, what)
	}
}

// spinFor takes the next entry and does something again and again until it is there.
func (r *rig) spinFor(do func()) (queue.Entry, error) {
	ctx, cancel := r.t.Frames(2)
	defer cancel()
	var buf [1]queue.Entry
	for {
		for range 500 {
			do()
			if n, err := r.end.Receive(buf[:]); n == 1 || err != nil {
				return buf[0], err
			}
		}
		// Let virtual time pass, and others run.
		nap, cancel := r.t.Within(time.Millisecond)
		err := r.port.Wait(nap)
		cancel()
		r.revive()
		if ctx.Err() != nil {
			return buf[0], fmt.Errorf("nothing came: %w", ctx.Err())
		}
		if err != nil && r.Err() != nil {
			return buf[0], r.Err()
		}
	}
}

const (
	floodRings = 20000
	floodCalls = 40
)

func checkRingFlood(t *T) {
	for _, layout := range t.layouts() {
		r, own := t.outlaw(layout, "")
		what := fmt.Sprintf("the client rang the doorbell %d times (%v layout)", floodRings, layout)
		for range floodRings {
			if err := r.bell.Ring(); err != nil {
				t.Fatalf("%s; the driver ended the session: %v; rings may be merged, but not punished", what, err)
			}
		}
		if t.Claims(CapDoorbell) {
			what += fmt.Sprintf(" and called it %d times", floodCalls)
			for i := range floodCalls {
				if err := r.call(userclient.SelDoorbell, uint64(i)); err != nil {
					t.Fatalf("%s; call %d was answered with %s; it must succeed", what, i+1, answer(err))
				}
			}
		}
		if !r.endures(what, own, func() {}) && !t.Failed() {
			t.Errorf("%s; the driver ended the session: %v; it must go on", what, r.Err())
		}
		r.must("hang up", r.Close())
	}
}

func checkDeadWeight(t *T) {
	r := t.running(t.layout())
	ctx, cancel := t.Quiet() // until the driver has filled what it can
	<-ctx.Done()
	cancel()
	other := t.link()
	other.mustChoose()
	if err := other.open(); err == nil || !held(err) {
		t.Errorf("while a client left every entry unread, the open of a second one was answered with %s; it must be refused as %s",
			answer(err), codeText(ioreturn.ExclusiveAccess))
	}
	if t.Claims(CapObserve) {
		if _, err := t.observer().observation(); err != nil {
			t.Errorf("while a client left every entry unread, an observer was answered with %s", answer(err))
		}
	}
	if err := r.stop(); err != nil {
		t.Errorf("stop by a client that has read nothing was answered with %s; it must succeed", answer(err))
	}
	if err := r.closeStream(); err != nil {
		t.Errorf("close by a client that has read nothing was answered with %s; it must succeed", answer(err))
	}
	t.served(t.layout(), "a client that read nothing and returned nothing")
}

// wreck breaks a rule without waiting for anything from the driver.
func (r *rig) wreck() {
	if r.layout == userclient.LayoutClassic {
		word(r.in.Ring, queue.ClassicHeadOff).Swap(math.MaxUint32)
		word(r.in.Ring, queue.ClassicTailOff).Swap(math.MaxUint32)
	} else {
		index := r.inputIndex()
		index.Swap(index.Load() + 1<<30)
	}
	r.poke()
	r.expose()
}

func checkOthersUnharmed(t *T) {
	r, _ := t.outlaw(t.layout(), "")
	waiting := t.link()
	waiting.mustChoose()
	var o *link
	if t.Claims(CapObserve) {
		o = t.observer()
	}
	r.wreck()
	r.mustBeOver("the client moved its index of the input queue far away")
	what := "after the session of a client that broke a rule was ended, "
	if err := waiting.openSoon(); err != nil {
		t.Errorf("%sa client that was connected already %v", what, err)
	}
	if o == nil {
		return
	}
	if obs, err := o.observation(); err != nil {
		t.Errorf("%san observer that was connected already was answered with %s", what, answer(err))
	} else if obs.State != userclient.StateOpen && !t.Failed() {
		t.Errorf("%sand another client had opened the stream, an observer was told that it is %s", what, obs.State)
	}
}

// outlaws is how many clients in a row break a rule.
const outlaws = 24

func checkManyOutlaws(t *T) {
	for n := range outlaws {
		r, err := t.successor(t.layout())
		if err == nil {
			err = r.start()
		}
		if err != nil {
			t.Fatalf("after %d clients had broken rules, the next one %v; it must find the driver as if nothing had happened", n, err)
		}
		r.wreck()
		if err := r.ended(); err == nil {
			t.abortf("the session of a client that broke a rule was not ended")
		}
		_ = r.Close() // it is over
	}
	t.served(t.layout(), fmt.Sprintf("%d clients that broke rules", outlaws))
}
