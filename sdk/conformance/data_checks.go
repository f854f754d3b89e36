// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Checks of payload that is a known pattern.

// payload returns the data that an entry names.
func (r *rig) payload(e *queue.Entry) []byte {
	return r.data[e.Buffer][e.DataOffset:][:e.DataLength]
}

// entryName names an entry in messages.
func (r *rig) entryName(e *queue.Entry) string {
	number := ""
	if r.isNumbered() {
		number = fmt.Sprintf(" with number %d", e.Seq)
	}
	return fmt.Sprintf("the entry%s of %d bytes in buffer %d at %d (%s queues)", number, e.DataLength, e.Buffer, e.DataOffset, r.layout)
}

// isNumbered reports whether entries carry numbers.
func (r *rig) isNumbered() bool {
	return r.layout == userclient.LayoutNative && r.features&userclient.FeatureSequence != 0
}

// eachFrame follows some entries, and more than there are buffers if there is time, in
// each layout.
func (t *T) eachFrame(look func(r *rig, first bool, e *queue.Entry)) {
	t.eachLayout(1, func(r *rig) {
		first := true
		enough := t.plenty(3*len(r.bounds) + 64)
		for n := 0; !enough(n) && !t.Failed(); n++ {
			r.mustSee(1, func(e *queue.Entry) {
				look(r, first, e)
				first = false
			})
		}
	})
}

func checkPatternInside(t *T) {
	pattern := t.pattern()
	t.eachFrame(func(r *rig, _ bool, e *queue.Entry) {
		if problem := pattern().take(r.payload(e)); problem != "" {
			t.Errorf("the payload of %s is not the known pattern: %s", r.entryName(e), problem)
		}
	})
}

// chain follows the payload from entry to entry.
type chain struct {
	*rig
	p       pattern
	begun   bool
	seq     uint32 // of the entry before
	size    uint32 // of every frame, if even
	largest uint32
	even    bool
}

// join looks at the next entry of a run.
func (c *chain) join(e *queue.Entry) {
	frame := c.payload(e)
	if c.begun {
		c.gap(e, frame)
	} else {
		c.size, c.even, c.begun = e.DataLength, true, true
	}
	c.largest = max(c.largest, c.bounds[e.Buffer].Data)
	c.even = c.even && c.size == e.DataLength
	c.p.take(frame) // DATA-01 is about what is wrong within it
	c.seq = e.Seq
}

// gap checks what of the pattern was left out before e.
func (c *chain) gap(e *queue.Entry, frame []byte) {
	t := c.t
	lost, told := uint64(e.Seq-c.seq-1), c.isNumbered()
	if told && !newer(c.seq, e.Seq) {
		return // SEQ-03 is about that
	}
	if !told {
		lost = c.unnumberedLoss()
	}
	most := lost * uint64(c.largest)
	n, ok := c.p.skipped(frame, most)
	due := lost * uint64(c.size)
	switch {
	case ok && n == 0 && lost == 0:
	case ok && lost > 0 && (n == due || !c.exact(told)):
	case t.Claims(CapFail) && c.anew(frame): // it was started again in between
	case lost == 0:
		t.Errorf("the payload of %s does not go on where that of the entry before it ended%s; no loss is told in between, so nothing may be missing or come again",
			c.entryName(e), c.distance(frame))
	case !ok:
		t.Errorf("the payload of %s does not go on where that of the entry before it ended, also when what %d lost entries can have held is left out",
			c.entryName(e), lost)
	default:
		t.Errorf("the payload of %s leaves out %d bytes; %d entries were lost in between, and all frames have %d bytes, so it must be %d",
			c.entryName(e), n, lost, c.size, due)
	}
}

// farAway is within how many bytes a message says where a frame is.
const farAway = 1 << 40

// distance says how far behind its place a frame is, or nothing.
func (c *chain) distance(frame []byte) string {
	if n, ok := c.p.skipped(frame, farAway); ok && n > 0 {
		return fmt.Sprintf(", but %d bytes later", n)
	}
	return ""
}

// anew reports whether the pattern may have begun anew with frame. What shows it is the
// counter's first word.
func (c *chain) anew(frame []byte) bool {
	fresh := pattern(&counterPattern{known: true})
	if _, isCounter := c.p.(*counterPattern); !isCounter {
		return true
	}
	n, ok := fresh.skipped(frame, 0)
	return ok && n == 0
}

// unnumberedLoss is how many entries may have been lost where entries have no numbers.
func (c *chain) unnumberedLoss() uint64 {
	if c.t.Claims(CapStats) {
		st := c.mustStats()
		return st.TotalLost()
	}
	if c.t.Claims(CapBlock) {
		return 0
	}
	return 1 << 20
}

// exact reports whether each lost entry was a frame of the pattern, all of the same
// length: the driver has filled it, or lost it as a whole.
func (c *chain) exact(told bool) bool {
	if !told || !c.even || c.t.Claims(CapFail) || !c.t.Claims(CapStats) {
		return false
	}
	st := c.mustStats()
	return st.Lost[userclient.LossDevice]+st.Lost[userclient.LossModule]+st.Lost[userclient.LossFail] == 0
}

func checkPatternGoesOn(t *T) {
	pattern := t.pattern()
	var c *chain
	t.eachFrame(func(r *rig, first bool, e *queue.Entry) {
		if first {
			c = &chain{rig: r, p: pattern()}
		}
		c.join(e)
	})
}

// past is the payload that came before, to be told from what is new.
type past struct {
	p      pattern
	frames [][sha256.Size]byte
}

// add notes a frame.
func (o *past) add(frame []byte) {
	if o.p.tells(frame) {
		o.frames = append(o.frames, sha256.Sum256(frame))
	}
}

// knows reports whether a frame came before, other than as the very first: the pattern
// may begin anew.
func (o *past) knows(frame []byte) bool {
	return o.p.tells(frame) && slices.Index(o.frames, sha256.Sum256(frame)) > 0
}

// record follows entries until every buffer has been filled again some times.
func (r *rig) record(o *past) {
	enough := r.t.plenty(2*len(r.bounds) + 8)
	for n := 0; !enough(n); n++ {
		r.mustSee(1, func(e *queue.Entry) { o.add(r.payload(e)) })
	}
}

// isNew reports a first entry that came before, and later ones that do not go on from
// there. when is what happened in between. An entry after a loss is not judged: nobody
// knows where the pattern is then.
func (r *rig) isNew(o *past, when string) {
	c := &chain{rig: r, p: r.t.pattern()()}
	for range min(len(r.bounds)+1, r.t.some()) {
		r.mustSee(1, func(e *queue.Entry) {
			if !c.begun && o.knows(r.payload(e)) && !c.afterLoss(e) {
				r.t.Errorf("%s came with payload that the client had had already before %s", r.entryName(e), when)
			}
			c.join(e)
		})
		if r.t.Failed() {
			return
		}
	}
}

// afterLoss reports whether entries may have been lost before e.
func (c *chain) afterLoss(e *queue.Entry) bool {
	if c.isNumbered() {
		return e.Flags()&queue.FlagDiscontinuity != 0
	}
	return c.unnumberedLoss() > 0
}

func checkPatternOverStop(t *T) {
	pattern := t.pattern()
	r := t.running(t.layout())
	o := &past{p: pattern()}
	r.record(o)
	for range t.fewer(pauses) {
		r.mustStop()
		es := r.mustDrain()
		for i := range es {
			o.add(r.payload(&es[i]))
		}
		r.mustGiveBack(es...)
		r.mustStart()
		r.isNew(o, "a stop and a start")
		if t.Failed() {
			return
		}
		r.record(o)
	}
}

func checkPatternOverOpen(t *T) {
	pattern := t.pattern()
	r := t.running(t.layout())
	o := &past{p: pattern()}
	r.record(o)
	r.must("close the stream", r.closeStream())
	r.must("select features", r.choose(r.layout))
	r.mustOpen()
	again := r.mustMap(r.layout)
	again.mustStart()
	again.isNew(o, "the client closed the stream and opened it again")
	again.record(o)
	again.must("hang up", again.Close())
	if t.Failed() {
		return
	}
	next := t.running(t.layout())
	next.isNew(o, "another client opened the stream")
}

// lookRounds is how many entries a rule looks at twice.
const lookRounds = 8

func checkDataIsThere(t *T) {
	if !t.Describe().Mode.FromDevice() {
		t.inapplicable("the driver fills no buffers on this stream")
	}
	r := t.running(t.layout())
	var held []queue.Entry
	for range t.rounds(lookRounds, 3) {
		e := r.mustNext()
		data, control := bytes.Clone(r.payload(&e)), bytes.Clone(r.controlPart(&e))
		if len(held) > 0 { // so that the driver goes on
			r.sendBack(held...)
			held = nil
		}
		t.wait()
		for _, part := range []struct {
			name       string
			noted, now []byte
		}{{"data", data, r.payload(&e)}, {"control data", control, r.controlPart(&e)}} {
			if i := firstDifference(part.noted, part.now); i >= 0 {
				t.Fatalf("the client looked at %s as soon as it came, and again %v later; byte %d of its %s was %#02x at first and %#02x then",
					r.entryName(&e), t.QuietTime(), i, part.name, part.noted[i], part.now[i])
			}
		}
		if len(r.bounds) > 1 {
			held = append(held, e)
		} else {
			r.sendBack(e)
		}
	}
}

// sendBack returns buffers, with data of the client's where it may send some.
func (r *rig) sendBack(es ...queue.Entry) {
	if r.t.Describe().Mode.ToDevice() {
		r.post(r.write(es))
	} else {
		r.back(es...)
	}
}

// controlPart returns the control data that an entry names.
func (r *rig) controlPart(e *queue.Entry) []byte {
	return r.control[e.Buffer][e.ControlOffset:][:e.ControlLength]
}

// mustNext takes the next entry, of a stream that was started again if it had stopped
// because this side was late.
func (r *rig) mustNext() queue.Entry {
	e, err := r.await()
	r.must("get the next entry", err)
	return e
}
