// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// hand is a native client that moves each shared word itself, so that a rule can look
// between steps that a queue.End takes at once. It is used by one goroutine at a time.
type hand struct {
	*rig
	count, inCount uint32 // entries of the output and the input ring
	outAt, inAt    int    // where their entries begin
	head           uint32 // index of the entry to be read next
	seen           uint32 // the driver's tail when it was looked at last
	tail           uint32 // index of the entry to be returned next
	lazy           bool   // read does not publish the head
	// shadow is what the client's own memory must hold: the input ring and the words
	// about the output queue. Nil until it is asked for.
	shadow map[*byte][]uint32
}

// mapOnly is a session with its memory mapped, of which nothing was looked at yet.
func (t *T) mapOnly(layout userclient.Layout) *rig {
	l := t.link()
	l.must("select features", l.choose(layout))
	l.mustOpen()
	r := &rig{link: l, layout: layout, arenas: map[uint32][]byte{}}
	l.must("map the stream's memory", r.mapMemory())
	return r
}

// hand is an open native session, not started. Its headers are in order.
func (t *T) hand() *hand { return t.rig(userclient.LayoutNative).byHand() }

func (r *rig) byHand() *hand {
	return &hand{
		rig:   r,
		count: word(r.out.Ring, queue.RingCountOff).Load(), inCount: word(r.in.Ring, queue.RingCountOff).Load(),
		outAt: int(word(r.out.Ring, queue.RingEntryOff).Load()), inAt: int(word(r.in.Ring, queue.RingEntryOff).Load()),
		head: word(r.out.Reader, queue.ReaderHeadOff).Load(), seen: word(r.out.Ring, queue.RingTailOff).Load(),
		tail: word(r.in.Ring, queue.RingTailOff).Load(),
	}
}

// store writes one of the client's own words.
func (h *hand) store(b []byte, off int, v uint32) {
	word(b, off).Swap(v) // C4
	if s := h.shadow[&b[0]]; s != nil {
		s[off/4] = v
	}
}

// keepShadow notes what the client's memory holds now.
func (h *hand) keepShadow() {
	h.shadow = map[*byte][]uint32{}
	for _, b := range [][]byte{h.in.Ring, h.out.Reader} {
		s := make([]uint32, len(b)/4)
		for i := range s {
			s[i] = word(b, 4*i).Load()
		}
		h.shadow[&b[0]] = s
	}
}

// check takes over the driver's tail and says what is wrong with it, or nothing.
func (h *hand) check() (problem string) {
	tail := word(h.out.Ring, queue.RingTailOff).Load()
	switch {
	case tail-h.head > h.count:
		return fmt.Sprintf("the tail of the output queue is %d, but the client has read up to %d and the ring has %d entries", tail, h.head, h.count)
	case tail-h.head < h.seen-h.head:
		return fmt.Sprintf("the tail of the output queue went back from %d to %d", h.seen, tail)
	}
	h.seen = tail
	return ""
}

// waiting returns how many entries are on the output queue.
func (h *hand) waiting() int {
	if problem := h.check(); problem != "" {
		h.t.abortf("%s", problem)
	}
	return int(h.seen - h.head)
}

// entry returns what lies on the output ring at an index.
func (h *hand) entry(index uint32) queue.Entry {
	at := h.outAt + int(index&(h.count-1))*queue.EntrySize
	w := func(off int) uint32 { return word(h.out.Ring, at+off).Load() }
	return queue.Entry{
		Buffer: w(0), DataOffset: w(4), DataLength: w(8), ControlOffset: w(12), ControlLength: w(16),
		Seq: w(20), Stamp: uint64(w(24)) | uint64(w(28))<<32,
	}
}

// arm asks to be rung when after entries that were not read are there.
func (h *hand) arm(after int) {
	h.store(h.out.Reader, queue.ReaderWakeOff, h.head+uint32(after)-1)
}

// disarm takes that back.
func (h *hand) disarm() { h.store(h.out.Reader, queue.ReaderWakeOff, h.head-1) }

// until waits until n entries are on the output queue, and reports whether they came. It
// asks to be rung, and also looks without a ring, which other rules are about.
func (h *hand) until(ctx context.Context, n int) bool {
	for pause := 50 * time.Microsecond; h.waiting() < n; pause = min(2*pause, 10*time.Millisecond) {
		h.arm(n)
		if h.waiting() >= n {
			break
		}
		wait, cancel := context.WithTimeout(ctx, pause)
		_ = h.port.Wait(wait) // that it ends, with or without a ring, is all that matters
		cancel()
		if ctx.Err() != nil || h.over() {
			return h.waiting() >= n
		}
		if word(h.out.Ring, queue.RingStatusOff).Load() == uint32(ioreturn.Overrun) {
			h.goOn()
		}
	}
	return true
}

// over reports whether the session has ended.
func (l *link) over() bool {
	select {
	case <-l.Done():
		return true
	default:
		return false
	}
}

// comes waits for n entries for as long as n frames may take.
func (h *hand) comes(n int) bool {
	ctx, cancel := h.t.Frames(n)
	defer cancel()
	return h.until(ctx, n)
}

// read takes the next entry, which is there.
func (h *hand) read() queue.Entry {
	e := h.entry(h.head)
	h.head++
	if !h.lazy {
		h.tell()
	}
	return e
}

// tell publishes what was read.
func (h *hand) tell() { h.store(h.out.Reader, queue.ReaderHeadOff, h.head) }

// hold takes up to n entries, as many as come.
func (h *hand) hold(n int) []queue.Entry {
	ctx, cancel := h.t.Frames(n)
	defer cancel()
	var es []queue.Entry
	for len(es) < n && h.until(ctx, 1) {
		es = append(es, h.read())
	}
	return es
}

// put publishes entries on the input queue at once. It does not ring.
func (h *hand) put(es ...queue.Entry) {
	for i, e := range es {
		at := h.inAt + int((h.tail+uint32(i))&(h.inCount-1))*queue.EntrySize
		for j, v := range [...]uint32{
			e.Buffer, e.DataOffset, e.DataLength, e.ControlOffset, e.ControlLength,
			e.Seq, uint32(e.Stamp), uint32(e.Stamp >> 32),
		} {
			h.store(h.in.Ring, at+4*j, v)
		}
	}
	h.tail += uint32(len(es))
	h.store(h.in.Ring, queue.RingTailOff, h.tail)
}

// asked reports whether the driver wants to be rung for the last n entries that were put.
func (h *hand) asked(n int) bool {
	return h.tail-word(h.in.Reader, queue.ReaderWakeOff).Load()-1 < uint32(n)
}

// give returns buffers in one batch, and rings whether or not the driver asked for it.
func (h *hand) give(es ...queue.Entry) {
	h.put(h.returning(es)...)
	h.nudge()
}

// turn passes n entries, each given back before the next is waited for. It returns what
// went wrong, or nothing. look may be nil.
func (h *hand) turn(n int, look func(*queue.Entry)) (problem string) {
	for i := range n {
		if !h.comes(1) {
			return h.silence(i, n)
		}
		e := h.read()
		if look != nil {
			look(&e)
		}
		if !h.exists(&e) {
			h.t.abortf("an entry names buffer %d of %d", e.Buffer, len(h.bounds))
		}
		h.give(e)
	}
	return ""
}

func (r *rig) exists(e *queue.Entry) bool { return uint64(e.Buffer) < uint64(len(r.bounds)) }

// silence says that only got of want entries came. If that is because the rule's time is
// up, it ends the rule in an error.
func (l *link) silence(got, want int) string {
	if l.t.ctx.Err() != nil {
		l.t.abortf("%d of %d entries had come when the rule's time was up", got, want)
	}
	if l.over() {
		return fmt.Sprintf("the driver ended the session after %d of %d entries (%v)", got, want, l.Err())
	}
	return fmt.Sprintf("%d of %d entries came, and then no more", got, want)
}

// mustTurn is turn, or ends the rule in an error.
func (h *hand) mustTurn(n int) {
	if problem := h.turn(n, nil); problem != "" {
		h.t.abortf("%s", problem)
	}
}

// goOn starts a stream again that the driver may have stopped because this client was
// late, which is its policy. Otherwise it does nothing.
func (r *rig) goOn() {
	if !r.t.Claims(CapFail) || r.over() {
		return
	}
	if err := r.start(); err != nil && !r.over() {
		r.t.abortf("could not start the stream again: %v", err)
	}
}

// nudge tells the driver about what was returned, whether or not it asked for that, and
// goes on. A session that is over shows in what does not come.
func (r *rig) nudge() {
	_ = r.bell.Ring()
	r.goOn()
}

// back returns buffers in one batch.
func (r *rig) back(es ...queue.Entry) {
	if _, err := r.end.Send(r.returning(es)); err != nil && !r.over() {
		r.t.abortf("could not give buffers back: %v", err)
	}
	r.nudge()
}

// rounds is how often a rule repeats something that takes a frame: want times where the
// driver answers each buffer at once, and as often as there is time for, but least
// times, where the device has a frame period.
func (t *T) rounds(want, least int) int {
	p := t.s.period()
	if p <= 0 {
		return want
	}
	return min(want, max(least, min(int(4*time.Second/p), frameBudget/2)))
}

// roundsOf is rounds for something that takes several frames.
func (t *T) roundsOf(frames, want, least int) int {
	frames = max(frames, 1)
	return max(least, t.rounds(want*frames, least*frames)/frames)
}

// affords reports whether a rule has time for that many frames.
func (t *T) affords(frames int) bool {
	return frames <= frameBudget*3/4 || time.Duration(frames)*t.s.period() <= 4*time.Second
}

// laps is how many entries take a ring of that many round several times.
func (t *T) laps(count uint32) int {
	c := int(count)
	return t.rounds(max(3*c, min(40*c, 1000)), min(c+1, frameBudget/2))
}

// hush takes away the rings that come within a time, and reports whether there were any.
func (t *T) hush(p userclient.Port, d time.Duration) (rung bool) {
	ctx, cancel := t.Within(d)
	defer cancel()
	return p.Wait(ctx) == nil
}

// hushWindow is how long a ring may take that was sent before an answer or an entry
// which has arrived.
const hushWindow = 2 * time.Millisecond
