// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// some is how many entries a rule reads that wants to see a stream run.
func (t *T) some() int {
	if t.s.period() > 0 {
		return 8
	}
	return 16
}

// mustDeliver ends a rule about entries that the driver fills and numbers, where the
// client fills them.
func (t *T) mustDeliver() {
	if !t.Describe().Mode.FromDevice() {
		t.inapplicable("the driver fills no entries, so it numbers none")
	}
}

// numbered is a rig that is started and whose entries carry numbers.
func (t *T) numbered() *rig {
	t.mustDeliver()
	r := t.rig(userclient.LayoutNative)
	if r.features&userclient.FeatureSequence == 0 {
		t.abortf("the driver offers sequence numbers, but granted only %s", featureText(r.features))
	}
	r.mustStart()
	return r
}

// errStopped is the error of waiting for entries that the driver says will not come.
var errStopped = errors.New("the driver has stopped the stream")

// one takes the next entry. The error is errStopped where the queue is empty and its
// status word says that nothing follows.
func (r *rig) one(ctx context.Context) (queue.Entry, error) {
	var buf [1]queue.Entry
	for {
		ended := r.end.Ended() // before the queue is looked at, so that no entry is missed
		n, err := r.end.Receive(buf[:])
		if n == 1 || err != nil {
			return buf[0], err
		}
		if ended {
			return buf[0], errStopped
		}
		ready, err := r.end.Arm(1, queue.SleepBell)
		if err == nil && !ready {
			r.askForBacklog()
			err = r.unrung(r.nap(ctx))
		}
		if err != nil {
			return buf[0], err
		}
	}
}

// askForBacklog rings a driver that keeps entries back while there are unread ones: it need not
// notice that they have been read until it is rung.
func (r *rig) askForBacklog() {
	if r.t.Claims(CapDropOldest) {
		_ = r.bell.Ring() // an error is the session's end, which the wait tells
	}
}

// unrung adds to the error of a wait that there was something to be rung for.
func (r *rig) unrung(err error) error {
	if err == nil {
		return nil
	}
	if n, lenErr := r.end.Len(); lenErr == nil && n > 0 {
		return fmt.Errorf("%w; %d entries are on the queue, but nobody rang the output port", err, n)
	}
	return err
}

// follow reads n entries as an ordinary client does: one at a time, each given back
// before the next. look, unless nil, sees each before it is given back. A stream that
// was stopped because this side was late (policy fail) is started again.
func (r *rig) follow(ctx context.Context, n int, look func(*queue.Entry)) ([]queue.Entry, error) {
	var got []queue.Entry
	for tries := 0; len(got) < n; {
		e, err := r.one(ctx)
		if r.resumed(err, &tries) {
			continue
		}
		if err != nil {
			return got, err
		}
		tries = 0
		if look != nil {
			look(&e)
		}
		got = append(got, e)
		if err := r.put(r.returning([]queue.Entry{e})...); err != nil {
			return got, fmt.Errorf("give buffer %d back: %w", e.Buffer, err)
		}
	}
	return got, nil
}

// mustFollow follows n entries, or ends the rule in an error.
func (r *rig) mustFollow(n int) []queue.Entry { return r.mustSee(n, nil) }

// mustSee is mustFollow with a look at each entry while the client has its buffer.
func (r *rig) mustSee(n int, look func(*queue.Entry)) []queue.Entry {
	ctx, cancel := r.t.Frames(n)
	defer cancel()
	es, err := r.follow(ctx, n, look)
	if err != nil {
		r.t.abortf("only %d of %d entries came: %v", len(es), n, err)
	}
	return es
}

// keep takes n entries without giving a buffer back. It returns those that came and why
// there are not more.
func (r *rig) keep(n int) ([]queue.Entry, error) {
	ctx, cancel := r.t.Frames(n)
	defer cancel()
	var got []queue.Entry
	for tries := 0; len(got) < n; {
		e, err := r.one(ctx)
		if r.resumed(err, &tries) {
			continue
		}
		if err != nil {
			return got, err
		}
		got = append(got, e)
	}
	return got, nil
}

// gather takes up to limit entries without giving a buffer back, until no more come for
// a while.
func (r *rig) gather(limit int) []queue.Entry {
	var got []queue.Entry
	for tries := 0; len(got) < limit; {
		ctx, cancel := r.t.Quiet()
		if len(got) == 0 {
			cancel()
			ctx, cancel = r.t.Frames(1)
		}
		e, err := r.one(ctx)
		cancel()
		if len(got) == 0 && r.resumed(err, &tries) {
			continue
		}
		if err != nil {
			if errors.Is(err, ioreturn.ErrProtocol) || r.Err() != nil {
				r.t.abortf("the stream broke after %d entries: %v", len(got), err)
			}
			break
		}
		got = append(got, e)
	}
	return got
}

// mustDrain takes everything that is on the output queue now.
func (r *rig) mustDrain() []queue.Entry {
	var all []queue.Entry
	for {
		es, err := r.drain()
		r.must("read the output queue", err)
		if len(es) == 0 {
			return all
		}
		all = append(all, es...)
	}
}

// mustLen returns how many entries are on the output queue.
func (r *rig) mustLen() int {
	n, err := r.end.Len()
	r.must("look at the output queue", err)
	return n
}

// mustStats asks for the counters, or ends the rule in an error.
func (l *link) mustStats() userclient.Stats {
	st, err := l.stats()
	l.must("get stats", err)
	return st
}

// stopNumber stops the stream and returns the number that the driver answers, if it
// does answer one.
func (l *link) stopNumber() (last uint64, told bool, err error) {
	w, err := l.words(userclient.SelStop)
	if err != nil || len(w) == 0 {
		return 0, false, err
	}
	return w[0], true, nil
}

// mustStopNumber stops the stream, or ends the rule in an error.
func (l *link) mustStopNumber() (last uint64, told bool) {
	last, told, err := l.stopNumber()
	l.must("stop the stream", err)
	return last, told
}

// wait waits for the length of a quiet time, or ends the rule with its context.
func (t *T) wait() {
	ctx, cancel := t.Quiet()
	defer cancel()
	<-ctx.Done()
}

// newer reports whether number b was given after a. Both are low halves of numbers that
// are less than 2^31 apart.
func newer(a, b uint32) bool { return b != a && b-a < 1<<31 }

// given is how many numbers a session has given.
func given(st *userclient.Stats) uint64 {
	if !st.Numbered {
		return 0
	}
	return st.LastSeq + 1
}
