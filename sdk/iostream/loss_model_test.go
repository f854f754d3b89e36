// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"encoding/binary"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"pgregory.net/rapid"
)

// lossModel drives a stream with random operations and knows which number each entry
// must have. One model lives for several sessions of one driver.
type lossModel struct {
	d       *iostream.Driver
	buffers int
	policy  iostream.Policy

	s      *iostream.Stream
	state  iostream.State
	given  uint64 // numbers given in this session
	taken  []*iostream.Buffer
	stale  []*iostream.Buffer // taken in sessions that are over
	held   []iostream.Frame
	seen   uint64 // frames received in this session
	missed uint64 // numbers that those left out
	expect uint64 // number after the last one received
}

func TestC14LossArithmetic(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.Block, iostream.DropNewest, iostream.DropOldest, iostream.Fail} {
		t.Run(policy.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				m := &lossModel{buffers: rapid.IntRange(1, 5).Draw(rt, "buffers"), policy: policy}
				d, err := iostream.NewDriver(iostream.DriverConfig{
					Name: "test/dev/stream", Buffers: m.buffers, DataSize: 64, Policy: policy,
					Backlog: rapid.IntRange(1, 3).Draw(rt, "backlog"),
				}, nil)
				if err != nil {
					rt.Fatal(err)
				}
				m.d = d
				defer func() {
					d.Close()
					<-d.Done()
				}()
				m.open(t, rt)
				rt.Repeat(map[string]func(*rapid.T){
					"": m.check, "take": m.take, "tryTake": m.tryTake, "post": m.post, "batch": m.batch, "return": m.giveBack,
					"late": m.late, "lost": m.lost, "next": m.next, "release": m.release,
					"start": m.start, "suspend": m.suspend, "stop": m.stop, "flush": m.flush, "halt": m.halt,
					"reopen": func(rt *rapid.T) { m.close(rt); m.open(t, rt) },
				})
				m.close(rt)
			})
		})
	}
}

func (m *lossModel) ok(rt *rapid.T, err error) {
	rt.Helper()
	if err != nil {
		rt.Fatal(err)
	}
}

func (m *lossModel) open(t *testing.T, rt *rapid.T) {
	conn, err := inproc.Connect(t.Context(), m.d, nil)
	m.ok(rt, err)
	m.s, err = iostream.Open(t.Context(), conn, nil)
	m.ok(rt, err)
	m.state, m.given, m.seen, m.missed, m.expect = userclient.StateOpen, 0, 0, 0, 0
}

// close ends the session in a way that shows its losses, and compares both ends.
func (m *lossModel) close(rt *rapid.T) {
	for _, b := range m.taken {
		m.postOne(rt, b)
	}
	m.taken = nil
	m.stop(rt)
	for m.nextOne(rt) {
	}
	st, cs := m.d.Stats(), m.s.Stats()
	trailing := m.given - m.expect
	if cs.Given != (m.given > 0) || cs.Given && cs.LastGiven != m.given-1 {
		rt.Fatalf("Stop said %d (%v), %d numbers were given", cs.LastGiven, cs.Given, m.given)
	}
	if st.Backlogged != 0 || st.TotalLost() != m.missed+trailing || cs.Missed != m.missed || cs.Entries != m.seen || st.Posted != m.seen {
		rt.Fatalf("the driver has posted %d, lost %v, %d in the backlog; the client has seen %d, missed %d and %d at the end",
			st.Posted, st.Lost, st.Backlogged, m.seen, m.missed, trailing)
	}
	if rapid.Bool().Draw(rt, "keep a buffer") && m.policy == iostream.Block {
		m.start(rt)
		if b, err := m.d.TryTake(); err == nil {
			m.stale = append(m.stale, b)
		}
	}
	m.ok(rt, m.s.Close())
	for _, f := range m.held { // leases end when they end
		m.ok(rt, f.Release())
	}
	m.held = nil
}

func (m *lossModel) check(rt *rapid.T) {
	st := m.d.Stats()
	if m.s == nil {
		return
	}
	given := uint64(0)
	if st.Numbered {
		given = st.LastSeq + 1
	}
	if given != m.given || given != st.Posted+st.TotalLost()+st.Backlogged {
		rt.Fatalf("%d numbers were given, the driver says %d: %d posted, lost %v, %d in the backlog",
			m.given, given, st.Posted, st.Lost, st.Backlogged)
	}
}

func (m *lossModel) take(rt *rapid.T) {
	if m.state != userclient.StateRunning || len(m.taken) >= m.buffers || m.policy == iostream.Block {
		rt.Skip("Take could wait")
	}
	b, err := m.d.Take(rt.Context())
	if err != nil && m.policy == iostream.Fail { // the stream stops
		m.given++
		m.state = userclient.StateOpen
		return
	}
	m.ok(rt, err)
	m.taken = append(m.taken, b)
}

func (m *lossModel) tryTake(*rapid.T) {
	if b, err := m.d.TryTake(); err == nil {
		m.taken = append(m.taken, b)
	}
}

func (m *lossModel) fill(b *iostream.Buffer) {
	binary.LittleEndian.PutUint64(b.Region(), m.given)
	m.given++
}

func (m *lossModel) postOne(rt *rapid.T, b *iostream.Buffer) {
	m.fill(b)
	m.ok(rt, m.d.Post(b, 8))
}

func (m *lossModel) post(rt *rapid.T) {
	if len(m.taken) == 0 {
		rt.Skip("nothing is taken")
	}
	b := m.taken[0]
	m.taken = m.taken[1:]
	m.postOne(rt, b)
}

func (m *lossModel) batch(rt *rapid.T) {
	ps := make([]iostream.Posting, len(m.taken))
	for i, b := range m.taken {
		m.fill(b)
		ps[i].Length = 8
	}
	m.ok(rt, m.d.PostBatch(m.taken, ps))
	m.taken = nil
}

func (m *lossModel) giveBack(rt *rapid.T) {
	if len(m.taken) == 0 {
		rt.Skip("nothing is taken")
	}
	m.ok(rt, m.d.Return(m.taken[0]))
	m.taken = m.taken[1:]
}

// late posts a buffer of a session that is over: it must not show in this one.
func (m *lossModel) late(rt *rapid.T) {
	if len(m.stale) == 0 {
		rt.Skip("no buffer is left from before")
	}
	m.ok(rt, m.d.Post(m.stale[0], 8))
	m.stale = m.stale[1:]
}

func (m *lossModel) lost(rt *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(rt, "n")
	m.d.Lost(n)
	if m.state == userclient.StateRunning || m.state == userclient.StateSuspended {
		m.given += uint64(n)
	}
}

func (m *lossModel) next(rt *rapid.T) { m.nextOne(rt) }

func (m *lossModel) nextOne(rt *rapid.T) bool {
	f, ok, err := m.s.TryNext()
	if err != nil || !ok { // an error says that the stream is stopped
		return false
	}
	if got := binary.LittleEndian.Uint64(f.Data()); got != f.Seq() || f.Seq()-m.expect != f.Missed() {
		rt.Fatalf("number %d, %d missed after %d, carries %d", f.Seq(), f.Missed(), m.expect, got)
	}
	if discontinuous := f.Flags()&iostream.FlagDiscontinuity != 0; discontinuous != (f.Missed() > 0) {
		rt.Fatalf("number %d, %d missed, has flags %#x", f.Seq(), f.Missed(), f.Flags())
	}
	m.seen++
	m.missed += f.Missed()
	m.expect = f.Seq() + 1
	m.held = append(m.held, f)
	return true
}

func (m *lossModel) release(rt *rapid.T) {
	n := rapid.IntRange(0, len(m.held)).Draw(rt, "frames")
	m.ok(rt, m.s.ReleaseBatch(m.held[:n]))
	m.held = m.held[n:]
}

func (m *lossModel) start(rt *rapid.T) {
	m.ok(rt, m.s.Start(rt.Context()))
	m.state = userclient.StateRunning
}

func (m *lossModel) suspend(rt *rapid.T) {
	if m.state == userclient.StateOpen {
		rt.Skip("refused by the table")
	}
	m.ok(rt, m.s.Suspend(rt.Context()))
	m.state = userclient.StateSuspended
}

func (m *lossModel) stop(rt *rapid.T) {
	m.ok(rt, m.s.Stop(rt.Context()))
	m.state = userclient.StateOpen
}

func (m *lossModel) flush(rt *rapid.T) {
	before := m.d.Stats()
	n, err := m.s.Flush(rt.Context())
	m.ok(rt, err)
	if got := m.d.Stats().Lost[userclient.LossFlushed] - before.Lost[userclient.LossFlushed]; got != uint64(n) {
		rt.Fatalf("Flush said %d, %d are counted", n, got)
	}
}

func (m *lossModel) halt(*rapid.T) {
	m.d.Halt(nil)
	m.state = userclient.StateOpen
}
