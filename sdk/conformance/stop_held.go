// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
)

// holding is a running stream whose client holds what it can get.
func (t *T) holding() (*rig, []queue.Entry) {
	r := t.running(t.layout())
	es := r.gather(min(len(r.bounds), 2*t.some()))
	if len(es) == 0 {
		t.abortf("no entry came")
	}
	return r, es
}

func checkStopWhileHeld(t *T) {
	r, held := t.holding()
	if err := r.stop(); err != nil {
		t.Fatalf("stop while the client holds %d of %d buffers was answered with %s; it must succeed in time", len(held), len(r.bounds), answer(err))
	}
	r.mustGiveBack(append(held, r.mustDrain()...)...)
	r.mustStart()
	r.mustFollow(1)
}

func checkCloseWhileHeld(t *T) {
	r, held := t.holding()
	if err := r.closeStream(); err != nil {
		t.Fatalf("close while the client holds %d of %d buffers was answered with %s; it must succeed in time", len(held), len(r.bounds), answer(err))
	}
	next := t.link()
	next.mustChoose()
	if !next.accepted("open after a client closed the stream with buffers in its hands", next.open()) {
		return
	}
	n := next.mustMap(t.layout())
	n.mustStart()
	n.mustFollow(1)
}

func checkLeaseAfterClose(t *T) {
	if t.Describe().SharedMemory {
		t.inapplicable("the description says that buffers outlive sessions")
	}
	r, held := t.holding()
	if t.Describe().Mode.ToDevice() {
		for _, e := range held { // the client's to write
			for i := range r.data[e.Buffer] {
				r.data[e.Buffer][i] = byte(i*7 + int(e.Buffer) + 1)
			}
		}
	}
	copies := make([][]byte, len(held))
	for i, e := range held {
		copies[i] = bytes.Clone(r.data[e.Buffer])
	}
	compare := func(when string) bool {
		for i, e := range held {
			if !bytes.Equal(copies[i], r.data[e.Buffer]) {
				t.Errorf("the client held buffer %d when it closed the stream; %s its bytes are others", e.Buffer, when)
				return false
			}
		}
		return true
	}
	r.must("close the stream", r.closeStream())
	t.wait()
	if !compare("after close") {
		return
	}
	next := t.link()
	next.mustChoose()
	next.mustOpen()
	n := next.mustMap(t.layout())
	n.mustStart()
	n.mustFollow(min(len(n.bounds), t.some()))
	compare("while the next client uses the stream")
}
