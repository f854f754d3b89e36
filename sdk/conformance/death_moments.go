// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// moment is a point in a client's life at which it dies.
type moment struct {
	when string // "after it had opened the stream"
	// live leads a client that has just connected there. Nobody has the stream.
	live func(l *link)
}

// lived is a client that has come to a moment of its life.
func (t *T) lived(m moment) *link {
	l := &link{Conn: t.Conn(false), t: t}
	m.live(l)
	return l
}

// linkSoon connects as soon as there is room for one more, after others have died. Ports
// are not made.
func (t *T) linkSoon(observe bool) (*link, error) {
	ctx, cancel := t.Within(deathBound)
	defer cancel()
	l := &link{t: t}
	var err error
	t.Until(ctx, func() bool {
		l.Conn, err = t.Connect(observe)
		return err == nil
	})
	return l, err
}

// earlyMoments come before the stream is opened.
func (t *T) earlyMoments() []moment {
	all := []moment{
		{"after it had connected", func(*link) {}},
		{"after it had made its ports", (*link).mustPorts},
	}
	if !t.has(CapDescribe) {
		return all
	}
	return append(all,
		moment{"after it had asked for the description", func(l *link) {
			l.mustPorts()
			_, err := l.describe()
			l.must("describe the stream", err)
		}},
		moment{"after it had selected features", func(l *link) {
			l.mustPorts()
			l.mustChoose()
		}})
}

// opened makes the way to a moment at which the client has opened the stream in a layout
// and mapped it.
func opened(layout userclient.Layout, then func(*rig)) func(*link) {
	return func(l *link) {
		l.mustPorts()
		l.must("select features", l.choose(layout))
		l.mustOpen()
		then(l.mustMap(layout))
	}
}

// idleMoments come when the client has the stream open and has not started it.
func (t *T) idleMoments(layout userclient.Layout) []moment {
	return []moment{
		{"after it had opened the stream", func(l *link) {
			l.mustPorts()
			l.must("select features", l.choose(layout))
			l.mustOpen()
		}},
		{"after it had mapped the memory", opened(layout, func(*rig) {})},
	}
}

// activeMoments come when the client has started the stream.
func (t *T) activeMoments(layout userclient.Layout) []moment {
	started := func(then func(*rig)) func(*link) {
		return opened(layout, func(r *rig) {
			r.mustStart()
			then(r)
		})
	}
	return []moment{
		{"after it had started the stream", started(func(*rig) {})},
		{"while it held every buffer that it could get", started(func(r *rig) { r.mustGather(r.most()) })},
		{"while entries lay unread on the output queue", started((*rig).mustQueue)},
		{"after it had published a buffer, and before it rang", started(func(r *rig) { r.mustSlip(r.returning(r.mustTake(1))) })},
		{"after it had published every buffer that it could get, and before it rang", started(func(r *rig) {
			r.mustSlip(r.returning(r.mustGather(r.most())))
		})},
		{"after it had stopped the stream", started((*rig).mustStop)},
		{"while the stream was suspended", started(func(r *rig) { r.mustSuspend() })},
	}
}

// openMoments come when the client has the stream open.
func (t *T) openMoments(layout userclient.Layout) []moment {
	return append(t.idleMoments(layout), t.activeMoments(layout)...)
}

// few returns all of a list, or, where the device is slow, two of it that are chosen at
// random.
func few[E any](t *T, all []E) []E {
	if len(all) <= 2 || t.fewer(3) == 3 {
		return all
	}
	t.Rand().Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:2]
}

// most is how many buffers a rule takes at the same time at most.
func (r *rig) most() int {
	if r.t.fewer(3) == 3 {
		return len(r.bounds)
	}
	return min(len(r.bounds), r.t.some())
}

// mustGather is gather where at least one entry must come.
func (r *rig) mustGather(limit int) []queue.Entry {
	es := r.gather(limit)
	if len(es) == 0 {
		r.t.abortf("no entry came")
	}
	return es
}

// mustSlip publishes entries without ringing.
func (r *rig) mustSlip(es []queue.Entry) {
	_, err := r.end.Send(es)
	r.must("publish buffers", err)
}

// heir is the client that comes after one that died: it has opened the stream and mapped
// its memory. died says what has happened: "a client died after it had connected".
func (t *T) heir(layout userclient.Layout, died string) *rig {
	r, err := t.successor(layout)
	if err != nil {
		t.Fatalf("after %s, the next client %v; it must find the driver as if nothing had happened", died, err)
	}
	return r
}
