// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// markSize is how many bytes a client writes by which its data is known.
const markSize = 16

// mark is data that nobody sends by chance.
func (t *T) mark() []byte {
	b := make([]byte, markSize)
	for i := range b {
		b[i] = byte(1 + t.Rand().IntN(255))
	}
	return b
}

func checkDeathInheritance(t *T) {
	for _, layout := range few(t, t.layouts()) {
		died := fmt.Sprintf("a client died that had published every buffer that it could get (%v layout)", layout)
		mark := t.mark()
		r := t.rig(layout)
		r.mustStart()
		es := r.mustGather(min(r.most(), t.some()))
		back := r.returning(es)
		for i := range back {
			if t.Describe().Mode.ToDevice() {
				data := r.data[back[i].Buffer]
				copy(data, mark)
				back[i].DataLength = uint32(len(data))
			}
		}
		r.mustSlip(back)
		r.drop()
		next := t.heir(layout, died)
		next.isClean(died)
		if t.Failed() {
			return
		}
		next.mustStart()
		next.mustSee(min(len(next.bounds)+1, t.fewer(t.some())), func(e *queue.Entry) { next.isNot(mark, e, died) })
		next.must("hang up", next.Close())
	}
}

// isClean checks that nothing is on the queues or in the buffers of a session that was
// just opened.
func (r *rig) isClean(died string) {
	if n, err := r.end.Len(); err != nil || n != 0 {
		r.t.Errorf("%s; the output queue of the next one has %d entries (%s) before the first start; it must be empty", died, n, answer(err))
	}
	if used := indices(r); used != "" {
		r.t.Errorf("%s; in the session of the next one %s; queues begin at 0", died, used)
	}
	if r.t.Describe().SharedMemory {
		return
	}
	for id := range r.data {
		if i := slices.IndexFunc(r.data[id], func(v byte) bool { return v != 0 }); i >= 0 {
			r.t.Errorf("%s; in the session of the next one byte %d of buffer %d is %#02x; it must be 0 until somebody fills the buffer",
				died, i, id, r.data[id][i])
			return
		}
	}
}

// isNot checks that an entry has not what a dead client has written. Data of less than a
// mark could be anything.
func (r *rig) isNot(mark []byte, e *queue.Entry, died string) {
	data := r.data[e.Buffer]
	if e.DataLength == 0 && r.t.Describe().SharedMemory || len(data) < len(mark) {
		return
	}
	if bytes.Equal(data[:len(mark)], mark) {
		r.t.Errorf("%s; the next one got an entry for buffer %d with what the dead one had written into it", died, e.Buffer)
	}
}

func checkDeathCounters(t *T) {
	const died = "a client died that had received entries"
	r := t.rig(userclient.LayoutNative)
	r.mustStart()
	r.mustFollow(t.fewer(5))
	r.drop()
	next := t.heir(userclient.LayoutNative, died)
	if t.Claims(CapStats) {
		st := next.mustStats()
		if st.Numbered || st.Posted > 0 || st.Returned > 0 || st.Bytes > 0 || st.TotalLost() > 0 {
			t.Errorf("%s; before the first start of the next one, the counters tell of %d entries posted, %d returned, %d lost and %d bytes, and %s; all must be 0",
				died, st.Posted, st.Returned, st.TotalLost(), st.Bytes, lastText(&st))
		}
	}
	next.mustStart()
	e := next.mustFollow(1)[0]
	if t.Describe().Mode.FromDevice() && next.features&userclient.FeatureSequence != 0 {
		next.explained(died+"; the first entry of the next one", e.Seq, &e)
	}
}

func checkDeathChoices(t *T) {
	fresh := map[userclient.Layout]uint64{}
	for _, layout := range t.layouts() {
		l := t.link()
		l.must("select features", l.choose(layout))
		fresh[layout] = l.features
	}
	for _, before := range t.layouts() {
		for _, layout := range t.layouts() {
			died := fmt.Sprintf("a client died that had opened the stream in the %v layout", before)
			l := t.link()
			l.must("select features", l.choose(before))
			l.mustOpen()
			l.drop()
			next := t.heir(layout, died)
			if next.features != fresh[layout] {
				t.Errorf("%s; the next one selected every feature in the %v layout and was granted %s; before, a client was granted %s",
					died, layout, featureText(next.features), featureText(fresh[layout]))
			}
			if err := next.exchange(1); err != nil {
				t.Errorf("%s; the next one selected the %v layout and %v", died, layout, err)
			}
			next.must("hang up", next.Close())
		}
	}
	if t.Claims(CapSwitch) && !t.Failed() {
		t.checkDeathModes()
	}
}

// checkDeathModes lets clients die after they have set each direction.
func (t *T) checkDeathModes() {
	t.restoreMode()
	home := t.Describe().Mode
	for m := userclient.ModeInput; m <= userclient.ModeInputOutput; m++ {
		if t.Describe().Modes&(1<<m) == 0 || m == home {
			continue
		}
		died := fmt.Sprintf("a client died that had set the direction to %v", m)
		l := t.link()
		l.reach(userclient.StateOpen)
		l.must("set mode", l.setMode(uint64(m)))
		l.drop()
		next := t.heir(t.layout(), died)
		told, err := next.mode()
		d, descErr := next.describe()
		next.must("describe the stream", descErr)
		if err != nil || told != uint64(d.Mode) {
			t.Errorf("%s; get mode answers %d to the next one (%s), and the description says %d; both must be the same", died, told, answer(err), d.Mode)
		}
		next.accepted(died+"; setting the direction back", next.setMode(uint64(home)))
		next.must("hang up", next.Close())
	}
	t.served(t.layout(), "clients have died that had set a direction")
}

func checkDeathMemory(t *T) {
	if t.Describe().SharedMemory {
		t.inapplicable("the description says that buffers outlive sessions")
	}
	const died = "a client died that held buffers"
	r, held := t.holding()
	r.drop()
	next := t.heir(t.layout(), died)
	before := r.remains(held)
	next.mustStart()
	next.mustFollow(min(len(next.bounds), t.fewer(t.some())) + 1)
	for what, b := range r.remains(held) {
		if !bytes.Equal(b, before[what]) {
			t.Errorf("%s; while the next one used the stream, the bytes of %s changed, which the dead one has mapped", died, what)
		}
	}
}

// remains copies what a client that held some buffers can still see of its session.
func (r *rig) remains(held []queue.Entry) map[string][]byte {
	all := r.buffersOf(held)
	all["its output queue"] = bytes.Clone(r.out.Ring)
	all["its input queue"] = bytes.Clone(r.in.Ring)
	all["the driver's words about its input queue"] = bytes.Clone(r.in.Reader)
	return all
}

// buffersOf copies the buffers of entries.
func (r *rig) buffersOf(held []queue.Entry) map[string][]byte {
	all := map[string][]byte{}
	for _, e := range held {
		all[fmt.Sprintf("buffer %d", e.Buffer)] = bytes.Clone(r.data[e.Buffer])
		all[fmt.Sprintf("the control region of buffer %d", e.Buffer)] = bytes.Clone(r.control[e.Buffer])
	}
	return all
}
