// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// line is a driver's end that never answers. It tells of each call, by its selector, and
// whether the caller who waits for the answer makes it.
type line struct {
	t     *testing.T
	calls chan uint32
	lent  chan bool
}

// mark is in the context of a caller.
type mark struct{}

func newLine(t *testing.T) (*line, *rig) {
	l := &line{t: t, calls: make(chan uint32, 16), lent: make(chan bool, 16)}
	r := &rig{t: t, arena: streams.NewArena(nil), mine: streams.NewArena(nil)}
	r.attach(l)
	return l, r
}

func (l *line) Call(ctx context.Context, a *userclient.Args) error {
	l.calls <- a.Selector
	l.lent <- ctx.Value(mark{}) != nil
	if a.Selector == userclient.SelControlFlush {
		return nil
	}
	<-ctx.Done()
	return ioreturn.ErrOutcomeUnknown
}

// expect fails unless there was one command, by its caller or not. It is for a bubble.
func (l *line) expect(lent bool) {
	l.t.Helper()
	if got := <-l.calls; got != userclient.SelIoctl {
		l.t.Errorf("the call has selector %#x", got)
	}
	if got := <-l.lent; got != lent {
		l.t.Errorf("made by its caller: %t, want %t", got, lent)
	}
	synctest.Wait()
	for len(l.calls) > 0 {
		if got := <-l.calls; got != userclient.SelControlFlush { // by which a head answers an M_ERROR
			l.t.Errorf("one more call has selector %#x", got)
		}
		<-l.lent
	}
}

// A command that the other side does not answer ends like one of a driver in the same
// process, whatever ends it, and makes its call itself.
func TestWaitOfACallThatIsLent(t *testing.T) {
	up := func(typ streams.Type, bytes ...byte) func(r *rig, _ context.CancelFunc) {
		return func(r *rig, _ context.CancelFunc) { r.up(typ, bytes...) }
	}
	for name, c := range map[string]struct {
		wait time.Duration
		end  func(r *rig, cancel context.CancelFunc)
		want streams.Errno
	}{
		"time of its own": {3 * time.Second, nil, streams.ETIME},
		"default time":    {0, nil, streams.ETIME},
		"context":         {head.Forever, func(_ *rig, cancel context.CancelFunc) { cancel() }, streams.EINTR},
		"M_HANGUP":        {head.Forever, up(streams.MHangup), streams.ENXIO},
		"M_ERROR":         {0, up(streams.MError, byte(streams.EIO), streams.ErrorUnchanged), streams.EIO},
		"close": {head.Forever, func(r *rig, _ context.CancelFunc) {
			r.must(r.h.Close(context.Background()))
		}, streams.ENXIO},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, r := newLine(t)
				ctx, cancel := context.WithCancel(context.WithValue(t.Context(), mark{}, true))
				defer cancel()
				start := time.Now()
				if c.end != nil {
					time.AfterFunc(time.Second, func() { c.end(r, cancel) })
				}
				_, err := r.h.Str(ctx, &head.Str{Command: cmd, Wait: c.wait})
				wantErr(t, err, c.want)
				want := time.Second
				if c.end == nil {
					if want = c.wait; want == 0 {
						want = 15 * time.Second
					}
				}
				if took := time.Since(start); took != want {
					t.Errorf("it has ended after %v, want %v", took, want)
				}
				l.expect(true)
			})
		})
	}
}

// The alarm for calls that are lent is set once for many, and rings for each in its time.
func TestTimesOfCallsThatAreLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newLine(t)
		for _, wait := range []time.Duration{time.Minute, time.Second, time.Hour, 2 * time.Second, time.Millisecond} {
			start := time.Now()
			_, err := r.h.Str(context.WithValue(t.Context(), mark{}, true), &head.Str{Command: cmd, Wait: wait})
			wantErr(t, err, streams.ETIME)
			if took := time.Since(start); took != wait {
				t.Errorf("a wait of %v took %v", wait, took)
			}
			l.expect(true)
			<-time.After(wait / 3)
		}
	})
}

// A flush that comes while a call is lent follows it, and the command behind the flush does
// not overtake it.
func TestFlushBesideACallThatIsLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newLine(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		flushed := make(chan error)
		time.AfterFunc(time.Second, func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			flushed <- r.h.Flush(ctx, streams.FlushRW)
		})
		_, err := r.h.Str(ctx, &head.Str{Command: cmd, Wait: head.Forever})
		wantErr(t, err, streams.EINTR)
		wantErr(t, <-flushed, streams.ETIME)
		for _, want := range []uint32{userclient.SelIoctl, userclient.SelControlFlush, userclient.SelIoctl} {
			if got := <-l.calls; got != want {
				t.Errorf("selector %#x, want %#x", got, want)
			}
		}
	})
}

// delay is a module that keeps commands until it is told to let them go.
func delay(kept *[]*streams.Block) *streams.Module {
	return &streams.Module{Name: "delay", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		switch m.Type() {
		case streams.MIoctl:
			*kept = append(*kept, m)
		case streams.MCtl:
			m.Free()
			for _, m := range *kept {
				q.PutNext(m)
			}
			*kept = nil
		default:
			q.PutNext(m)
		}
	}}}
}

// A command that a module on this side keeps for a while is sent all the same, by the line
// itself.
func TestCommandThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{t: t, calls: make(chan uint32, 16), lent: make(chan bool, 16)}
		r := &rig{t: t, arena: streams.NewArena(nil), mine: streams.NewArena(nil)}
		var kept []*streams.Block
		r.attach(l, delay(&kept))
		r.must(r.h.Push(t.Context(), "delay"))
		time.AfterFunc(time.Second, func() {
			m, err := r.mine.Alloc(streams.MCtl, 0)
			r.must(err)
			r.must(r.h.Stream().Put(m))
		})
		_, err := r.h.Str(context.WithValue(t.Context(), mark{}, true), &head.Str{Command: cmd, Wait: 3 * time.Second})
		wantErr(t, err, streams.ETIME)
		l.expect(false)
	})
}
