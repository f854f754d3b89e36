// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Checks of a driver that gives back what it is sent.

// mustEcho ends a rule on a driver whose policy may lose what is sent.
func (t *T) mustEcho() {
	if t.Claims(CapDropNewest) || t.Claims(CapDropOldest) {
		t.inapplicable("the overrun policy %v may lose what is sent", t.Describe().Policy)
	}
}

// message is what the client has sent in one buffer.
type message struct {
	e             queue.Entry // as it was sent
	data, control []byte      // what it named
}

// mail fills a whole buffer with random bytes, of which an entry sends a part.
func (r *rig) mail(id uint32, data, control span) message {
	r.t.scatter(r.data[id])
	r.t.scatter(r.control[id])
	e := queue.Entry{Buffer: id, DataOffset: data.off, DataLength: data.n, ControlOffset: control.off, ControlLength: control.n}
	return message{e: e, data: bytes.Clone(r.payload(&e)), control: bytes.Clone(r.controlPart(&e))}
}

// text names a message.
func (m *message) text() string {
	return fmt.Sprintf("%d bytes of data at %d and %d of control at %d in buffer %d",
		m.e.DataLength, m.e.DataOffset, m.e.ControlLength, m.e.ControlOffset, m.e.Buffer)
}

// sameData says what is wrong with the data of an entry that answers m, or nothing.
func (r *rig) sameData(m *message, e *queue.Entry) string {
	got := r.payload(e)
	if len(got) != len(m.data) {
		return fmt.Sprintf("%d bytes of data were sent, and %d came back", len(m.data), len(got))
	}
	if i := firstDifference(m.data, got); i >= 0 {
		return fmt.Sprintf("byte %d of the data was sent as %#02x and came back as %#02x", i, m.data[i], got[i])
	}
	return ""
}

// sameControl is sameData for the control part. Where there is a metadata header, the
// bytes behind it must be where they were.
func (r *rig) sameControl(m *message, e *queue.Entry) string {
	got := r.controlPart(e)
	if r.features&userclient.FeatureMetadata != 0 {
		got = r.control[e.Buffer][m.e.ControlOffset:][:m.e.ControlLength]
	}
	if len(got) != len(m.control) {
		return fmt.Sprintf("%d bytes of control data were sent, and %d came back", len(m.control), len(got))
	}
	if i := firstDifference(m.control, got); i >= 0 {
		return fmt.Sprintf("byte %d of the control data was sent as %#02x and came back as %#02x", i, m.control[i], got[i])
	}
	return ""
}

// echoes sends a buffer at a time, each as spans says, and hands over what comes back in
// it. Other buffers wait with the client.
func (t *T) echoes(cases int, spans func(b queue.Bound, i int) (data, control span), judge func(r *rig, m *message, e *queue.Entry) string) {
	t.eachLayout(2, func(r *rig) {
		enough := t.plenty(cases)
		var held []queue.Entry
		for i := 0; i < cases && !enough(i); i++ {
			if len(held) == 0 {
				held = append(held, r.mustNext())
			}
			id := held[0].Buffer
			data, control := spans(r.bounds[id], i)
			m := r.mail(id, data, control)
			r.must("send a buffer", r.put(m.e))
			held = held[1:]
			e := r.mustNext()
			for ; e.Buffer != id; e = r.mustNext() {
				held = append(held, e)
			}
			if problem := judge(r, &m, &e); problem != "" {
				t.Errorf("(%s queues) the client sent %s; %s", r.layout, m.text(), problem)
				return
			}
			held = append(held, e)
		}
	})
}

// sizes are the cases of DATA-06 and DATA-08: some that are easy to get wrong, then
// random ones.
func (t *T) sizes(size uint32, i int) span {
	list := append(spans(size), span{0, min(3, size)}, span{size / 3, min(5, size-size/3)})
	if i < len(list) {
		return list[i]
	}
	off, n := t.part(size, 0)
	return span{off, n}
}

// echoCases is how many sizes are tried.
const echoCases = 32

func checkEchoSizes(t *T) {
	t.mustEcho()
	t.echoes(echoCases, func(b queue.Bound, i int) (data, control span) {
		return t.sizes(b.Data, i), span{}
	}, (*rig).sameData)
}

func checkEchoControl(t *T) {
	t.mustEcho()
	header := uint32(0)
	if t.Claims(CapMetadata) {
		header = userclient.MetadataSize
	}
	t.echoes(echoCases, func(b queue.Bound, i int) (data, control span) {
		control = t.sizes(b.Control-min(header, b.Control), i)
		control.off += min(header, b.Control)
		return t.sizes(b.Data, echoCases-i), control
	}, (*rig).sameControl)
}

// whole is a whole region.
func whole(size uint32) span { return span{0, size} }

// post sends messages in one batch.
func (r *rig) post(ms []message) {
	es := make([]queue.Entry, len(ms))
	for i := range ms {
		es[i] = ms[i].e
	}
	r.must("send buffers", r.put(es...))
	r.goOn()
}

// write makes a message for each buffer of es, of random parts.
func (r *rig) write(es []queue.Entry) []message {
	ms := make([]message, len(es))
	for i, e := range es {
		off, n := r.t.part(r.bounds[e.Buffer].Data, 1)
		ms[i] = r.mail(e.Buffer, span{off, n}, span{})
	}
	return ms
}

func checkEchoOrder(t *T) {
	t.mustEcho()
	t.eachLayout(3, func(r *rig) {
		mine := r.mustLend()
		for range t.roundsOf(len(mine), 16, 2) {
			t.Rand().Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			ms := r.write(mine)
			for sent := 0; sent < len(ms); { // in batches of random size
				n := 1 + t.Rand().IntN(len(ms)-sent)
				r.post(ms[sent : sent+n])
				sent += n
			}
			came := r.lent(len(ms))
			if len(came) < len(ms) {
				t.abortf("(%s queues) %d buffers were sent, and %s", r.layout, len(ms), r.silence(len(came), len(ms)))
			}
			for i := range ms {
				if problem := r.misplaced(ms, i, &came[i]); problem != "" {
					t.Errorf("(%s queues) the client sent %d buffers one after the other, in batches; %s", r.layout, len(ms), problem)
					return
				}
			}
			mine = came
		}
	})
}

// misplaced says what is wrong with the entry that came as answer to message i, or
// nothing.
func (r *rig) misplaced(ms []message, i int, e *queue.Entry) string {
	problem := r.sameData(&ms[i], e)
	if problem == "" {
		return ""
	}
	for j := range ms {
		if j != i && r.sameData(&ms[j], e) == "" {
			return fmt.Sprintf("what was sent as number %d came back as number %d", j+1, i+1)
		}
	}
	return fmt.Sprintf("of what came back as number %d, %s", i+1, problem)
}

func checkEchoOverStop(t *T) {
	t.mustEcho()
	t.eachLayout(3, func(r *rig) {
		mine := r.mustLend()
		for range t.fewer(pauses) {
			ms := r.write(mine)
			r.post(ms)
			got := r.lent((len(ms) + 1) / 2)
			r.mustStop()
			more, err := r.drain()
			r.must("read what was posted before the stop", err)
			got = append(got, more...)
			if len(got) > len(ms) {
				t.abortf("%d buffers were sent, and %d came back", len(ms), len(got))
			}
			r.must("give buffers back", r.put(r.returning(got)...)) // empty
			r.attend(true)
			r.mustStart()
			came := r.lent(len(ms))
			if !r.continues(ms, len(got), came) {
				return
			}
			mine = came
		}
	})
}

// continues checks entries that came after a stop and a start. The first n messages came
// back before that.
func (r *rig) continues(ms []message, n int, came []queue.Entry) bool {
	from := n
	for i := range came {
		e := &came[i]
		if e.DataLength == 0 {
			continue
		}
		next := from
		for next < len(ms) && r.sameData(&ms[next], e) != "" {
			next++ // lost, which it may be
		}
		if next == len(ms) {
			r.t.Errorf("(%s queues) the client sent %d buffers, of which %d came back until the stream was stopped, and returned these empty. "+
				"After the next start an entry came with %d bytes of data in buffer %d that are not the next of those that had not come back",
				r.layout, len(ms), n, e.DataLength, e.Buffer)
			return false
		}
		from = next + 1
	}
	return true
}

func checkEchoBegins(t *T) {
	t.mustEcho()
	t.eachLayout(2, func(r *rig) {
		for i, who := range []string{"the client has sent nothing", "a client was in the middle of its data when it left; the next one has sent nothing"} {
			if i > 0 {
				r = t.running(r.layout)
			}
			mine := r.mustLend()
			for _, e := range mine {
				if e.DataLength > 0 || r.features&userclient.FeatureMetadata == 0 && e.ControlLength > 0 {
					t.Errorf("(%s queues) %s yet, and an entry came with %d bytes of data and %d of control in buffer %d; it must be empty",
						r.layout, who, e.DataLength, e.ControlLength, e.Buffer)
					break
				}
			}
			ms := make([]message, len(mine))
			for i, e := range mine {
				b := r.bounds[e.Buffer]
				ms[i] = r.mail(e.Buffer, whole(b.Data), whole(b.Control))
			}
			r.post(ms)
			r.must("hang up", r.Close())
		}
	})
}
