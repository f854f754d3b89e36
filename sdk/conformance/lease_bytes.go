// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"fmt"
	"maps"
	"runtime/debug"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Checks of the bytes of buffers that the client holds.

// parts are which of a buffer's regions a rule looks at.
type parts int

const (
	dataOf parts = 1 << iota
	controlOf
)

// snapshot is what the regions of one buffer held at some moment.
type snapshot struct {
	buffer        uint32
	data, control []byte
}

// snap notes what the buffers of es hold. The client has them.
func (r *rig) snap(which parts, es ...queue.Entry) map[uint32]snapshot {
	all := map[uint32]snapshot{}
	for _, e := range es {
		s := snapshot{buffer: e.Buffer}
		if which&dataOf != 0 {
			s.data = bytes.Clone(r.data[e.Buffer])
		}
		if which&controlOf != 0 {
			s.control = bytes.Clone(r.control[e.Buffer])
		}
		all[e.Buffer] = s
	}
	return all
}

// unchanged reports the first byte by which the buffers of es differ from what was
// noted. what is what has happened since.
func (r *rig) unchanged(all map[uint32]snapshot, what string, es ...queue.Entry) bool {
	for _, e := range es {
		s, ok := all[e.Buffer]
		if !ok {
			continue
		}
		for _, g := range []struct {
			name       string
			noted, now []byte
		}{{"data", s.data, r.data[e.Buffer]}, {"control", s.control, r.control[e.Buffer]}} {
			if i := firstDifference(g.noted, g.now); i >= 0 {
				r.t.Errorf("(%s queues) the client holds buffer %d; %s, byte %d of its %s region has changed from %#02x to %#02x",
					r.layout, e.Buffer, what, i, g.name, g.noted[i], g.now[i])
				return false
			}
		}
	}
	return true
}

// firstDifference returns where noted, unless it is nil, differs from now, or -1.
func firstDifference(noted, now []byte) int {
	if noted == nil || bytes.Equal(noted, now) {
		return -1
	}
	for i := range noted {
		if i >= len(now) || noted[i] != now[i] {
			return i
		}
	}
	return -1
}

// fill writes random bytes into the buffers of es, where they are the client's to write.
func (r *rig) fill(es ...queue.Entry) {
	if !r.t.Describe().Mode.ToDevice() {
		return
	}
	for _, e := range es {
		for _, b := range [][]byte{r.data[e.Buffer], r.control[e.Buffer]} {
			r.t.scatter(b)
		}
	}
}

// scatter fills b with random bytes of which none is 0, so that a cleared one shows.
func (t *T) scatter(b []byte) {
	x := t.Rand().Uint64() | 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x>>32) | 1
	}
}

// lent takes up to n entries. A buffer that comes although the client has it ends the
// rule in an error: OWN-01 is about that.
func (r *rig) lent(n int) []queue.Entry {
	es, err := r.hold(n)
	if len(es) < n && r.over() {
		r.t.abortf("the session ended after %d of %d entries: %v", len(es), n, err)
	}
	return es
}

// mustLend takes all entries that the driver gives to a client which returns none.
func (r *rig) mustLend() []queue.Entry {
	es := r.lent(len(r.bounds))
	if len(es) == 0 {
		r.t.abortf("no entry came")
	}
	return es
}

// leaseRounds is how often a rule returns some buffers and looks at the others.
const leaseRounds = 12

func checkHeldStays(t *T, which parts) {
	if !t.Describe().Mode.FromDevice() {
		t.inapplicable("the driver fills no buffers on this stream")
	}
	t.eachLayout(3, func(r *rig) {
		mine := r.mustLend()
		noted := r.snap(which, mine...)
		t.wait()
		if !r.unchanged(noted, "while the client returned none for a while", mine...) {
			return
		}
		r.turnOver(mine, func(kept, came []queue.Entry, what string) bool {
			ok := r.unchanged(noted, what, kept...)
			maps.Copy(noted, r.snap(which, came...))
			return ok
		})
	})
}

// turnOver returns some buffers of those that the client has, at random, takes as many
// as come, and hands over what was kept and what came; over and over, until look is not
// satisfied.
func (r *rig) turnOver(mine []queue.Entry, look func(kept, came []queue.Entry, what string) bool) {
	t := r.t
	least := 1 // buffers that go back in one round
	for range t.roundsOf(max(1, len(mine)/2), leaseRounds, 2) {
		if len(mine) == 0 {
			return
		}
		t.Rand().Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		n := min(len(mine), least+t.Rand().IntN(max(1, len(mine)/2)))
		back, kept := mine[:n], mine[n:]
		r.back(back...)
		came := r.lent(n)
		if len(came) < n {
			least = max(least, len(mine)/2) // it may need several at a time: LEASE-09
		}
		what := fmt.Sprintf("while others went round (%d returned, %d came)", n, len(came))
		if !look(kept, came, what) {
			return
		}
		mine = append(append([]queue.Entry(nil), kept...), came...)
	}
}

func checkWrittenStays(t *T) {
	if !t.Describe().Mode.ToDevice() {
		t.inapplicable("the client writes no buffers on this stream")
	}
	t.eachLayout(3, func(r *rig) {
		mine := r.mustLend()
		r.fill(mine...)
		noted := r.snap(dataOf|controlOf, mine...)
		t.wait()
		if !r.unchanged(noted, "after it was written, while the client sent none for a while", mine...) {
			return
		}
		r.turnOver(mine, func(kept, came []queue.Entry, what string) bool {
			ok := r.unchanged(noted, "after it was written, "+what, kept...)
			r.fill(came...)
			maps.Copy(noted, r.snap(dataOf|controlOf, came...))
			return ok
		})
	})
}

// keepsBytes checks that a pause of the stream, and what follows, changes nothing in the
// buffers that the client holds.
func (t *T) keepsBytes(name string, pause func(*link) error) {
	t.eachLayout(3, func(r *rig) {
		mine, noted := r.lendAndPause(name, pause)
		t.wait()
		if !r.unchanged(noted, "after "+name+" was answered", mine...) {
			return
		}
		n := len(mine) / 2
		kept, free := mine[n:], mine[:n]
		r.must("give buffers back", r.put(r.returning(free)...))
		r.attend(name == "stop")
		r.mustStart()
		came := r.lent(n)
		t.wait()
		if !r.unchanged(noted, fmt.Sprintf("after %s and start, and %d more entries", name, len(came)), kept...) {
			return
		}
		r.back(append(came, kept...)...)
	})
}

// lendAndPause takes what the client can get, fills it, notes it, and stops or suspends
// the stream. What came until then is noted too.
func (r *rig) lendAndPause(name string, pause func(*link) error) (mine []queue.Entry, noted map[uint32]snapshot) {
	all := dataOf | controlOf
	if r.t.Claims(CapFail) { // it may stop by itself at any moment before
		mine = r.mustHoldAndPause(name, pause)
		r.fill(mine...)
		noted = r.snap(all, mine...)
	} else {
		mine = r.mustLend()
		r.fill(mine...)
		noted = r.snap(all, mine...)
		r.must(name+" the stream", pause(r.link))
	}
	more, err := r.drain()
	r.must("read what was posted before", err)
	r.fill(more...)
	maps.Copy(noted, r.snap(all, more...))
	return append(mine, more...), noted
}

// readable runs f, which reads memory of a session that is over, and reports memory that
// is not there any more.
func (t *T) readable(what string, f func() bool) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			t.Errorf("%s, a buffer that it held and has mapped can't be read: %v", what, fault)
			ok = false
		}
	}()
	return f()
}

func checkHeldAfterEnd(t *T) {
	if t.Describe().SharedMemory {
		t.inapplicable("the description says that buffers outlive sessions")
	}
	r := t.running(t.layout())
	mine := r.mustLend()
	r.fill(mine...)
	noted := r.snap(dataOf|controlOf, mine...)
	if err := r.forge(queue.Entry{Buffer: userclient.NoBuffer}); err != nil && !r.over() {
		t.abortf("could not publish: %v", err)
	}
	if t.Claims(CapInputSync) {
		_ = r.call(userclient.SelInputSync, 0) // so that it looks at the queue
	}
	r.expose()
	if r.ended() == nil {
		t.abortf("the driver does not end the session of a client that returns a buffer which does not exist")
	}
	_ = r.Close() // the driver has ended it
	t.wait()
	what := "after the driver has ended the session"
	if !t.readable(what, func() bool { return r.unchanged(noted, what, mine...) }) {
		return
	}
	next := t.soon(t.layout())
	es := next.lent(min(len(next.bounds), t.some()))
	next.fill(es...)
	next.back(es...)
	next.lent(min(len(es), 2))
	what = "while the next client uses the stream"
	t.readable(what, func() bool { return r.unchanged(noted, what, mine...) })
}

// visits is how often others come and go.
const visits = 3

func checkVisitors(t *T) {
	r := t.running(t.layout())
	mine := r.mustLend()
	r.fill(mine...)
	noted := r.snap(dataOf|controlOf, mine...)
	for range visits {
		for _, v := range []struct {
			what  string
			visit func()
		}{
			{"an observer came and went", r.observed},
			{"another client was refused the stream and went", r.refusedOther},
			{"the client asked for what the driver tells of itself", r.asks},
		} {
			v.visit()
			if !r.unchanged(noted, "when "+v.what, mine...) {
				return
			}
		}
	}
	r.back(mine...)
	if came := r.lent(1); len(came) == 0 {
		t.Errorf("others came and went while the client held %d buffers; it returned them all, and none came again", len(mine))
	}
}

// observed lets an observer come, ask and go.
func (r *rig) observed() {
	if !r.t.Claims(CapObserve) {
		return
	}
	o := r.t.observer()
	_, err := o.observation()
	o.must("observe", err)
	o.must("hang up", o.Close())
}

// refusedOther lets another client try to open the stream.
func (r *rig) refusedOther() {
	other := r.t.link()
	other.mustChoose()
	if other.open() == nil {
		r.t.abortf("another client could open the stream that this one has open")
	}
	other.must("hang up", other.Close())
}

// asks calls what changes nothing.
func (r *rig) asks() {
	for _, q := range []struct {
		sel   uint32
		needs Capability
	}{
		{userclient.SelGetMode, ""}, {userclient.SelGetBufferCount, ""}, {userclient.SelDescribe, CapDescribe},
		{userclient.SelStats, CapStats}, {userclient.SelMemoryMap, CapMemoryMap}, {userclient.SelGetFormat, CapFormat},
		{userclient.SelCorrelate, CapCorrelate},
	} {
		if q.needs == "" || r.t.Claims(q.needs) {
			_, err := r.bytes(q.sel)
			r.must("ask the driver", err)
		}
	}
}
