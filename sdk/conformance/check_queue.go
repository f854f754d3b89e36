// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math/bits"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Checks of the memory of native queues.

func checkMagic(t *T) {
	r := t.mapOnly(userclient.LayoutNative)
	for _, m := range []struct {
		what string
		b    []byte
		want uint32
	}{
		{"the ring of the output queue", r.out.Ring, queue.RingMagic},
		{"the ring of the input queue", r.in.Ring, queue.RingMagic},
		{"the client's words about the output queue", r.out.Reader, queue.ReaderMagic},
		{"the driver's words about the input queue", r.in.Reader, queue.ReaderMagic},
	} {
		if w := word(m.b, 0); w == nil {
			t.Errorf("%s: there are %d bytes, too few for a header", m.what, len(m.b))
		} else if got := w.Load(); got != m.want {
			t.Errorf("%s: word 0 is %#08x; it must be %#08x", m.what, got, m.want)
		}
	}
}

func checkGeometry(t *T) {
	r := t.mapOnly(userclient.LayoutNative)
	announced := t.Describe().RingCount
	for what, m := range map[string]queue.Memory{"the output queue": r.out, "the input queue": r.in} {
		if len(m.Ring) < queue.RingEntries || len(m.Reader) < queue.ReaderSize {
			t.Errorf("%s: the ring has %d bytes and the reader's region %d; they must have %d and %d at least",
				what, len(m.Ring), len(m.Reader), queue.RingEntries, queue.ReaderSize)
			continue
		}
		count := word(m.Ring, queue.RingCountOff).Load()
		at, size := word(m.Ring, queue.RingEntryOff).Load(), word(m.Ring, queue.RingSizeOff).Load()
		if bits.OnesCount32(count) != 1 || count > queue.MaxCount {
			t.Errorf("%s: the header says %d entries; the number must be a power of two, at most %d", what, count, queue.MaxCount)
		}
		if uint64(count) < uint64(len(r.bounds)) {
			t.Errorf("%s: the header says %d entries; there must be room for all %d buffers", what, count, len(r.bounds))
		}
		if announced != 0 && count != announced {
			t.Errorf("%s: the header says %d entries, the description %d; they must be equal", what, count, announced)
		}
		if size != queue.EntrySize {
			t.Errorf("%s: the header says that an entry has %d bytes; it must say %d", what, size, queue.EntrySize)
		}
		if at < queue.RingEntries || at%queue.EntrySize != 0 {
			t.Errorf("%s: the header says that entries begin at %d; it must be a multiple of %d, at least %d", what, at, queue.EntrySize, queue.RingEntries)
		}
		if end := uint64(at) + uint64(count)*queue.EntrySize; end > uint64(len(m.Ring)) {
			t.Errorf("%s: %d entries from offset %d on end at %d, but the mapped ring has %d bytes", what, count, at, end, len(m.Ring))
		}
	}
}

func checkFresh(t *T) {
	h := t.hand()
	pairs := func() [4]uint32 {
		return [4]uint32{
			word(h.out.Reader, queue.ReaderHeadOff).Load(), word(h.out.Ring, queue.RingTailOff).Load(),
			word(h.in.Reader, queue.ReaderHeadOff).Load(), word(h.in.Ring, queue.RingTailOff).Load(),
		}
	}
	p := pairs()
	if p[0] != p[1] {
		t.Errorf("after open the output queue has head %d and tail %d; they must be equal, for nothing is posted before start", p[0], p[1])
	}
	if p[2] != p[3] {
		t.Errorf("after open the input queue has head %d and tail %d; they must be equal, for the client has returned nothing", p[2], p[3])
	}
	quiet, cancel := t.Quiet()
	defer cancel()
	t.Until(quiet, func() bool { return pairs() != p })
	if q := pairs(); q != p {
		t.Errorf("the indices (head and tail of the output queue, then of the input queue) went from %v to %v before the stream was started; nothing may move", p, q)
	}
}

// statusIs checks the status word of the output queue. A driver that stops the stream
// when it finds no buffer may have done so.
func (h *hand) statusIs(when string, want uint32, meaning string) {
	got := word(h.out.Ring, queue.RingStatusOff).Load()
	if got == want || h.t.Claims(CapFail) && got == uint32(ioreturn.Overrun) {
		return
	}
	h.t.Errorf("%s the status word of the output queue is %#x; it must be %#x (%s)", when, got, want, meaning)
}

const notReady = uint32(ioreturn.NotReady)

func checkStatusStopped(t *T) {
	h := t.hand()
	h.statusIs("before the first start", notReady, "not ready")
	h.mustStart()
	h.mustStop()
	h.statusIs("after stop of a running stream", notReady, "not ready")
	h.mustStart()
	h.mustSuspend()
	h.mustStop()
	h.statusIs("after stop of a suspended stream", notReady, "not ready")
}

func checkStatusRunning(t *T) {
	h := t.hand()
	h.mustStart()
	h.statusIs("after the first start", queue.StatusRunning, "running")
	h.mustSuspend()
	h.statusIs("while the stream is suspended", queue.StatusRunning, "running: a suspended stream has not ended")
	h.mustStart()
	h.statusIs("after the start of a suspended stream", queue.StatusRunning, "running")
	h.mustStop()
	h.mustStart()
	h.statusIs("after the start of a stopped stream", queue.StatusRunning, "running")
}

// everyState takes the stream through its states with traffic in between, and calls look
// in each.
func (h *hand) everyState(look func(when string)) {
	n := h.t.rounds(12, 2)
	h.mustStart()
	h.mustTurn(n)
	look("while the stream was running")
	h.mustSuspend()
	look("while the stream was suspended")
	h.mustStart()
	h.mustTurn(n)
	h.mustStop()
	look("when the stream was stopped")
	h.mustStart()
	h.mustTurn(n)
	look("after the stream was started again")
}

func checkClientWords(t *T) {
	h := t.hand()
	h.keepShadow()
	names := map[*byte]string{&h.in.Ring[0]: "the input queue's ring", &h.out.Reader[0]: "the words about the output queue"}
	h.everyState(func(when string) {
		for _, b := range [][]byte{h.in.Ring, h.out.Reader} {
			for i, want := range h.shadow[&b[0]] {
				if got := word(b, 4*i).Load(); got != want {
					t.Fatalf("%s the word at offset %d of %s changed from %#x to %#x, but the client, whose memory it is, did not do that", when, 4*i, names[&b[0]], want, got)
				}
			}
		}
	})
}

func checkHeaderStays(t *T) {
	h := t.hand()
	header := func() map[string]uint32 {
		m := map[string]uint32{
			"the magic of the client's words about the output queue": word(h.out.Reader, queue.ReaderMagicOff).Load(),
			"the magic of the driver's words about the input queue":  word(h.in.Reader, queue.ReaderMagicOff).Load(),
		}
		for name, b := range map[string][]byte{"output": h.out.Ring, "input": h.in.Ring} {
			for what, off := range map[string]int{
				"magic": queue.RingMagicOff, "count": queue.RingCountOff, "entry offset": queue.RingEntryOff, "entry size": queue.RingSizeOff,
			} {
				m[fmt.Sprintf("the %s of the %s queue", what, name)] = word(b, off).Load()
			}
		}
		return m
	}
	before := header()
	h.everyState(func(when string) {
		for what, now := range header() {
			if now != before[what] {
				t.Errorf("%s %s changed from %#x to %#x", when, what, before[what], now)
			}
		}
		if t.Failed() {
			t.Fatalf("a header is written once, at open")
		}
	})
}

func checkUnusedWords(t *T) {
	l := t.link()
	d := t.Describe()
	l.must("select only the features that the driver requires", l.call(userclient.SelSelect, d.Required, uint64(userclient.LayoutNative)))
	l.mustOpen()
	h := l.mustMap(userclient.LayoutNative).byHand()
	h.mustStart()
	h.mustTurn(2)
	rng := t.Rand()
	junk := func(b []byte, from, to int) {
		for off := from; off < min(to, len(b)); off += 4 {
			h.store(b, off, rng.Uint32()|1)
		}
	}
	junk(h.in.Ring, queue.RingSizeOff+4, queue.RingTailOff)
	junk(h.in.Ring, queue.RingWakesOff+4, h.inAt)
	junk(h.out.Reader, queue.ReaderMagicOff+4, queue.ReaderHeadOff)
	junk(h.out.Reader, queue.ReaderCPUOff+4, queue.ReaderWakeOff)
	junk(h.out.Reader, queue.ReaderHowOff+4, queue.ReaderSize)
	if problem := h.turn(t.rounds(8, 2), nil); problem != "" {
		t.Fatalf("after the client had written into words of its memory that have no meaning, %s", problem)
	}
	if d.Required&userclient.FeatureSequence != 0 {
		return
	}
	n := t.rounds(8, 2)
	for i := range n {
		if !h.comes(1) {
			t.Fatalf("after the client had returned entries with random reserved words, %s", h.silence(i, n))
		}
		back := h.returning([]queue.Entry{h.read()})
		back[0].Seq, back[0].Stamp = rng.Uint32(), rng.Uint64()
		h.put(back...)
		h.nudge()
	}
	if !h.comes(1) {
		t.Fatalf("after the client had returned entries with random reserved words, %s", h.silence(n, n+1))
	}
}

func checkHints(t *T) {
	h := t.hand()
	h.mustStart()
	h.mustTurn(2)
	for _, v := range []uint32{1, 1 << 20, 0x80000000, 0xffffffff, t.Rand().Uint32()} {
		h.store(h.in.Ring, queue.RingCPUOff, v)
		h.store(h.in.Ring, queue.RingTokenOff, v)
		h.store(h.out.Reader, queue.ReaderCPUOff, v)
		if problem := h.turn(t.rounds(4, 1), nil); problem != "" {
			t.Fatalf("after the client had written %#x into its CPU words and its token, which are hints, %s", v, problem)
		}
	}
}
