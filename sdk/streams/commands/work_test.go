// SPDX-License-Identifier: Apache-2.0

package commands_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// wantCauses checks why contexts of functions have ended.
func (d *device) wantCauses(want ...error) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.EqualFunc(d.causes, want, errors.Is) {
		d.t.Errorf("contexts ended because of %v, want %v", d.causes, want)
	}
}

func TestStuckDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		m, dom := d.module(nil), domain(t, nil)
		stuck, other := open(t, dom, m), open(t, dom, m)
		first := started(t.Context(), stuck, cmdStuck)
		<-d.began
		callDouble(t, other, 5)
		d.end <- struct{}{}
		wantErr(t, <-first, 0)
		d.wantEnds(true, true, true)
	})
}

// TestDataPasses has data go through a stream whose function runs.
func TestDataPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		passed := 0
		base := &streams.Module{Name: "base", Write: streams.Procedures{Put: func(_ *streams.Queue, m *streams.Block) { passed++; m.Free() }}}
		h := open(t, domain(t, nil), d.module(&commands.Config{Base: base}))
		call := started(t.Context(), h, cmdWait)
		<-d.began
		data, err := h.Stream().Arena().From(streams.MData, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Stream().Put(data); err != nil || passed != 1 {
			t.Errorf("%v, %d passed", err, passed)
		}
		d.end <- struct{}{}
		wantErr(t, <-call, 0)
	})
}

func TestCloseLeavesAFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		dom := domain(t, nil)
		h := open(t, dom, d.module(nil))
		call := started(t.Context(), h, cmdStuck)
		<-d.began
		begin := time.Now()
		if err := h.Close(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("close: %v, after %v", err, time.Since(begin))
		}
		wantErr(t, <-call, streams.ENXIO)
		if u := dom.Arena().Usage(); u != (streams.Usage{}) {
			t.Errorf("closed, and in use: %+v", u)
		}
		d.wantEnds() // it runs still
		d.end <- struct{}{}
		synctest.Wait()
		d.wantEnds(false)
	})
}

func TestCloseEndsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		h := open(t, domain(t, nil), d.module(nil))
		call := started(t.Context(), h, cmdWait)
		<-d.began
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wantErr(t, <-call, streams.ENXIO)
		synctest.Wait()
		d.wantEnds(false)
		d.wantCauses(ioreturn.ErrGone)
	})
}

func TestPopAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		h := open(t, domain(t, nil), &streams.Module{Name: "driver"}, d.module(nil))
		call := started(t.Context(), h, cmdWait)
		<-d.began
		if err := h.Pop(t.Context()); err != nil {
			t.Error(err)
		}
		wantErr(t, <-call, streams.ENXIO)
	})
}

// TestNextCallEndsTheOne is a call that was given up: the next one ends its context, and
// waits for its function.
func TestNextCallEndsTheOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		h := open(t, domain(t, nil), d.module(nil))
		ctx, cancel := context.WithCancel(t.Context())
		call := started(ctx, h, cmdWait)
		<-d.began
		cancel()
		wantErr(t, <-call, streams.EINTR)
		d.wantCauses() // nobody has told the module
		callDouble(t, h, 1)
		d.wantCauses(ioreturn.ErrAborted)
		d.wantEnds(false, true, true)

		// One that doesn't look at its context: what comes behind is in time, or is not.
		_, err := h.Str(t.Context(), &head.Str{Command: cmdStuck, Wait: time.Second})
		wantErr(t, err, streams.ETIME)
		<-d.began
		for range 20 { // none of them is left waiting
			_, err = h.Str(t.Context(), &head.Str{Command: cmdDouble, Data: encode(t, number{}), Wait: time.Second})
			wantErr(t, err, streams.ETIME)
		}
		_, err = h.Str(t.Context(), &head.Str{Command: cmdUnknown})
		wantErr(t, err, streams.EINVAL) // needs no function
		later := started(t.Context(), h, cmdWait)
		synctest.Wait()
		d.end <- struct{}{}
		<-d.began
		d.end <- struct{}{}
		wantErr(t, <-later, 0)
	})
}

func TestPanicIsEIO(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		h := open(t, domain(t, nil), d.module(nil))
		for _, cmd := range []streams.Command{cmdPanic, cmdGoexit} {
			wantErr(t, <-started(t.Context(), h, cmd), streams.EIO)
		}
		d.wantEnds(false, false)
		if d.panics != 1 {
			t.Errorf("told of %d panics", d.panics)
		}
		callDouble(t, h, 1)
	})
}

func TestLimitOfFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		m, dom := d.module(&commands.Config{Running: 2}), domain(t, nil)
		third := open(t, dom, m)
		closed := open(t, dom, m)
		for _, h := range []*head.Head{closed, open(t, dom, m)} {
			started(t.Context(), h, cmdStuck)
			<-d.began
		}
		if err := closed.Close(t.Context()); err != nil { // its function counts still
			t.Error(err)
		}
		_, err := third.Str(t.Context(), &head.Str{Command: cmdDouble, Data: encode(t, number{})})
		wantErr(t, err, streams.EBUSY)
		d.end <- struct{}{}
		d.end <- struct{}{}
		synctest.Wait()
		callDouble(t, third, 1)
	})
}

// TestLinkedCallersWait has two streams whose calls a multiplexer sends down one stream:
// none of them ends the other, they wait in order, and too many are refused.
func TestLinkedCallersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		dom := domain(t, nil)
		var lower *streams.Port
		var upper *streams.Port
		mux := &streams.Module{
			Name: "mux",
			Open: func(q *streams.Queue, _ streams.OpenInfo) (err error) { upper, err = q.Port(); return err },
			Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
				if m.Type().IsIoctl() {
					if err := lower.Put(q, m); err != nil {
						t.Error(err)
					}
					return
				}
				q.PassOn(m)
			}},
			Mux: &streams.Mux{Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
				if err := upper.Put(q, m); err != nil {
					m.Free()
				}
			}}},
		}
		low := open(t, dom, d.module(nil))
		h := open(t, dom, mux) // is closed first
		p, err := h.Stream().Plumb(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		link, err := p.Link(low.Stream(), false)
		if err != nil {
			t.Fatal(err)
		}
		p.Commit(link)
		p.Release()
		lower = link.Lower()
		// The head of the upper stream gives up each call; the lower stream doesn't know.
		var calls []<-chan error
		ctx, cancel := context.WithCancel(t.Context())
		for range 18 {
			call := started(ctx, h, cmdStuck)
			calls = append(calls, call)
			synctest.Wait()
			cancel()
			<-call
			ctx, cancel = context.WithCancel(t.Context())
		}
		defer cancel()
		d.wantCauses()
		d.wantEnds()
		for range 17 {
			<-d.began
			d.end <- struct{}{}
		}
		synctest.Wait()
		if len(d.began) != 0 || len(calls) != 18 {
			t.Errorf("%d more functions have run", len(d.began))
		}
	})
}
