// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"pgregory.net/rapid"
)

// whims is a module that does something else with each entry. All of it is drawn before: a
// procedure must return, and a draw need not.
type whims struct {
	todo []int  // with the next entries; those after them pass
	err  error  // of the module's own calls
	left []kept // messages that nobody finds in a queue
	q    *streams.Queue
}

func drawWhims(rt *rapid.T) whims {
	return whims{todo: rapid.SliceOfN(rapid.IntRange(0, whims_-1), 64, 64).Draw(rt, "whims")}
}

// kept is a message with where it goes on.
type kept struct {
	q *streams.Queue
	m *streams.Block
}

// The things that it does.
const (
	whimPass = iota
	whimDrop
	whimQueue
	whimKeep
	whimKeepDup
	whimPassCopy
	whimKeepCopy
	whimTwice
	whimTurn
	whims_
)

func (w *whims) module(name string) *streams.Module {
	return &streams.Module{
		Name:  name,
		Open:  func(q *streams.Queue, _ streams.OpenInfo) error { w.q = q; return nil },
		Close: func(*streams.Queue) { w.release(free); w.q = nil },
		Read:  streams.Procedures{Put: data(w.put), Service: func(*streams.Queue) {}},
		Write: streams.Procedures{Put: data(w.put), Service: func(*streams.Queue) {}},
	}
}

func (w *whims) put(q *streams.Queue, m *streams.Block) {
	twin := func(double func(*streams.Block) (*streams.Block, error)) *streams.Block {
		d, err := double(m)
		w.err = errors.Join(w.err, err)
		return d
	}
	whim := whimPass
	if len(w.todo) > 0 {
		whim, w.todo = w.todo[0], w.todo[1:]
	}
	switch whim {
	case whimPass:
		q.PutNext(m)
	case whimDrop:
		m.Free()
	case whimQueue:
		q.Putq(m)
	case whimKeep:
		w.left = append(w.left, kept{q, m})
	case whimKeepDup:
		w.left = append(w.left, kept{q, twin((*streams.Block).Dup)})
		q.PutNext(m)
	case whimPassCopy:
		q.PutNext(twin((*streams.Block).Copy))
		m.Free()
	case whimKeepCopy:
		w.left = append(w.left, kept{q, twin((*streams.Block).Copy)})
		m.Free()
	case whimTwice:
		d := twin((*streams.Block).Dup)
		q.PutNext(m)
		q.PutNext(d)
	case whimTurn:
		q.Reply(m)
	}
}

// release gives all that the module has to fn.
func (w *whims) release(fn func(*streams.Queue, *streams.Block)) {
	left := w.left
	w.left = nil // what fn lets go may come back
	for _, k := range left {
		fn(k.q, k.m)
	}
	for _, q := range []*streams.Queue{w.q, w.q.Partner()} {
		for m := q.Getq(); m != nil; m = q.Getq() {
			fn(q, m)
		}
	}
}

// passOn lets everything go on that the module has.
func (w *whims) passOn() error {
	err := w.q.Stream().Do(func(*streams.Queue) { w.release((*streams.Queue).PutNext) })
	return errors.Join(err, w.err)
}

// payloadModel drives a stream with two whimsical modules. Every number must be seen by the
// client or counted under one cause, and in the end every buffer is home.
type payloadModel struct {
	f       *flow
	buffers int
	whims   [2]whims
	pushed  int
	state   iostream.State
	given   uint64
	taken   []*iostream.Buffer
	held    []iostream.Frame
	seen    uint64
}

func TestC14PayloadModel(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.Block, iostream.DropNewest, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				m := &payloadModel{buffers: rapid.IntRange(1, 5).Draw(rt, "buffers")}
				var pushable []*streams.Module
				for i, name := range []string{"0", "1"} {
					m.whims[i] = drawWhims(rt)
					pushable = append(pushable, m.whims[i].module(name))
				}
				m.f = flowing(t, setup{
					driver: iostream.DriverConfig{Buffers: m.buffers, Policy: policy, Backlog: 1, Metadata: true}, pushable: pushable, unstarted: true,
				})
				m.state = userclient.StateOpen
				defer func() {
					m.f.end()
					for _, fr := range m.held {
						m.ok(rt, fr.Release())
					}
					m.held = nil
				}()
				rt.Repeat(map[string]func(*rapid.T){
					"": m.check, "take": m.take, "post": m.post, "next": m.next, "release": m.release,
					"start": m.start, "suspend": m.suspend, "stop": m.stop, "flush": m.flush, "halt": m.halt, "lost": m.lost,
					"push": m.push, "pop": m.pop, "letGo": m.letGo,
				})
				m.finish(rt)
			})
		})
	}
}

func (m *payloadModel) ok(rt *rapid.T, err error) {
	rt.Helper()
	if err != nil {
		rt.Fatal(err)
	}
}

func (m *payloadModel) check(rt *rapid.T) {
	st := m.f.d.Stats()
	given := uint64(0)
	if st.Numbered {
		given = st.LastSeq + 1
	}
	if given != m.given || given != st.Posted+st.TotalLost()+st.Backlogged {
		rt.Fatalf("%d numbers were given, the driver says %d: %d posted, lost %v, %d in the backlog",
			m.given, given, st.Posted, st.Lost, st.Backlogged)
	}
}

func (m *payloadModel) take(*rapid.T) {
	if b, err := m.f.d.TryTake(); err == nil {
		m.taken = append(m.taken, b)
	}
}

func (m *payloadModel) post(rt *rapid.T) {
	if len(m.taken) == 0 {
		rt.Skip("nothing is taken")
	}
	n := rapid.IntRange(1, len(m.taken)).Draw(rt, "buffers")
	ps := make([]iostream.Posting, n)
	for i, b := range m.taken[:n] {
		binary.LittleEndian.PutUint64(b.Region()[4:], m.given)
		m.given++
		ps[i] = iostream.Posting{Offset: 4, Length: 8}
	}
	m.ok(rt, m.f.d.PostBatch(m.taken[:n], ps))
	m.taken = m.taken[n:]
}

func (m *payloadModel) next(rt *rapid.T) { m.nextOne(rt) }

func (m *payloadModel) nextOne(rt *rapid.T) bool {
	fr, ok, err := m.f.s.TryNext()
	if err != nil || !ok { // an error says that the stream is stopped
		return false
	}
	if got := binary.LittleEndian.Uint64(fr.Data()); got != fr.Seq() {
		rt.Fatalf("number %d carries %d", fr.Seq(), got)
	}
	h, err := fr.Metadata()
	m.ok(rt, err)
	if h.Sequence != fr.Seq() || iostream.Flags(h.Flags) != fr.Flags() {
		rt.Fatalf("number %d, flags %#x, has the header %+v", fr.Seq(), fr.Flags(), h)
	}
	if gap := fr.Flags()&iostream.FlagDiscontinuity != 0; gap != (fr.Missed() > 0) {
		rt.Fatalf("number %d, %d missed, has flags %#x", fr.Seq(), fr.Missed(), fr.Flags())
	}
	m.seen++
	m.held = append(m.held, fr)
	return true
}

func (m *payloadModel) release(rt *rapid.T) {
	n := rapid.IntRange(0, len(m.held)).Draw(rt, "frames")
	m.ok(rt, m.f.s.ReleaseBatch(m.held[:n]))
	m.held = m.held[n:]
}

func (m *payloadModel) start(rt *rapid.T) {
	m.ok(rt, m.f.s.Start(rt.Context()))
	m.state = userclient.StateRunning
}

func (m *payloadModel) suspend(rt *rapid.T) {
	if m.f.d.State() == userclient.StateOpen {
		rt.Skip("refused by the table")
	}
	m.ok(rt, m.f.s.Suspend(rt.Context()))
}

func (m *payloadModel) stop(rt *rapid.T) {
	m.ok(rt, m.f.s.Stop(rt.Context()))
	if st := m.f.d.Stats(); st.Backlogged != 0 {
		rt.Fatalf("%d entries are in the backlog after a stop", st.Backlogged)
	}
}

func (m *payloadModel) flush(rt *rapid.T) {
	before := m.f.d.Stats()
	n, err := m.f.s.Flush(rt.Context())
	m.ok(rt, err)
	if got := m.f.d.Stats().Lost[userclient.LossFlushed] - before.Lost[userclient.LossFlushed]; got != uint64(n) {
		rt.Fatalf("Flush said %d, %d are counted", n, got)
	}
}

func (m *payloadModel) halt(*rapid.T) { m.f.d.Halt(nil) }

func (m *payloadModel) lost(rt *rapid.T) {
	before := m.f.d.Stats().Lost[userclient.LossDevice]
	m.f.d.Lost(rapid.IntRange(1, 3).Draw(rt, "n"))
	m.given += m.f.d.Stats().Lost[userclient.LossDevice] - before
}

func (m *payloadModel) push(rt *rapid.T) {
	if m.pushed == len(m.whims) {
		rt.Skip("all are there")
	}
	m.ok(rt, remote.Push(rt.Context(), m.f.s.Conn(), string(rune('0'+m.pushed))))
	m.pushed++
}

func (m *payloadModel) pop(rt *rapid.T) {
	if m.pushed == 0 {
		rt.Skip("there is none")
	}
	m.ok(rt, remote.Pop(rt.Context(), m.f.s.Conn()))
	m.pushed--
}

func (m *payloadModel) letGo(rt *rapid.T) {
	if m.pushed == 0 {
		rt.Skip("there is no module")
	}
	w := &m.whims[rapid.IntRange(0, m.pushed-1).Draw(rt, "module")]
	m.ok(rt, w.passOn())
}

// finish stops the stream in a way that shows what became of everything.
func (m *payloadModel) finish(rt *rapid.T) {
	for len(m.taken) > 0 {
		m.post(rt)
	}
	for m.pushed > 0 {
		m.pop(rt)
	}
	m.stop(rt)
	for m.nextOne(rt) {
	}
	m.check(rt)
	st, cs := m.f.d.Stats(), m.f.s.Stats()
	if st.Posted != m.seen || cs.Entries != m.seen || st.TotalLost() != m.given-m.seen {
		rt.Fatalf("of %d numbers %d were posted, %d seen, %v lost", m.given, st.Posted, m.seen, st.Lost)
	}
	m.ok(rt, m.f.s.ReleaseBatch(m.held))
	m.held = nil
	m.start(rt)
	for range m.buffers {
		b, err := m.f.d.TryTake()
		if err != nil {
			rt.Fatalf("not every buffer is home: %v", err)
		}
		m.taken = append(m.taken, b)
	}
	for _, b := range m.taken {
		m.ok(rt, m.f.d.Return(b))
	}
}
